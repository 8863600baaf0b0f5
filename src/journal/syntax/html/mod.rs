//! HTML to plain text, as a person sees it in a browser: paragraphs, line breaks, lists and tasks stay; bold, italic,
//! links and pictures become the words they hold.

use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use scraper::{ElementRef, Html, Node};

use crate::journal::format::Sink;
mod ready;

pub use ready::with_breaks;

/// What HTML says, and what was left out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converted {
    /// The text: paragraphs divided by a blank line, lines by LF.
    pub text: String,
    /// Pictures, sounds and films left out.
    pub media: usize,
    /// Other pages shown inside this one, left out.
    pub embeds: usize,
    /// Addresses of links left out, where the label is something else.
    pub links: usize,
    /// The words left out because browsers do not show them, element by element.
    pub hidden: Vec<String>,
}

impl Converted {
    /// Counts what was left out, and shows words that were.
    pub fn count(&self, sink: &mut dyn Sink) {
        for (what, times) in
            [("photo links", self.media), ("embeds", self.embeds), ("link addresses", self.links)]
        {
            if times > 0 {
                sink.left_out(what, times);
            }
        }
        for words in &self.hidden {
            sink.changed("hidden text", words, "");
        }
    }
}

/// The text of a title or another short piece, in HTML or XHTML; what is far too long to be one stays as it is.
pub fn to_text(html: &str) -> Converted {
    match parse(html) {
        Ok(document) => convert(*document.root_element(), &|_| false),
        Err(_) => Converted { text: html.to_string(), ..Converted::default() },
    }
}

/// Whether a text of no known type opens as an app's HTML does and closes an element. Typed Markdown does not.
pub fn is_whole(text: &str) -> bool {
    let opens = |tag: &str| {
        let rest = text.trim_start().strip_prefix('<').and_then(|rest| rest.strip_prefix(tag));
        rest.is_some_and(|rest| rest.starts_with(['>', ' ']))
    };
    let blocks = ["p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote"];
    blocks.iter().any(|tag| opens(tag) && text.contains(&format!("</{tag}>")))
}

/// A whole document or a fragment, in HTML or XHTML, in time that grows with its length only: [`ready::ready`].
///
/// # Errors
/// It holds more elements than fit into memory.
pub fn parse(html: &str) -> Result<Html, String> {
    Ok(Html::parse_document(ready::ready(html)?.as_ref()))
}

/// What a reference such as `&nbsp;` or `&#233;` stands for in HTML; itself where it stands for nothing.
pub fn entity(typed: &str) -> String {
    Html::parse_fragment(typed).root_element().text().collect()
}

/// The text of a part of a document; an element for which `leave` is true is passed over with all that it holds.
pub fn convert(node: NodeRef<'_, Node>, leave: &dyn Fn(ElementRef) -> bool) -> Converted {
    let mut out = Writer::default();
    // An element left out is skipped by remembering where it ends: no recursion, however deep the HTML.
    let mut skipping = None;
    for edge in node.traverse() {
        match edge {
            Edge::Open(_) if skipping.is_some() => {}
            Edge::Open(at) => match (at.value(), ElementRef::wrap(at)) {
                (Node::Text(text), _) => out.words(text),
                (_, Some(element)) if out.passes_over(element) || leave(element) => skipping = Some(at.id()),
                (_, Some(element)) => out.open(element),
                _ => {}
            },
            Edge::Close(at) if skipping == Some(at.id()) => skipping = None,
            Edge::Close(at) if skipping.is_none() => {
                if let Some(element) = ElementRef::wrap(at) {
                    out.close(element);
                }
            }
            Edge::Close(_) => {}
        }
    }
    out.finish()
}

/// What an element's `style` says of a property, in lower case.
fn style(element: ElementRef, property: &str) -> Option<String> {
    let mut declarations = element.value().attr("style")?.split(';').filter_map(|part| part.split_once(':'));
    let value = declarations.rfind(|(name, _)| name.trim().eq_ignore_ascii_case(property))?.1;
    Some(value.trim().trim_end_matches("!important").trim_end().to_lowercase())
}

fn is_hidden(element: ElementRef) -> bool {
    element.value().attr("hidden").is_some() || style(element, "display").as_deref() == Some("none")
}

/// Whether white space stands as it is.
fn is_preformatted(element: ElementRef) -> bool {
    let styled = style(element, "white-space");
    matches!(element.value().name(), "pre" | "textarea" | "xmp" | "listing")
        || styled.is_some_and(|value| value.starts_with("pre") || value == "break-spaces")
}

