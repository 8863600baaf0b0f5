//! Notion's export: a page as Markdown or HTML, called `Title <32 hex digits>.md`. The title comes first; the properties of a
//! database's page stand below it, of which those that the app keeps (dates, tags, states) are left out and the others
//! stay, as words somebody typed. A page may hold many days. Notion escapes Markdown.
//!
//! What only leads to other pages is the app's: the CSV of a database, `index.html`, a page of nothing but links to pages,
//! and one that is a title and nothing else.

mod html_page;
mod ids;
mod page;
mod properties;

use super::markdown::is_named;
use crate::journal::format::{Format, Input, Options, Place, Sink};
use crate::journal::syntax::html;
use crate::journal::syntax::lists::Links;
use crate::journal::syntax::markup::{self, Cleaned, Markup};
use ids::{has_id, is_page};
use page::Page;
use properties::Properties;

/// Notion.
pub struct Notion;

impl Format for Notion {
    fn name(&self) -> &'static str {
        "Notion"
    }

    fn is(&self, input: &Input) -> bool {
        match input.extension().as_str() {
            "csv" => has_id(input.stem()),
            "html" => html_page::is(input.head()) || is_index(input),
            _ => has_id(input.stem()) && is_named(input) && input.head().trim_start().starts_with("# "),
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let page = match input.extension().as_str() {
            "csv" => None,
            "html" if is_index(input) => None,
            "html" => html_page::read(&input.text()?, options, sink)?,
            _ => markdown(&input.text()?, options, sink),
        };
        match page {
            Some(page) => page.hand_over(input, options, sink),
            None => sink.left_out("database indexes", 1),
        }
        Ok(())
    }
}

/// A page as Markdown; none where it only leads to others.
fn markdown(text: &str, options: &Options, sink: &mut dyn Sink) -> Option<Page> {
    let head = text.trim_start().split('\n').next().unwrap_or("");
    let body = text.len() - text.trim_start().len() + head.len();
    if leads_on(&text[body..]) {
        return None;
    }
    let page = Properties::read(&text[body..], options);
    for line in &page.left {
        sink.changed("app properties", line, "");
    }
    let heading = plain(head.trim_start_matches('#').trim(), sink).0;
    let (words, cleaned, blank) = plain(&text[body + page.end..], sink);
    let kept: Vec<String> = page.kept.iter().map(|line| properties::without_addresses(line)).collect();
    for (before, after) in page.kept.iter().zip(&kept).filter(|(before, after)| before != after) {
        sink.changed("link addresses", before, after);
    }
    let feeds = |text: &str| text.bytes().filter(|b| *b == b'\n').count();
    let (above, top) = (feeds(&text[..body + page.end]), feeds(&text[..body]));
    let first = 1 + blank;
    // The lines of what was kept stand above a blank line.
    let added = if kept.is_empty() { 0 } else { kept.len() + 1 };
    let place = move |line: usize| match line.checked_sub(added + 1) {
        Some(line) => Place::Line(above + cleaned.original_line(first + line)),
        None => Place::Line(top + cleaned.original_line(first) + line - 1),
    };
    let kept = kept.join("\n");
    let text = if kept.is_empty() { words } else { format!("{kept}\n\n{words}") };
    Some(Page { heading, dates: page.dates, tags: page.tags, text, place: Box::new(place) })
}

/// The list of a workspace's files, in whatever language stands above it.
fn is_index(input: &Input) -> bool {
    input.name() == "index.html" && html::parse(input.head()).is_ok_and(|page| Links::of(&page).all(is_page))
}

/// Whether a page's Markdown is nothing but links to other pages.
fn leads_on(body: &str) -> bool {
    let leads = |line: &str| {
        let line = line.trim_start_matches(['-', '*', ' ']);
        line.starts_with('[')
            && line
                .strip_suffix(')')
                .and_then(|line| line.rsplit_once("]("))
                .is_some_and(|(_, to)| is_page(to))
    };
    let mut lines = body.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(leads)
}

/// What Notion's Markdown says, without blank lines at its ends; what it was, and the blank lines that opened it.
fn plain(text: &str, sink: &mut dyn Sink) -> (String, Cleaned, usize) {
    let is_icon =
        |line: &str| line.starts_with("<img src=\"https://www.notion.so/icons/") && line.ends_with("/>");
    let aside = |line: &str| {
        let mark = matches!(line.trim(), "<aside>" | "</aside>") || is_icon(line.trim());
        mark.then_some(0..line.len())
    };
    let mut markup = Markup::new(text);
    markup.in_lines("callout marks", aside, sink);
    markup.links(sink);
    let cleaned = markup.finish();
    let blank = cleaned.text.len() - cleaned.text.trim_start().len();
    let lines = cleaned.text[..blank].bytes().filter(|b| *b == b'\n').count();
    let words = &cleaned.text[cleaned.text[..blank].rfind('\n').map_or(0, |at| at + 1)..];
    (markup::unescape(words.trim_end(), sink), cleaned, lines)
}

#[cfg(test)]
mod tests;
