//! Logseq's journals and pages. Logseq makes every paragraph an item of an outline: here the items at the top are
//! paragraphs again, with what is nested in them as a list below. Tasks keep their words (TODO, DONE); ids and the app's
//! own properties, times logged and scheduled, queries, embeds, references to blocks, what was marked in a PDF and
//! templates are left out.
//! `mood:: grey` is the writer's, and stays. A graph in Org is read as one in Markdown is.

use super::markdown::is_named;
use crate::journal::format::{
    DayNames, Draft, Format, Input, Options, Place, Settings, Sink, Through, Vault, When,
};
use crate::journal::syntax::front_matter::FrontMatter;
use crate::journal::syntax::markup::Markup;
use crate::journal::syntax::{by_dates, exported, front_matter, titles};

use crate::journal::dates::{Pattern, file_dates};

mod org;
mod outline;

use outline::Block;

/// Logseq's folder.
const VAULT: Vault = Vault { app: "Logseq", mark: "logseq/config.edn", own: &["logseq"], templates: &[] };

/// Logseq.
pub struct Logseq;

impl Format for Logseq {
    fn name(&self) -> &'static str {
        "Logseq"
    }

    fn is(&self, input: &Input) -> bool {
        let org = input.extension() == "org";
        let bullet = if org { "* " } else { "- " };
        let journal = || {
            let bullets = input.head().lines().filter(|line| line.starts_with(bullet)).count() > 0;
            let named =
                input.stem().len() == 10 && input.stem().contains('_') && input.day_in_name().is_some();
            input.vault().is_none() && input.lies_in("journals") && named && bullets
        };
        // A page that was taken out of its graph has the ids of its blocks still.
        let clearly = || input.vault().is_none() && !org && input.head().lines().any(is_id);
        (is_named(input) || org)
            && (input.vault() == Some(&VAULT) || journal() || clearly())
            && !exported::is(input.head())
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        // A page in Org says such things as the app's properties.
        let front = match input.extension().as_str() {
            "org" => FrontMatter::default(),
            _ => front_matter::take(&text, options, sink),
        };
        let mut page = Page { title: front.title, tags: front.tags, ..Page::default() };
        let blocks = match input.extension().as_str() {
            "org" => org::read(&text[front.end..], sink),
            _ => outline::read(&text[front.end..]),
        };
        let bullets = blocks.iter().filter(|block| block.bullet && block.depth == 0).count();
        if bullets > 0 {
            sink.left_out("outline marks", bullets);
        }
        page.take(blocks, sink);

        // What was marked in a book has the book's name.
        let named_by_day = input.lies_in("journals") || input.day_by_settings().is_some();
        if page.title.is_empty() && !named_by_day && !input.stem().starts_with("hls__") {
            page.title = file_dates::without_date(&name_of(input.stem()), None).to_string();
        }
        let day = input.day_in_name().map(When::day);
        let text = inline(&page.text, options, sink);
        let place = Place::Line(front.lines + page.line.unwrap_or(1));
        let when = front.date.or(day).or(front.created);
        if front.date.or(day).is_none() && !text.trim().is_empty() {
            // A page of days; what stands above the first has the page's date, if it has one.
            let mut name = std::mem::take(&mut page.title);
            let Place::Line(first) = place else { return Ok(()) };
            let each = |draft: Draft, sink: &mut dyn Sink| {
                let when = draft.when.or(front.created);
                let title = titles::kept(&std::mem::take(&mut name), &draft.text, when);
                sink.entry(Draft { when, title, tags: page.tags.clone(), ..draft });
            };
            let context = by_dates::context(input, options);
            by_dates::split_in(context, &text, first, &[], &mut Through { sink, entry: each });
            return Ok(());
        }
        let title = titles::kept(&page.title, &text, when);
        // A page without words is but a name that others link to.
        let title = if text.trim().is_empty() { String::new() } else { title };
        sink.entry(Draft { when, title, text, tags: page.tags, place });
        Ok(())
    }

    fn vault(&self) -> Option<&'static Vault> {
        Some(&VAULT)
    }

    fn day_names(&self, open: &mut Settings) -> Vec<DayNames> {
        let config = open(VAULT.mark).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        day_names(&config.unwrap_or_default())
    }
}

