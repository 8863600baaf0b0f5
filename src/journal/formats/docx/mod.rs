//! Word since 2007 (`.docx`, with macros `.docm`, templates `.dotx`), and what Google Docs, Pages and LibreOffice save as
//! such: a zip with the text in `word/document.xml`.
//!
//! In: the text, list marks, tables (a row is a line), text boxes, footnotes and endnotes (below the paragraph that they
//! belong to), what was inserted while changes were tracked. Left out: what was deleted then, comments, pictures, headers
//! and footers, tables of contents, hidden text. The dates in `core.xml` are the file's and not the writing's.

mod parts;
mod styles;

use std::collections::HashMap;

use crate::journal::format::{Format, Input, Options, Sink};
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::office::page::{LeftOut, Page, Paragraph, check_length};
use crate::journal::syntax::office::symbols::Symbols;
use crate::journal::syntax::office::xml::{Element, Node, Xml};
use parts::Parts;
use styles::{Lists, Look, Styles};

/// Word since 2007.
pub struct Docx;

impl Format for Docx {
    fn name(&self) -> &'static str {
        "Word"
    }

    fn is(&self, input: &Input) -> bool {
        let extension = input.extension();
        let named = matches!(extension.as_str(), "docx" | "docm" | "dotx" | "dotm");
        // Some apps write a zip and call it .doc.
        (named || matches!(extension.as_str(), "doc" | "dot"))
            && input.head_bytes().starts_with(b"PK\x03\x04")
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut parts = Parts::open(input)?;
        let main = parts.document()?;
        let mut reader = Reader::default();
        let beside = reader.read_beside(&mut parts);
        let outcome = reader.read(&main).and(beside);
        reader.left_out.report(sink);
        if reader.inserted && reader.page.text.trim().is_empty() {
            return Err(
                "its text is HTML put into a Word file: open it in Word and save it again".to_string()
            );
        }
        split_by_dates(&reader.page.text, 1, input, options, sink);
        outcome
    }
}

/// A field whose end has not come.
#[derive(Debug, Default)]
struct Field {
    instruction: String,
    /// Its result has begun.
    result: bool,
    left: bool,
}

#[derive(Default)]
struct Reader {
    styles: Styles,
    lists: Lists,
    left_out: LeftOut,
    page: Page,
    /// The paragraph, and below it those that its text boxes interrupt, each with its properties.
    open: Vec<(Paragraph, Look)>,
    /// What stood in a paragraph whose mark was deleted: it goes on in the next.
    carried: String,
    fields: Vec<Field>,
    /// The choices between ways of saying the same that are open: what had been written when each began.
    choices: Vec<usize>,
    written: usize,
    /// In so many elements that are passed over.
    skipping: usize,
    in_properties: bool,
    merges: bool,
    in_text: bool,
    in_instruction: bool,
    /// Another document was put in, which Word reads when it opens this one.
    inserted: bool,
    hidden: bool,
    symbols: Option<Symbols>,
    notes: HashMap<(char, String), Vec<String>>,
    note: Option<(char, String)>,
}

impl Reader {
    fn read(&mut self, part: &Input) -> Result<(), String> {
        let outcome = Xml::open(part)?.each(|node| {
            self.node(node);
            check_length(self.written)
        });
        self.close_all();
        outcome
    }

