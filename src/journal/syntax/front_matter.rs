//! The YAML block that may open a Markdown file: not the writer's text, but it knows its date, its title and its tags.

use saphyr::{LoadableYamlNode, Scalar, Yaml};

use super::by_dates::report_guess;
use super::stamps;
use crate::journal::dates;
use crate::journal::format::{DateOrder, Options, Place, Sink, When};

/// Front matter longer than this is text between two rules.
const MOST_LINES: usize = 100;

/// The names of the moment that a note was made at.
const CREATED: [&str; 9] = [
    "created",
    "created_at",
    "created-at",
    "date created",
    "date_created",
    "date-created",
    "creation date",
    "creation_date",
    "createdAt",
];

/// A front matter and what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// What stands under `date:`.
    pub date: Option<When>,
    /// What stands under `created:`, by any of its names.
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

/// Finds front matter: `---` on the first line, `---` or `...` within 100 lines, and between them at least one `key:` and
/// nothing but keys, list items, indented lines, comments and blank lines. A key of several words, as people make them,
/// wants one beside it that only apps write. Anything else between two rules is the writer's text, and stays.
fn find(text: &str, options: &Options) -> Option<FrontMatter> {
    let mut lines = text.split_inclusive('\n');
    let start = lines.next().filter(|line| line.trim_end() == "---")?.len();
    let (mut end, mut keys) = (start, Vec::<(&str, &str)>::new());
    for (i, line) in lines.take(MOST_LINES).enumerate() {
        let block = &text[start..end];
        end += line.len();
        let line = line.trim_end();
        if line == "---" || line == "..." {
            let is_usual =
                |(key, _): &(&str, &str)| USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(key));
            let told = keys.iter().all(|(key, _)| is_word(key)) || keys.iter().any(is_usual);
            let values = Values { block, keys };
            return (told && !values.keys.is_empty()).then(|| values.read(options, end, i + 2));
        }
        if let Some(pair) = key_and_value(line) {
            keys.push(pair);
            continue;
        }
        let below_a_key = line.starts_with([' ', '\t']) || line == "-" || line.starts_with("- ");
        if !(line.is_empty() || line.starts_with('#') || (!keys.is_empty() && below_a_key)) {
            return None;
        }
    }
    None
}

/// `key: value`, the key without its quotation marks.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line
        .split_once(": ")
        .or_else(|| line.split_once(":\t"))
        .or_else(|| Some((line.strip_suffix(':')?, "")))?;
    let quoted = ['"', '\''].iter().find_map(|mark| key.strip_prefix(*mark)?.strip_suffix(*mark));
    let is_key = !key.is_empty()
        && key.len() <= 40
        && !key.starts_with(['-', '#', ' ', '\t', '[', '{', '>', '|', '*']);
    (is_key && !key.contains(':')).then_some((quoted.unwrap_or(key), value.trim()))
}

fn is_word(key: &str) -> bool {
    key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Keys by which apps' front matter is known, whatever else stands there.
const USUAL: [&str; 19] = [
    "title",
    "date",
    "tags",
    "tag",
    "created",
    "created_at",
    "date created",
    "creation date",
    "updated",
    "modified",
    "date modified",
    "modification date",
    "aliases",
    "id",
    "cssclass",
    "cssclasses",
    "author",
    "completed?",
    "layout",
];

/// Whether a key (in lower case) says that a date under it is the note's: `journal-date`, `pubDate`, `created_time`, `day`.
fn is_date(key: &str) -> bool {
    const OTHER: [&str; 9] =
        ["modif", "updat", "edit", "due", "last", "birth", "deadline", "review", "expir"];
    let names = ["date", "created", "datum", "fecha"];
    let dated =
        names.iter().any(|name| key.starts_with(name) || key.ends_with(name)) || key == "created_time";
    (dated || key == "day") && !key.starts_with("end") && !OTHER.iter().any(|other| key.contains(other))
}

/// The keys of a block, and the block itself for those values that take YAML to read.
struct Values<'a> {
    block: &'a str,
    keys: Vec<(&'a str, &'a str)>,
}

