//! EPUB: a zip whose chapters, in XHTML, are read in the order that the book gives them; dates divide their text into
//! entries. Left out: cover and tables of contents, and what the book says about itself. Books locked by a shop are
//! refused.

use std::collections::BTreeMap;

use super::html_file::{split, words};
use crate::journal::dates;
use crate::journal::format::{Deaf, Format, Input, MOST_WHOLE, Options, Place, Sink};
use crate::journal::source::archive::Archive;
use crate::journal::syntax::html;
use crate::journal::syntax::lists::Links;
use crate::journal::syntax::xml::{Fault, Piece, Tag, Xml};

/// EPUB.
pub struct Epub;

impl Format for Epub {
    fn name(&self) -> &'static str {
        "EPUB"
    }

    fn is(&self, input: &Input) -> bool {
        input.extension() == "epub" || input.head_bytes().get(30..58) == Some(b"mimetypeapplication/epub+zip")
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut archive = Archive::open(input)?;
        if let Some(encryption) = archive.read("META-INF/encryption.xml")? {
            refuse_locked(&encryption)?;
        }
        let container =
            archive.read("META-INF/container.xml")?.ok_or("an EPUB without META-INF/container.xml")?;
        let root = package_path(&container).ok_or("an EPUB that does not say where its contents are")?;
        let package = archive.read(&root)?.ok_or_else(|| format!("an EPUB without its {root}"))?;
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut text = String::new();
        let chapters = chapters(&package).map_err(|fault| format!("{root}: {fault}"))?;
        for (number, chapter) in chapters.iter().enumerate() {
            let place = Place::Number(number + 1);
            let path = joined(folder, &chapter.path);
            let page = match archive.read(&path) {
                Ok(Some(page)) => Input::from_bytes(&path, page).text(),
                Ok(None) => Err("it is not in the book".to_string()),
                Err(problem) => Err(problem),
            };
            if let Err(problem) = page.and_then(|page| add(&mut text, &page, chapter, sink)) {
                sink.lost(place, &path, problem);
            }
            if text.len() as u64 > MOST_WHOLE {
                let problem = "a book of more than 64 MiB of text: what follows is not read";
                sink.lost(place, &path, problem.to_string());
                break;
            }
        }
        split(&text, None, input, options, sink);
        Ok(())
    }
}

/// Adds a page's words, unless it is a cover or a table of contents. What the book calls so may be a chapter: a cover has
/// few words, and contents are links.
fn add(text: &mut String, page: &str, chapter: &Chapter, sink: &mut dyn Sink) -> Result<(), String> {
    let document = html::parse(page)?;
    // A page may be the book's contents, and its first chapter too.
    let beside = || words(&document, &mut Deaf).text;
    let what = if chapter.is_cover && says_little(&html::to_text(page).text) {
        Some("covers")
    } else {
        // Calibre puts contents at the end of the book, and names them nowhere.
        let is_contents = Links::of(&document).is_list() || (chapter.is_nav && says_little(&beside()));
        is_contents.then_some("tables of contents")
    };
    if let Some(what) = what {
        sink.left_out(what, 1);
        return Ok(());
    }
    let page = words(&document, sink);
    page.count(sink);
    if !page.text.is_empty() {
        text.push_str(if text.is_empty() { "" } else { "\n\n" });
        text.push_str(&page.text);
    }
    Ok(())
}

/// Whether a page holds hardly a word, and no day that is headed.
fn says_little(text: &str) -> bool {
    let links_alone = text.lines().all(|line| dates::recognise(line).is_none());
    links_alone && text.split_whitespace().count() < MOST_ON_A_COVER
}

/// Every element of a document, in order, until its end or its damage.
fn elements(xml: &[u8]) -> Result<Vec<Tag>, Fault> {
    let mut xml = Xml::new(Box::new(xml));
    let mut tags = Vec::new();
    loop {
        match xml.piece()? {
            Piece::Open(tag) => tags.push(tag),
            Piece::End => return Ok(tags),
            Piece::Close | Piece::Text(_) => {}
        }
    }
}

