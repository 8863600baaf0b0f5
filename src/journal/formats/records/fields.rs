//! Which field of a record is what.

use serde_json::{Map, Value};

use super::dates::{self, Evidence};
use crate::journal::format::{Draft, Options, Place, Sink, When};
use crate::journal::syntax::titles;

/// Names as [`folded`] leaves them, the likelier first.
const TEXT: &[&str] = &[
    "text",
    "content",
    "body",
    "entry",
    "entrytext",
    "textcontent",
    "fulltext",
    "note",
    "notes",
    "message",
    "journal",
    "journalentry",
    "diary",
    "post",
    "reflection",
    "comment",
    "description",
    "markdown",
];
/// `time` and its like may hold a time of day and nothing more: they come last.
const DATE: &[&str] = &[
    "date",
    "datetime",
    "entrydate",
    "journaldate",
    "created",
    "createdat",
    "createdon",
    "createdtime",
    "creationdate",
    "creationtime",
    "datecreated",
    "createddate",
    "timestamp",
    "ts",
    "published",
    "publishedat",
    "posted",
    "postedat",
    "day",
    "when",
    "time",
];
const TITLE: &[&str] = &["title", "subject", "headline", "heading"];
const TAGS: &[&str] = &["tags", "labels", "keywords", "categories", "tag", "category"];
const ZONE: &[&str] = &["timezone", "tz", "zone"];

/// Fields that a message names at most, and the characters of a name.
const MOST_NAMED: usize = 20;
const LONGEST_NAME: usize = 40;

/// Records without a text that are told one by one: more troubles of a file are told of no reader.
const MOST_MISSED: usize = 20;

/// Reads records into entries.
pub(super) struct Fields<'a> {
    options: &'a Options,
    /// `03/04/2020` is read month first.
    month_first: bool,
    /// Records that had a field for the text.
    read: usize,
    /// The fields of those that had none.
    seen: Vec<String>,
    /// How many had none; where the first of those stand that hold words, and their fields.
    without_text: usize,
    missed: Vec<(Place, String)>,
}

type Record = Map<String, Value>;

impl<'a> Fields<'a> {
    pub fn new(options: &'a Options) -> Self {
        Fields { options, month_first: false, read: 0, seen: Vec::new(), without_text: 0, missed: Vec::new() }
    }

    pub fn has_text(&self, record: &Record) -> bool {
        self.text(record).is_some()
    }

    /// What a record has for a date.
    pub fn date<'r>(&self, record: &'r Record) -> Option<&'r Value> {
        match &self.options.date_field {
            Some(name) => named(record, name).map(|(_, value)| value),
            None => usual(record, DATE).map(|(_, value)| value),
        }
    }

    fn text<'r>(&self, record: &'r Record) -> Option<(&'r str, String)> {
        let found = match &self.options.text_field {
            Some(name) => named(record, name),
            None => usual(record, TEXT),
        };
        let (name, value) = found?;
        Some((name, words(value)?))
    }

    /// Decides how dates are read that leave it open.
    pub fn settle(&mut self, evidence: &Evidence, sink: &mut dyn Sink) {
        let (month_first, guessed) = evidence.month_first(self.options.date_order);
        self.month_first = month_first;
        if guessed {
            let problem = "nothing tells 3 April from 4 March in its dates: read day first, unless --date-order says otherwise";
            sink.trouble(Place::Line(1), problem.to_string());
        }
    }

    /// Hands over a record's entry.
    pub fn take(&mut self, record: &Record, place: Place, sink: &mut dyn Sink) {
        let text = self.text(record);
        let title = usual(record, TITLE).and_then(|(name, value)| Some((name, value.as_str()?)));
        if text.is_none() && (self.read == 0 || title.is_none()) {
            self.miss(record, place);
            return;
        }
        self.read += usize::from(text.is_some());
        let (text_name, text) = text.unwrap_or_default();
        let when = self.when(record, place, sink);
        let (title_name, title) = title.unwrap_or_default();
        let (tags_name, tags) =
            usual(record, TAGS).map_or(("", Vec::new()), |(name, value)| (name, tags(value)));
        let known =
            |name: &str| [text_name, title_name, tags_name].contains(&name) || self.tells_when(record, name);
        let others = record.iter().filter(|(name, value)| !known(name) && has_words(value)).count();
        sink.left_out("other fields", others);
        let title = titles::kept(title, &text, when);
        sink.entry(Draft { when, title, text, tags, place });
    }

    fn when(&self, record: &Record, place: Place, sink: &mut dyn Sink) -> Option<When> {
        let value = self.date(record)?;
        let zone = usual(record, ZONE).and_then(|(_, value)| value.as_str());
        let mut when = dates::when(value, zone, self.month_first);
        if let (Some(When { time: None, .. }), Some((_, Value::String(time)))) =
            (when, usual(record, &["time"]))
        {
            when = when.map(|when| When { time: dates::clock(time), ..when });
        }
        let written = words(value).unwrap_or_default();
        if when.is_none() && !written.trim().is_empty() {
            let start: String = written.chars().take(40).collect();
            sink.trouble(place, format!("“{start}” is a date in a form that is not known"));
        }
        when
    }

    /// Whether a field is for the date or its zone.
    fn tells_when(&self, record: &Record, name: &str) -> bool {
        let asked = self.options.date_field.as_deref().and_then(|field| named(record, field));
        asked.is_some_and(|(field, _)| field == name)
            || [DATE, ZONE].iter().any(|names| names.contains(&folded(name).as_str()))
    }

    fn miss(&mut self, record: &Record, place: Place) {
        for name in record.keys() {
            if self.seen.len() <= MOST_NAMED && !self.seen.contains(name) {
                self.seen.push(name.clone());
            }
        }
        self.without_text += 1;
        let has_words =
            || record.iter().any(|(name, value)| !self.tells_when(record, name) && has_words(value));
        if self.missed.len() < MOST_MISSED && has_words() {
            self.missed.push((place, listed(record.keys())));
        }
    }

    /// Tells which records had no text.
    ///
    /// # Errors
    /// None had one.
    pub fn finish(&self, sink: &mut dyn Sink) -> Result<(), String> {
        let missing = match &self.options.text_field {
            Some(name) => format!("no field `{name}` that holds text"),
            None => "no field whose name says that it holds the text".to_string(),
        };
        if self.read == 0 && !self.seen.is_empty() {
            let fields = listed(self.seen.iter());
            return Err(format!("{missing}; there are {fields}: name the one to read with --text-field"));
        }
        for (place, fields) in &self.missed {
            sink.lost(*place, "", format!("no text was found in its fields {fields}"));
        }
        sink.left_out("records without a text", self.without_text);
        Ok(())
    }
}