impl Values<'_> {
    fn read(&self, options: &Options, end: usize, lines: usize) -> FrontMatter {
        let yaml = self.yaml();
        let get = |names: &[&str]| -> Vec<String> {
            let all = names.iter().map(|name| self.values(name, yaml.as_ref()));
            all.into_iter().find(|values| !values.is_empty()).unwrap_or_default()
        };
        let date = |names: &[&str]| moment(get(names).first()?, options);
        let tags = get(&["tags", "tag"]);
        let other = |wanted: &dyn Fn(&str) -> bool| {
            let named = self.keys.iter().filter(|(key, _)| wanted(&key.to_lowercase()));
            named.filter_map(|(key, _)| moment(self.values(key, yaml.as_ref()).first()?, options)).next()
        };
        let created = date(&CREATED).or_else(|| other(&|key| is_date(key) && key.contains("creat")));
        let date = date(&["date"]).or_else(|| other(&|key| is_date(key) && !key.contains("creat")));
        FrontMatter {
            guessed: date.or(created).is_some_and(|(_, guessed)| guessed),
            date: date.map(|(when, _)| when),
            created: created.map(|(when, _)| when),
            title: get(&["title"]).join(" "),
            tags: tags.iter().flat_map(|tag| split_tags(tag, tags.len() == 1)).collect(),
            end,
            lines,
        }
    }

    /// What stands under a key: as it is typed where it is plain and on its line; else as YAML has it; where that is
    /// odd, without the signs that YAML has.
    fn values(&self, name: &str, yaml: Option<&Yaml>) -> Vec<String> {
        let Some((key, value)) = self.keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) else {
            return Vec::new();
        };
        if !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '[', '{', '&', '*', '!', '#']) {
            return vec![value.split(" #").next().unwrap_or(value).trim().to_string()];
        }
        let mut out = Vec::new();
        match yaml.and_then(|yaml| yaml.as_mapping_get(key)) {
            Some(found) => gather(found, &mut out),
            None => out.push(value.trim_matches(['"', '\'', '[', ']']).to_string()),
        }
        out.retain(|value| !value.trim().is_empty());
        out
    }

    fn yaml(&self) -> Option<Yaml<'_>> {
        // The parser and what it builds recurse: nesting is kept to what a hundred lines may need.
        let nests = |line: &str| {
            line.chars().take_while(|c| "-?: \t".contains(*c)).filter(|c| "-?:".contains(*c)).count()
        };
        let flat =
            self.block.lines().all(|line| nests(line) < 8) && self.block.matches(['[', '{']).count() < 200;
        flat.then(|| Yaml::load_from_str(self.block).ok()?.into_iter().next()).flatten()
    }
}

/// The scalars of a value, nested lists made flat.
fn gather(yaml: &Yaml, out: &mut Vec<String>) {
    match yaml {
        Yaml::Value(Scalar::String(text)) => out.push(text.trim().to_string()),
        Yaml::Value(Scalar::Integer(number)) => out.push(number.to_string()),
        Yaml::Value(Scalar::FloatingPoint(number)) => out.push(number.to_string()),
        Yaml::Value(Scalar::Boolean(yes)) => out.push(yes.to_string()),
        Yaml::Sequence(items) => items.iter().for_each(|item| gather(item, out)),
        Yaml::Tagged(_, inner) => gather(inner, out),
        _ => {}
    }
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
        10 => When::at_millis(number * 1000, None),
        13 => When::at_millis(number, None),
        _ => stamps::in_one_number(value),
    }
}

/// A date with or without its time, as people and apps write it beside a key: `2024-01-05 09:30 +0100`,
/// `January 5, 2024 9:30 PM`, `[[2024-01-05]]`; and whether it was read day first where nothing tells.
pub fn moment(value: &str, options: &Options) -> Option<(When, bool)> {
    let value = value.trim().trim_matches(['"', '\'', '@', '[', ']']).trim();
    let value = value.split('|').next().unwrap_or(value).trim_end_matches(']');
    if let Ok(when) = value.parse() {
        return Some((when, false));
    }
    if let Some(when) = in_digits(value) {
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
            "\n---\ntitle: late\n---\n",
            "----\ntitle: four\n----\n",
            "---\ntitle: a\nwords of mine\n---\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read(&format!("---\n{}---\n", "key: value\n".repeat(MOST_LINES))), None);
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