/// The line feeds before and after a block; none for what stands in a line.
fn feeds_around(element: ElementRef) -> Option<usize> {
    let by_name = match element.value().name() {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "ul" | "ol" | "dl"
        | "menu" | "dir" | "table" | "figure" | "hr" | "xmp" | "listing" => Some(2),
        "div" | "li" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "main"
        | "aside" | "nav" | "figcaption" | "caption" | "address" | "form" | "fieldset" | "legend"
        | "details" | "summary" | "dialog" | "hgroup" | "search" | "body" | "html" | "en-note" | "center"
        | "option" | "textarea" => Some(1),
        _ => None,
    };
    match style(element, "display").as_deref() {
        Some("inline") => None,
        Some("block" | "flex" | "grid" | "list-item" | "flow-root") => by_name.or(Some(1)),
        _ => by_name,
    }
}

/// An emoji that an app shows as a picture: its `alt` is the character that was typed.
fn typed_emoji(element: ElementRef<'_>) -> Option<&str> {
    let alt = element.value().attr("alt").filter(|alt| (1..=8).contains(&alt.chars().count()))?;
    let keycap = |c: char| matches!(c, '#' | '*' | '0'..='9') && alt.contains('\u{20e3}');
    alt.chars()
        .all(|c| keycap(c) || !(c.is_ascii() || c.is_alphanumeric() || c.is_whitespace()))
        .then_some(alt)
}

const MOST_INDENT: usize = 8;

#[derive(Default)]
struct Writer {
    out: Converted,
    /// Line feeds owed before the next word; nothing is owed at the start.
    owed: usize,
    /// A space owed before the next word on this line.
    space: bool,
    /// No-break spaces that open a line, until a word follows.
    held: String,
    /// Open elements whose white space stands as it is.
    preformatted: usize,
    /// Open lists: the next number of an ordered one.
    lists: Vec<Option<usize>>,
    /// The mark of a list's item whose first word is yet to come.
    mark: String,
    /// An item or a cell has no word yet: blocks begin on its line.
    fresh: bool,
    /// Where in the text the label of an open link begins, and its address.
    link: Option<(usize, String)>,
}

impl Writer {
    /// Whether an element is left out with all that it holds; counted where a person could miss it.
    fn passes_over(&mut self, element: ElementRef) -> bool {
        match element.value().name() {
            "head" | "title" | "script" | "style" | "template" | "noscript" | "datalist" | "annotation" => {
                true
            }
            "video" | "audio" | "svg" | "canvas" => {
                self.out.media += 1;
                true
            }
            // The mark that Word makes before an item of a list.
            "span" if style(element, "mso-list").as_deref() == Some("ignore") => true,
            // Without an address it is what it holds: Apple's Notes keeps tables so.
            "object" if element.attr("data").is_none() => false,
            "iframe" | "object" | "embed" => {
                self.out.embeds += 1;
                true
            }
            _ if is_hidden(element) => {
                let words: Vec<&str> = element.text().flat_map(str::split_whitespace).collect();
                self.out.hidden.extend((!words.is_empty()).then(|| words.join(" ")));
                true
            }
            _ => false,
        }
    }

    /// Whether no word stands on this line yet.
    fn at_line_start(&self) -> bool {
        self.owed > 0 || self.out.text.is_empty()
    }

    /// White space here is a space before the next word; at the start of a line browsers show none.
    fn note_space(&mut self) {
        self.space |= !(self.at_line_start() && self.held.is_empty());
    }

    fn block(&mut self, feeds: usize) {
        self.end_held_line();
        if !self.fresh {
            self.owed = self.owed.max(feeds);
            self.space = false;
        }
    }

    /// A line of nothing but no-break spaces is a blank line.
    fn end_held_line(&mut self) {
        if !self.held.is_empty() {
            self.held.clear();
            self.feed();
        }
    }

    fn feed(&mut self) {
        if !self.out.text.is_empty() {
            self.owed += 1;
        }
        self.space = false;
    }

    fn put(&mut self, text: &str) {
        let starts = self.at_line_start();
        if starts && !self.out.text.is_empty() {
            let end = self.out.text.trim_end_matches(' ').len();
            self.out.text.truncate(end);
            let owed = if end == 0 { 0 } else { self.owed };
            self.out.text.extend(std::iter::repeat_n('\n', owed));
        }
        self.out.text.push_str(&std::mem::take(&mut self.mark));
        self.out.text.push_str(&std::mem::take(&mut self.held));
        if self.space && !self.out.text.ends_with(' ') {
            self.out.text.push(' ');
        }
        self.out.text.push_str(text);
        (self.owed, self.space, self.fresh) = (0, false, false);
    }