/// The names of fields, the first of many.
fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let short = |name: &String| format!("`{}`", name.chars().take(LONGEST_NAME).collect::<String>());
    let mut names: Vec<String> = names.take(MOST_NAMED + 1).map(short).collect();
    let more = if names.len() > MOST_NAMED { " and more" } else { "" };
    names.truncate(MOST_NAMED);
    names.join(", ") + more
}

/// The field of that name, of that path (`entry.text`), or of that name but for its case and signs.
fn named<'r>(record: &'r Record, name: &str) -> Option<(&'r str, &'r Value)> {
    if let Some((key, value)) = record.get_key_value(name) {
        return Some((key, value));
    }
    if let Some((first, path)) = name.split_once('.')
        && let Some((key, value)) = record.get_key_value(first)
    {
        return path
            .split('.')
            .try_fold(value, |value, part| value.get(part))
            .map(|value| (key.as_str(), value));
    }
    record.iter().find(|(key, _)| folded(key) == folded(name)).map(|(key, value)| (key.as_str(), value))
}

/// The first of the usual names that has something to say, or else the first that is there.
fn usual<'r>(record: &'r Record, names: &[&str]) -> Option<(&'r str, &'r Value)> {
    let place = |key: &str| names.iter().position(|name| *name == folded(key));
    let known = record.iter().filter_map(|(key, value)| Some((place(key)?, key.as_str(), value)));
    known.min_by_key(|(place, _, value)| (is_blank(value), *place)).map(|(_, key, value)| (key, value))
}

/// `Created At`, `created_at` and `createdAt` are one name.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether a field that is not read may be missed by the writer.
fn has_words(value: &Value) -> bool {
    match value {
        Value::String(text) => text.split_whitespace().nth(1).is_some(),
        Value::Array(items) => items.iter().any(has_words),
        Value::Object(fields) => fields.values().any(has_words),
        _ => false,
    }
}

/// The words of a field; none where it holds objects.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            lines.map(|lines| lines.join("\n"))
        }
        _ => None,
    }
}

/// `["rain", "wind"]`, `[{"name": "rain"}]`, `rain, wind`, `#rain #wind`.
fn tags(value: &Value) -> Vec<String> {
    let tags: Vec<&str> = match value {
        Value::Array(items) => {
            items.iter().filter_map(|tag| tag.as_str().or_else(|| tag["name"].as_str())).collect()
        }
        Value::String(text) if text.split_whitespace().all(|word| word.starts_with('#')) => {
            text.split_whitespace().collect()
        }
        Value::String(text) => text.split([',', ';', '|']).collect(),
        _ => Vec::new(),
    };
    let bare = tags.into_iter().map(|tag| tag.trim().trim_start_matches('#'));
    bare.filter(|tag| !tag.is_empty()).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_by_name_and_path() {
        let Value::Object(record) =
            json!({"a.b": 1, "Created At": 2, "a": {"c": {"d": 3}}, "Body": "x", "note": " "})
        else {
            unreachable!()
        };
        for (name, value) in [("a.b", 1), ("createdat", 2), ("a.c.d", 3)] {
            assert_eq!(named(&record, name).unwrap().1, &json!(value), "{name}");
        }
        assert!(named(&record, "a.x").is_none() && named(&record, "z").is_none());
        assert_eq!(usual(&record, TEXT).unwrap().0, "Body");
        assert_eq!(usual(&record, DATE).unwrap().0, "Created At");
    }

    #[test]
    fn tags_in_all_their_forms() {
        for value in [
            json!(["rain", "wind"]),
            json!([{"name": "rain"}, 5, {"name": "wind"}]),
            json!("rain, #wind"),
            json!("#rain #wind"),
        ] {
            assert_eq!(tags(&value), ["rain", "wind"], "{value}");
        }
        assert_eq!(tags(&json!("heavy rain")), ["heavy rain"]);
        assert!(tags(&json!("")).is_empty() && tags(&json!({"a": 1})).is_empty());
    }
}
