//! Which field of a record is what.

use std::borrow::Cow;

use serde_json::Value;

use super::chat::{self, Speakers, Told};
use super::dates::{self, Evidence};
use super::deeper::Deeper;
use super::look::{Look, Shown};
use super::names::{
    DATE, OWN_TEXT, OWN_TITLE, TAGS, TEXT, TIME, TITLE, ZONE, folded, has_words, named, usual,
};
use crate::journal::format::{Draft, Options, Place, Sink, When};
use crate::journal::syntax::csv::Record;
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::{editor, html, titles};

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
    told: Told,
    /// Every text is HTML, or the field all of whose values are dates: what the first records show.
    look: Shown,
    /// Records that had a field for the text.
    read: usize,
    /// Of those handed over, how many have a date, how many of these a number that means a day before 2001, and the
    /// fields of the first.
    dated: usize,
    early: usize,
    undated: Option<(Place, String)>,
    /// A date was there and could not be read, which is said.
    unread_date: bool,
    /// The fields of those that had none.
    seen: Vec<String>,
    /// How many had none; where the first of those stand that hold words, and their fields.
    without_text: usize,
    missed: Vec<(Place, String)>,
    /// Where a text lies deeper in one of them.
    deeper: Option<Deeper>,
}

impl<'a> Fields<'a> {
    pub fn new(options: &'a Options) -> Self {
        Fields {
            options,
            month_first: false,
            told: Told::Nowhere,
            look: Shown::default(),
            read: 0,
            dated: 0,
            early: 0,
            undated: None,
            unread_date: false,
            seen: Vec::new(),
            without_text: 0,
            missed: Vec::new(),
            deeper: None,
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
            return named(record, name).map(|(_, value)| value);
        }
        if let Some(name) = &self.look.date_field {
            return named(record, name).map(|(_, value)| value);
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

    pub fn text<'r>(&self, record: &'r Record) -> Option<(&'r str, String)> {
        if let Some(name) = &self.options.text_field {
            let (name, value) = named(record, name)?;
            return Some((name, words(&value)?));
        }
        let (name, value) = usual(record, TEXT)?;
        Some((name, words(value)?))
    }

    /// A text without the marks of the editor that wrote it.
    fn plain(&self, record: &Record, name: &str, text: String, sink: &mut dyn Sink) -> String {
        let by_name = folded(name).ends_with("html");
        let found = match editor::text(&text) {
            Some(found) => found,
            None if by_name || (self.look.is_html && html::is_whole(&text)) => html::to_text(&text),
            // Daylio's marks what is bold and breaks lines in what was typed.
            None if is_daylios(record) && (text.contains("<br") || text.contains("</")) => {
                html::to_text(&html::with_breaks(&text))
            }
            None => return text,
        };
        found.count(sink);
        found.text
    }

    /// Takes what the first records show.
    pub fn looked(&mut self, look: Look) {
        self.look = look.shows();
    }

    /// Decides how dates are read that leave it open, and whether only some records are the writer's.
    pub fn settle(&mut self, evidence: &Evidence, speakers: &Speakers, all_mine: bool, sink: &mut dyn Sink) {
        self.told = if all_mine { Told::Nowhere } else { speakers.told() };
        let (month_first, guessed) = evidence.month_first(self.options.date_order);
        self.month_first = month_first;
        if guessed {
            let problem = "nothing tells 3 April from 4 March in its dates: read day first, unless --date-order says otherwise";
            sink.trouble(Place::Line(1), problem.to_string());
        }
    }

    /// Whether only some of the records are the writer's.
    pub fn are_a_chat(&self) -> bool {
        self.told != Told::Nowhere
    }

    /// Hands over a record's entry.
    pub fn take(&mut self, record: &Record, place: Place, sink: &mut dyn Sink) {
        let own = |name: &str| self.options.text_field.is_some() || OWN_TEXT.contains(&folded(name).as_str());
        let mut text = self.text(record);
        // What is said of a list of texts is none of them.
        if text.as_ref().is_some_and(|(name, _)| !own(name)) && Deeper::of(record).is_some_and(|it| it.is_own)
        {
            text = None;
        }
        let title = usual(record, TITLE).and_then(|(name, value)| Some((name, value.as_str()?)));
        if text.is_none() && (self.read == 0 || title.is_none()) {
            self.miss(record, place);
            return;
        }
        // TiddlyWiki's own pages.
        if title.is_some_and(|(_, title)| title.starts_with("$:/")) {
            return sink.left_out("the app's own pages", 1);
        }
        self.read += usize::from(text.is_some());
        if self.told != Told::Nowhere && !chat::is_mine(record, self.told, self.options, sink) {
            return sink.left_out("other people's messages", 1);
        }
        let (text_name, text) = text.unwrap_or_default();
        // A name of a file is nobody's title, and of what was only saved or taken a title alone is no entry.
        let title = title.filter(|(_, title)| !names_picture(title));
        let typed = title.is_some_and(|(name, _)| OWN_TITLE.contains(&folded(name).as_str()));
        if text.trim().is_empty() && !text_name.is_empty() && !own(text_name) && !typed {
            return sink.left_out("titles without a text", 1);
        }
        let text = self.plain(record, text_name, text, sink);
        let when = self.when(record, place, sink);
        let (title_name, title) = title.unwrap_or_default();
        let (tags_name, tags) =
            usual(record, TAGS).map_or(("", Vec::new()), |(name, value)| (name, tags(value)));
        let known =
            |name: &str| [text_name, title_name, tags_name].contains(&name) || self.tells_when(record, name);
        let others = record.iter().filter(|(name, value)| !known(name) && has_words(value)).count();
        sink.left_out("other fields", others);
        if when.is_none() && self.undated.is_none() && !text.trim().is_empty() {
            let other =
                record.keys().filter(|name| ![text_name, title_name, tags_name].contains(&name.as_str()));
            self.undated = Some((place, listed(other)));
        }
        let title = titles::kept(title, &text, when);
        notes::hand_over(Draft { when, title, text, tags, place }, Day::Own, self.options, sink);
    }

    fn when(&mut self, record: &Record, place: Place, sink: &mut dyn Sink) -> Option<When> {
        let value = self.date(record)?;
        let zone = usual(record, ZONE).and_then(|(_, value)| value.as_str());
        let mut when = dates::when(&value, zone, self.month_first);
        if let (Some(When { time: None, .. }), Some((_, Value::String(time)))) = (when, usual(record, TIME)) {
            when = when.map(|when| When { time: dates::clock(time), ..when });
        }
        self.dated += usize::from(when.is_some());
        self.early +=
            usize::from(dates::is_number(&value) && when.is_some_and(|when| when.day.year() < 2001));
        let written = words(&value).unwrap_or_else(|| value.to_string());
        if when.is_none() && !written.trim().is_empty() {
            self.unread_date = true;
            let start: String = written.chars().take(40).collect();
            sink.trouble(place, format!("“{start}” is a date in a form that is not known"));
        }
        when
    }

    /// Whether a field is for the date or its zone.
    fn tells_when(&self, record: &Record, name: &str) -> bool {
        let asked = self.options.date_field.as_deref().and_then(|field| named(record, field));
        asked.is_some_and(|(field, _)| field == name)
            || self.look.date_field.as_deref() == Some(name)
            || [DATE, TIME, ZONE].iter().any(|names| names.contains(&folded(name).as_str()))
                && !record.get(name).is_some_and(|value| value.is_array() || value.is_object())
    }

    fn miss(&mut self, record: &Record, place: Place) {
        for name in record.keys() {
            if self.seen.len() <= MOST_NAMED && !self.seen.contains(name) {
                self.seen.push(name.clone());
            }
        }
        self.without_text += 1;
        if self.deeper.is_none() {
            self.deeper = Deeper::of(record);
        }
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
        if self.read == 0 && !self.seen.is_empty() {
            return Err(self.nothing_read());
        }
        self.tell_dates(sink);
        for (place, fields) in &self.missed {
            sink.lost(*place, "", format!("no text was found in its fields {fields}"));
        }
        sink.left_out("records without a text", self.without_text);
        Ok(())
    }
}

impl Fields<'_> {
    /// Why a file of records gave no text, and what to do.
    fn nothing_read(&self) -> String {
        let fields = listed(self.seen.iter());
        if let Some(name) = &self.options.text_field {
            return format!("no field `{name}` that holds text; there are {fields}");
        }
        let has = |name: &str| self.seen.iter().any(|seen| folded(seen) == name);
        let answer = ["completion", "output", "response"].into_iter().find(|name| has(name));
        if let Some(answer) = answer.filter(|_| has("prompt") || has("instruction")) {
            return format!(
                "prompts with what answers them, made to train another program: if the answers are yours, --text-field {answer}"
            );
        }
        if has("mapping") || has("conversations") {
            return "talks with a program, its words among yours: save what you wrote as a file of its own"
                .to_string();
        }
        if let Some(deeper) = &self.deeper {
            return deeper.advice();
        }
        let ends = ["id", "url", "uri", "link", "href", "type", "date", "time"];
        if self.seen.iter().all(|name| ends.iter().any(|end| folded(name).ends_with(end))) {
            return format!("none of its fields is for words: {fields}");
        }
        let date = if self.seen.iter().any(|name| DATE.contains(&folded(name).as_str())) {
            ""
        } else {
            ", and the date's with --date-field"
        };
        format!(
            "no field whose name says that it holds the text; there are {fields}: name the one to read with --text-field{date}"
        )
    }

