//! The lines that stand before each entry, so that one model learns several voices and can be asked for one:
//! `{date:%A, %B %-d, %Y}\n`.

use std::path::PathBuf;

use jiff::civil::{Date, Time};
use jiff::fmt::strtime::BrokenDownTime;

use crate::base::{Error, Result};
use crate::journal::{Entry, Place, When};

/// A template over an entry's fields and labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// As it stands.
    Text(String),
    /// The day and time, by a format of `strftime`; empty where the format asks for more than the entry has.
    Date {
        format: String,
        /// It shows the time of day.
        time: bool,
        /// It shows the zone.
        zone: bool,
    },
    Title,
    Tags,
    Source,
    /// A label that `--label` gave.
    Label(String),
}

/// `{date}`.
const DAY: &str = "%Y-%m-%d";

const NEXT: &str = "use {date}, {date:%A, %B %-d, %Y}, {title}, {tags}, {source} or a label of --label such as {author}; \
                    \\n ends a line, {{ and }} are braces";

impl Template {
    /// Reads a template as it is typed. `labels` are the names that `--label` gave.
    ///
    /// # Errors
    /// A field that no entry can have, a brace that is not closed, a format of dates that does not exist.
    pub fn parse(typed: &str, labels: &[String]) -> Result<Template> {
        let bad = |problem: String| Error::usage(format!("--header {typed:?}: {problem}"), NEXT);
        let (mut parts, mut text) = (Vec::new(), String::new());
        let mut chars = typed.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('{', Some('{')) | ('}', Some('}')) => text.extend(chars.next()),
                ('\\', Some('n' | 't' | '\\')) => text.push(match chars.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    _ => '\\',
                }),
                ('}', _) => return Err(bad("a } without its {".into())),
                ('{', _) => {
                    let field: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    if !typed.contains(&format!("{{{field}}}")) {
                        return Err(bad("a { without its }".into()));
                    }
                    parts.extend((!text.is_empty()).then(|| Part::Text(std::mem::take(&mut text))));
                    parts.push(field_of(&field, labels).map_err(bad)?);
                }
                _ => text.push(c),
            }
        }
        parts.extend((!text.is_empty()).then_some(Part::Text(text)));
        Ok(Template { parts })
    }

    /// The header of an entry that `source` names; empty where the template has fields and the entry none of them.
    pub fn render(&self, entry: &Entry, source: &str, labels: &[(String, String)]) -> String {
        let (mut out, mut fields, mut filled) = (String::new(), 0, 0);
        for part in &self.parts {
            let value = match part {
                Part::Text(text) => {
                    out += text;
                    continue;
                }
                Part::Date { format, time, zone } => {
                    let has =
                        |when: &When| (when.time.is_some() || !time) && (when.offset.is_some() || !zone);
                    entry.when.filter(has).and_then(|when| date(format, when)).unwrap_or_default()
                }
                Part::Title => entry.title.clone(),
                Part::Tags => entry.tags.join(", "),
                Part::Source => source.to_string(),
                Part::Label(name) => {
                    let found = labels.iter().rev().find(|(key, _)| key == name);
                    found.map(|(_, value)| value.clone()).unwrap_or_default()
                }
            };
            fields += 1;
            filled += usize::from(!value.is_empty());
            out += &value;
        }
        if fields > 0 && filled == 0 { String::new() } else { out }
    }

    /// The header of an entry of a day that is not written yet.
    pub fn of_day(&self, day: Date, labels: &[(String, String)]) -> String {
        let entry = Entry {
            when: Some(When::day(day)),
            title: String::new(),
            text: String::new(),
            tags: Vec::new(),
            source: PathBuf::new(),
            place: Place::default(),
        };
        self.render(&entry, "", labels)
    }

    /// It as text, its days left open as they are typed: `{date}`, `{date:FORMAT}`. What else an entry would fill in is left out.
    pub fn open(&self, labels: &[(String, String)]) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Date { format, .. } if format == DAY => "{date}".into(),
            Part::Date { format, .. } => format!("{{date:{format}}}"),
            Part::Label(name) => {
                let found = labels.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| value.clone()).unwrap_or_default()
            }
            Part::Title | Part::Tags | Part::Source => String::new(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Whether the title is in it, and so need not stand above the text again.
    pub fn has_title(&self) -> bool {
        self.parts.contains(&Part::Title)
    }
}

