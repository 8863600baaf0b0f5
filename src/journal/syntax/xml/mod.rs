//! XML read as it comes, element by element, from files of any length. No entity of a document's own is expanded, no
//! text is held that nobody asked for, and what is held of one record is bounded.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader, errors::IllFormedError, escape};

use super::html;
use crate::journal::format::{Input, MOST_WHOLE, Place, Sink};

/// Elements in elements, past which XML was not written for people's journals.
const DEEPEST: usize = 1_000;

/// An element's name and attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// As written, with its prefix: `wp:status`.
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's value, by its whole name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or("")
    }
}

/// What XML is made of, for those who want it all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// An element begins.
    Open(Tag),
    /// The element opened last and not yet closed ends.
    Close,
    /// Text, or a part of it.
    Text(String),
    /// The file ends.
    End,
}

/// A record that cannot be read: why, and its title as far as it is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub fault: Fault,
    /// Empty where it was not read.
    pub title: String,
}

impl From<Fault> for Lost {
    fn from(fault: Fault) -> Lost {
        Lost { fault, title: String::new() }
    }
}

/// Why XML cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The file ends in the middle of an element.
    Truncated,
    /// A record is longer than [`MOST_WHOLE`].
    TooLong,
    /// An element ends that is not the open one.
    Mismatched(String),
    /// Anything else that is no XML.
    Malformed(String),
    /// The system's own words.
    Unreadable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Truncated => write!(f, "the file ends in the middle: export it again"),
            Fault::TooLong => write!(f, "longer than 64 MiB without its attachments: not read"),
            Fault::Mismatched(name) => {
                write!(f, "damaged XML: </{name}> stands where another element is open")
            }
            Fault::Malformed(what) => write!(f, "damaged XML: {what}"),
            Fault::Unreadable(what) => write!(f, "{what}"),
        }
    }
}

/// A reader of XML.
pub struct Xml<'a> {
    reader: Reader<Metered<'a>>,
    buffer: Vec<u8>,
    depth: usize,
    /// `<name/>` was opened and is still to be closed.
    empty: bool,
    /// HTML's entities as far as they were met.
    known: BTreeMap<String, String>,
    unknown: Option<String>,
}

impl<'a> Xml<'a> {
    /// Reads XML that is UTF-8.
    pub fn new(text: Box<dyn BufRead + 'a>) -> Self {
        Self::on(Metered { from: text, line: 1, left: MOST_WHOLE, too_long: false })
    }

    fn on(text: Metered<'a>) -> Self {
        let known = BTreeMap::new();
        Xml { reader: reader(text), buffer: Vec::new(), depth: 0, empty: false, known, unknown: None }
    }

    /// The line that is being read.
    pub fn line(&mut self) -> usize {
        self.reader.get_mut().line
    }

    /// The first entity since the last call that was not known and stayed as it was typed.
    pub fn unknown_entity(&mut self) -> Option<String> {
        self.unknown.take()
    }