    /// Says where no record has a date, or all of them a doubtful one.
    fn tell_dates(&self, sink: &mut dyn Sink) {
        if let Some((place, fields)) = self.undated.as_ref().filter(|_| self.dated == 0 && !self.unread_date)
        {
            let asked = self.options.date_field.as_ref();
            let problem = match (asked, fields.is_empty()) {
                (Some(name), _) => format!("no date in a field `{name}` of any record; there are {fields}"),
                (None, true) => "no date in any of its records".to_string(),
                (None, false) => {
                    format!(
                        "no field whose name says that it holds the date; there are {fields}: name it with --date-field"
                    )
                }
            };
            sink.trouble(*place, problem);
        }
        if self.early > 0 && self.early == self.dated {
            let problem = "its dates are numbers, and of days before 2001 if they count from 1970: if from 2001, as Apple's, they are 31 years too early";
            sink.trouble(Place::Line(1), problem.to_string());
        }
    }
}

fn is_daylios(record: &Record) -> bool {
    record.contains_key("activities") && record.contains_key("mood")
}

/// Whether a title is the name of a picture or a film.
fn names_picture(title: &str) -> bool {
    let ending = title.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_lowercase());
    ["jpg", "jpeg", "png", "gif", "heic", "webp", "mp4", "mov"].contains(&ending.as_str())
}