fn field_of(field: &str, labels: &[String]) -> std::result::Result<Part, String> {
    Ok(match field {
        "date" => Part::Date { format: DAY.into(), time: false, zone: false },
        "title" => Part::Title,
        "tags" => Part::Tags,
        "source" => Part::Source,
        _ if labels.iter().any(|label| label == field) => Part::Label(field.to_string()),
        _ => {
            let Some(format) = field.strip_prefix("date:") else {
                return Err(format!("no entry has a {{{field}}}"));
            };
            let at = |typed: &str| date(format, typed.parse().expect("a time"));
            let full = at("2024-01-05T09:30:00+01:00").filter(|shown| !shown.is_empty());
            let Some(full) = full else { return Err(format!("{format:?} is no format of dates")) };
            Part::Date {
                format: format.to_string(),
                time: at("2024-01-05T21:41:12+01:00").as_deref() != Some(&full),
                // Another zone at the same local time; and a zone that is not known.
                zone: at("2024-01-05T09:30:00+02:00").as_deref() != Some(&full)
                    || at("2024-01-05T09:30:00").is_none(),
            }
        }
    })
}

fn date(format: &str, when: When) -> Option<String> {
    let moment = when.day.to_datetime(when.time.unwrap_or(Time::midnight()));
    let broken = match when.offset {
        Some(offset) => {
            BrokenDownTime::from(&offset.to_timestamp(moment).ok()?.to_zoned(offset.to_time_zone()))
        }
        None => BrokenDownTime::from(moment),
    };
    let mut out = String::new();
    broken.format(format.as_bytes(), &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            when: "2024-01-05T09:30:00+01:00".parse().ok(),
            title: "A walk".into(),
            text: "Wet.".into(),
            tags: vec!["rain".into(), "dog".into()],
            source: PathBuf::from("a.txt"),
            place: Place::Line(3),
        }
    }

    #[test]
    fn fields_are_filled_in() {
        let labels = vec!["author".to_string(), "genre".to_string()];
        let given = vec![("author".to_string(), "Ellis".to_string())];
        let render = |typed: &str| Template::parse(typed, &labels).unwrap().render(&entry(), "a.txt", &given);
        assert_eq!(render(r"{date:%A, %B %-d, %Y}\n"), "Friday, January 5, 2024\n");
        assert_eq!(render(r"{date:%H:%M %z}"), "09:30 +0100");
        assert_eq!(
            render(r"<author>{author}</author><genre>{genre}</genre>\n"),
            "<author>Ellis</author><genre></genre>\n"
        );
        assert_eq!(render(r"{title}: {tags}\t{{x}} \\"), "A walk: rain, dog\t{x} \\");
        assert_eq!(render("{source}"), "a.txt");
        assert_eq!(render("{genre}!"), "");
        assert_eq!(render("plain"), "plain");
        assert_eq!(render("{date}"), "2024-01-05");
        let template = Template::parse(r"{date:%B %Y}, {date}, by {author}{title}\n", &labels).unwrap();
        assert_eq!(template.open(&given), "{date:%B %Y}, {date}, by Ellis\n");
        let day = jiff::civil::date(2024, 1, 5);
        assert_eq!(template.of_day(day, &given), "January 2024, 2024-01-05, by Ellis\n");
    }

    #[test]
    fn a_time_that_nobody_wrote_is_not_invented() {
        let day = Entry { when: "2024-01-05".parse().ok(), ..entry() };
        let local = Entry { when: "2024-01-05T09:30:00".parse().ok(), ..entry() };
        let render =
            |typed: &str, entry: &Entry| Template::parse(typed, &[]).unwrap().render(entry, "a.txt", &[]);
        assert_eq!(
            (render("{date:%H:%M}", &day), render("{date:%H:%M}", &local)),
            ("".into(), "09:30".into())
        );
        for zoned in ["{date:%A %z}", "{date:%s}", "{date:%Q}"] {
            assert_eq!(render(zoned, &local), "", "{zoned}");
            assert_ne!(render(zoned, &entry()), "", "{zoned}");
        }
        assert_eq!(render("{date:%A}|{date:%H}\n", &day), "Friday|\n");
    }

    #[test]
    fn what_no_entry_has_is_refused() {
        for typed in ["{mood}", "{date", "a}", "{date:%!}", "{date:}", "{}"] {
            assert!(Template::parse(typed, &[]).is_err(), "{typed}");
        }
    }
}
