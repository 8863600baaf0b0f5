//! The block that may open a file of text: not the writer's words, but it knows their date, their title and their tags.

mod blocks;
mod keys;

use blocks::Block;
use keys::Key;

use super::by_dates::report_guess;
use super::stamps;
use crate::journal::dates;
use crate::journal::format::{DateOrder, Options, Place, Sink, When};

/// A front matter and what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// What stands under `date:`.
    pub date: Option<When>,
    /// What stands under `created:`, by any of its names, or else `published:`.
    pub created: Option<When>,
    /// What stands under `title:`.
    pub title: String,
    /// What stands under `tags:` or `tag:`, without `#`.
    pub tags: Vec<String>,
    /// Where the text begins, in bytes.
    pub end: usize,
    /// Lines before the text.
    pub lines: usize,
    /// Its date was read day first, and nothing told.
    pub guessed: bool,
    /// The text is a page that a clipper took from the web.
    pub clip: bool,
}

/// A text's front matter, which goes from the text; a date in it that had to be guessed is reported.
pub fn take(text: &str, options: &Options, sink: &mut dyn Sink) -> FrontMatter {
    let front = find(text, options).unwrap_or_default();
    if front.end > 0 {
        sink.changed("front matter", &text[..front.end], "");
    }
    if front.guessed {
        report_guess(Place::Line(1), sink);
    }
    front
}

/// Finds front matter, and reads it.
fn find(text: &str, options: &Options) -> Option<FrontMatter> {
    let Block { end, keys } = blocks::find(text)?;
    let of = |key: Key| keys.iter().filter(move |(name, _)| Key::of(name) == key).map(|(_, values)| values);
    let first = |key: Key| of(key).find(|values| !values.is_empty()).cloned().unwrap_or_default();
    let date = |key: Key| of(key).find_map(|values| moment(values.first()?, options));
    let (date, created) = (date(Key::Date), date(Key::Created).or_else(|| date(Key::Published)));
    let tags = first(Key::Tags);
    let has = |name: &str| keys.iter().any(|(key, values)| key == name && !values.is_empty());
    let from = keys.iter().find(|(key, _)| key == "source").and_then(|(_, values)| values.first());
    // Obsidian's clipper gives this tag, Joplin's these keys.
    let by_clipper = tags.iter().any(|tag| tag.contains("clippings"))
        || ["updated", "created", "latitude"].into_iter().all(has);
    Some(FrontMatter {
        guessed: date.or(created).is_some_and(|(_, guessed)| guessed),
        date: date.map(|(when, _)| when),
        created: created.map(|(when, _)| when),
        title: first(Key::Title).join(" "),
        tags: tags.iter().flat_map(|tag| split_tags(tag, tags.len() == 1)).collect(),
        clip: by_clipper && from.is_some_and(|from| from.starts_with("http")),
        end,
        lines: text[..end].matches('\n').count() + usize::from(!text[..end].ends_with('\n')),
    })
}

/// A tag of a list is one tag; alone under its key it may be several, divided by commas or else by spaces.
fn split_tags(text: &str, alone: bool) -> Vec<String> {
    let parts: Vec<&str> = match (alone, text.contains(',')) {
        (true, true) => text.split(',').collect(),
        (true, false) => text.split_whitespace().collect(),
        (false, _) => vec![text],
    };
    let plain = parts.into_iter().map(|tag| tag.trim().trim_start_matches('#').to_string());
    plain.filter(|tag| !tag.is_empty()).collect()
}

/// `20240105093000`, or seconds or milliseconds since 1970.
fn in_digits(value: &str) -> Option<When> {
    let number: i64 = value.parse().ok().filter(|_| value.bytes().all(|b| b.is_ascii_digit()))?;
    match value.len() {
        10 => When::at_millis(number.checked_mul(1000)?, None),
        13 => When::at_millis(number, None),
        _ => stamps::in_one_number(value),
    }
}

