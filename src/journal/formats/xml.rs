//! XML as apps write it, piece by piece: elements and text. Nothing is fetched, and no entity is expanded but those that
//! XML itself knows: any other stays as it is written.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// What stands next in the text.
pub(super) enum Piece<'a> {
    /// An element begins.
    Open(BytesStart<'a>),
    /// The innermost element ends.
    Close,
    /// A part of the text between two tags.
    Text(Cow<'a, str>),
    /// The document is over.
    End,
}

/// A place in XML that is being read.
pub(super) struct Xml<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    open: usize,
    /// Bytes whose lines are counted, and the line they lead to.
    counted: (usize, usize),
}

impl<'a> Xml<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // Apps that put their XML together by hand leave an `&` bare here and there.
        config.allow_dangling_amp = true;
        Xml { text, reader, open: 0, counted: (0, 1) }
    }

    /// The line that has been read up to, from 1.
    pub fn line(&mut self) -> usize {
        let (from, line) = self.counted;
        let to = (self.reader.buffer_position() as usize).clamp(from, self.text.len());
        let feeds = self.text.as_bytes()[from..to].iter().filter(|byte| **byte == b'\n').count();
        self.counted = (to, line + feeds);
        line + feeds
    }

    /// Reads on. White space, comments and processing instructions between the elements are no pieces of their own.
    ///
    /// # Errors
    /// What is broken, as a phrase with its line.
    pub fn read(&mut self) -> Result<Piece<'a>, String> {
        loop {
            let event = self.reader.read_event();
            let event = event.map_err(|e| format!("broken XML on line {}: {e}", self.line()))?;
            return Ok(match event {
                Event::Start(element) => {
                    self.open += 1;
                    Piece::Open(element)
                }
                Event::End(_) => {
                    self.open = self.open.saturating_sub(1);
                    Piece::Close
                }
                Event::Text(text) => Piece::Text(text.xml10_content()),
                Event::CData(text) => Piece::Text(text.xml10_content()),
                Event::GeneralRef(reference) => Piece::Text(resolve(&reference).into()),
                Event::Eof if self.open > 0 => return Err(format!("breaks off on line {}", self.line())),
                Event::Eof => Piece::End,
                _ => continue,
            });
        }
    }
}

/// The character that a reference stands for, or the reference as it is written.
fn resolve(reference: &BytesRef) -> String {
    let name = reference.xml10_content();
    match (reference.resolve_char_ref(), resolve_xml_entity(&name)) {
        (Ok(Some(c)), _) => c.to_string(),
        (_, Some(text)) => text.to_string(),
        _ => format!("&{name};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names and the text of a document, and how it ended.
    fn read(text: &str) -> (String, Result<(), String>) {
        let (mut xml, mut seen) = (Xml::new(text), String::new());
        loop {
            match xml.read() {
                Ok(Piece::Open(element)) => seen.push_str(&format!("<{}>", element.name().as_ref())),
                Ok(Piece::Close) => seen.push_str("</>"),
                Ok(Piece::Text(text)) => seen.push_str(&text),
                Ok(Piece::End) => return (seen, Ok(())),
                Err(problem) => return (seen, Err(problem)),
            }
        }
    }

    #[test]
    fn references_are_resolved_and_strange_ones_stay() {
        let (seen, result) =
            read("<a>&lt;3 &#233;&#x1F600; &amp;amp; &nbsp; R&D &#xD800;<b/><![CDATA[<i>]]></a>");
        assert_eq!(seen, "<a><3 é😀 &amp; &nbsp; R&D &#xD800;<b></><i></>");
        assert!(result.is_ok());
    }

    #[test]
    fn entities_of_the_document_are_not_expanded() {
        let (seen, result) =
            read("<!DOCTYPE a [<!ENTITY b \"bomb\"><!ENTITY f SYSTEM \"/etc/passwd\">]><a>&b;&f;</a>");
        assert_eq!((seen.as_str(), result), ("<a>&b;&f;</>", Ok(())));
    }

    #[test]
    fn damage_has_a_line() {
        assert_eq!(read("<a>\n<b>x").1, Err("breaks off on line 2".to_string()));
        assert!(read("<a>\n\n</b>").1.unwrap_err().starts_with("broken XML on line 3"));
    }
}
