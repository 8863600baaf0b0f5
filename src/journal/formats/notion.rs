//! Notion's export as Markdown: `Title <32 hex digits>.md`. The first line is the title; the properties of a database's
//! page stand below it, of which those that the app keeps (dates, tags, states) are left out and the others stay, as
//! words somebody typed. The CSV beside is an index of the same pages. Notion escapes Markdown.

use super::markdown::is_named;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::by_dates::report_guess;
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::markup::{self, Markup};
use crate::journal::syntax::titles;

/// Notion.
pub struct Notion;

impl Format for Notion {
    fn name(&self) -> &'static str {
        "Notion"
    }

    fn is(&self, input: &Input) -> bool {
        let is_page = || is_named(input) && input.head().trim_start().starts_with("# ");
        has_id(input.stem()) && (input.extension() == "csv" || is_page())
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if input.extension() == "csv" {
            sink.left_out("database indexes", 1);
            return Ok(());
        }
        let text = input.text()?;
        let head = text.trim_start().split('\n').next().unwrap_or("");
        let body = text.len() - text.trim_start().len() + head.len();
        let page = Properties::read(&text[body..], options);
        for line in &page.left {
            sink.changed("app properties", line, "");
        }
        let heading = plain(head.trim_start_matches('#').trim(), sink).0;
        let (words, first) = plain(&text[body + page.end..], sink);
        let kept: Vec<String> = page.kept.iter().map(|line| without_addresses(line)).collect();
        for (before, after) in page.kept.iter().zip(&kept).filter(|(before, after)| before != after) {
            sink.changed("link addresses", before, after);
        }
        let kept = kept.join("\n");
        let start = if kept.is_empty() { body + page.end } else { body };
        let above = text[..start].bytes().filter(|b| *b == b'\n').count();
        let text = if kept.is_empty() { words } else { format!("{kept}\n\n{words}") };

        let day = page.when().or_else(|| moment(&heading, options));
        if day.is_some_and(|(_, guessed)| guessed) {
            report_guess(Place::Line(1), sink);
        }
        let day = day.map(|(when, _)| when).or(input.day_in_name().map(When::day));
        let title = |heading: &str| titles::kept(heading, &text, day);
        let is_day = heading.strip_prefix('@').is_some_and(|day| title(day).is_empty());
        let title = if is_day { String::new() } else { title(&heading) };
        sink.entry(Draft { when: day, title, text, tags: page.tags, place: Place::Line(above + first) });
        Ok(())
    }
}

/// Whether a name ends in a page's id: ` 0123456789abcdef0123456789abcdef`, in an index perhaps with `_all` behind it.
fn has_id(stem: &str) -> bool {
    let stem = stem.strip_suffix("_all").unwrap_or(stem);
    let id = stem.rsplit_once(' ').map_or(stem, |(_, id)| id);
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What Notion's Markdown says, without blank lines at its ends, and the line of it, from 1, that the first words stand on.
fn plain(text: &str, sink: &mut dyn Sink) -> (String, usize) {
    let aside = |line: &str| matches!(line.trim(), "<aside>" | "</aside>").then_some(0..line.len());
    let mut markup = Markup::new(text);
    markup.in_lines("callout marks", aside, sink);
    markup.links(sink);
    let cleaned = markup.finish();
    let blank = cleaned.text.len() - cleaned.text.trim_start().len();
    let first = 1 + cleaned.text[..blank].bytes().filter(|b| *b == b'\n').count();
    let words = &cleaned.text[cleaned.text[..blank].rfind('\n').map_or(0, |at| at + 1)..];
    (markup::unescape(words.trim_end(), sink), cleaned.original_line(first))
}

/// The lines `Key: value` that stand between a page's title and its text.
#[derive(Default)]
struct Properties<'a> {
    /// Where the text begins.
    end: usize,
    tags: Vec<String>,
    /// What they are called, and dates as [`moment`] gives them.
    dates: Vec<(String, (When, bool))>,
    left: Vec<&'a str>,
    kept: Vec<&'a str>,
}

