//! Which field of a record is what.

use std::borrow::Cow;

use serde_json::Value;

use super::chat::{self, Speakers};
use super::dates::{self, Evidence};
use super::names::{DATE, OWN_TEXT, TAGS, TEXT, TIME, TITLE, ZONE, folded, named, usual};
use crate::journal::format::{Draft, Options, Place, Sink, When};
use crate::journal::syntax::csv::Record;
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::{html, titles};

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
    /// Several people speak in it.
    is_chat: bool,
    /// Records that had a field for the text.
    read: usize,
    /// The fields of those that had none.
    seen: Vec<String>,
    /// How many had none; where the first of those stand that hold words, and their fields.
    without_text: usize,
    missed: Vec<(Place, String)>,
}

impl<'a> Fields<'a> {
    pub fn new(options: &'a Options) -> Self {
        Fields {
            options,
            month_first: false,
            is_chat: false,
            read: 0,
            seen: Vec::new(),
            without_text: 0,
            missed: Vec::new(),
        }
    }

    /// Whether it has words where a text would be.
    pub fn has_text(&self, record: &Record) -> bool {
        self.text(record).is_some_and(|(_, text)| !text.trim().is_empty())
    }

    /// The same, in a field that is called as nothing but a text is.
    pub fn has_own_text(&self, record: &Record) -> bool {
        let own = |name: &str| OWN_TEXT.contains(&folded(name).as_str()) || self.options.text_field.is_some();
        self.text(record).is_some_and(|(name, text)| own(name) && !text.trim().is_empty())
    }

    /// What a record has for a date. A day that leaves nothing open, as ISO's, goes before one as people say it
    /// (`March 5`), unless it is the day that the record was made on and another.
    pub fn date<'r>(&self, record: &'r Record) -> Option<Cow<'r, Value>> {
        if let Some(name) = &self.options.date_field {
            return named(record, name).map(|(_, value)| Cow::Borrowed(value));
        }
        let (_, first) = usual(record, DATE)?;
        if dates::is_plain(first) {
            return Some(Cow::Borrowed(first));
        }
        let said = first.as_str().and_then(dates::said);
        let of_entry =
            |name: &str| name.contains("date") && !name.contains("creat") && !name.contains("publ");
        let better = DATE.iter().find_map(|name| {
            let (_, value) = usual(record, &[name])?;
            let day = dates::plain_day(value)?;
            let fits = said.is_none_or(|said| said.may_be(day)) || of_entry(name);
            fits.then_some(Cow::Borrowed(value))
        });
        let with_year = || {
            let (_, year) = usual(record, &["year"]).filter(|_| said.is_none())?;
            let written = format!("{} {}", first.as_str()?, words(year)?);
            dates::said(&written).map(|_| Cow::Owned(Value::String(written)))
        };
        better.or_else(with_year).or(Some(Cow::Borrowed(first)))
    }

    fn text<'r>(&self, record: &'r Record) -> Option<(&'r str, String)> {
        let found = match &self.options.text_field {
            Some(name) => named(record, name),
            None => usual(record, TEXT),
        };
        let (name, value) = found?;
        Some((name, words(value)?))
    }

    /// Decides how dates are read that leave it open, and whether only some records are the writer's.
    pub fn settle(&mut self, evidence: &Evidence, speakers: &Speakers, sink: &mut dyn Sink) {
        self.is_chat = speakers.are_several();
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
        if self.is_chat && !chat::is_mine(record, self.options, sink) {
            return sink.left_out("other people's messages", 1);
        }
        let (text_name, text) = text.unwrap_or_default();
        let text = from_html(record, text, sink);
        let when = self.when(record, place, sink);
        let (title_name, title) = title.unwrap_or_default();
        let (tags_name, tags) =
            usual(record, TAGS).map_or(("", Vec::new()), |(name, value)| (name, tags(value)));
        let known =
            |name: &str| [text_name, title_name, tags_name].contains(&name) || self.tells_when(record, name);
        let others = record.iter().filter(|(name, value)| !known(name) && has_words(value)).count();
        sink.left_out("other fields", others);
        if title.starts_with("$:/") {
            return sink.left_out("app pages", 1); // TiddlyWiki's own
        }
        let title = titles::kept(title, &text, when);
        notes::hand_over(Draft { when, title, text, tags, place }, Day::Own, self.options, sink);
    }

    fn when(&self, record: &Record, place: Place, sink: &mut dyn Sink) -> Option<When> {
        let value = self.date(record)?;
        let zone = usual(record, ZONE).and_then(|(_, value)| value.as_str());
        let mut when = dates::when(&value, zone, self.month_first);
        if let (Some(When { time: None, .. }), Some((_, Value::String(time)))) = (when, usual(record, TIME)) {
            when = when.map(|when| When { time: dates::clock(time), ..when });
        }
        let written = words(&value).unwrap_or_default();
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
            || [DATE, TIME, ZONE].iter().any(|names| names.contains(&folded(name).as_str()))
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
            // In a chat, what is set in bold or links stands apart: `["I saw ", {"type": "bold", "text": "it"}]`.
            let parts = lines.iter().any(Value::is_object);
            let words = lines.iter().map(|part| part.as_str().or(part["text"].as_str()));
            let lines: Option<Vec<&str>> = words.collect();
            lines.map(|lines| lines.join(if parts { "" } else { "\n" }))
        }
        _ => None,
    }
}