    /// The next piece.
    ///
    /// # Errors
    /// Why there is none.
    pub fn piece(&mut self) -> Result<Piece, Fault> {
        if std::mem::take(&mut self.empty) {
            self.depth -= 1;
            return Ok(Piece::Close);
        }
        loop {
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(fault(error, self.reader.get_mut().too_long)),
            };
            let reference = match event {
                Event::Start(start) => {
                    let tag = tag(&start);
                    return self.opened(tag, false);
                }
                Event::Empty(start) => {
                    let tag = tag(&start);
                    return self.opened(tag, true);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Piece::Close);
                }
                Event::Text(text) => return Ok(Piece::Text(text.into_inner().into_owned())),
                Event::CData(text) => return Ok(Piece::Text(text.into_inner().into_owned())),
                Event::GeneralRef(reference) => reference.into_inner().into_owned(),
                Event::Eof if self.depth > 0 => return Err(Fault::Truncated),
                Event::Eof => return Ok(Piece::End),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            };
            return Ok(Piece::Text(self.resolved(&reference)));
        }
    }

    fn opened(&mut self, tag: Tag, empty: bool) -> Result<Piece, Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault::Malformed(format!("elements nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        self.empty = empty;
        Ok(Piece::Open(tag))
    }

    /// What `&name;` stands for; itself where only the document knows.
    fn resolved(&mut self, name: &str) -> String {
        if let Some(text) = self.known.get(name) {
            return text.clone();
        }
        let typed = format!("&{name};");
        let text = meaning(&typed);
        if text == typed {
            self.unknown.get_or_insert(typed.clone());
        } else if !name.starts_with('#') {
            self.known.insert(name.to_string(), text.clone());
        }
        text
    }

    /// The next element inside the one that is open; none at its end. Text between is passed over.
    ///
    /// # Errors
    /// Why there is none.
    pub fn child(&mut self) -> Result<Option<Tag>, Fault> {
        loop {
            match self.piece()? {
                Piece::Open(tag) => return Ok(Some(tag)),
                Piece::Close => return Ok(None),
                Piece::Text(_) => {}
                Piece::End => return Err(Fault::Truncated),
            }
        }
    }

    /// All text inside the element just opened, up to its end.
    ///
    /// # Errors
    /// Why there is none.
    pub fn text(&mut self) -> Result<String, Fault> {
        let (mut out, outside) = (String::new(), self.depth - 1);
        while self.depth > outside {
            if let Piece::Text(text) = self.piece()? {
                out.push_str(&text);
            }
        }
        Ok(out)
    }

    /// The HTML inside the element `name`, which was just opened in a record called `record`. Apps write it as text (in
    /// CDATA, or escaped) and some as elements; not all of them escape it well. So it ends at `</name>` and nowhere
    /// before, and what is damaged in it is read as browsers read damaged HTML.
    ///
    /// # Errors
    /// Why it has no end.
    pub fn html(&mut self, name: &str, record: &str) -> Result<String, Fault> {
        if std::mem::take(&mut self.empty) {
            self.depth -= 1;
            return Ok(String::new());
        }
        let nothing = Metered { from: Box::new(std::io::empty()), line: 0, left: 0, too_long: false };
        let mut source = std::mem::replace(&mut self.reader, reader(nothing)).into_inner();
        let mut raw = Vec::new();
        let ends = [format!("</{name}>"), format!("</{record}>")];
        let end = loop {
            let before = raw.len();
            let read = source.read_until(b'>', &mut raw);
            if let Some(end) = ends.iter().find(|end| raw.ends_with(end.as_bytes())) {
                break Ok(end);
            }
            match read {
                Err(_) if source.too_long => break Err(Fault::TooLong),
                Err(e) => break Err(Fault::Unreadable(e.to_string())),
                Ok(_) if raw.len() == before => break Err(Fault::Truncated),
                Ok(_) => {}
            }
        };
        // The elements around it are closed without a word of complaint.
        self.reader = reader(source);
        let end = end?;
        self.depth -= 1;
        // The record ended, and so this: it is still to be closed.
        self.empty = *end != ends[0];
        raw.truncate(raw.len() - end.len());
        let raw = String::from_utf8_lossy(&raw).into_owned();
        Ok(self.text_alone(&raw).unwrap_or_else(|| raw.replace("<![CDATA[", "").replace("]]>", "")))
    }

    /// The text of XML that holds nothing but text; none where there are elements in it, or it is damaged.
    fn text_alone(&mut self, raw: &str) -> Option<String> {
        let (mut xml, mut text) = (Xml::new(Box::new(raw.as_bytes())), String::new());
        loop {
            match xml.piece().ok()? {
                Piece::Text(more) => text.push_str(&more),
                Piece::End => break,
                Piece::Open(_) | Piece::Close => return None,
            }
        }
        self.unknown = self.unknown.take().or(xml.unknown);
        Some(text)
    }

    /// Passes over the element just opened, however long its text is.
    ///
    /// # Errors
    /// Why it has no end.
    pub fn skip(&mut self) -> Result<(), Fault> {
        let (outside, left) = (self.depth - 1, self.reader.get_mut().left);
        while self.depth > outside {
            self.pass_text()?;
            self.piece()?;
        }
        self.reader.get_mut().left = left;
        Ok(())
    }

    /// Passes over text up to the next markup without holding it.
    fn pass_text(&mut self) -> Result<(), Fault> {
        self.reader.get_mut().left = MOST_WHOLE;
        while !self.empty {
            let mut text = self.reader.stream();
            let waiting = text.fill_buf().map_err(|e| Fault::Unreadable(e.to_string()))?;
            let plain = waiting.iter().position(|byte| *byte == b'<');
            let length = plain.unwrap_or(waiting.len());
            let more = plain.is_none() && length > 0;
            text.consume(length);
            self.reader.get_mut().left = MOST_WHOLE;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Reads on behind the next `</name>`, whatever stands before it; `found` says that it was read already.
    fn behind(self, name: &str, found: bool) -> Self {
        let mut text = self.reader.into_inner();
        (text.left, text.too_long) = (MOST_WHOLE, false);
        if !found {
            text.pass_through(format!("</{name}>").as_bytes());
        }
        Xml { known: self.known, ..Self::on(text) }
    }
}

fn reader(text: Metered) -> Reader<Metered> {
    let mut reader = Reader::from_reader(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    reader
}

/// What reads one record, from behind its opening to its end.
pub type ReadRecord<'r> = dyn FnMut(&mut Xml, &Tag, Place, &mut dyn Sink) -> Result<(), Lost> + 'r;

/// Hands over every element of these names, one at a time: `read` is called behind its opening and reads to its end.
/// The places given count those of the first name. One that cannot be read is lost, and the next one is read.
///
/// # Errors
/// Why the rest of the file cannot be read, as a phrase.
pub fn records(
    input: &Input,
    names: &[&str],
    sink: &mut dyn Sink,
    read: &mut ReadRecord,
) -> Result<(), String> {
    let mut xml = Xml::new(input.utf8()?);
    let mut number = 0;
    loop {
        let tag = match xml.pass_text().and_then(|()| xml.piece()) {
            Ok(Piece::Open(tag)) if names.contains(&tag.name.as_str()) => tag,
            Ok(Piece::End) => return Ok(()),
            Ok(_) => continue,
            Err(fault) => return Err(format!("line {}: {fault}", xml.line())),
        };
        number += usize::from(tag.name == names[0]);
        let (place, line) = (Place::Number(number), xml.line());
        let outcome = read(&mut xml, &tag, place, sink);
        if let Some(entity) = xml.unknown_entity() {
            sink.trouble(place, format!("{entity} is of this file's own making and stays as it is"));
        }
        match outcome {
            Ok(()) => {}
            Err(Lost { fault: fault @ (Fault::Truncated | Fault::Unreadable(_)), .. }) => {
                return Err(format!("line {line}: {fault}"));
            }
            Err(Lost { fault, title }) => {
                sink.lost(place, &title, format!("line {}: {fault}", xml.line()));
                let found = fault == Fault::Mismatched(tag.name.clone());
                xml = xml.behind(&tag.name, found);
            }
        }
    }
}

/// The name of a file's outermost element, from its first bytes; `""` where they hold none.
pub fn root(head: &str) -> String {
    let mut xml = Xml::new(Box::new(head.trim_start_matches('\u{feff}').trim_start().as_bytes()));
    loop {
        match xml.piece() {
            Ok(Piece::Open(tag)) => return tag.name,
            Ok(Piece::Text(text)) if text.trim().is_empty() => {}
            _ => return String::new(),
        }
    }
}

fn fault(error: Error, too_long: bool) -> Fault {
    match error {
        _ if too_long => Fault::TooLong,
        Error::Io(e) => Fault::Unreadable(e.to_string()),
        Error::Syntax(quick_xml::errors::SyntaxError::InvalidBangMarkup) => {
            Fault::Malformed("<! opens nothing".into())
        }
        Error::Syntax(_) => Fault::Truncated,
        Error::IllFormed(IllFormedError::MismatchedEndTag { found, .. }) => Fault::Mismatched(found),
        other => Fault::Malformed(other.to_string()),
    }
}

fn tag(start: &BytesStart) -> Tag {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false).flatten() {
        let key: &str = attribute.key.as_ref();
        let raw: &str = attribute.value.as_ref();
        let value = escape::unescape(raw).map_or_else(|_| raw.to_string(), |value| value.into_owned());
        attributes.push((key.to_string(), value));
    }
    Tag { name: AsRef::<str>::as_ref(&start.name()).to_string(), attributes }
}

/// What a character reference or one of XML's or HTML's entities stands for; anything else stands for itself.
fn meaning(typed: &str) -> String {
    // HTML reads `&notes;` as `¬es;`, and XML does not.
    let text = html::entity(typed);
    if text.ends_with(';') && typed != "&semi;" { typed.to_string() } else { text }
}

/// Text that counts its lines and ends with an error after so many bytes.
struct Metered<'a> {
    from: Box<dyn BufRead + 'a>,
    line: usize,
    left: u64,
    too_long: bool,
}

impl Metered<'_> {
    /// Passes over all up to and with `end`, whose first byte occurs in it once.
    fn pass_through(&mut self, end: &[u8]) {
        let mut matched = 0;
        loop {
            self.left = MOST_WHOLE;
            let waiting = match self.fill_buf() {
                Ok(waiting) if !waiting.is_empty() => waiting,
                // What cannot be read is met again by whoever reads on.
                _ => return,
            };
            let mut used = 0;
            while used < waiting.len() && matched < end.len() {
                let byte = waiting[used];
                matched = if byte == end[matched] { matched + 1 } else { usize::from(byte == end[0]) };
                used += 1;
            }
            self.consume(used);
            if matched == end.len() {
                return;
            }
        }
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Metered<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let waiting = self.from.fill_buf()?;
        if self.left == 0 && !waiting.is_empty() {
            self.too_long = true;
            return Err(io::Error::other("too long"));
        }
        Ok(&waiting[..waiting.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))])
    }

    fn consume(&mut self, length: usize) {
        if let Ok(waiting) = self.from.fill_buf() {
            self.line += waiting[..length.min(waiting.len())].iter().filter(|byte| **byte == b'\n').count();
        }
        self.left = self.left.saturating_sub(length as u64);
        self.from.consume(length);
    }
}

#[cfg(test)]
mod tests;