/// The names of fields, the first of many.
fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let short = |name: &String| format!("`{}`", name.chars().take(LONGEST_NAME).collect::<String>());
    let mut names: Vec<String> = names.take(MOST_NAMED + 1).map(short).collect();
    let more = if names.len() > MOST_NAMED { " and more" } else { "" };
    names.truncate(MOST_NAMED);
    names.join(", ") + more
}

/// The words of a field; none where it holds objects.
fn words(value: &Value) -> Option<String> {
    match value {
        // A database's empty field.
        Value::String(text) if text == "\\N" || text == "NULL" => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(parts) if parts.iter().any(Value::is_array) => {
            let parts: Option<Vec<String>> = parts.iter().map(words).collect();
            parts.map(|parts| parts.join("\n"))
        }
        Value::Object(_) => editor::of(value).map(|found| found.text),
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

/// The words of a text, those in `[[…]]` together.
fn in_brackets(text: &str) -> Vec<String> {
    let (mut tags, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("[[") {
        let (inside, behind) = after.split_once("]]").unwrap_or((after, ""));
        tags.extend(before.split_whitespace().map(str::to_string));
        tags.push(inside.to_string());
        rest = behind;
    }
    tags.extend(rest.split_whitespace().map(str::to_string));
    tags
}

/// `["rain", "wind"]`, `[{"name": "rain"}]`, `rain, wind`, `#rain #wind`.
fn tags(value: &Value) -> Vec<String> {
    // TiddlyWiki's `one [[two words]]`.
    let bracketed: Vec<String>;
    let tags: Vec<&str> = match value {
        Value::String(text) if text.contains("[[") && text.contains("]]") => {
            bracketed = in_brackets(text);
            bracketed.iter().map(String::as_str).collect()
        }
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
        ] {
            assert_eq!(tags(&value), ["rain", "wind"], "{value}");
        }
        assert_eq!(tags(&json!("heavy rain")), ["heavy rain"]);
        assert!(tags(&json!("")).is_empty() && tags(&json!({"a": 1})).is_empty());
    }
}
