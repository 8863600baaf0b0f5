//! Pages that list others: an app's index of what it exported, a table of contents, a list of files. They are told by
//! their shape and not by a name: nearly all their words are links to files that lie with them.

use scraper::{ElementRef, Html, Node};

use crate::journal::dates;

/// Links that make a list.
const FEW: usize = 2;

/// The longest name of a page, in words; a longer link is a sentence.
const LONGEST_NAME: usize = 16;

/// A page's links, and its words beside them.
pub struct Links {
    /// Where each goes, and how many words it shows.
    links: Vec<(String, usize)>,
    /// Words outside links, but for those in headings.
    beside: usize,
    /// Words in headings.
    headings: usize,
}

impl Links {
    /// Reads a page.
    pub fn of(document: &Html) -> Links {
        let mut found = Links { links: Vec::new(), beside: 0, headings: 0 };
        let Some(body) =
            document.root_element().descendent_elements().find(|element| element.value().name() == "body")
        else {
            return found;
        };
        for node in body.descendants() {
            let Node::Text(text) = node.value() else { continue };
            let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            let above = || node.ancestors().filter_map(ElementRef::wrap).take(MOST_DEPTH);
            let is = |names: &[&str]| above().any(|element| names.contains(&element.value().name()));
            if words == 0 || is(&["script", "style", "noscript", "template"]) {
                continue;
            }
            let link = above().find(|element| element.value().name() == "a");
            match link.and_then(|link| link.value().attr("href")) {
                Some(to) => match found.links.last_mut().filter(|(last, _)| last == to) {
                    Some((_, so_far)) => *so_far += words,
                    None => found.links.push((to.to_string(), words)),
                },
                None if is(&["h1", "h2", "h3", "h4", "h5", "h6", "title"]) => found.headings += words,
                None => found.beside += words,
            }
        }
        found
    }

    /// Whether the page is a list and nothing more: each link names a file that lies with it, and beside a link stands a
    /// word or two at most, as a date or a number.
    pub fn is_list(&self) -> bool {
        self.is_list_of(is_local)
    }

    /// The same, of links that go where it fits.
    pub fn is_list_of(&self, fits: impl Fn(&str) -> bool) -> bool {
        let named = |(to, words): &(String, usize)| fits(to) && *words <= LONGEST_NAME;
        let few_words = self.beside <= 2 * self.links.len() && self.headings <= 3 * self.links.len();
        self.links.len() >= FEW && self.links.iter().all(named) && few_words
    }

    /// Whether every link goes to a file that fits, with few words beside them.
    pub fn all(&self, fits: impl Fn(&str) -> bool) -> bool {
        const HEAD: usize = 40;
        !self.links.is_empty() && self.links.iter().all(|(to, _)| fits(to)) && self.beside <= HEAD
    }
}

/// Elements around a word that are looked at.
const MOST_DEPTH: usize = 24;

/// Whether an address is that of a file which lies with the page, or of a place in one.
pub fn is_local(to: &str) -> bool {
    let scheme = to.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let file = to.split(['#', '?']).next().unwrap_or("");
    let name = file.rsplit('/').next().unwrap_or("");
    !is_scheme && !to.starts_with("//") && (name.contains('.') || file.ends_with('/'))
}

/// Whether a Markdown page is nothing but headings and a list of links, each called as the file that it goes to or by a
/// day's name: Vimwiki's index of a diary, a table of contents.
pub fn is_markdown_list(text: &str) -> bool {
    let leads = |line: &str| {
        let item = line.strip_prefix(['-', '*', '+'])?.trim_start();
        let (label, to) = item.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
        let name = to.replace("%20", " ");
        let name = name.rsplit('/').next().unwrap_or("");
        let stem = name.strip_suffix(".md").or(name.strip_suffix(".wiki")).unwrap_or(name);
        let is_day = dates::in_file_name(stem, None).is_some_and(|(_, rest)| rest.is_empty());
        (!to.contains(':') && (is_day || label == stem)).then_some(())
    };
    let mut items = 0;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.all(|line| leads(line).map(|()| items += 1).is_some()) && items > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::syntax::html;

    #[test]
    fn a_list_in_markdown() {
        let diary = "# Diary\n\n## 2024\n\n- [2024-01-06](2024-01-06)\n- [The heron](2024-01-05.md)\n";
        assert!(is_markdown_list(diary) && is_markdown_list("* [Fog](a/Fog.md)\n* [A walk](A%20walk.md)\n"));
        for text in ["", "# Diary\n", "- [Fog](Fog.md)\n", "- [Fog](https://fog.org/Fog)\n- [a](a)\n"] {
            assert!(!is_markdown_list(text), "{text}");
        }
        assert!(!is_markdown_list(&format!("{diary}\nAll of a winter.\n")));
    }

    fn is_list(page: &str) -> bool {
        Links::of(&html::parse(page).unwrap()).is_list()
    }

    #[test]
    fn a_list_is_told_by_its_shape() {
        let item = |to: &str, label: &str| format!("<li>2024-01-05 <a href=\"{to}\">{label}</a></li>");
        let list = ["a%20b.html", "sub/c.htm", "d.md"].map(|to| item(to, "A walk in fog")).concat();
        assert!(is_list(&format!("<title>x</title><h1>All of my notes</h1><ul>{list}</ul>")));
        for other in [
            format!("{list}<p>I have put all of them here, so that nobody needs to look for anything.</p>"),
            format!("{list}{}", item("https://example.org/a.html", "elsewhere")),
            format!("{list}{}", item("e.html", &"a sentence of many words, ".repeat(5))),
            item("a.html", "A walk"),
            "<p>Rain, and <a href=a.html>more</a> <a href=b.html>and</a> <a href=c.html>more</a>, all day long, in every street.".into(),
            String::new(),
        ] {
            assert!(!is_list(&other), "{other}");
        }
    }
}
