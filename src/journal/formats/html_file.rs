//! HTML files: saved pages and what other apps export. Dates divide the text into entries, as in plain text. Left out:
//! scripts, styles, what browsers do not show, a page's navigation, and a page that only lists others. The `<title>` is taken only where there is
//! nothing else.

use scraper::{ElementRef, Html};

use super::chats;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, Through, When};
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::html::{self, Converted};
use crate::journal::syntax::lists::Links;
use crate::journal::syntax::titles;

/// HTML.
pub struct HtmlFile;

impl Format for HtmlFile {
    fn name(&self) -> &'static str {
        "HTML"
    }

    fn is(&self, input: &Input) -> bool {
        match input.extension().as_str() {
            "html" | "htm" | "xhtml" | "xht" | "shtml" => true,
            "" => opens_as_html(input.head()),
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let document = html::parse(&input.text()?)?;
        if let Some(reason) = chats::refused_page(&document, input) {
            return Err(reason);
        }
        if Links::of(&document).is_list() {
            sink.left_out("lists of files", 1);
            return Ok(());
        }
        let mut page = words(&document, sink);
        page.count(sink);
        if page.text.trim().is_empty() {
            page.text = title(&document);
        }
        let when = date_of(&document, options);
        // A note of Evernote's has its title nowhere else.
        let mut name =
            if meta(&document, &["exporter-version"]).is_some() { title(&document) } else { String::new() };
        let entry = |draft: Draft, sink: &mut dyn Sink| {
            let title = titles::kept(&std::mem::take(&mut name), &draft.text, draft.when);
            sink.entry(Draft { title, ..draft });
        };
        split(&page.text, when, input, options, &mut Through { sink, entry });
        Ok(())
    }
}

fn opens_as_html(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let opens = |with: &str| head.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    opens("<!doctype html") || opens("<html") || (opens("<?xml") && head.contains("<html"))
}

/// A page's text without its navigation.
pub(super) fn words(document: &Html, sink: &mut dyn Sink) -> Converted {
    let is_navigation = |element: ElementRef| element.value().name() == "nav";
    let found =
        document.root_element().descendent_elements().filter(|element| is_navigation(*element)).count();
    if found > 0 {
        sink.left_out("page navigation", found);
    }
    html::convert(*document.root_element(), &is_navigation)
}

fn title(document: &Html) -> String {
    let mut elements = document.root_element().descendent_elements();
    let title = elements.find(|element| element.value().name() == "title");
    title.map(|title| title.text().collect::<String>().trim().to_string()).unwrap_or_default()
}

/// The day that a page says it was written on, in its `<meta>`.
fn date_of(document: &Html, options: &Options) -> Option<When> {
    const NAMES: &[&str] = &[
        "date",
        "created",
        "article:published_time",
        "dc.date",
        "dc.date.created",
        "dcterms.created",
        "datepublished",
    ];
    moment(meta(document, NAMES)?, options).map(|(when, _)| when)
}

/// What a page says in its `<meta>` of one of these names.
fn meta<'a>(document: &'a Html, names: &[&str]) -> Option<&'a str> {
    let metas =
        document.root_element().descendent_elements().filter(|element| element.value().name() == "meta");
    let mut named = metas.filter(|meta| {
        let own = ["name", "property", "itemprop"].into_iter().filter_map(|name| meta.value().attr(name));
        own.map(str::to_lowercase).any(|name| names.contains(&name.as_str()))
    });
    named.find_map(|meta| meta.value().attr("content"))
}

/// Hands over a document's text, divided by its date lines. What has no date is of the document's own; an entry's place
/// is its number, for the text's lines are not the file's.
pub(super) fn split(text: &str, when: Option<When>, input: &Input, options: &Options, sink: &mut dyn Sink) {
    let mut number = 0;
    let entry = |draft: Draft, sink: &mut dyn Sink| {
        number += 1;
        sink.entry(Draft { when: draft.when.or(when), place: Place::Number(number), ..draft });
    };
    split_by_dates(text, 1, input, options, &mut Through { sink, entry });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, read_with};

    #[test]
    fn pages_are_known_by_name_or_content() {
        for (path, head, known) in [
            ("a.HTM", "", true),
            ("a", "\n<!DOCTYPE HTML><p>", true),
            ("a", "<html lang=en>", true),
            ("a", "<sigh>", false),
            ("a.txt", "<html>", false),
        ] {
            let input = Input::from_bytes(path, head.as_bytes().to_vec());
            assert_eq!(HtmlFile.is(&input), known, "{path}");
        }
    }

    #[test]
    fn the_title_is_better_than_nothing() {
        let read = read("a.html", b"<title>Rain</title><img src=x>", &Options::default());
        assert_eq!(read.entries[0].text, "Rain");
    }

    #[test]
    fn a_page_that_lists_others_is_none() {
        let list = |label: &str| {
            let item = |name: &str| format!("<li><a href=\"notes/{name}.html\">{label}</a></li>");
            format!("<h1>My notes</h1><ul>{}</ul>", ["a", "b", "c"].map(item).concat())
        };
        let found = read("My notes_index.html", list("A walk").as_bytes(), &Options::default());
        assert_eq!((found.entries.len(), found.left_out), (0, vec![("lists of files", 1)]));
        let bookmarks = "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DT><A HREF=\"https://a.org\">A page</A>";
        assert!(read("a.html", bookmarks.as_bytes(), &Options::default()).entries.is_empty());
        for chat in
            ["<div class=\"page_body chat_page\">hers</div>", "<div class=chatlog__message>hers</div>"]
        {
            let found = read("a.html", chat.as_bytes(), &Options::default());
            assert!(found.entries.is_empty() && found.failed.unwrap().contains("a chat"), "{chat}");
        }
        let note = "<title>Fog</title><meta name=\"created\" content=\"2024-01-05 09:30:00 +0000\"><meta name=\"exporter-version\" content=\"x\"><p>All day.";
        let found = read("Fog.html", note.as_bytes(), &Options::default()).entries.remove(0);
        assert_eq!(
            (found.title.as_str(), found.when.unwrap().to_string().as_str()),
            ("Fog", "2024-01-05T09:30:00+00:00")
        );
        let diary =
            format!("{}<p>These I wrote in the year that nobody came to the weir.</p>", list("A walk"));
        assert_eq!(read("a.html", diary.as_bytes(), &Options::default()).entries.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            read_with(&HtmlFile, &Input::from_bytes("a.html", bytes), &Options::default());
        }
    }
}
