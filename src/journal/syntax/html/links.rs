//! Pages that only lead to others: tables of contents, and the lists of files that apps put beside what they export.

use ego_tree::iter::Edge;
use scraper::{ElementRef, Html};

/// Of a page that leads on, so much of the text is links.
const NEARLY_ALL: f64 = 0.8;

/// Whether nearly all of a page's words are links to pages beside it, or stand in its `<nav>`. Headings count for neither
/// side; a page with fewer than two such links leads nowhere. Links into the web are what people write down.
pub fn are_all(page: &Html) -> bool {
    let (mut linked, mut all, mut links, mut navigates) = (0, 0, 0, false);
    // Elements that are open: those that lead on, and those whose text counts for nothing.
    let (mut leading, mut silent) = (0, 0);
    for edge in page.root_element().traverse() {
        let (node, opens) = match edge {
            Edge::Open(node) => (node, true),
            Edge::Close(node) => (node, false),
        };
        if let Some(element) = ElementRef::wrap(node) {
            let name = element.value().name();
            let is_link = leads_on(element);
            for (counts, open) in [(is_link || name == "nav", &mut leading), (is_no_text(name), &mut silent)]
            {
                *open = if counts && opens { *open + 1 } else { *open - usize::from(counts) };
            }
            links += usize::from(is_link && opens);
            navigates |= name == "nav";
        } else if let (Some(text), true, 0) = (node.value().as_text(), opens, silent) {
            let length: usize = text.split_whitespace().map(|word| word.chars().count()).sum();
            all += length;
            linked += if leading > 0 { length } else { 0 };
        }
    }
    (links > 1 || navigates) && all > 0 && linked as f64 >= NEARLY_ALL * all as f64
}

fn is_no_text(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "title" | "style" | "script")
}

/// Whether an element is a link to a page or a note that lies beside this one, or to a place in this one.
fn leads_on(element: ElementRef) -> bool {
    let address = element.value().attr("href").filter(|_| element.value().name() == "a");
    address.is_some_and(|address| {
        let scheme = address.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':'));
        // Evernote's lists of notes lead to them so.
        (!scheme || address.starts_with("evernote:"))
            && !address.starts_with("//")
            && !address.trim().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str) -> bool {
        are_all(&Html::parse_document(body))
    }

    #[test]
    fn contents_are_links_and_chapters_are_words() {
        let contents = "<h1>What is where in this book of mine</h1><ol><li><a href='a.html'>The first year</a></li>\
            <li><a href='b.html#x'>The second</a> 12</li></ol>";
        assert!(all(contents) && all("<nav><p>One, two</p></nav>"));
        assert!(!all(&format!("{contents}<p>A page on which somebody wrote some lines of their own.</p>")));
        // Links into the web, one link back, no words at all.
        assert!(!all("<a href='https://a.org/x'>read this</a> <a href='https://b.org'>and that</a>"));
        assert!(!all("<p><a href='index.html'>back</a></p>") && !all("<h1>Rain</h1>") && !all(""));
    }
}
