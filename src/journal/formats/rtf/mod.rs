//! Rich Text: Word, WordPad, TextEdit (`.rtf`, and the `TXT.rtf` in an `.rtfd` folder), many a `.doc`.
//!
//! In: the text, the marks of lists, footnotes, text boxes, the results of fields. Left out: pictures, objects, comments,
//! deleted revisions, hidden text, headers and footers, tables of contents, fonts, styles and the rest of the app's own.

mod body;
mod characters;
mod codes;
mod tokens;

use encoding_rs::Encoding;

use crate::journal::format::{Format, Input, Options, Place, Sink};
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::office::page::check_length;
use crate::journal::syntax::office::symbols::Symbols;
use body::Body;
use codes::{Fonts, Page as CodePage, of_number, sign_of_word};
use tokens::{Token, Tokens};

/// Rich Text.
pub struct Rtf;

impl Format for Rtf {
    fn name(&self) -> &'static str {
        "Rich Text"
    }

    fn is(&self, input: &Input) -> bool {
        input.head_bytes().trim_ascii_start().starts_with(b"{\\rtf")
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut reader = Reader::default();
        let outcome = reader.read(Tokens(input.reader()));
        if let Some(page) = reader.unknown_page {
            let problem =
                format!("written in code page {page}, which is not known here: read as Western European");
            sink.trouble(Place::Line(1), problem);
        }
        reader.body.left_out.report(sink);
        split_by_dates(&reader.body.page.text, 1, input, options, sink);
        outcome
    }
}

/// Deeper than any app nests its groups.
const MOST_GROUPS: usize = 1 << 20;

/// Where the text of a group goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Target {
    #[default]
    Text,
    Nowhere,
    /// To nowhere, but for the `\ud` in it.
    Twice,
    Fonts,
    Instruction,
    Mark,
}

/// What is due when a group closes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Due {
    #[default]
    Nothing,
    Instruction,
    Box,
    Picture,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    target: Target,
    due: Due,
    /// Stand-ins that follow each `\u`.
    stand_ins: u32,
    font: i32,
    hidden: bool,
    deleted: bool,
    /// The level of the list, and whether paragraphs stand in a table.
    level: usize,
    in_table: bool,
    /// In a field: its result is not the writer's text, or stands already.
    no_result: bool,
}

struct Reader {
    body: Body,
    fonts: Fonts,
    /// The groups that are open; the first is the file.
    groups: Vec<Group>,
    default_font: i32,
    default_page: CodePage,
    unknown_page: Option<u32>,
    /// Bytes of text not decoded yet, and what they are written in.
    pending: Vec<u8>,
    encoding: &'static Encoding,
    high_surrogate: Option<u32>,
    /// Stand-ins still to be passed over.
    skip: u32,
    /// `\*` has just been read: a word that is not known sends its group away.
    starred: bool,
    instruction: String,
    /// How much has been written, in bytes.
    written: usize,
    after_picture: bool,
}

impl Default for Reader {
    fn default() -> Reader {
        let group = Group {
            target: Target::Text,
            due: Due::Nothing,
            stand_ins: 1,
            font: 0,
            hidden: false,
            deleted: false,
            level: 0,
            in_table: false,
            no_result: false,
        };
        Reader {
            body: Body::new(),
            fonts: Fonts::default(),
            groups: vec![group],
            default_font: 0,
            default_page: of_number(1252),
            unknown_page: None,
            pending: Vec::new(),
            encoding: encoding_rs::WINDOWS_1252,
            high_surrogate: None,
            skip: 0,
            starred: false,
            instruction: String::new(),
            written: 0,
            after_picture: false,
        }
    }
}

impl Reader {
    fn read(&mut self, mut tokens: Tokens) -> Result<(), String> {
        let (mut whole, mut outcome) = (false, Ok(()));
        while outcome.is_ok() {
            match tokens.next() {
                Ok(Some(token)) => outcome = self.token(token),
                Ok(None) => break,
                Err(e) => outcome = Err(e),
            }
            whole |= self.groups.len() == 1;
        }
        self.flush();
        let level = self.group().level;
        self.body.end(level);
        if !whole && outcome.is_ok() {
            return Err("it breaks off before its end: look for a whole copy".to_string());
        }
        outcome
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the first group never closes")
    }