/// How the settings of a graph say that its journals are called: by the format of files' names, or, in graphs that are
/// older than that, by that of pages' titles, whose slashes no file may have.
fn day_names(config: &str) -> Vec<DayNames> {
    let folder = setting(config, ":journals-directory").unwrap_or_else(|| "journals".to_string());
    let formats = [":journal/file-name-format", ":journal/page-title-format"];
    let formats = formats.into_iter().filter_map(|key| setting(config, key));
    let as_files = formats.flat_map(|format| ["___", "%2F", "."].map(|slash| format.replace('/', slash)));
    let patterns = as_files.filter_map(|format| Pattern::unicode(&format));
    patterns.map(|pattern| DayNames { folder: folder.clone(), pattern }).collect()
}

/// The text that a key has in EDN, whose comments begin with `;`.
fn setting(config: &str, key: &str) -> Option<String> {
    let lines = config.lines().map(|line| match line.find(';') {
        Some(at) if line[..at].matches('"').count() % 2 == 0 => &line[..at],
        _ => line,
    });
    let config = lines.collect::<Vec<_>>().join("\n");
    let at = config.find(&format!("{key} ")).or_else(|| config.find(&format!("{key}\n")))?;
    let value = config[at + key.len()..].trim_start().strip_prefix('"')?;
    Some(value.split_once('"')?.0.to_string())
}

/// A page as it is gathered from its blocks.
#[derive(Default)]
struct Page {
    title: String,
    tags: Vec<String>,
    text: String,
    /// The line of its first words.
    line: Option<usize>,
}

impl Page {
    fn take(&mut self, blocks: Vec<Block>, sink: &mut dyn Sink) {
        let (mut template, mut gone) = (None, None);
        for (i, mut block) in blocks.into_iter().enumerate() {
            if template.is_some_and(|depth| block.depth > depth) {
                sink.changed("templates", &block.lines.join("\n"), "");
                continue;
            }
            template = None;
            if block.properties().any(|(key, _)| key == "template") {
                template = Some(block.depth);
                sink.changed("templates", &block.lines.join("\n"), "");
                continue;
            }
            if i == 0 && block.is_all_properties() {
                self.know(&block);
                block.leave(
                    "app properties",
                    &|key, _| matches!(key, "title" | "tags" | "alias" | "aliases"),
                    sink,
                );
            }
            let (depth, is_highlight) = (block.depth, block.is_highlight());
            block.clean(sink);
            // What is said of a highlight takes its place.
            gone = gone.filter(|above| depth > *above);
            block.depth -= usize::from(gone.is_some());
            if gone.is_none() && is_highlight && block.lines.is_empty() {
                gone = Some(depth);
            }
            self.write(&block);
        }
    }

    /// The properties of the page stand in its first block.
    fn know(&mut self, block: &Block) {
        for (key, value) in block.properties() {
            match key.as_str() {
                "title" => self.title = value.to_string(),
                "tags" => self.tags.extend(value.split(',').map(tag).filter(|tag| !tag.is_empty())),
                _ => {}
            }
        }
    }

    fn write(&mut self, block: &Block) {
        if block.lines.iter().all(|line| line.trim().is_empty()) {
            return;
        }
        self.line.get_or_insert(block.line);
        let nested = block.bullet && block.depth > 0;
        if !self.text.is_empty() {
            self.text.push_str(if nested { "\n" } else { "\n\n" });
        }
        let indent = "  ".repeat(block.depth.saturating_sub(1).min(20));
        for (i, line) in block.lines.iter().enumerate() {
            if i > 0 {
                self.text.push('\n');
            }
            if nested && (i == 0 || !line.is_empty()) {
                self.text.push_str(&indent);
                self.text.push_str(if i == 0 { "- " } else { "  " });
            }
            self.text.push_str(line);
        }
    }
}

