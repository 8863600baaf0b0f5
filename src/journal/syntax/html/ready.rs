//! HTML as people and apps wrote it, made ready for a parser that reads as browsers do.
//!
//! XHTML's `<title/>` and `<![CDATA[…]]>` mean something else to such a parser, which would lose all words after the one
//! and inside the other; and tags nested by the hundred thousand would cost it hours. Both are mended here, in one pass
//! and without looking at anything else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::units::thousands;

/// Elements open at once, past which tags are dropped and words are not: browsers stop there too.
const DEEPEST: usize = 512;
/// Elements that a parser opens again in every paragraph until they are closed, at once.
const MOST_FORMATTING: usize = 4;
/// Elements of a document, some 200 bytes each once they are parsed, with those that are opened again: with more of them
/// it would not fit into the memory that reading may take.
const MOST_ELEMENTS: usize = 1_500_000;
/// Attributes in one tag.
const MOST_ATTRIBUTES: usize = 500;

const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Elements that another of their kind or their parent closes.
const CLOSED_BY_NEXT: &[&str] = &[
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody",
    "tfoot",
];
/// Elements whose content is text to the first end tag, whatever it looks like.
const RAW: &[&str] =
    &["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript"];
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// A piece of HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// A comment or a processing instruction; also what no tag closes.
    Other(&'a str),
    /// A document type, with what it declares.
    Doctype(&'a str),
    Cdata(&'a str),
    Tag(Tag<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag<'a> {
    whole: &'a str,
    /// As written.
    name: &'a str,
    closes: bool,
    /// `<name/>`.
    empty: bool,
    attributes: usize,
}

impl Tag<'_> {
    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.eq_ignore_ascii_case(self.name))
    }
}

/// The pieces of HTML in their order; together they are the whole of it.
struct Pieces<'a> {
    rest: &'a str,
    /// The element whose content is text to its end tag.
    raw: Option<&'a str>,
}

impl<'a> Pieces<'a> {
    fn of(html: &'a str) -> Self {
        Pieces { rest: html, raw: None }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// All up to and with `end`, or to the end of the text.
    fn through(&mut self, end: &str) -> &'a str {
        self.take(self.rest.find(end).map_or(self.rest.len(), |at| at + end.len()))
    }

    fn raw_text(&mut self, name: &str) -> &'a str {
        let ends = |at: &usize| {
            let after = self.rest[*at..].strip_prefix("</").and_then(|after| after.get(..name.len()));
            after.is_some_and(|after| after.eq_ignore_ascii_case(name))
        };
        let end = self.rest.match_indices('<').map(|(at, _)| at).find(ends);
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn tag(&mut self) -> Option<Tag<'a>> {
        let closes = self.rest.starts_with("</");
        let start = 1 + usize::from(closes);
        let named = &self.rest[start..];
        if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let ends_name = |c: char| c.is_ascii_whitespace() || c == '/' || c == '>';
        let name = &named[..named.find(ends_name).unwrap_or(named.len())];
        let (end, attributes) = end_of_tag(&named[name.len()..])?;
        let inside = &named[name.len()..name.len() + end];
        let whole = self.take(start + name.len() + end + 1);
        Some(Tag { whole, name, closes, empty: is_empty(inside), attributes })
    }
}

/// Where the `>` of a tag is, from behind its name, and how many attributes stand before it.
fn end_of_tag(text: &str) -> Option<(usize, usize)> {
    let (mut quote, mut before, mut attributes) = (None, b' ', 0);
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            Some(_) => continue,
            None if byte == b'>' => return Some((at, attributes)),
            None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
            None => attributes += usize::from(byte == b'=' || byte.is_ascii_whitespace()),
        }
        // In `a = "b"` the quotation mark belongs to the sign.
        if !(byte.is_ascii_whitespace() && before == b'=') {
            before = byte;
        }
    }
    None
}

