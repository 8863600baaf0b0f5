//! HTML files: saved pages and what other apps export. Dates divide the text into entries, as in plain text. Left out:
//! scripts, styles, what browsers do not show, a page's navigation, and a page that only lists others. The `<title>` is taken only where there is
//! nothing else.

use std::borrow::Cow;

use scraper::{ElementRef, Html};

use super::chats;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, Through, When};
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::front_matter::{self, moment};
use crate::journal::syntax::head::Head;
use crate::journal::syntax::html::{self, Converted};
use crate::journal::syntax::lists::Links;

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
        let text = input.text()?;
        // As blogs' generators have it, in HTML too.
        let mut front = front_matter::take(&text, options, sink);
        let document = html::parse(&text[front.end..])?;
        if let Some(reason) = chats::refused_page(&document, input) {
            return Err(reason);
        }
        if Links::of(&document).is_list() {
            sink.left_out("lists of files", 1);
            return Ok(());
        }
        let blog = entry_of_a_blog(&document);
        let mut page = match blog {
            Some(entry) => html::convert(*entry.text, &|_| false),
            None => words(&document, sink),
        };
        page.count(sink);
        if page.text.trim().is_empty() {
            page.text = title(&document);
        }
        let when = date_of(&document, options);
        let when =
            blog.and_then(|entry| moment(entry.published?, options)).map_or(when, |(when, _)| Some(when));
        if let Some(entry) = blog {
            front.title = entry.title.text().collect::<String>().trim().to_string();
            sink.left_out("page navigation", 1);
        } else if metas(&document).any(|(name, _)| matches!(name.as_str(), "exporter-version" | "created")) {
            // Evernote's and its kin: the note's own title stands there alone.
            front.title = title(&document);
        } else if front.end == 0 {
            split(&page.text, when, input, options, sink);
            return Ok(());
        }
        let mut head = Head::new(input, front, "", options);
        let entry = |draft: Draft, sink: &mut dyn Sink| sink.entry(head.on(draft));
        split(&page.text, when, input, options, &mut Through { sink, entry });
        Ok(())
    }
}

fn opens_as_html(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let opens = |with: &str| head.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    opens("<!doctype html") || opens("<html") || (opens("<?xml") && head.contains("<html"))
}

/// A page's text without its navigation, other people's comments, and the numbers of a printed book's pages.
pub(super) fn words(document: &Html, sink: &mut dyn Sink) -> Converted {
    /// Tells elements.
    type Is = fn(ElementRef) -> bool;
    const KINDS: [(&str, Is); 5] = [
        ("page navigation", |element| element.value().name() == "nav"),
        ("comments", is_comment),
        ("deleted revisions", is_deleted),
        ("page numbers", |element| has_role(element, "pagebreak")),
        ("marks of notes", is_note_mark),
    ];
    for (what, is) in KINDS {
        let found = document.root_element().descendent_elements().filter(|element| is(*element)).count();
        if found > 0 {
            sink.left_out(what, found);
        }
    }
    let is_left = |element: ElementRef| {
        KINDS.iter().any(|(_, is)| is(element))
            || has_class(element, "MsoCommentReference")
            || google_id(element).is_some_and(|id| id.starts_with("cmnt_ref"))
    };
    html::convert(*document.root_element(), &is_left)
}

/// What a book's page says that an element is: `epub:type="pagebreak"`, `role="doc-pagebreak"`.
fn has_role(element: ElementRef, role: &str) -> bool {
    let says =
        |name| element.value().attr(name).is_some_and(|value| value.trim_start_matches("doc-") == role);
    says("epub:type") || says("role")
}

fn has_class(element: ElementRef, wanted: &str) -> bool {
    element.value().classes().any(|class| class == wanted)
}

/// What a word processor keeps of a deletion; without its author or its time it is what the writer struck out.
fn is_deleted(element: ElementRef) -> bool {
    let value = element.value();
    value.name() == "del" && (value.attr("cite").is_some() || value.attr("datetime").is_some())
}

/// The number that leads to a note or stands before it, in books and in LibreOffice's pages.
fn is_note_mark(element: ElementRef) -> bool {
    element.value().name() == "a"
        && (has_role(element, "noteref")
            || ["sdfootnoteanc", "sdfootnotesym", "sdendnoteanc", "sdendnotesym"]
                .iter()
                .any(|class| has_class(element, class)))
}

/// The id that Google Docs gives a comment and the mark that leads to it.
fn google_id(element: ElementRef<'_>) -> Option<&str> {
    element.value().attr("id").filter(|id| element.value().name() == "a" && id.starts_with("cmnt"))
}

/// A block at the end of a page from Google Docs that opens with a comment's mark, or the list of them that Word saves.
fn is_comment(element: ElementRef) -> bool {
    if element
        .value()
        .attr("style")
        .is_some_and(|style| style.replace(' ', "").contains("mso-element:comment-list"))
    {
        return true;
    }
    let first = |element: ElementRef| element.child_elements().next().and_then(google_id).map(str::to_string);
    let is_block = matches!(element.value().name(), "p" | "div");
    let opens = first(element).or_else(|| first(element.child_elements().next()?));
    is_block && opens.is_some_and(|id| !id.starts_with("cmnt_ref")) && !opens_in_comment(element)
}

