//! Files that a program wrote for programs, of no app that is known: each is named as what it is, with what makes words of
//! it. As text they would be trained on with all their signs.

use crate::base::shell;
use crate::journal::formats::text::structure::{self, Structure};
use crate::journal::source::input::Input;
use crate::journal::syntax::xml;

/// Endings of XML that holds a program's own settings, and of what is drawn.
const SETTINGS: [&str; 11] =
    ["plist", "svg", "xsd", "xsl", "xslt", "rels", "opf", "ncx", "dtd", "xmp", "resx"];

/// What a file of no known format is and what to do about it, where it may hold words; none where it is prose or nothing.
pub fn of(input: &Input) -> Option<String> {
    let extension = input.extension();
    if SETTINGS.contains(&extension.as_str()) {
        return None;
    }
    match structure::of(input).or_else(|| bare_xml(input))? {
        Structure::Json => Some(
            "JSON, and no text: if it holds entries, give a copy the ending .json, and name their field with --text-field"
                .to_string(),
        ),
        Structure::Html => Some("a page of HTML: give a copy the ending .html".to_string()),
        Structure::Xml(root) => of_xml(&root, input),
    }
}

/// XML that does not say so first.
fn bare_xml(input: &Input) -> Option<Structure> {
    let head = input.head().trim_start();
    let opens = head.strip_prefix('<').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
    (opens && head.contains("</") && head.contains('>')).then(|| Structure::Xml(xml::root(head)))
}

fn of_xml(root: &str, input: &Input) -> Option<String> {
    let path = shell::path(input.path());
    let app = match root.to_lowercase().as_str() {
        "journal" if input.head().contains("<entries>") => {
            "jrnl's XML: export it again, `jrnl --format json`".to_string()
        }
        "smses" | "calls" => {
            "a backup of text messages, with other people's words: save what you wrote as text".to_string()
        }
        "feed" | "rss" | "rdf" | "rdf:rdf" => {
            "a blog's feed or backup, as XML: export the blog as Markdown or HTML".to_string()
        }
        "opml" => "an outline (OPML): export it as text or Markdown".to_string(),
        "html" => format!("a page of HTML: give a copy of {path} the ending .html"),
        "plist" => return None,
        _ if !has_words(input.head()) => return None,
        _ => "XML of no app that is known: export it as text, Markdown or JSON".to_string(),
    };
    Some(app)
}

/// Whether three words or more stand between the tags.
fn has_words(head: &str) -> bool {
    let between = head.split('<').skip(1).filter_map(|piece| piece.split_once('>'));
    let words = between.flat_map(|(_, text)| text.split_whitespace());
    words.filter(|word| word.chars().any(char::is_alphabetic)).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::formats;

    fn told(path: &str, text: &str) -> String {
        let input = Input::from_bytes(path, text.as_bytes().to_vec());
        assert_eq!(formats::of(&input).map(|format| format.name()), None, "{path}");
        of(&input).unwrap_or_default()
    }

    #[test]
    fn what_is_written_for_programs_is_named() {
        let json = "{\"nodes\": [{\"text\": \"words\"}]}";
        for path in ["a.txt", "a", "a.ipynb", "a.excalidraw"] {
            assert!(told(path, json).starts_with("JSON"), "{path}");
        }
        let xml = |root: &str| format!("<?xml version=\"1.0\"?>\n<{root}><a>some words here</a></{root}>");
        for path in ["a.txt", "a.xml", "a.atom"] {
            assert!(told(path, &xml("feed")).contains("feed"), "{path}");
            assert!(told(path, &xml("smses")).contains("messages"), "{path}");
            assert!(told(path, &xml("other")).contains("no app that is known"), "{path}");
        }
        assert!(told("a.xml", "<journal><entries>a</entries></journal>").contains("--format json"));
        assert!(told("a.txt", "<!DOCTYPE html><p>words").contains(".html"));
        for (path, text) in [
            ("a.plist", xml("plist")),
            ("a.svg", xml("svg")),
            ("a.xml", "<a><b c=\"1\"/></a>".into()),
            ("a.tex", "\\section{One}\nwords".into()),
        ] {
            assert_eq!(told(path, &text), "", "{path}");
        }
    }
}