/// A text without its HTML: one that opens with a block and closes it, as no person types; and Daylio's, which marks what
/// is bold and breaks lines in what was typed.
fn from_html(record: &Record, text: String, sink: &mut dyn Sink) -> String {
    const BLOCKS: [&str; 10] = ["p", "div", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "article"];
    let trimmed = text.trim();
    let opens = |tag: &&str| {
        let rest = trimmed.strip_prefix('<').and_then(|rest| rest.strip_prefix(*tag));
        rest.is_some_and(|rest| rest.starts_with(['>', ' ']))
    };
    let block = BLOCKS.iter().find(|tag| opens(tag));
    let is_html = block.is_some_and(|tag| trimmed.contains(&format!("</{tag}>"))) && trimmed.ends_with('>');
    let is_daylio = || record.contains_key("activities") && record.contains_key("mood");
    let content = match is_html {
        true => html::to_text(&text),
        false if is_daylio() && (text.contains("<br") || text.contains("</")) => {
            html::to_text(&html::with_breaks(&text))
        }
        false => return text,
    };
    content.count(sink);
    content.text
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
        // `Journal [[two words]]`
        Value::String(text) if text.contains("[[") && text.contains("]]") => {
            let (names, mut rest) = (&mut Vec::new(), text.as_str());
            while let Some((before, (name, behind))) =
                rest.split_once("[[").and_then(|(before, rest)| Some((before, rest.split_once("]]")?)))
            {
                names.extend(before.split_whitespace().chain([name]));
                rest = behind;
            }
            names.extend(rest.split_whitespace());
            std::mem::take(names)
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
    fn a_plain_day_goes_before_one_that_is_said() {
        let options = Options::default();
        let date = |record: Value| {
            let Value::Object(record) = record else { unreachable!() };
            Fields::new(&options).date(&record).and_then(|value| value.as_str().map(String::from)).unwrap()
        };
        for (record, day) in [
            (json!({"full_date": "2024-03-05", "date": "March 5", "time": "9:00 PM"}), "2024-03-05"),
            (json!({"date": "5 March 2024", "Date ISO": "2024-03-06"}), "2024-03-06"),
            (json!({"date": "03/05/2024", "created_at": "2024-03-05T09:30:00Z"}), "2024-03-05T09:30:00Z"),
            (json!({"date": "March 5", "created_at": "2024-03-05"}), "2024-03-05"),
            (json!({"date": "5 March 2014", "created_at": "2024-03-05"}), "5 March 2014"),
            (json!({"year": "2017", "date": "March 5", "weekday": "Sunday"}), "March 5 2017"),
            (json!({"year": 2017, "date": "5. März"}), "5. März 2017"),
            (json!({"date": "someday"}), "someday"),
        ] {
            assert_eq!(date(record.clone()), day, "{record}");
        }
    }

    #[test]
    fn tags_in_all_their_forms() {
        for value in [
            json!(["rain", "wind"]),
            json!([{"name": "rain"}, 5, {"name": "wind"}]),
            json!("rain, #wind"),
            json!("#rain #wind"),
            json!("rain [[wind]]"),
        ] {
            assert_eq!(tags(&value), ["rain", "wind"], "{value}");
        }
        assert_eq!(tags(&json!("heavy rain")), ["heavy rain"]);
        assert!(tags(&json!("")).is_empty() && tags(&json!({"a": 1})).is_empty());
    }
}
