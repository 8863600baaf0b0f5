//! The XML of documents, event by event, with one spelling for each name.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use crate::journal::format::{Input, MOST_WHOLE};

/// An event of XML. An element's name has the prefix that its namespace has in the standards, whatever the file calls
/// it: `w:p`, `text:p`; one of a namespace that means nothing here has the prefix `""`.
pub enum Node<'a> {
    Open(Element<'a>),
    Close(&'a str),
    Text(Cow<'a, str>),
}

/// An element as it opens.
pub struct Element<'a> {
    pub name: &'a str,
    start: BytesStart<'a>,
}

impl Element<'_> {
    /// An attribute by its name without a prefix.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut attributes = self.start.attributes();
        let found =
            attributes.with_checks(false).flatten().find(|a| a.key.local_name().into_inner() == name)?;
        Some(
            quick_xml::escape::unescape(&found.value)
                .map_or_else(|_| found.value.to_string(), Cow::into_owned),
        )
    }

    /// The same, as a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.trim().parse().ok()
    }

    /// Whether a switch is on, as Word writes one: on unless it says otherwise.
    pub fn is_on(&self) -> bool {
        !matches!(self.get("val").as_deref(), Some("0" | "false" | "off" | "none"))
    }
}

/// Far more than a life's writing fills: what is longer is an attack on memory.
const MOST_XML: u64 = 8 * MOST_WHOLE;

/// XML, event by event.
pub struct Xml<'a> {
    reader: NsReader<Box<dyn BufRead + 'a>>,
    buffer: Vec<u8>,
    name: String,
    /// Elements that are open.
    depth: usize,
}

impl<'a> Xml<'a> {
    /// A document, or a part of one.
    pub fn open(input: &'a Input) -> Result<Xml<'a>, String> {
        if input.len() > MOST_XML {
            return Err("longer than 512 MiB: divide it".to_string());
        }
        Ok(Xml::new(input.utf8()?))
    }

    fn new(text: Box<dyn BufRead + 'a>) -> Xml<'a> {
        let mut reader = NsReader::from_reader(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Xml { reader, buffer: Vec::new(), name: String::new(), depth: 0 }
    }

    /// Hands over every event, until there are no more or one is refused.
    pub fn each(mut self, mut take: impl FnMut(Node) -> Result<(), String>) -> Result<(), String> {
        while let Some(node) = self.next()? {
            take(node)?;
        }
        Ok(())
    }

    /// The next event; none at the end.
    pub fn next(&mut self) -> Result<Option<Node<'_>>, String> {
        self.buffer.clear();
        let (namespace, event) = match self.reader.read_resolved_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(e) => return Err(format!("damaged, the rest cannot be read ({e})")),
        };
        Ok(Some(match event {
            Event::Start(start) => {
                self.depth += 1;
                spell(&mut self.name, namespace, start.local_name().into_inner());
                Node::Open(Element { name: &self.name, start })
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                spell(&mut self.name, namespace, end.local_name().into_inner());
                Node::Close(&self.name)
            }
            Event::Text(text) => Node::Text(text.into_inner()),
            Event::CData(text) => Node::Text(text.into_inner()),
            Event::GeneralRef(entity) => Node::Text(Cow::Owned(character(&entity))),
            Event::Eof if self.depth > 0 => {
                return Err("it breaks off before its end: look for a whole copy".to_string());
            }
            Event::Eof => return Ok(None),
            _ => Node::Text(Cow::Borrowed("")),
        }))
    }
}

fn spell(name: &mut String, namespace: ResolveResult, local: &str) {
    let ResolveResult::Bound(Namespace(uri)) = namespace else {
        *name = format!(":{local}");
        return;
    };
    let open_document =
        uri.strip_prefix("urn:oasis:names:tc:opendocument:xmlns:").and_then(|u| u.split(':').next());
    let prefix = match uri {
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        | "http://purl.oclc.org/ooxml/wordprocessingml/main" => "w",
        "http://schemas.openxmlformats.org/markup-compatibility/2006" => "mc",
        "http://schemas.openxmlformats.org/officeDocument/2006/math"
        | "http://purl.oclc.org/ooxml/officeDocument/math" => "m",
        "http://schemas.openxmlformats.org/drawingml/2006/picture"
        | "http://purl.oclc.org/ooxml/drawingml/picture" => "pic",
        "urn:schemas-microsoft-com:vml" => "v",
        _ => match open_document.or(uri.strip_prefix("http://openoffice.org/2000/")) {
            Some("drawing") => "draw",
            other => other.unwrap_or(""),
        },
    };
    name.clear();
    name.push_str(prefix);
    name.push(':');
    name.push_str(local);
}

/// The character an entity stands for; one that nobody knows stays as it is written.
fn character(entity: &BytesRef) -> String {
    match entity.resolve_char_ref() {
        Ok(Some(c)) => c.to_string(),
        _ => match quick_xml::escape::resolve_predefined_entity(entity) {
            Some(text) => text.to_string(),
            None => format!("&{};", &**entity),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_one_way() {
        let text = "<x:document xmlns:x='http://purl.oclc.org/ooxml/wordprocessingml/main'><x:p x:val='a&amp;b'/>&amp;&#233;&who;</x:document>";
        let mut xml = Xml::new(Box::new(text.as_bytes()));
        let mut seen = String::new();
        while let Some(node) = xml.next().unwrap() {
            match node {
                Node::Open(element) => seen += &format!("<{} {:?}>", element.name, element.get("val")),
                Node::Close(name) => seen += &format!("</{name}>"),
                Node::Text(text) => seen += &text,
            }
        }
        assert_eq!(seen, "<w:document None><w:p Some(\"a&b\")></w:p>&é&who;</w:document>");
    }
}