    fn words(&mut self, text: &str) {
        if self.preformatted > 0 {
            return self.lines(text);
        }
        // HTML's white space, and Word's line break; a no-break space is a character.
        let is_space = |c: char| matches!(c, ' ' | '\n' | '\t' | '\r' | '\u{b}' | '\u{c}');
        for (i, word) in text.split(is_space).enumerate() {
            if i > 0 {
                self.note_space();
            }
            if word.is_empty() {
                continue;
            }
            if self.at_line_start() && word.chars().all(|c| c == '\u{a0}') {
                self.held.push_str(if std::mem::take(&mut self.space) { " " } else { "" });
                self.held.push_str(word);
            } else {
                self.put(word);
            }
        }
    }

    fn lines(&mut self, text: &str) {
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                self.feed();
            }
            if !line.is_empty() {
                self.put(line);
            }
        }
    }

    fn open(&mut self, element: ElementRef) {
        if let Some(feeds) = feeds_around(element) {
            self.block(self.feeds_in_list(element, feeds));
        }
        self.preformatted += usize::from(is_preformatted(element));
        let attribute = |name| element.value().attr(name);
        match element.value().name() {
            // Two in a row leave a blank line.
            "br" => {
                self.held.clear();
                self.feed();
            }
            "ul" | "menu" | "dir" => self.lists.push(None),
            "ol" => self.lists.push(Some(attribute("start").and_then(|n| n.parse().ok()).unwrap_or(1))),
            "li" => self.begin_item(element),
            "td" | "th" => {
                self.note_space();
                self.fresh = true;
            }
            "q" => self.put("“"),
            "input" if attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) => {
                self.task(attribute("checked").is_some());
            }
            "en-todo" => self.task(attribute("checked") == Some("true")),
            "img" => match typed_emoji(element) {
                Some(emoji) => self.put(emoji),
                None => self.out.media += 1,
            },
            "en-media" => self.out.media += 1,
            "a" => self.link = attribute("href").map(|address| (self.out.text.len(), address.to_string())),
            _ => {}
        }
    }

    fn close(&mut self, element: ElementRef) {
        match element.value().name() {
            "li" => {
                self.mark.clear();
                self.fresh = false;
            }
            "ul" | "ol" | "menu" | "dir" => drop(self.lists.pop()),
            "td" | "th" => self.end_cell(),
            "q" => {
                self.space = false;
                self.put("”");
            }
            "a" => self.end_link(),
            _ => {}
        }
        self.preformatted -= usize::from(is_preformatted(element));
        if let Some(feeds) = feeds_around(element) {
            self.block(self.feeds_in_list(element, feeds));
        }
    }

    /// A list in a list is part of its item, and there paragraphs divide lines and not items.
    fn feeds_in_list(&self, element: ElementRef, feeds: usize) -> usize {
        let part = matches!(element.value().name(), "ul" | "ol" | "menu" | "dir" | "p");
        if part && !self.lists.is_empty() { feeds.min(1) } else { feeds }
    }

    fn begin_item(&mut self, element: ElementRef) {
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(MOST_INDENT));
        let number = match self.lists.last_mut() {
            Some(Some(next)) => {
                let number = element.value().attr("value").and_then(|n| n.parse().ok()).unwrap_or(*next);
                *next = number.saturating_add(1);
                Some(number)
            }
            _ => None,
        };
        self.mark = number.map_or_else(|| format!("{indent}- "), |number| format!("{indent}{number}. "));
        self.owed = self.owed.max(1);
        self.fresh = true;
        if let Some(checked) = style(element, "--en-checked") {
            self.task(checked == "true");
        }
    }

    fn task(&mut self, done: bool) {
        self.put(if done { "[x]" } else { "[ ]" });
        (self.space, self.fresh) = (true, true);
    }

    /// The next cell goes on in this line, whatever blocks this one held.
    fn end_cell(&mut self) {
        self.end_held_line();
        if !self.fresh {
            self.owed = 0;
            self.space = true;
        }
        self.fresh = false;
    }

    fn end_link(&mut self) {
        let Some((start, address)) = self.link.take() else { return };
        let label = self.out.text.get(start..).unwrap_or("").trim();
        let own = address
            .trim_start_matches("mailto:")
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        let shown = label.contains(own.trim_end_matches('/'));
        self.out.links += usize::from(!(shown || address.starts_with('#') || label.is_empty()));
    }

    fn finish(mut self) -> Converted {
        let end = self.out.text.trim_end_matches([' ', '\n']).len();
        self.out.text.truncate(end);
        self.out
    }
}

#[cfg(test)]
mod tests;