    /// What a damaged document leaves open comes in too.
    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close_paragraph();
        }
        if !self.carried.is_empty() {
            let text = std::mem::take(&mut self.carried);
            self.page.add(Paragraph { text, ..Paragraph::default() });
        }
    }

    /// Styles, lists and notes; headers and footers are counted.
    fn read_beside(&mut self, parts: &mut Parts) -> Result<(), String> {
        if let Some(input) = parts.beside("styles")? {
            self.styles = Styles::read(Xml::open(&input)?);
        }
        if let Some(input) = parts.beside("numbering")? {
            self.lists = Lists::read(Xml::open(&input)?);
        }
        for (kind, element) in [("footnotes", "w:footnote"), ("endnotes", "w:endnote")] {
            if let Some(input) = parts.beside(kind)? {
                self.read_notes(&input, element)?;
            }
        }
        (0..parts.headers_and_footers()).for_each(|_| self.left_out.one("headers and footers"));
        Ok(())
    }

    /// Notes are kept until the text refers to them; those that say what divides notes from the text are no notes.
    fn read_notes(&mut self, part: &Input, element: &str) -> Result<(), String> {
        let kind = if element == "w:footnote" { 'f' } else { 'e' };
        let mut inner = Reader::default();
        let outcome = Xml::open(part)?.each(|node| {
            match node {
                Node::Open(note) if note.name == element => {
                    let usual = note.get("type").is_none_or(|kind| kind == "normal");
                    inner.note = usual.then(|| (kind, note.get("id").unwrap_or_default()));
                }
                Node::Close(name) if name == element => inner.note = None,
                node if inner.note.is_some() => inner.node(node),
                _ => {}
            }
            Ok(())
        });
        inner.close_all();
        self.notes.extend(inner.notes);
        self.left_out.add(inner.left_out);
        outcome
    }

    fn node(&mut self, node: Node) {
        match node {
            Node::Open(_) if self.skipping > 0 => self.skipping += 1,
            Node::Close(_) if self.skipping > 0 => self.skipping -= 1,
            Node::Open(element) if self.in_properties => self.property(&element),
            Node::Open(element) => self.element(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) if self.skipping == 0 => self.characters(&text),
            Node::Text(_) => {}
        }
    }

    fn element(&mut self, element: &Element) {
        match element.name {
            "w:p" => {
                let text = self.carry();
                self.open.push((Paragraph { text, ..Paragraph::default() }, Look::default()));
            }
            "w:pPr" => (self.in_properties, self.merges) = (true, false),
            "w:r" => (self.hidden, self.symbols) = (false, None),
            "w:t" | "m:t" => self.in_text = true,
            "w:tab" | "w:ptab" => self.put("\t"),
            "w:br" | "w:cr" => self.put("\n"),
            "w:noBreakHyphen" => self.put("\u{2011}"),
            "w:sym" => self.symbol(element),
            "w:vanish" => self.hidden = element.is_on(),
            "w:rFonts" => self.symbols = element.get("ascii").as_deref().and_then(Symbols::named),
            "w:del" | "w:moveFrom" => self.leave("deleted revisions"),
            "w:pPrChange" | "w:rPrChange" | "w:sectPr" | "w:tblPr" | "w:sdtPr" | "w:rt" | "w:delText" => {
                self.skipping = 1
            }
            "w:commentReference" => self.left_out.one("comments"),
            "pic:pic" | "v:imagedata" => self.leave("photo links"),
            "w:altChunk" => {
                self.inserted = true;
                self.leave("embeds");
            }
            "w:subDoc" | ":relIds" | ":chart" => self.leave("embeds"),
            "w:fldSimple" => {
                let instruction = element.get("instr").unwrap_or_default();
                self.fields.push(Field { instruction, ..Field::default() });
                self.begin_result();
            }
            "w:fldChar" => match element.get("fldCharType").as_deref() {
                Some("begin") => self.fields.push(Field::default()),
                Some("separate") => self.begin_result(),
                _ => drop(self.fields.pop()),
            },
            "w:instrText" => self.in_instruction = true,
            "w:footnoteReference" => self.note('f', element),
            "w:endnoteReference" => self.note('e', element),
            "w:tr" => self.page.open_row(self.open.is_empty()),
            "mc:AlternateContent" => self.choices.push(self.written),
            "mc:Fallback" if self.choices.last().is_some_and(|before| *before < self.written) => {
                self.skipping = 1;
            }
            _ => {}
        }
    }

    /// In a paragraph's properties.
    fn property(&mut self, element: &Element) {
        match element.name {
            "w:del" | "w:moveFrom" => self.merges = true,
            "w:pPrChange" | "w:rPrChange" | "w:sectPr" => self.skipping = 1,
            _ => {
                if let Some((_, look)) = self.open.last_mut() {
                    look.property(element);
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "w:p" => self.close_paragraph(),
            "w:pPr" => self.in_properties = false,
            "w:t" | "m:t" => self.in_text = false,
            "w:instrText" => self.in_instruction = false,
            "w:fldSimple" => drop(self.fields.pop()),
            "w:tc" => self.page.close_cell(self.open.is_empty()),
            "w:tr" => self.page.close_row(self.open.is_empty()),
            "mc:AlternateContent" => drop(self.choices.pop()),
            _ => {}
        }
    }

    fn carry(&mut self) -> String {
        if self.open.is_empty() { std::mem::take(&mut self.carried) } else { String::new() }
    }

    fn close_paragraph(&mut self) {
        let Some((mut paragraph, look)) = self.open.pop() else { return };
        let merges = std::mem::take(&mut self.merges);
        // A field whose instruction never ends would swallow all that follows.
        if self.open.is_empty() {
            self.fields.retain(|field| field.result);
        }
        if merges && self.open.is_empty() && paragraph.boxes.is_empty() && self.note.is_none() {
            self.carried = paragraph.text;
            return;
        }
        let look = self.styles.whole(look);
        paragraph.spacing = (&look).into();
        if !paragraph.text.trim().is_empty() {
            paragraph.mark = self.lists.mark(&look);
        }
        let outer = match (&self.note, self.open.first_mut()) {
            (_, Some((outermost, _))) => &mut outermost.boxes,
            (Some(note), None) => self.notes.entry(note.clone()).or_default(),
            (None, None) => return self.page.add(paragraph),
        };
        // A note begins with a space behind its number.
        let text = paragraph.text.trim_start_matches(' ');
        outer.push(format!("{}{text}", paragraph.mark));
        outer.extend(paragraph.boxes);
    }

    fn note(&mut self, kind: char, element: &Element) {
        let id = element.get("id").unwrap_or_default();
        let note = self.notes.remove(&(kind, id)).unwrap_or_default();
        if let Some((outermost, _)) = self.open.first_mut() {
            outermost.boxes.extend(note);
        }
    }

    fn begin_result(&mut self) {
        let Some(field) = self.fields.last_mut() else { return };
        field.result = true;
        if field.instruction.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("toc")) {
            field.left = true;
            self.left_out.one("tables of contents");
        }
    }

    /// Passes over an element and counts it.
    fn leave(&mut self, what: &'static str) {
        self.skipping = 1;
        self.written += 1;
        self.left_out.one(what);
        if let Some((paragraph, _)) = self.open.last_mut() {
            paragraph.robbed = true;
        }
    }

    fn characters(&mut self, text: &str) {
        if self.in_instruction {
            if let Some(field) = self.fields.last_mut().filter(|field| field.instruction.len() < 256) {
                field.instruction.push_str(text);
            }
        } else if self.in_text {
            match self.symbols {
                Some(symbols) if text.chars().all(|c| matches!(c, '\u{f000}'..='\u{f0ff}')) => {
                    text.chars().for_each(|c| self.sign(Some(symbols), u32::from(c)));
                }
                _ => self.put(text),
            }
        }
    }

    fn symbol(&mut self, element: &Element) {
        let code = element.get("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
        self.sign(element.get("font").as_deref().and_then(Symbols::named), code.unwrap_or(0xF000));
    }

    fn sign(&mut self, symbols: Option<Symbols>, code: u32) {
        match symbols.unwrap_or(Symbols::Other).sign(code) {
            Some(sign) => self.put(sign.encode_utf8(&mut [0; 4])),
            None => self.left_out.one("symbols"),
        }
    }

    fn put(&mut self, text: &str) {
        let in_instruction = self.fields.iter().any(|field| !field.result);
        let in_contents = self.fields.iter().any(|field| field.left);
        let Some((paragraph, _)) = self.open.last_mut() else { return };
        if in_instruction || in_contents {
            paragraph.robbed = true;
        } else if self.hidden {
            paragraph.robbed = true;
            self.left_out.one("hidden text");
        } else {
            paragraph.text.push_str(text);
            self.written += text.len();
        }
    }
}

#[cfg(test)]
mod tests;