/// Whether a tag ends in `/` that is not part of an address, as in `<a href=http://example.org/>`.
fn is_empty(inside: &str) -> bool {
    let Some(before) = inside.strip_suffix('/') else { return false };
    let last = before.rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
    last.ends_with(['"', '\'']) || !last.contains('=')
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(name) = self.raw.take() {
            let text = self.raw_text(name);
            return Some(Piece::Other(text));
        }
        if self.rest.is_empty() {
            return None;
        }
        let markup = self.rest.find('<').unwrap_or(self.rest.len());
        if markup > 0 {
            return Some(Piece::Text(self.take(markup)));
        }
        if self.rest.starts_with("<![CDATA[") {
            let whole = self.through("]]>");
            let inside = &whole["<![CDATA[".len()..];
            return Some(Piece::Cdata(inside.strip_suffix("]]>").unwrap_or(inside)));
        }
        if self.rest.starts_with("<!--") {
            // `<!-->` is a comment of its own.
            let short = ["<!-->", "<!--->"].into_iter().find(|short| self.rest.starts_with(short));
            return Some(Piece::Other(match short {
                Some(short) => self.take(short.len()),
                None => self.through("-->"),
            }));
        }
        if self.rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
            // What XML declares in brackets holds tags of its own.
            let bracket = self.rest.find(['[', '>']).filter(|at| self.rest[*at..].starts_with('['));
            let end = bracket.and_then(|at| Some(at + self.rest[at..].find(']')? + 1)).unwrap_or(0);
            let end = end + self.rest[end..].find('>').map_or(self.rest.len() - end, |at| at + 1);
            return Some(Piece::Doctype(self.take(end)));
        }
        if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
            return Some(Piece::Other(self.through(">")));
        }
        if let Some(tag) = self.tag() {
            self.raw = Some(tag.name).filter(|_| !tag.closes && !tag.empty && tag.is(RAW));
            return Some(Piece::Tag(tag));
        }
        let opens = self.rest[1..].trim_start_matches('/').starts_with(|c: char| c.is_ascii_alphabetic());
        // A tag that nothing closes takes the rest with it, as it does in a browser; any other `<` is text.
        if opens { Some(Piece::Other(self.take(self.rest.len()))) } else { Some(Piece::Text(self.take(1))) }
    }
}

/// HTML that a parser reads in time that grows with its length only, XHTML's empty elements and CDATA sections written
/// as HTML writes them.
///
/// # Errors
/// It holds more elements than fit into memory.
pub fn ready(html: &str) -> Result<Cow<'_, str>, String> {
    let mut guard = Guard::default();
    let mut out = String::new();
    // Up to here, `html` is as it should be and not yet copied.
    let (mut from, mut at) = (0, 0);
    for piece in Pieces::of(html) {
        let (length, instead) = match piece {
            Piece::Text(text) | Piece::Other(text) => (text.len(), None),
            Piece::Doctype(text) => {
                (text.len(), text.contains('[').then_some(Cow::Borrowed("<!DOCTYPE html>")))
            }
            Piece::Cdata(text) => {
                let start = at + "<![CDATA[".len() + text.len();
                let closed = html[start..].starts_with("]]>");
                (start - at + if closed { 3 } else { 0 }, Some(Cow::Owned(escaped(text))))
            }
            Piece::Tag(tag) => (tag.whole.len(), guard.instead(&tag)),
        };
        if let Some(instead) = instead {
            out.push_str(&html[from..at]);
            out.push_str(&instead);
            from = at + length;
        }
        at += length;
    }
    if guard.elements > MOST_ELEMENTS {
        return Err(format!("more than {} HTML elements: divide it", thousands(MOST_ELEMENTS as u64)));
    }
    if from == 0 {
        return Ok(Cow::Borrowed(html));
    }
    out.push_str(&html[from..]);
    Ok(Cow::Owned(out))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// What is open, as a parser would have it.
#[derive(Default)]
struct Guard<'a> {
    open: Vec<&'a str>,
    /// How many formatting elements of a name are open.
    formatting: BTreeMap<String, usize>,
    /// How many elements there were.
    elements: usize,
}

