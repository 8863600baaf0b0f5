//! Obsidian's notes: Markdown, in a vault. Beyond what every Markdown file loses, queries (fenced `dataview`, `tasks` and
//! such) and block ids are left out, and the mark of a callout, whose words stay. Of a drawing (Excalidraw) the words stay.
//! A note's name is its title.

use std::ops::Range;

use serde_json::Value;

use super::markdown::{is_named, read_typed};
use crate::journal::dates::Pattern;
use crate::journal::format::{DayNames, Format, Input, Options, Settings, Sink, Vault};
use crate::journal::syntax::head::name_without_day;

/// Fenced blocks that ask or show something and are not written to be read.
const QUERIES: [&str; 9] = [
    "dataview",
    "dataviewjs",
    "tasks",
    "query",
    "button",
    "tracker",
    "base",
    "calendar",
    "contributionGraph",
];

/// The settings that say how the notes of days are named and where they lie.
const DAILY_NOTES: &str = ".obsidian/daily-notes.json";
const PERIODIC_NOTES: &str = ".obsidian/plugins/periodic-notes/data.json";

/// Obsidian's folder.
const VAULT: Vault = Vault {
    app: "Obsidian",
    mark: ".obsidian/",
    own: &[],
    templates: &[
        (".obsidian/templates.json", "folder", ""),
        (".obsidian/plugins/templater-obsidian/data.json", "templates_folder", ""),
        (DAILY_NOTES, "template", ".md"),
        (PERIODIC_NOTES, "/daily/template", ".md"),
        (PERIODIC_NOTES, "/weekly/template", ".md"),
        (PERIODIC_NOTES, "/monthly/template", ".md"),
        (PERIODIC_NOTES, "/quarterly/template", ".md"),
        (PERIODIC_NOTES, "/yearly/template", ".md"),
    ],
};

/// Obsidian.
pub struct Obsidian;

impl Format for Obsidian {
    fn name(&self) -> &'static str {
        "Obsidian"
    }

    fn is(&self, input: &Input) -> bool {
        let clearly =
            || input.head().lines().any(|line| line.starts_with("```dataview") || callout(line).is_some());
        is_named(input) && (input.vault() == Some(&VAULT) || (input.vault().is_none() && clearly()))
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let name = if input.day_by_settings().is_some() { "" } else { name_without_day(input) };
        // Outside of its vault, a file's name may be anybody's.
        let name = if input.vault() == Some(&VAULT) { name } else { "" };
        let is_drawing = input.head().lines().skip(1).take_while(|line| *line != "---").any(is_excalidraw);
        let name = if is_drawing { name_of_drawing(name) } else { name };
        read_typed(input, options, sink, name, &|markup, sink| {
            markup.queries(&QUERIES, sink);
            if is_drawing {
                markup.queries(&["json", "compressed-json"], sink);
                markup.in_lines("drawings", of_a_drawing, sink);
            }
            markup.in_lines("block ids", block_id, sink);
            markup.in_lines("callout marks", callout, sink);
        })
    }

    fn vault(&self) -> Option<&'static Vault> {
        Some(&VAULT)
    }

    fn day_names(&self, open: &mut Settings) -> Vec<DayNames> {
        let mut settings = |file| serde_json::from_slice::<Value>(&open(file)?).ok();
        let daily = settings(DAILY_NOTES);
        let periodic = settings(PERIODIC_NOTES).map(|mut periodic| periodic["daily"].take());
        let names = [periodic, daily].into_iter().flatten().filter_map(|settings| {
            let format = settings["format"].as_str().filter(|format| !format.trim().is_empty());
            let folder = settings["folder"].as_str().unwrap_or("").to_string();
            Some(DayNames { folder, pattern: Pattern::moment(format?)? })
        });
        names.collect()
    }
}

/// ` ^a1b2c3` at the end of a line, or alone on it.
fn block_id(line: &str) -> Option<Range<usize>> {
    let end = line.trim_end().len();
    let at = line[..end].rfind('^')?;
    let id = &line[at + 1..end];
    let clean = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let before = line[..at].trim_end_matches([' ', '\t']);
    (clean && (before.len() < at || before.is_empty())).then_some(before.len()..line.len())
}

/// What Excalidraw's front matter has.
fn is_excalidraw(line: &str) -> bool {
    line.starts_with("excalidraw-plugin:")
}

/// A drawing's name, unless it is the one that the app gives: `Drawing 2024-01-05 09.30.00.excalidraw`.
fn name_of_drawing(name: &str) -> &str {
    let name = name.strip_suffix(".excalidraw").unwrap_or(name);
    let made_up = name.strip_prefix("Drawing ").is_some_and(|rest| !rest.contains(char::is_alphabetic));
    if made_up { "" } else { name }
}

