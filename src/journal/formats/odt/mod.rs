//! OpenDocument text (`.odt`, template `.ott`, flat `.fodt`) and OpenOffice's first format (`.sxw`): a zip with the text
//! in `content.xml`, or all of it as one XML file.
//!
//! In: the text, list marks, tables (a row is a line), text boxes, notes (below the paragraph that they belong to). Left
//! out: comments, deletions that are kept as tracked changes, pictures, headers and footers, tables of contents, hidden
//! text.

mod styles;

use std::path::PathBuf;

use crate::journal::format::{Format, Input, Options, Sink};
use crate::journal::source::archive::Archive;
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::office::page::{LeftOut, Page, Paragraph, check_length};
use crate::journal::syntax::office::xml::{Element, Node, Xml};
use styles::Styles;

/// OpenDocument text.
pub struct Odt;

impl Format for Odt {
    fn name(&self) -> &'static str {
        "OpenDocument"
    }

    fn is(&self, input: &Input) -> bool {
        match input.extension().as_str() {
            "odt" | "ott" | "sxw" => input.head_bytes().starts_with(b"PK\x03\x04"),
            "fodt" | "xml" => {
                input.head().contains("opendocument:xmlns:office")
                    && input.head().contains("opendocument.text")
            }
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut reader = Reader::default();
        let outcome = match input.head_bytes().starts_with(b"PK\x03\x04") {
            true => read_zip(input, &mut reader),
            false => reader.read(input),
        };
        reader.left_out.report(sink);
        split_by_dates(&reader.page.text, 1, input, options, sink);
        outcome
    }
}

fn read_zip(input: &Input, reader: &mut Reader) -> Result<(), String> {
    let mut archive = Archive::open(input)?;
    let manifest = archive.read("META-INF/manifest.xml")?.unwrap_or_default();
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        return Err("encrypted with a password: open it in LibreOffice and save it without one".to_string());
    }
    let members = archive.members();
    let mut part = |name: &str| match members.iter().find(|member| member.name == name) {
        None => Ok(None),
        Some(member) if member.refused.is_some() => Err(member.refused.clone().unwrap_or_default()),
        Some(member) => archive.input(member.index, PathBuf::from(name)).map(Some),
    };
    if let Some(styles) = part("styles.xml")? {
        // What is damaged in it only costs marks and blank lines.
        let _ = reader.read(&styles);
    }
    let content = part("content.xml")?.ok_or("no OpenDocument text: it holds no content.xml")?;
    reader.read(&content)
}

/// A list that is open.
#[derive(Debug, Default)]
struct List {
    style: String,
    /// The number of the last item.
    number: Option<u32>,
    /// The item's first paragraph is still to come.
    due: bool,
}

/// The most spaces that one `text:s` is read as.
const MOST_SPACES: usize = 256;

#[derive(Default)]
struct Reader {
    styles: Styles,
    left_out: LeftOut,
    page: Page,
    /// The paragraph, and below it those that its text boxes and notes interrupt.
    open: Vec<Paragraph>,
    /// Lists in one another, and the last list's count by its style, for one that goes on.
    lists: Vec<List>,
    last_list: Option<(String, u32)>,
    /// In so many elements that are passed over.
    skipping: usize,
    in_changes: bool,
    in_body: bool,
    in_header: bool,
    /// The frames that are open, and whether what they show is counted.
    frames: Vec<bool>,
    /// The last character of text was white space: more of it adds nothing.
    spaced: bool,
    /// How much has been written.
    written: usize,
}

impl Reader {
    fn read(&mut self, part: &Input) -> Result<(), String> {
        let outcome = Xml::open(part)?.each(|node| {
            self.node(node);
            check_length(self.written)
        });
        while !self.open.is_empty() {
            self.close_paragraph();
        }
        outcome
    }

    fn node(&mut self, node: Node) {
        match node {
            Node::Open(element) if self.skipping > 0 => {
                self.skipping += 1;
                if self.in_changes && element.name == "text:deletion" {
                    self.left_out.one("deleted revisions");
                }
            }
            Node::Close(_) if self.skipping > 0 => {
                self.skipping -= 1;
                self.in_changes &= self.skipping > 0;
            }
            Node::Open(element) if self.in_body => self.element(&element),
            Node::Open(element) => self.outside(&element),
            Node::Close("office:body") => self.in_body = false,
            Node::Close("style:header" | "style:footer" | "style:header-left" | "style:footer-left") => {
                self.in_header = false;
            }
            Node::Close(name) if self.in_body => self.close(name),
            Node::Close(_) => {}
            Node::Text(text) if self.in_body && self.skipping == 0 => self.characters(&text),
            Node::Text(text) if self.in_header && self.skipping == 0 && !text.trim().is_empty() => {
                self.left_out.one("headers and footers");
                self.in_header = false;
            }
            Node::Text(_) => {}
        }
    }

    /// Styles, and the headers and footers that belong to pages' styles.
    fn outside(&mut self, element: &Element) {
        match element.name {
            "office:body" => self.in_body = true,
            "style:header" | "style:footer" | "style:header-left" | "style:footer-left" => {
                self.in_header = true
            }
            "office:binary-data" | "office:meta" | "office:settings" | "office:scripts" => self.skipping = 1,
            _ => self.styles.open(element),
        }
    }