impl<'a> Properties<'a> {
    /// A paragraph is properties where it opens with one and a date or tags are among them. A line that is none goes on
    /// with the text above it; below a date or tags, which have one line, it makes all of the paragraph text.
    fn read(body: &'a str, options: &Options) -> Properties<'a> {
        let start = body.len() - body.trim_start().len();
        let paragraph = body[start..].split("\n\n").next().unwrap_or("");
        let mut page = Properties { end: start + paragraph.len(), ..Properties::default() };
        let mut in_text = false;
        for line in paragraph.lines() {
            match property(line) {
                Some((key, value)) => in_text = page.take(line, key, value, options),
                None if in_text => page.kept.push(line),
                None => return Properties::default(),
            }
        }
        if page.dates.is_empty() && page.tags.is_empty() { Properties::default() } else { page }
    }

    /// Whether it is kept, as the writer's.
    fn take(&mut self, line: &'a str, key: String, value: &str, options: &Options) -> bool {
        let from = value.split(" → ").next().unwrap_or(value);
        let kept = if let Some(when) = moment(from, options) {
            self.dates.push((key, when));
            false
        } else if matches!(key.as_str(), "tags" | "tag") {
            self.tags =
                value.split(',').map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty()).collect();
            false
        } else {
            !is_of_the_app(&key, value)
        };
        if kept {
            self.kept.push(line)
        } else {
            self.left.push(line)
        }
        kept
    }

    /// The day that the page is about; else when it was made; never when it was edited or is due.
    fn when(&self) -> Option<(When, bool)> {
        let find = |wanted: &dyn Fn(&str) -> bool| {
            self.dates.iter().find(|(key, _)| wanted(key)).map(|(_, when)| *when)
        };
        let about = |key: &str| matches!(key, "date" | "day" | "when" | "datum" | "fecha");
        let other = |key: &str| {
            !["edited", "updated", "modified", "due", "deadline"].iter().any(|word| key.contains(word))
        };
        find(&about)
            .or_else(|| find(&|key| key.contains("date") && other(key) && !key.contains("created")))
            .or_else(|| find(&|key| key.contains("created")))
            .or_else(|| find(&other))
    }
}

/// The name of a property, in lower case and without the emoji beside it, and its value.
fn property(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(": ").or_else(|| Some((line.trim_end().strip_suffix(':')?, "")))?;
    let name = key.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let marked = key.starts_with(['#', '>', '-', '*', '+', '[', '|', '`']) || key.starts_with("![");
    (!name.is_empty() && !marked && key.chars().count() <= 60).then(|| (name, value.trim()))
}

/// What Notion fills in by itself, or by a choice from a list; more than three words are somebody's own.
fn is_of_the_app(key: &str, value: &str) -> bool {
    const FILLED_IN: [&str; 6] =
        ["created by", "last edited by", "last edited", "files & media", "parent item", "sub-item"];
    const CHOSEN: [&str; 12] = [
        "date", "created", "status", "type", "category", "url", "id", "archived", "author", "person",
        "people", "files",
    ];
    let short = || value.split(',').all(|choice| choice.split_whitespace().count() <= 3);
    FILLED_IN.contains(&key) || matches!(value, "Yes" | "No") || (CHOSEN.contains(&key) && short())
}