    fn token(&mut self, token: Token) -> Result<(), String> {
        match token {
            Token::Open => return self.open(),
            Token::Close => self.close(),
            Token::Byte(byte) if self.is_text() => self.byte(byte),
            Token::Word(word, Some(number)) if word == "u" => self.unicode(number),
            Token::Word(word, number) if self.is_text() => {
                self.flush();
                let starred = std::mem::take(&mut self.starred);
                self.obey(&word, number, starred);
            }
            Token::Sign(sign) if self.is_text() => self.sign(sign),
            Token::Damaged if self.is_text() => self.body.left_out.one("damaged characters"),
            Token::Binary => drop(self.is_text()),
            // A stand-in for a character that `\u` has given.
            _ => {}
        }
        check_length(self.written + self.pending.len())
    }

    /// False for what stands in for a character that `\u` has given.
    fn is_text(&mut self) -> bool {
        let stands_in = self.skip > 0;
        self.skip = self.skip.saturating_sub(1);
        !stands_in
    }

    fn open(&mut self) -> Result<(), String> {
        self.flush();
        (self.skip, self.starred) = (0, false);
        if self.groups.len() > MOST_GROUPS {
            return Err("damaged: more than a million groups in one another".to_string());
        }
        let group = Group { due: Due::Nothing, no_result: false, ..*self.group() };
        self.groups.push(group);
        Ok(())
    }

    fn close(&mut self) {
        self.flush();
        (self.skip, self.starred) = (0, false);
        // A brace too many: the file goes on nevertheless.
        if self.groups.len() == 1 {
            return;
        }
        let group = self.groups.pop().expect("more than one");
        match group.due {
            Due::Nothing => {}
            Due::Picture => self.after_picture = true,
            Due::Instruction => self.close_instruction(),
            Due::Box => self.body.close_box(group.level),
        }
    }

    /// A field's instruction is read: a table of contents is the app's, a symbol is written here and now.
    fn close_instruction(&mut self) {
        let instruction = std::mem::take(&mut self.instruction);
        let mut words = instruction.split_whitespace();
        match words.next().map(str::to_uppercase).as_deref() {
            Some("TOC") => {
                self.body.leave("tables of contents");
                self.group().no_result = true;
            }
            Some("SYMBOL") => {
                let code = words.next().and_then(|code| code.parse().ok()).unwrap_or(0);
                let font = instruction.split('"').nth(1).and_then(Symbols::named);
                self.group().no_result = true;
                self.symbol(font.unwrap_or(Symbols::Other), code);
            }
            _ => {}
        }
    }

    fn sign(&mut self, sign: u8) {
        match sign {
            b'\\' | b'{' | b'}' | b':' => self.byte(sign),
            b'*' => self.starred = true,
            b'~' => self.character('\u{a0}'),
            b'_' => self.character('\u{2011}'),
            b'\t' => self.character('\t'),
            b'\n' => self.new_paragraph(),
            _ => {}
        }
    }

    fn obey(&mut self, word: &str, number: Option<i64>, starred: bool) {
        let on = number != Some(0);
        let value = number.unwrap_or(0).clamp(-1 << 30, 1 << 30) as i32;
        match (self.group().target, word) {
            (Target::Fonts, _) if starred => self.group().target = Target::Nowhere,
            (Target::Fonts, _) => self.fonts.word(word, value),
            (Target::Twice, "ud") => self.group().target = Target::Text,
            (Target::Nowhere | Target::Twice, _) => {}
            (_, "uc") => self.group().stand_ins = value.clamp(0, 16) as u32,
            (_, "f") => self.group().font = value,
            (_, "ansi") => self.default_page = of_number(1252),
            (_, "mac") => self.default_page = of_number(10000),
            (_, "pc") => self.default_page = of_number(437),
            (_, "pca") => self.default_page = of_number(850),
            (_, "ansicpg") if value > 0 => self.default_page = of_number(value.unsigned_abs()),
            (_, "deff") => (self.default_font, self.group().font) = (value, value),
            (_, "plain") => {
                let font = self.default_font;
                let group = self.group();
                (group.font, group.hidden, group.deleted) = (font, false, false);
            }
            (_, "v") => self.turn(on, |group| &mut group.hidden, "hidden text"),
            (_, "deleted" | "mvf") => self.turn(on, |group| &mut group.deleted, "deleted revisions"),
            (Target::Text, _) if self.layout(word, value) => {}
            _ => match sign_of_word(word) {
                Some(sign) => self.character(sign),
                None => self.destination(word, starred),
            },
        }
    }