    fn element(&mut self, element: &Element) {
        match element.name {
            "text:p" | "text:h" => self.open_paragraph(element),
            "text:s" => self.put(&" ".repeat(element.number("c").unwrap_or(1).min(MOST_SPACES))),
            "text:tab" | "text:tab-stop" => self.put("\t"),
            "text:line-break" => self.put("\n"),
            "text:list" | "text:ordered-list" | "text:unordered-list" => self.open_list(element),
            "text:list-item" => self.open_item(element),
            "table:table-row" => self.page.open_row(self.open.is_empty()),
            "office:annotation" => self.leave("comments"),
            "text:tracked-changes" => (self.in_changes, self.skipping) = (true, 1),
            "text:table-of-content"
            | "text:alphabetical-index"
            | "text:illustration-index"
            | "text:table-index"
            | "text:user-index"
            | "text:object-index" => self.leave("tables of contents"),
            "text:hidden-text" | "text:hidden-paragraph" => self.leave("hidden text"),
            "text:section" if element.get("display").as_deref() == Some("none") => self.leave("hidden text"),
            "draw:frame" => self.frames.push(false),
            "draw:image" => self.picture("photo links"),
            "draw:object" | "draw:object-ole" | "draw:plugin" | "draw:applet" => self.picture("embeds"),
            "text:note-citation"
            | "text:footnote-citation"
            | "text:endnote-citation"
            | "text:ruby-text"
            | "office:binary-data"
            | "office:forms"
            | "office:scripts"
            | "office:event-listeners"
            | "svg-compatible:title"
            | "svg-compatible:desc"
            | "svg:title"
            | "svg:desc" => self.skipping = 1,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "text:p" | "text:h" => self.close_paragraph(),
            "text:list" | "text:ordered-list" | "text:unordered-list" => {
                if let Some(list) = self.lists.pop().filter(|_| self.lists.is_empty()) {
                    self.last_list = list.number.map(|number| (list.style, number));
                }
            }
            "table:table-cell" => self.page.close_cell(self.open.is_empty()),
            "table:table-row" => self.page.close_row(self.open.is_empty()),
            "draw:frame" => drop(self.frames.pop()),
            _ => {}
        }
    }

    fn open_paragraph(&mut self, element: &Element) {
        let spacing = self.styles.spacing(&element.get("style-name").unwrap_or_default());
        let due =
            self.open.is_empty() && self.lists.last_mut().is_some_and(|list| std::mem::take(&mut list.due));
        let mark = if due { self.mark() } else { String::new() };
        self.open.push(Paragraph { mark, spacing, ..Paragraph::default() });
        self.spaced = true;
    }

    fn mark(&self) -> String {
        let numbers: Vec<u32> = self.lists.iter().map(|list| list.number.unwrap_or(1)).collect();
        self.styles.mark(self.lists.last().map_or("", |list| list.style.as_str()), &numbers)
    }

    fn close_paragraph(&mut self) {
        let Some(mut paragraph) = self.open.pop() else { return };
        if std::mem::take(&mut self.spaced) && paragraph.text.ends_with(' ') {
            paragraph.text.pop();
        }
        if paragraph.text.trim().is_empty() {
            paragraph.mark.clear();
        }
        match self.open.first_mut() {
            Some(outermost) => outermost.boxes.push(paragraph.mark + &paragraph.text),
            None => self.page.add(paragraph),
        }
    }

    /// A list in a list has its style, where it names none of its own.
    fn open_list(&mut self, element: &Element) {
        let above = self.lists.last().map(|list| list.style.clone());
        let style = element.get("style-name").or(above).unwrap_or_default();
        let goes_on = element.get("continue-numbering").as_deref() == Some("true")
            || element.get("continue-list").is_some();
        let before = self.last_list.as_ref().filter(|(last, _)| goes_on && *last == style);
        let number = before.filter(|_| self.lists.is_empty()).map(|(_, number)| *number);
        self.lists.push(List { style, number, due: false });
    }

    fn open_item(&mut self, element: &Element) {
        let level = self.lists.len();
        let Some(list) = self.lists.last_mut() else { return };
        let next = list
            .number
            .map_or_else(|| self.styles.start(&list.style, level), |number| number.saturating_add(1));
        list.number = Some(element.number("start-value").unwrap_or(next));
        list.due = true;
    }

    /// A frame is counted once, however many ways of showing it are there.
    fn picture(&mut self, what: &'static str) {
        let counted = self.frames.last_mut().is_some_and(|counted| std::mem::replace(counted, true));
        if !counted {
            self.left_out.one(what);
        }
        self.skipping = 1;
        self.rob();
    }

    fn leave(&mut self, what: &'static str) {
        self.left_out.one(what);
        self.skipping = 1;
        self.rob();
    }

    fn rob(&mut self) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.robbed = true;
        }
    }

    /// White space runs together, and none stands at a paragraph's beginning.
    fn characters(&mut self, text: &str) {
        let Some(paragraph) = self.open.last_mut() else { return };
        self.written += text.len();
        for c in text.chars() {
            let white = matches!(c, ' ' | '\t' | '\n' | '\r');
            match (white, self.spaced) {
                (true, true) => {}
                (true, false) => paragraph.text.push(' '),
                (false, _) => paragraph.text.push(c),
            }
            self.spaced = white;
        }
    }

    fn put(&mut self, text: &str) {
        self.spaced = false;
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
            self.written += text.len();
        }
    }
}

#[cfg(test)]
mod tests;
