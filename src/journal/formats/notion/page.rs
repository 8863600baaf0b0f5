//! A page of Notion's, whatever it was exported as.

use crate::journal::format::{Draft, Input, Options, Place, Sink, When};
use crate::journal::syntax::by_dates::report_guess;
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::titles;

/// A page's dates: what they are called, and what [`moment`] makes of them.
#[derive(Default)]
pub struct Dates(pub Vec<(String, (When, bool))>);

impl Dates {
    /// The day that the page is about; else when it was made; never when it was edited or is due. And whether it was read
    /// day first where nothing tells.
    pub fn when(&self) -> Option<(When, bool, Day)> {
        let find = |wanted: &dyn Fn(&str) -> bool| self.0.iter().find(|(key, _)| wanted(key));
        let about = |key: &str| matches!(key, "date" | "day" | "when" | "datum" | "fecha");
        let other = |key: &str| {
            !["edited", "updated", "modified", "due", "deadline"].iter().any(|word| key.contains(word))
        };
        let found = find(&about)
            .or_else(|| find(&|key| key.contains("date") && other(key) && !key.contains("created")))
            .or_else(|| find(&|key| key.contains("created")))
            .or_else(|| find(&other));
        let (key, (when, guessed)) = found?;
        Some((*when, *guessed, if key.contains("created") { Day::Made } else { Day::Own }))
    }
}

/// A page, whatever it was exported as.
pub struct Page {
    pub heading: String,
    pub dates: Dates,
    pub tags: Vec<String>,
    pub text: String,
    /// Where its lines, from 1, stand.
    pub place: Box<dyn Fn(usize) -> Place>,
}

impl Page {
    /// Hands over its entry, or its days.
    pub fn hand_over(self, input: &Input, options: &Options, sink: &mut dyn Sink) {
        let Page { heading, dates, tags, text, place } = self;
        let in_title = || moment(&heading, options).map(|(when, guessed)| (when, guessed, Day::Own));
        let named = || input.day_in_name().map(|day| (When::day(day), false, Day::Own));
        let when = dates.when().or_else(in_title).or_else(named);
        if when.is_some_and(|(_, guessed, _)| guessed) {
            report_guess(Place::Line(1), sink);
        }
        let (day, kind) = when.map_or((None, Day::Made), |(when, _, kind)| (Some(when), kind));
        let title = |heading: &str| titles::kept(heading, &text, day);
        let is_day = heading.strip_prefix('@').is_some_and(|day| title(day).is_empty());
        let title = if is_day { String::new() } else { title(&heading) };
        if day.is_none() && tags.is_empty() && text.trim().is_empty() && !title.is_empty() {
            return sink.changed("pages without text", &title, "");
        }
        let draft = Draft { when: day, title, text, tags, place: place(1) };
        notes::hand_over_lines(draft, kind, &place, options, sink);
    }
}