/// Whether the block around is a comment already.
fn opens_in_comment(element: ElementRef) -> bool {
    element
        .parent()
        .and_then(ElementRef::wrap)
        .is_some_and(|above| above.value().name() == "div" && is_comment(above))
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
    let dated = metas(document).filter(|(name, _)| NAMES.contains(&name.as_str()));
    dated.filter_map(|(_, content)| moment(&openoffice(content), options)).map(|(when, _)| when).next()
}

/// `20050305;10000000`, as OpenOffice has it, with hundredths, as one number of fourteen digits.
fn openoffice(content: &str) -> Cow<'_, str> {
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    match content.split_once(';') {
        Some((day, time)) if digits(day) && digits(time) => format!("{day}{}", &time[..6]).into(),
        _ => content.into(),
    }
}

/// The parts of a page that is one entry of a blog, as it says itself in microformats (`h-entry`).
#[derive(Clone, Copy)]
struct BlogEntry<'a> {
    title: ElementRef<'a>,
    text: ElementRef<'a>,
    published: Option<&'a str>,
}

fn entry_of_a_blog(document: &Html) -> Option<BlogEntry<'_>> {
    let mut entries =
        document.root_element().descendent_elements().filter(|element| has_class(*element, "h-entry"));
    let entry = entries.next().filter(|_| entries.next().is_none())?;
    let part = |class: &str| entry.descendent_elements().find(|element| has_class(*element, class));
    let published = part("dt-published").and_then(|time| time.value().attr("datetime"));
    Some(BlogEntry { title: part("p-name")?, text: part("e-content")?, published })
}

/// What a page's `<meta>` say: their names in lower case, and what stands there.
fn metas(document: &Html) -> impl Iterator<Item = (String, &str)> {
    let elements = document.root_element().descendent_elements();
    elements.filter(|element| element.value().name() == "meta").flat_map(|meta| {
        let content = meta.value().attr("content").unwrap_or("");
        let names =
            ["name", "property", "itemprop"].into_iter().filter_map(move |name| meta.value().attr(name));
        names.map(move |name| (name.to_lowercase(), content))
    })
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

    #[test]
    fn comments_of_a_shared_document_are_left_out() {
        let page = b"<p>Rain.<sup><a href='#cmnt1' id='cmnt_ref1'>[a]</a></sup> Tea.<sup><a href='#ftnt1' id='ftnt_ref1'>[1]\
            </a></sup></p><div><p><a href='#ftnt_ref1' id='ftnt1'>[1]</a> mine</p></div><div><p><a href='#cmnt_ref1' \
            id='cmnt1'>[a]</a>not mine</p><p>nor this</p></div>";
        let found = read("a.html", page, &Options::default());
        assert_eq!(found.entries[0].text, "Rain. Tea.[1]\n\n[1] mine");
        assert!(found.left_out.contains(&("comments", 1)), "{:?}", found.left_out);
    }

    #[test]
    fn what_word_processors_add_is_left_out() {
        let page = b"<p><span style='mso-list:Ignore'>*&nbsp; </span>tea<del cite='mailto:B' datetime='2024'>gone</del>\
            <a class=sdfootnoteanc href='#1'>1</a> and <del>struck</del></p><div style='mso-element: comment-list'>his</div>";
        assert_eq!(read("a.html", page, &Options::default()).entries[0].text, "tea and struck");
        let old = b"<meta name=CREATED content='20050305;10000000'><p>Rain.";
        let when = read("a.html", old, &Options::default()).entries[0].when.unwrap();
        assert_eq!(when.to_string(), "2005-03-05T10:00:00");
    }

    #[test]
    fn a_page_of_a_blog_says_what_is_its_text() {
        let page =
            b"<article class=h-entry><h1 class=p-name>Tea</h1><section class=p-summary>It was hot</section>\
            <section class=e-content><p>It was hot.</p></section><footer>By Ann on <time class=dt-published \
            datetime='2024-03-05T10:00:00.000Z'>March 5</time>. Canonical link</footer></article>";
        let draft = &read("a.html", page, &Options::default()).entries[0];
        assert_eq!((draft.title.as_str(), draft.text.as_str()), ("Tea", "It was hot."));
        assert_eq!(draft.when.unwrap().to_string(), "2024-03-05T10:00:00+00:00");
    }

    #[test]
    fn a_note_of_evernotes_has_its_title_and_day() {
        let page = b"<meta name=exporter-version content='Evernote Mac 9'><meta name=created content='2024-01-05 09:30:00 \
            +0000'><title>A walk</title><div>Rain.</div>";
        let draft = &read("A walk.html", page, &Options::default()).entries[0];
        assert_eq!((draft.title.as_str(), draft.text.as_str()), ("A walk", "Rain."));
        assert_eq!(draft.when.unwrap().to_string(), "2024-01-05T09:30:00+00:00");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            read_with(&HtmlFile, &Input::from_bytes("a.html", bytes), &Options::default());
        }
    }
}