    fn turn(&mut self, on: bool, which: fn(&mut Group) -> &mut bool, what: &'static str) {
        if on && self.is_shown() && self.group().target == Target::Text {
            self.body.leave(what);
        }
        *which(self.group()) = on;
    }

    fn is_shown(&mut self) -> bool {
        let group = self.group();
        !group.hidden && !group.deleted
    }

    /// What makes paragraphs, cells and rows; false where the word is no such.
    fn layout(&mut self, word: &str, value: i32) -> bool {
        let level = self.group().level;
        match word {
            "par" | "sect" => self.new_paragraph(),
            "line" | "lbr" | "page" | "column" | "nestrow" => self.character('\n'),
            "nestcell" => self.character('\t'),
            "cell" => self.body.end_cell(level),
            "row" => self.body.end_row(level),
            "intbl" => self.group().in_table = true,
            "ilvl" => self.group().level = value.clamp(0, 8) as usize,
            "sb" => self.body.spacing().above = value,
            "sa" => self.body.spacing().below = value,
            "contextualspace" => self.body.spacing().contextual = true,
            "s" => self.body.spacing().style = value.to_string(),
            "pard" => {
                let group = self.group();
                (group.level, group.in_table) = (0, false);
                *self.body.spacing() = Default::default();
            }
            _ => return false,
        }
        true
    }

    fn new_paragraph(&mut self) {
        self.flush();
        let Group { target, level, in_table, .. } = *self.group();
        if target == Target::Text && self.is_shown() {
            self.body.new_paragraph(level, in_table);
        }
    }

    /// A word that sends what follows in its group elsewhere.
    fn destination(&mut self, word: &str, starred: bool) {
        // The first group is the file: no word sends all of it away.
        if self.groups.len() < 2 {
            return;
        }
        let field = self.groups[self.groups.len() - 2];
        let group = self.groups.last_mut().expect("two at least");
        match word {
            "fonttbl" => group.target = Target::Fonts,
            "upr" => group.target = Target::Twice,
            "listtext" | "pntext" => {
                group.target = Target::Mark;
                self.body.paragraph().mark.clear();
            }
            "fldinst" => (group.target, group.due) = (Target::Instruction, Due::Instruction),
            "fldrslt" if field.no_result => {
                group.target = Target::Nowhere;
                self.body.paragraph().robbed = true;
            }
            "footnote" | "shptxt" | "dptxbxtext" => {
                group.due = Due::Box;
                self.body.open_box();
            }
            "NeXTGraphic" => {
                (group.target, group.due) = (Target::Nowhere, Due::Picture);
                self.body.leave("photo links");
            }
            // Starred, and the way to text nevertheless.
            "fldrslt" | "shpinst" | "do" | "shppict" | "nesttableprops" => {}
            _ => {
                let counted = counted(word);
                if starred || counted.is_some() || is_the_apps(word) {
                    group.target = Target::Nowhere;
                }
                if let Some(what) = counted {
                    self.body.leave(what);
                }
            }
        }
    }
}

/// What a group holds that is left out and counted.
fn counted(word: &str) -> Option<&'static str> {
    Some(match word {
        "pict" => "photo links",
        "annotation" => "comments",
        "moMath" => "equations",
        "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf" => {
            "headers and footers"
        }
        _ => return None,
    })
}

/// Groups of the app's own that need no star: tables, names, separators of notes, what stands twice.
fn is_the_apps(word: &str) -> bool {
    matches!(
        word,
        "colortbl"
            | "stylesheet"
            | "filetbl"
            | "info"
            | "private1"
            | "template"
            | "sp"
            | "shprslt"
            | "nonshppict"
            | "mmathPict"
            | "nonesttables"
            | "atnid"
            | "atnauthor"
            | "ftnsep"
            | "ftnsepc"
            | "ftncn"
            | "aftnsep"
            | "aftnsepc"
            | "aftncn"
            | "xe"
            | "tc"
            | "tcn"
            | "rxe"
            | "txe"
            | "objdata"
            | "objclass"
            | "objname"
            | "pntxta"
            | "pntxtb"
    )
}

#[cfg(test)]
mod tests;