/// A line without the addresses behind the names of other pages: `Garden (https://www.notion.so/…)`.
fn without_addresses(line: &str) -> String {
    let leads = |word: &str| {
        let target = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        target.is_some_and(|target| {
            let page = target.strip_suffix(".md").or(target.strip_suffix(".csv"));
            target.starts_with("https://www.notion.so/")
                || page.is_some_and(|page| has_id(&page.replace("%20", " ")))
        })
    };
    let mut out = String::with_capacity(line.len());
    for (i, word) in line.split(' ').enumerate() {
        let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
        match leads(bare) {
            true => out.push_str(comma),
            false => out.extend([if i > 0 { " " } else { "" }, word]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::testing::{Collected, read as read_file};

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn read(name: &str, text: &str) -> Collected {
        read_file(&format!("Export/{name} {ID}.md"), text.as_bytes(), &Options::default())
    }

    #[test]
    fn a_page_of_a_database() {
        let found = read(
            "A walk",
            "# A walk\n\nCreated: January 6, 2024 8:00 AM\nDate: January 5, 2024\nTags: fog, rain\nMood: grey\n\n1\\. Fog &lt;3\n\n![Untitled](A%20walk/Untitled.png)\n\n<aside>\n💡 Go [there](There%20abc.md)\n\n</aside>\n",
        );
        let draft = &found.entries[0];
        assert_eq!(draft.when.unwrap().to_string(), "2024-01-05");
        assert_eq!(
            (draft.title.as_str(), draft.text.as_str()),
            ("A walk", "Mood: grey\n\n1. Fog <3\n\n💡 Go there")
        );
        assert_eq!((draft.tags.join("|").as_str(), draft.place), ("fog|rain", Place::Line(3)));
    }

    #[test]
    fn a_title_that_is_not_the_pages_day_is_kept() {
        let title = |head: &str| {
            read("x", &format!("{head}\n\nDate: January 5, 2024\n\nx\n")).entries.remove(0).title
        };
        assert_eq!(title("# 8 June 1984"), "8 June 1984");
        assert_eq!(title("# @home"), "@home");
        assert_eq!(title("# @January 5, 2024"), "");
    }

    #[test]
    fn text_is_not_properties() {
        let text = |text: &str| read("x", text).entries.remove(0).text;
        assert_eq!(text("# Fog\n\nNote: I slept.\n\nWell.\n").trim(), "Note: I slept.\n\nWell.");
        assert_eq!(
            text("# Fog\n\nDate: January 5, 2024\nand words.\n").trim(),
            "Date: January 5, 2024\nand words."
        );
    }

    #[test]
    fn properties_of_any_shape() {
        let of = |text: &str| {
            let draft = read("x", text).entries.remove(0);
            (draft.when.map(|when| when.to_string()).unwrap_or_default(), draft.tags.join("|"), draft.text)
        };
        for (properties, day, tags, text) in [
            (
                "Date: January 5, 2024\nMood (1-5): 4\nTags: fog, rain",
                "2024-01-05",
                "fog|rain",
                "Mood (1-5): 4\n\n",
            ),
            ("📅 Date: January 6, 2024\n😀 Mood: 4", "2024-01-06", "", "😀 Mood: 4\n\n"),
            (
                "Created: January 7, 2024 9:30 PM\nStatus: Done\nSleep, hours: 7",
                "2024-01-07T21:30:00",
                "",
                "Sleep, hours: 7\n\n",
            ),
            (
                "Date: January 8, 2024\nGratitude: my dog\nand the rain\nTags: a",
                "2024-01-08",
                "a",
                "Gratitude: my dog\nand the rain\n\n",
            ),
            (
                &format!(
                    "Date: January 9, 2024\nProjects: Garden (https://www.notion.so/G-{ID}?pvs=21), Old (house) (../Old%20(house)%20{ID}.md)\nChecked: No"
                ),
                "2024-01-09",
                "",
                "Projects: Garden, Old (house)\n\n",
            ),
            (
                "Date: January 9, 2024\nStatus: tired of it all, Ada says",
                "2024-01-09",
                "",
                "Status: tired of it all, Ada says\n\n",
            ),
            ("Status: tired\nType: I type too much", "", "", "\n\nStatus: tired\nType: I type too much\n\n"),
        ] {
            let expected = (day.to_string(), tags.to_string(), format!("{text}Words."));
            let (when, tags, text) = of(&format!("# A\n\n{properties}\n\nWords.\n"));
            assert_eq!(
                (when, tags, text.trim()),
                (expected.0, expected.1, expected.2.trim()),
                "{properties}"
            );
        }
    }

    #[test]
    fn titles_and_dates() {
        let of = |text: &str| {
            let draft = read("x", text).entries.remove(0);
            (draft.title, draft.when.map(|when| when.to_string()).unwrap_or_default())
        };
        assert_eq!(of("# @January 5, 2024\n\nwords"), (String::new(), "2024-01-05".into()));
        assert_eq!(of("# Untitled\n\nDue: January 9, 2024\n\nwords"), (String::new(), String::new()));
        assert_eq!(
            of("# a\\_b\n\nCreated time: January 5, 2024 9:30 PM\n\nw"),
            ("a_b".into(), "2024-01-05T21:30:00".into())
        );
        assert_eq!(of("# a\n\nDate: January 5, 2024 → January 7, 2024\n\nw").1, "2024-01-05");
        let doubts = |date: &str| read("x", &format!("# a\n\nDate: {date}\n\nw")).troubles.len();
        assert_eq!((doubts("01/05/2024"), doubts("01/25/2024")), (1, 0));
    }

    #[test]
    fn what_is_notions() {
        let of = |path: &str, text: &str| {
            crate::journal::formats::of(&Input::from_bytes(path, text.into())).map(|f| f.name())
        };
        assert_eq!(of(&format!("Journal {ID}_all.csv"), "Name,Date"), Some("Notion"));
        assert_eq!(of(&format!("Journal {ID}.md"), "words"), Some("Markdown"));
        assert_eq!(of("Journal.md", "# words"), Some("Markdown"));
        assert_eq!(
            read_file(&format!("J {ID}.csv"), b"a,b\nc,d", &Options::default()).left_out,
            [("database indexes", 1)]
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "# (Date: |Tags: |: |\n|a|January 5, 2024|é|<aside>|\\]\\(|\\\\){0,40}") {
            read("x", &text);
        }
    }
}