/// A tag as it stands in a property: `[[two words]]`, `#one`.
fn tag(text: &str) -> String {
    text.trim().trim_start_matches('#').trim_start_matches("[[").trim_end_matches("]]").trim().to_string()
}

/// A page's name from its file's: `a___b` lies under "a", and `%3F` stands for what no file may be called.
fn name_of(stem: &str) -> String {
    let mut bytes = Vec::with_capacity(stem.len());
    let mut rest = stem.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| std::str::from_utf8(tail.get(..2)?).ok()).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).replace("___", "/")
}

/// Whether a line is the id of a block.
fn is_id(line: &str) -> bool {
    line.trim_start().strip_prefix("id:: ").is_some_and(|id| is_uuid(id.trim_end()))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Takes away what Logseq puts into lines, and then what every Markdown has.
fn inline(text: &str, options: &Options, sink: &mut dyn Sink) -> String {
    const EMBEDS: [&str; 12] = [
        "zotero-imported-file",
        "zotero-linked-file",
        "embed",
        "video",
        "youtube",
        "vimeo",
        "bilibili",
        "tweet",
        "twitter",
        "renderer",
        "pdf",
        "youtube-timestamp",
    ];
    let macros = |inner: &str| match inner.split_whitespace().next()? {
        "query" | "function" => Some("queries"),
        word if EMBEDS.contains(&word.trim_end_matches(':')) => Some("embeds"),
        _ => None,
    };
    let block = |inner: &str| is_uuid(inner).then_some("block ids");
    let mut markup = Markup::new(text);
    if !options.comments {
        markup.comments(sink);
    }
    markup.between(("{{", "}}"), macros, sink);
    markup.between(("((", "))"), block, sink);
    markup.links(sink);
    markup.finish().text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_in};
    use proptest::prelude::*;

    fn read(path: &str, text: &str) -> Collected {
        read_in(&Logseq, path, text.as_bytes(), &Options::default())
    }

    fn text(text: &str) -> String {
        read("journals/2024_01_05.md", text).entries.remove(0).text
    }

    #[test]
    fn an_outline_is_paragraphs_and_lists() {
        assert_eq!(
            text("- a\n\t- b\n\t  more\n\t\t- c\n- d\n  e\n-\n- f"),
            "a\n- b\n  more\n  - c\n\nd\ne\n\nf"
        );
        assert_eq!(text("no bullet\nat all"), "no bullet\nat all");
        assert_eq!(text("- ```\n  - code\n  ```\n- b"), "```\n- code\n```\n\nb");
        assert_eq!(text("- a\n    - b\n        - c\n- d"), "a\n- b\n  - c\n\nd");
    }

    #[test]
    fn what_is_the_apps_goes() {
        let id = "65a1b2c3-0000-4000-8000-0123456789ab";
        assert_eq!(text(&format!("- a\n  id:: {id}\n  collapsed:: true\n  mood:: grey")), "a\nmood:: grey");
        assert_eq!(
            text(&format!("- see (({id})) and [this](({id}))\n- {{{{embed (({id}))}}}}\n- b")),
            "see and this\n\nb"
        );
        assert_eq!(
            text("- {{query (todo)}}\n- {{cloze kept}}\n- `{{query x}}`"),
            "{{cloze kept}}\n\n`{{query x}}`"
        );
        let task = "- DONE [#A] wash\n  SCHEDULED: <2024-01-05 Fri>\n  :LOGBOOK:\n  CLOCK: [2024-01-05]\n  :END:\n  up";
        assert_eq!(text(task), "DONE [#A] wash\nup");
        assert_eq!(text("- a\n- day\n  template:: day\n\t- How?\n- b"), "a\n\nb");
        assert_eq!(text("- a\n  :LOGBOOK:\n  no end"), "a\n:LOGBOOK:\nno end");
        assert_eq!(text("- ![x.png](../assets/x.png){:height 3}\n- #[[two words]] [[p]]"), "#two words p");
    }

    #[test]
    fn references_to_blocks_go_however_they_stand() {
        let id = "65a1b2c3-0000-4000-8000-0123456789ab";
        let line = format!(
            "- see [this]((({id}))) and ((({id}))), (({id}))(({id})) so\n- {{{{embed (({id}))}}}}\n- b"
        );
        assert_eq!(text(&line), "see this and (), so\n\nb");
        let page = format!("- a\n  id:: {id}\n- see (({id}))\n");
        let input = Input::from_bytes("pages/Garden.md", page.clone().into_bytes());
        assert!(Logseq.is(&input));
        assert_eq!(read("pages/Garden.md", &page).entries[0].text, "a\n\nsee");
    }

    #[test]
    fn marks_of_blocks_go_and_their_words_stay() {
        let quote = "- #+BEGIN_QUOTE\n  Ada said so.\n  #+END_QUOTE\n- {{zotero-imported-file AB12, \"x.pdf\"}}\n- #+BEGIN_SRC rust\n  let a;\n  #+END_SRC";
        assert_eq!(text(quote), "Ada said so.\n\n#+BEGIN_SRC rust\nlet a;\n#+END_SRC");
    }

    #[test]
    fn a_page_of_days_is_divided() {
        let shown = |page: &str| {
            let entries = read("pages/Diary.md", page).entries.into_iter();
            entries
                .map(|e| (e.when.map_or(String::new(), |when| when.to_string()), e.title, e.text))
                .collect::<Vec<_>>()
        };
        let day =
            |when: &str, title: &str, text: &str| (when.to_string(), title.to_string(), text.to_string());
        assert_eq!(
            shown("# 5 May 2020\nNobody.\n\n# 6 May 2020\nTwo.\n"),
            [day("2020-05-05", "Diary", "Nobody."), day("2020-05-06", "", "Two.")]
        );
        assert_eq!(
            shown("- [[Jan 5th, 2024]]\n\t- The heron.\n- [[Jan 6th, 2024]]\n\t- The gutter.\n"),
            [day("2024-01-05", "Diary", "- The heron."), day("2024-01-06", "", "- The gutter.")]
        );
        assert_eq!(
            shown("- On 5 May 2020 it rained.\n- So it did."),
            [day("", "Diary", "On 5 May 2020 it rained.\n\nSo it did.")]
        );
    }

    #[test]
    fn journals_are_called_as_the_settings_say() {
        let config = "{:meta/version 1\n ;; :journal/file-name-format \"yyyy\"\n :journal/page-title-format \"EEEE, dd/MM/yyyy\"\n :journal/file-name-format\n \"dd-MM-yy\" ; mine\n :journals-directory \"daily\"}";
        let names = day_names(config);
        let day = |path: &str| names.iter().find_map(|names| names.day(std::path::Path::new(path)));
        for path in ["daily/05-03-24.md", "daily/05-03-24.org", "daily/Tuesday, 05___03___2024.md"] {
            assert_eq!(day(path).unwrap().to_string(), "2024-03-05", "{path}");
        }
        assert_eq!((day("pages/05-03-24.md"), day("daily/walk.md")), (None, None));
        assert!(day_names("{:meta/version 1}").is_empty());
    }

    #[test]
    fn a_graph_in_org_reads_as_one_in_markdown() {
        let org = |text: &str| read("journals/2024_01_05.org", text).entries.remove(0);
        let day = "* first\n:PROPERTIES:\n:id: 65a1b2c3-0000-4000-8000-0123456789ab\n:collapsed: true\n:mood: grey\n:END:\n\
                   ** TODO child\nSCHEDULED: <2024-01-06 Sat>\n:LOGBOOK:\nCLOCK: [2024-01-05 Fri 10:00:00]\n:END:\nmore\n* second";
        let entry = org(day);
        assert_eq!(entry.text, "first\nmood:: grey\n- TODO child\n  more\n\nsecond");
        assert_eq!(entry.when.unwrap().to_string(), "2024-01-05");
        assert_eq!(
            org(
                "* see [[https://x.y/z][the mill]], [[./a b.org][A]] and [[page]]\n* [[../assets/x.png]]\n* b"
            )
            .text,
            "see the mill, A and page\n\nb"
        );
        assert_eq!(
            org("* a\n#+BEGIN_SRC org\n* no item\n#+END_SRC\n* b").text,
            "a\n#+BEGIN_SRC org\n* no item\n#+END_SRC\n\nb"
        );
        assert_eq!(org(":PROPERTIES:\nno end\n* *bold* words").text, ":PROPERTIES:\nno end\n\n*bold* words");
        let page = read("pages/x.org", "#+title: Real\n#+filetags: :a:b:\n#+startup: fold\n\n* words")
            .entries
            .remove(0);
        assert_eq!(
            (page.title.as_str(), page.text.as_str(), page.tags.join(" ")),
            ("Real", "words", "a b".into())
        );
        let out = Input::from_bytes("journals/2024_01_05.org", b"* a\n".to_vec());
        assert_eq!(crate::journal::formats::of(&out).unwrap().name(), "Logseq");
    }

    #[test]
    fn a_property_is_the_apps_by_what_it_holds() {
        let mine = "evening\ndone:: went running with Ada\nlater:: call mum\npublic:: yes, all of it\nfile:: the taxes\nicon:: a saint\ncard-from:: Ada\ntodo:: 3";
        assert_eq!(text(&format!("- {}", mine.replace('\n', "\n  "))), mine);
        let apps = "- a\n  done:: 1704447000000\n  public:: false\n  heading:: 2\n  file:: [B](../assets/b.pdf)\n  icon:: 🌧\n  filters:: {\"x\" true}\n  card-last-score:: 5";
        assert_eq!(text(apps), "a");
    }

    #[test]
    fn a_books_words_are_not_the_writers() {
        let marked = "- the author's\n  ls-type:: annotation\n\t- mine\n\t\t- deep";
        assert_eq!(read("pages/hls__Book.md", marked).entries[0].text, "mine\n- deep");
        let marked = "file:: [Book](../assets/book.pdf)\nfile-path:: ../assets/book.pdf\n\n- A line of the book\n  ls-type:: annotation\n  hl-page:: 3\n  and mine\n\t- my own note";
        let found = read("pages/hls__Book.md", marked);
        assert_eq!(
            (found.entries[0].title.as_str(), found.entries[0].text.as_str()),
            ("", "and mine\n- my own note")
        );
        assert!(found.changed.contains(&("highlights", "A line of the book".into(), String::new())));
    }

    #[test]
    fn pages_have_names_and_properties() {
        let draft = read("pages/a___b%3F.md", "tags:: [[x y]], #z\nalias:: q\n\n- words").entries.remove(0);
        assert_eq!(
            (draft.title.as_str(), draft.text.as_str(), draft.place),
            ("a/b?", "words", Place::Line(4))
        );
        assert_eq!((draft.tags, draft.when), (vec!["x y".to_string(), "z".to_string()], None));
        let draft = read("pages/x.md", "- title:: Real\n  mood:: odd\n- words").entries.remove(0);
        assert_eq!((draft.title.as_str(), draft.text.as_str()), ("Real", "mood:: odd\n\nwords"));
        assert_eq!(read("pages/x.md", "-").entries[0].title, "");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\t|  |- |\n|a|é|::| id:: |:LOGBOOK:|:END:|\\(\\(|\\{\\{|\\}\\}|```|%|\\[\\[x\\]\\]){0,50}") {
            read("pages/a.md", &text);
        }
    }
}
