//! The files that `diarist` itself writes: one entry each, front matter in a form of our own, and the text as it is. They
//! are read back to the byte.

use crate::journal::format::{Draft, Place, Sink, When};

/// The line of front matter by which these files are known.
const MARK: &str = "exported-by: diarist";

/// The first two lines of such a file.
const HEAD: &str = "---\nexported-by: diarist\n";

/// An entry as a file: what the front matter says is in JSON's quotes, the text stands as it is behind a blank line, and
/// one line feed ends it.
pub fn export(when: Option<When>, title: &str, tags: &[String], source: &str, text: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let tags: Vec<String> = tags.iter().map(|tag| quoted(tag)).collect();
    let date = when.map_or(String::new(), |when| format!("date: {when}\n"));
    let (title, tags, source) = (quoted(title), tags.join(", "), quoted(source));
    format!("{HEAD}{date}title: {title}\ntags: [{tags}]\nsource: {source}\n---\n\n{text}\n")
}

/// Whether a file is one of these, by its start.
pub fn is(text: &str) -> bool {
    text.starts_with(HEAD) && text.contains("\n---\n")
}

/// Whether our line is somewhere in a file's front matter, which somebody may have written anew.
pub fn is_marked(text: &str) -> bool {
    text.lines().skip(1).take_while(|line| *line != "---").any(|line| line == MARK)
}

/// Hands over its entry.
pub fn read(text: &str, sink: &mut dyn Sink) -> Result<(), String> {
    let body = text.strip_prefix("---").and_then(|text| text.split_once("\n---\n"));
    let (head, body) = body.ok_or("its front matter has no end")?;
    let mut draft = Draft::default();
    for (i, line) in head.lines().enumerate() {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        match key {
            "date" => match value.parse() {
                Ok(when) => draft.when = Some(when),
                Err(()) => {
                    sink.trouble(Place::Line(i + 1), format!("“{value}” is no date: the entry has none"))
                }
            },
            // Somebody may have written it anew without quotes.
            "title" => draft.title = serde_json::from_str(value).unwrap_or_else(|_| value.to_string()),
            "tags" => {
                let words = || value.trim_matches(['[', ']']).split(", ").map(str::to_string).collect();
                draft.tags = serde_json::from_str(value).unwrap_or_else(|_| words());
            }
            _ => {}
        }
    }
    let text = body.strip_prefix('\n').unwrap_or(body);
    draft.place = Place::Line(
        head.split('\n').count() + 2 + usize::from(text.len() < body.len()) - usize::from(text.is_empty()),
    );
    draft.text = text.strip_suffix('\n').unwrap_or(text).to_string();
    sink.entry(draft);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::options::Options;
    use crate::journal::testing::read;

    fn back(file: &str) -> Draft {
        let mut read = read("2020-01-01 Old.md", file.as_bytes(), &Options::default());
        assert_eq!((read.failed, read.troubles.len(), read.changed.len()), (None, 0, 0));
        assert_eq!(read.entries.len(), 1);
        read.entries.remove(0)
    }

    #[test]
    fn a_file_of_ours() {
        let file = export(
            "2024-01-05T09:30:00+01:00".parse().ok(),
            "A: \"b\"",
            &["x".into()],
            "old/a.md:3",
            "![a](b)\n# 2020-01-01\n",
        );
        assert_eq!(
            file,
            "---\nexported-by: diarist\ndate: 2024-01-05T09:30:00+01:00\ntitle: \"A: \\\"b\\\"\"\ntags: [\"x\"]\nsource: \"old/a.md:3\"\n---\n\n![a](b)\n# 2020-01-01\n\n"
        );
        let draft = back(&file);
        assert_eq!((draft.text.as_str(), draft.place), ("![a](b)\n# 2020-01-01\n", Place::Line(9)));
        assert_eq!(draft.when.unwrap().to_string(), "2024-01-05T09:30:00+01:00");
    }

    #[test]
    fn one_that_somebody_changed() {
        let found = back("---\nexported-by: diarist\ntitle: A walk\ntags: [a, b]\n---\nRain.");
        assert_eq!((found.title.as_str(), found.text.as_str(), found.tags.len()), ("A walk", "Rain.", 2));
        let found =
            read("a.md", b"---\nexported-by: diarist\ndate: soon\n---\n\nRain.\n", &Options::default());
        assert_eq!((found.entries[0].when, found.troubles.len()), (None, 1));
    }

    proptest! {
        #[test]
        fn every_entry_reads_back(
            title in any::<String>(),
            tags in prop::collection::vec(any::<String>(), 0..4),
            text in prop_oneof!["[^\\p{Cc}]*", "(---|\n|title: x| |%%|```|\\[\\[a\\]\\]|\u{2028}|ש|# 2020-01-01){0,12}"],
            (day, seconds, offset) in (0i64..20_000, 0i64..86_400, prop::option::of(-11i64..12)),
        ) {
            let instant = jiff::Timestamp::from_second(day * 86_400 + seconds).unwrap();
            let when = offset.map(|hours| When::at(instant, Some(&format!("{hours:+}"))));
            let draft = back(&export(when, &title, &tags, "x\n---\n", &text));
            prop_assert_eq!(draft.text, text);
            prop_assert_eq!(draft.title, title);
            prop_assert_eq!(draft.tags, tags);
            prop_assert_eq!(draft.when, when);
        }
    }
}