/// A date with or without its time, as people and apps write it beside a key: `2024-01-05 09:30 +0100`,
/// `January 5, 2024 9:30 PM`, `[[2024-01-05]]`; and whether it was read day first where nothing tells.
pub fn moment(value: &str, options: &Options) -> Option<(When, bool)> {
    let value = value.trim().trim_matches(['"', '\'', '@', '[', ']', '<', '>']).trim();
    // A link shows its day in other words.
    let value = value.split('|').next().unwrap_or(value).trim();
    if let Some(when) = in_digits(value) {
        return Some((when, false));
    }
    if let Ok(when) = value.parse() {
        return Some((when, false));
    }
    let zoned = value.rsplit_once(' ').filter(|(_, zone)| zone.starts_with(['+', '-']));
    if let Some(when) = zoned.and_then(|(time, zone)| format!("{time}{zone}").parse().ok()) {
        return Some((when, false));
    }
    let value = value.split(" (").next().unwrap_or(value);
    let told = matches!(options.date_order, Some(DateOrder::Dmy | DateOrder::Mdy));
    let month_leads = options.date_order == Some(DateOrder::Mdy);
    if let Some(stamp) = stamps::read(value) {
        return Some((stamp.when(month_leads), !told && stamp.reading.is_open()));
    }
    let line = dates::recognise(value).filter(|line| line.style.tail.is_none())?;
    let when = When { time: stamps::find_time(value), ..When::day(line.reading.day(month_leads)) };
    Some((when, !told && line.reading.is_open()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<FrontMatter> {
        find(text, &Options::default())
    }

    #[test]
    fn front_matter_is_found() {
        let text = "---\ntitle: A walk\ntags:\n  - rain\n  - \"late light\"\n\n# made by an app\ndate: \"2020-05-05T09:30:00Z\"\n---\nRain: all day\n";
        let found = read(text).unwrap();
        assert_eq!((found.lines, &text[found.end..]), (9, "Rain: all day\n"));
        assert_eq!(found.date.unwrap().to_string(), "2020-05-05T09:30:00+00:00");
        assert_eq!((found.title.as_str(), found.tags), ("A walk", vec!["rain".into(), "late light".into()]));
        assert_eq!(read("---\nlayout: x\n---").unwrap().date, None);
        assert_eq!(read("---\ndate: someday\n---\n").unwrap().date, None);
    }

    #[test]
    fn dates_under_many_names() {
        for key in
            ["journal-date", "pubDate", "day", "Datum", "created_time", "creation date", "publish_date"]
        {
            let found = read(&format!("---\n{key}: 2024-01-05\nupdated: 2024-02-01\n---\n")).unwrap();
            assert!(
                found.date.or(found.created).is_some_and(|when| when.to_string() == "2024-01-05"),
                "{key}"
            );
        }
        for key in ["updatedDate", "due date", "birthday", "last_edited_time", "date modified", "end date"] {
            let found = read(&format!("---\n{key}: 2024-01-05\ntitle: x\n---\n")).unwrap();
            assert_eq!(found.date.or(found.created), None, "{key}");
        }
    }

    #[test]
    fn titles_and_tags_in_every_dress() {
        for (line, title) in [
            ("title: 1.50", "1.50"),
            ("title: Rain: a story", "Rain: a story"),
            ("title: \"say \\\"no\\\" # twice\"", "say \"no\" # twice"),
            ("title: 'it''s'", "it's"),
            ("title: >\n  two\n  lines", "two lines"),
            ("title:", ""),
            ("title: \"odd", "odd"),
        ] {
            assert_eq!(read(&format!("---\n{line}\n---\n")).unwrap().title, title, "{line}");
        }
        for (lines, tags) in [
            ("tags: [a, \"b c\", 3]", &["a", "b c", "3"][..]),
            ("tags: a, b c", &["a", "b c"]),
            ("tags: \"#a #b\"", &["a", "b"]),
            ("tag: one", &["one"]),
            ("tags:\n- a\n- [b, [c]]", &["a", "b", "c"]),
            ("tags: []", &[]),
            ("tags: [a, b\nother: {", &["a", "b"]),
            ("completed?: no\nSleep (hours): 7\n\"tags\": a", &["a"]),
        ] {
            assert_eq!(read(&format!("---\n{lines}\n---\n")).unwrap().tags, tags, "{lines}");
        }
    }

    #[test]
    fn text_between_rules_is_text() {
        for text in [
            "",
            "---",
            "---\n---\nwords\n",
            "---\nRain all day\n---\n",
            "---\n- bread\n- milk\n---\n",
            "---\nToday I learned: much\n---\n",
            "---\nToday I learned: much\n...\n",
            "---\nnote:this\n---\n",
            "---\ntitle: no end\n",
            "\n---\nrain: late\n---\n",
            "+++\nwords of mine\n+++\n",
            "{\n \"mine\": 1\n}\nwords\n",
            "{\"title\": \"all there is\"}\n",
            "Title: A walk\nIt rained.\n\nwords\n",
            "Title: A walk\n\nIt rained.\n",
            "----\ntitle: four\n----\n",
            "---\ntitle: a\nwords of mine\n---\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&format!("---\n{}---\n", "key: value\n".repeat(blocks::MOST_LINES))), None);
    }

    #[test]
    fn blocks_of_every_kind() {
        for text in [
            "---\ntitle: A walk\ncompleted?: no\ncreated: 2024-01-05 09:30:00Z\ntags:\n  - fog\n---\nwords",
            "---\n\"title\": A walk\n😀 mood: 4\nSleep (h): 7\ndate: \"[[2024-01-05|Friday]]\"\ntags: fog\n...\nwords",
            "\n---\ntitle: A walk\ncreation date: 2024-01-05 09:30\ntags: [fog]\n---\nwords",
            "+++\ntitle = \"A walk\" # mine\npublishDate = 2024-01-05T09:30:00+01:00\n[taxonomies]\ntags = [\n  \"fog\",\n]\n+++\nwords",
            "{\n \"title\": \"A walk\", \"date\": \"2024-01-05\", \"tags\": [\"fog\"]\n}\nwords",
            "#+TITLE: A walk\n#+DATE: <2024-01-05 Fri>\n#+FILETAGS: :fog:\n\nwords",
            ":PROPERTIES:\n:ID:       1\n:CREATED:  [2024-01-05 Fri 09:30]\n:END:\n#+title: A walk\n#+filetags: fog\nwords",
            "Title: A walk\nDate: 2024-01-05 10:00\nTags: fog\nCategory: Journal\n\nwords",
            "---\ntitle: A walk\njournal-date: 2024-01-05\ncreated: 2025-01-01\ntags: fog\n---\nwords",
            "---\ntitel: A walk\nDatum: 5. Januar 2024\nbirthday: 1980-01-01\ntags: fog\n---\nwords",
            "---\ntitle: A walk\nupdated: 1714540000000\ncreated: 1704447000000\ntags: fog\n---\nwords",
            "---\ntitle: A walk\ncreated: 20240105093000\ntags: fog\n---\nwords",
        ] {
            let found = read(text).expect(text);
            assert_eq!(text[found.end..].trim(), "words", "{text}");
            assert_eq!((found.title.as_str(), found.tags), ("A walk", vec!["fog".to_string()]), "{text}");
            let when = found.date.or(found.created).expect(text);
            assert_eq!(when.day.to_string(), "2024-01-05", "{text}");
            assert_eq!(
                text.lines().nth(found.lines).map_or("words", str::trim).trim_start_matches(' '),
                "words",
                "{text}"
            );
        }
    }

    #[test]
    fn clips_are_told() {
        let clip = |front: &str| read(&format!("---\n{front}\n---\nwords")).unwrap().clip;
        assert!(clip("source: https://a.org/b\ntags:\n  - \"clippings\""));
        assert!(clip("updated: 2024-01-05\ncreated: 2024-01-05\nsource: https://a.org\nlatitude: 1.0"));
        assert!(!clip("source: https://a.org\ntags: reading") && !clip("tags: clippings\nsource: me"));
    }

    #[test]
    fn depth_is_no_danger() {
        for deep in ["- ".repeat(50_000), "[".repeat(50_000), "? ".repeat(50_000), "{a: ".repeat(50_000)] {
            assert!(read(&format!("---\ntags: {deep}\n---\n")).is_some());
            assert!(read(&format!("---\ntags:\n {deep}\n---\n")).is_some());
        }
    }

    #[test]
    fn moments() {
        let shown = |text| moment(text, &Options::default()).map(|(when, _)| when.to_string());
        for (text, when) in [
            ("2024-01-05", "2024-01-05"),
            ("2024-01-05 09:30", "2024-01-05T09:30:00"),
            ("2024-01-05 09:30:00 +0100", "2024-01-05T09:30:00+01:00"),
            ("2024-01-05 9:30 PM +01:00", "2024-01-05T21:30:00+01:00"),
            ("5 janvier 2024 à 21:30", "2024-01-05T21:30:00"),
            ("5. Januar 2024, 9:30 Uhr", "2024-01-05T09:30:00"),
            ("Jan 5, 2024 at 9:30pm", "2024-01-05T21:30:00"),
            ("2024-01-05 9:30 p.m.", "2024-01-05T21:30:00"),
            ("2024-01-05, 9:30 PM", "2024-01-05T21:30:00"),
            ("[[2024-01-05]]", "2024-01-05"),
            ("[[2024-01-05|Friday]]", "2024-01-05"),
            ("1704447000000", "2024-01-05T09:30:00+00:00"),
            ("20240105093000", "2024-01-05T09:30:00"),
            ("@January 5, 2024 9:30 PM (GMT+1)", "2024-01-05T21:30:00"),
            ("January 5, 2024 12:05 AM", "2024-01-05T00:05:00"),
            ("Friday, 5 January 2024", "2024-01-05"),
            ("03/04/2024", "2024-04-03"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(when), "{text}");
        }
        assert_eq!(shown("5 May 2020: rain"), None);
        let american = Options { date_order: Some(DateOrder::Mdy), ..Options::default() };
        let (when, guessed) = moment("03/04/2024", &american).unwrap();
        assert_eq!((when.to_string().as_str(), guessed), ("2024-03-04", false));
        let guessed = |text| moment(text, &Options::default()).unwrap().1;
        assert!(guessed("03/04/2024") && !guessed("13/04/2024") && !guessed("04/04/2024"));
    }
}