/// Fonts may be scrambled, which locks nothing.
fn refuse_locked(encryption: &[u8]) -> Result<(), String> {
    const FONTS: &[&str] = &["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
    let elements = elements(encryption).unwrap_or_default();
    let mut methods = elements.iter().filter(|tag| tag.local() == "EncryptionMethod");
    match methods.all(|tag| tag.get("Algorithm").is_some_and(|method| FONTS.contains(&method))) {
        true => Ok(()),
        false => Err("locked by the shop it comes from (DRM): export it without the lock".to_string()),
    }
}

fn package_path(container: &[u8]) -> Option<String> {
    let elements = elements(container).ok()?;
    let root = elements.iter().find(|tag| tag.local() == "rootfile")?;
    Some(joined("", root.get("full-path")?))
}

struct Chapter {
    path: String,
    /// As the book's guide says (EPUB 2).
    is_cover: bool,
    /// As its properties say (EPUB 3).
    is_nav: bool,
}

/// A cover has a title, a name, a year.
const MOST_ON_A_COVER: usize = 25;

/// The chapters in the order of the package's spine.
fn chapters(package: &[u8]) -> Result<Vec<Chapter>, Fault> {
    let elements = elements(package)?;
    let of = |name: &'static str| elements.iter().filter(move |tag| tag.local() == name);
    let items: BTreeMap<&str, &Tag> = of("item").filter_map(|item| Some((item.get("id")?, item))).collect();
    let covers: Vec<&str> = of("reference")
        .filter(|reference| reference.get("type") == Some("cover"))
        .filter_map(|reference| reference.get("href")?.split('#').next())
        .collect();
    let chapters = of("itemref").filter_map(|reference| {
        let item = items.get(reference.get("idref")?)?;
        let path = item.get("href")?;
        let is_nav = item.get("properties").unwrap_or("").split(' ').any(|kind| kind == "nav");
        Some(Chapter { path: path.to_string(), is_cover: covers.contains(&path), is_nav })
    });
    Ok(chapters.collect())
}

/// A path in the zip, from one in the package: `../Text/a%20b.xhtml#top`.
fn joined(folder: &str, path: &str) -> String {
    let path = percent_decoded(path.split('#').next().unwrap_or(""));
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read, read_with, zipped};

    const CONTAINER: &str =
        "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>";
    const PACKAGE: &str = "<package><metadata><dc:title>My years</dc:title></metadata><manifest>\
        <item id='n' href='nav.xhtml' properties='nav'/><item id='b' href='Text/b%20b.xhtml'/>\
        <item id='a' href='./Text/a.xhtml'/></manifest><spine><itemref idref='n'/><itemref idref='b'/>\
        <itemref idref='a'/><itemref idref='gone'/></spine></package>";

    fn book(more: &[(&str, &str)]) -> Vec<u8> {
        let files = [
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("OEBPS/book.opf", PACKAGE),
            ("OEBPS/nav.xhtml", "<body><nav><h1>Contents</h1><a href='Text/a.xhtml'>A year</a></nav></body>"),
            (
                "OEBPS/Text/a.xhtml",
                "<html><head><title/></head><body><h1>6 May 2020</h1><p>sun</p></body></html>",
            ),
            ("OEBPS/Text/b b.xhtml", "<html><body><h1>5 May 2020</h1><p>rain</p></body></html>"),
        ];
        zipped(&[&files[..], more].concat())
    }

    fn texts(read: &Collected) -> Vec<&str> {
        read.entries.iter().map(|entry| entry.text.trim()).collect()
    }

    #[test]
    fn chapters_in_the_order_of_the_book() {
        let read = read("years.epub", &book(&[]), &Options::default());
        assert_eq!(texts(&read), ["rain", "sun"]);
        assert_eq!(read.entries[1].when.unwrap().to_string(), "2020-05-06");
        assert_eq!((read.left_out, read.failed), (vec![("tables of contents", 1)], None));
        assert!(Epub.is(&Input::from_bytes("x", book(&[]))));
    }

    #[test]
    fn a_chapter_is_no_table_of_contents_whatever_it_is_called() {
        let package = "<package><manifest><item id='a' href='a.xhtml'/><item id='b' href='b.xhtml'/>\
            <item id='c' href='c.xhtml'/></manifest><spine><itemref idref='c'/><itemref idref='a'/><itemref idref='b'/>\
            </spine><guide><reference type='toc' href='a.xhtml'/><reference type='cover' href='b.xhtml'/></guide></package>";
        let chapter = "<p>The first of the chapters has words and leads nowhere.</p>";
        let long = format!("<p>{}</p>", "what somebody wrote ".repeat(10));
        let list = "<h1>Contents</h1><p><a href='a.xhtml'>One</a> <a href='b.xhtml'>Two</a></p>";
        let with = |cover: &str| {
            let files = [
                ("mimetype", "application/epub+zip"),
                ("META-INF/container.xml", "<container><rootfile full-path=\"c.opf\"/></container>"),
                ("c.opf", package),
                ("a.xhtml", chapter),
                ("b.xhtml", cover),
                ("c.xhtml", list),
            ];
            read("a.epub", &zipped(&files), &Options::default())
        };
        let found = with(&long);
        assert!(found.entries[0].text.contains("leads nowhere.\n\nwhat somebody wrote"), "{found:?}");
        assert_eq!(found.left_out, [("tables of contents", 1)]);
        let found = with("<p>My years, 2024</p>");
        assert_eq!(texts(&found), ["The first of the chapters has words and leads nowhere."]);
        assert_eq!(found.left_out, [("tables of contents", 1), ("covers", 1)]);
    }

    #[test]
    fn locked_books_are_refused_and_scrambled_fonts_are_not() {
        let locked = |algorithm: &str| {
            let text = format!("<encryption><EncryptionMethod Algorithm=\"{algorithm}\"/></encryption>");
            let bytes = book(&[("META-INF/encryption.xml", &text)]);
            read("a.epub", &bytes, &Options::default()).failed.is_some()
        };
        assert!(locked("http://www.w3.org/2001/04/xmlenc#aes128-cbc"));
        assert!(!locked("http://www.idpf.org/2008/embedding"));
    }

    #[test]
    fn paths() {
        assert_eq!(joined("OEBPS", "../Text/a%20b.xhtml#x"), "Text/a b.xhtml");
        assert_eq!(joined("", "100%.html"), "100%.html");
    }

    proptest::proptest! {
        #[test]
        fn damage_is_no_danger(at: proptest::sample::Index, byte: u8) {
            let mut bytes = book(&[]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            read_with(&Epub, &Input::from_bytes("a.epub", bytes), &Options::default());
        }
    }
}