impl<'a> Guard<'a> {
    /// What a tag is to be replaced with; nothing where it stays.
    fn instead(&mut self, tag: &Tag<'a>) -> Option<Cow<'a, str>> {
        if !tag.closes {
            // Each may bring back the formatting elements that were left open.
            self.elements += 1 + self.formatting.values().sum::<usize>();
        }
        if tag.is(VOID) {
            return (tag.attributes > MOST_ATTRIBUTES).then_some(Cow::Borrowed(""));
        }
        if tag.closes {
            self.close(tag);
            return None;
        }
        let named = || {
            if tag.attributes > MOST_ATTRIBUTES { format!("<{}>", tag.name) } else { tag.whole.to_string() }
        };
        if tag.empty {
            return Some(Cow::Owned(format!("{}</{}>", named().replace("/>", ">"), tag.name)));
        }
        if !self.may_open(tag) {
            return Some(Cow::Borrowed(""));
        }
        (tag.attributes > MOST_ATTRIBUTES).then(|| Cow::Owned(named()))
    }

    fn may_open(&mut self, tag: &Tag<'a>) -> bool {
        if tag.is(CLOSED_BY_NEXT) {
            return true;
        }
        if self.open.len() >= DEEPEST {
            return false;
        }
        if tag.is(FORMATTING) {
            if self.formatting.values().sum::<usize>() >= MOST_FORMATTING {
                return false;
            }
            *self.formatting.entry(tag.name.to_ascii_lowercase()).or_default() += 1;
        }
        self.open.push(tag.name);
        true
    }

    fn close(&mut self, tag: &Tag) {
        if let Some(count) = self.formatting.get_mut(&tag.name.to_ascii_lowercase()) {
            *count = count.saturating_sub(1);
        }
        if let Some(at) = self.open.iter().rposition(|name| name.eq_ignore_ascii_case(tag.name)) {
            self.open.truncate(at);
        }
    }
}

/// HTML from an app that shows every line feed as a line break, with the breaks written out; line feeds beside blocks
/// (`</p>`, `<table>`) and in `<pre>` are not shown.
pub fn with_breaks(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let (mut after_block, mut after_break, mut pre, mut feeds) = (true, false, 0_usize, 0);
    for piece in Pieces::of(html) {
        match piece {
            Piece::Text(text) if pre == 0 => {
                let mut lines = text.split('\n').peekable();
                while let Some(line) = lines.next() {
                    if !line.trim().is_empty() {
                        out.push_str(&breaks(feeds, after_block, after_break));
                        (feeds, after_block, after_break) = (0, false, false);
                    }
                    out.push_str(line);
                    if lines.peek().is_some() {
                        feeds += 1;
                        out.push('\n');
                    }
                }
            }
            Piece::Tag(tag) => {
                let block = tag.is(BLOCKS);
                out.push_str(&breaks(feeds, after_block || block, after_break));
                (feeds, after_block, after_break) =
                    (0, block || after_block && feeds == 0 && tag.closes, tag.is(&["br"]));
                if tag.is(&["pre"]) {
                    pre = if tag.closes { pre.saturating_sub(1) } else { pre + 1 };
                }
                out.push_str(tag.whole);
            }
            Piece::Text(text) | Piece::Other(text) | Piece::Doctype(text) => out.push_str(text),
            Piece::Cdata(text) => out.push_str(&escaped(text)),
        }
    }
    out
}

/// The markup for line feeds in a row: beside a block they are worth a blank line at most; one after `<br>` is its own.
fn breaks(feeds: usize, beside_block: bool, after_break: bool) -> String {
    match feeds {
        2.. if beside_block => "<p></p>".to_string(),
        _ if beside_block => String::new(),
        _ => "<br>".repeat(feeds.saturating_sub(usize::from(after_break))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xhtml_becomes_html() {
        for (html, ready_html) in [
            ("<!DOCTYPE en-note [<!ENTITY a \"b\">]><en-note>x", "<!DOCTYPE html><en-note>x"),
            ("<!doctype html>[x]", "<!doctype html>[x]"),
            ("<!DOCTYPE a [", "<!DOCTYPE html>"),
            ("<title/>a<br/><a id=\"x\"/>b", "<title></title>a<br/><a id=\"x\"></a>b"),
            ("<a href=http://example.org/>a</a>", "<a href=http://example.org/>a</a>"),
            ("<p><![CDATA[a < b & c]]></p>", "<p>a &lt; b &amp; c</p>"),
            ("<script>if (a <b/> c) </script>x", "<script>if (a <b/> c) </script>x"),
            ("<!-- <b/> --><b title='/>'>x", "<!-- <b/> --><b title='/>'>x"),
            ("I <3 you < me <", "I <3 you < me <"),
            ("x <b", "x <b"),
            ("<![CDATA[cut", "cut"),
        ] {
            assert_eq!(ready(html).unwrap(), ready_html);
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = format!("{}end", "<div>".repeat(200_000));
        assert_eq!(ready(&deep).unwrap(), format!("{}end", "<div>".repeat(DEEPEST)));
        let sloppy = "<div><span>a</div>".repeat(2_000);
        assert_eq!(ready(&sloppy).unwrap(), sloppy);
        let fonts: String = (0..1_000).map(|i| format!("<p><font size={i}>a")).collect();
        assert_eq!(ready(&fonts).unwrap().matches("<font").count(), MOST_FORMATTING);
        let attributes: String = (0..1_000).map(|i| format!(" a{i}=b")).collect();
        assert_eq!(ready(&format!("<p{attributes}>a")).unwrap(), "<p>a");
        assert!(ready(&"<p>".repeat(MOST_ELEMENTS)).is_ok());
        assert!(ready(&"<p>".repeat(MOST_ELEMENTS + 1)).unwrap_err().contains("1,500,000"));
    }

    #[test]
    fn line_feeds_become_breaks() {
        for (html, broken) in [
            ("a\nb\n\nc", "a\n<br>b\n\n<br><br>c"),
            ("<p>a</p>\n<p>b\nc</p>\n", "<p>a</p>\n<p>b\n<br>c</p>\n"),
            ("<div>a</div>\n\nb", "<div>a</div>\n\n<p></p>b"),
            ("a<br />\nb", "a<br />\nb"),
            ("<pre>a\nb</pre>", "<pre>a\nb</pre>"),
            ("<b>a</b>\n<i>b</i>", "<b>a</b>\n<br><i>b</i>"),
        ] {
            assert_eq!(with_breaks(html), broken);
        }
    }
}