/// The lines that Excalidraw writes around the words in a drawing: its warning, its headings, what each picture is.
fn of_a_drawing(line: &str) -> Option<Range<usize>> {
    const HEADINGS: [&str; 5] =
        ["excalidraw data", "text elements", "element links", "embedded files", "drawing"];
    let heading = line.starts_with('#').then(|| line.trim_matches(['#', ' ']).to_lowercase());
    let id = line.split_once(": ").map_or("", |(id, _)| id);
    let hash = id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let ours = line.starts_with("==⚠") || hash || heading.is_some_and(|h| HEADINGS.contains(&h.as_str()));
    ours.then_some(0..line.len())
}

/// `[!note]- ` behind the `>` of a quotation.
fn callout(line: &str) -> Option<Range<usize>> {
    let inner = line.trim_start_matches([' ', '\t', '>']);
    let start = line.len() - inner.len();
    let name = inner.strip_prefix("[!")?;
    let end = name.find(']').filter(|end| *end > 0)?;
    let after = name[end + 1..].trim_start_matches(['+', '-']).trim_start();
    let kind = name[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"-_| ".contains(&b));
    (kind && line[..start].contains('>')).then(|| start..line.len() - after.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_in};

    fn read(path: &str, text: &str) -> Collected {
        read_in(&Obsidian, path, text.as_bytes(), &Options::default())
    }

    fn text(text: &str) -> String {
        read("a.md", text).entries.remove(0).text
    }

    #[test]
    fn what_is_obsidians_goes() {
        assert_eq!(text("Rain. ^a1b2c3\nx^2 ^ y^2\n\n^whole-id\n\n`a ^b`"), "Rain.\nx^2 ^ y^2\n\n`a ^b`");
        assert_eq!(
            text("> [!note]- Title here\n> words\n\n> [!warning]\n> more"),
            "> Title here\n> words\n\n> more"
        );
        assert_eq!(
            text("a\n\n```dataview\nTABLE x\n```\n\nb\n```rust\nlet [[a]];\n```"),
            "a\n\nb\n```rust\nlet [[a]];\n```"
        );
        assert_eq!(
            text("see [[a#b|c]] and [[a#b]] and [[#^x1]]\nmood:: grey #tag"),
            "see c and a > b and \nmood:: grey #tag".replace(" \n", "\n")
        );
    }

    #[test]
    fn the_words_of_a_drawing() {
        let hash = "0123456789".repeat(4);
        let drawing = format!(
            "---\nexcalidraw-plugin: parsed\n---\n==⚠  Switch to EXCALIDRAW VIEW. ⚠== You can\n\nOn the back\n\n# Excalidraw Data\n## Text Elements\nHello ^abcd1234\n\n## Embedded Files\n{hash}: [[fog.png]]\n\n%%\n## Drawing\n```compressed-json\nN4KAkA\n```\n%%\n"
        );
        let entry = read("v/Sketch.excalidraw.md", &drawing).entries.remove(0);
        assert_eq!((entry.title.as_str(), entry.text.trim()), ("Sketch", "On the back\n\nHello"));
        let named = read("v/Drawing 2024-01-05 09.30.00.excalidraw.md", &drawing).entries.remove(0);
        assert_eq!(named.title, "");
        assert_eq!(text("# Drawing\n==⚠ mine"), "# Drawing\n==⚠ mine");
    }

    #[test]
    fn a_name_is_a_title() {
        let title = |path: &str, text: &str| read(path, text).entries.remove(0).title;
        assert_eq!(title("v/A heron.md", "words"), "A heron");
        assert_eq!(title("v/A heron.md", "# A Heron\nwords"), "");
        assert_eq!(title("v/Untitled 3.md", "words"), "");
        assert_eq!(title("v/2024-01-05.md", "words"), "");
        assert_eq!(title("v/2024-01-05-Friday.md", "words"), "");
        assert_eq!(title("v/2024-01-05 Friday, a walk.md", "words"), "a walk");
        assert_eq!(title("v/2024/01/05.md", "words"), "");
        assert_eq!(title("v/2024/01-05.md", "words"), "");
        assert_eq!(title("v/2024/01/05 Friday dinner.md", "words"), "Friday dinner");
    }

    #[test]
    fn outside_of_a_vault() {
        let of = |text: &str| {
            let input = Input::from_bytes("a.md", text.into());
            crate::journal::formats::of(&input).unwrap().name()
        };
        assert_eq!(of("> [!note] x"), "Obsidian");
        assert_eq!(of("> [note] x"), "Markdown");
    }
}
