//! A page of Notion's, whatever it was exported as.

use crate::journal::format::{Draft, Input, Options, Place, Sink, When};
use crate::journal::syntax::by_dates::report_guess;
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::titles;

/// A page's dates: what they are called, and what [`moment`] makes of them.
#[derive(Default)]
pub struct Dates(pub Vec<(String, (When, bool))>);

/// What dates are called that say when a page was edited or what is due, in the languages that Notion speaks.
const OTHER: [&str; 30] = [
    "edit",
    "updated",
    "modif",
    "due",
    "deadline",
    "bearbeit",
    "geändert",
    "fällig",
    "mise à jour",
    "échéance",
    "edición",
    "actualiz",
    "vence",
    "edição",
    "bewerkt",
    "gewijzigd",
    "redig",
    "편집",
    "수정",
    "마감",
    "更新",
    "編集",
    "编辑",
    "編輯",
    "期限",
    "截止",
    "締切",
    "修改",
    "измен",
    "срок",
];
/// What dates are called that say when it was made.
const CREATED: [&str; 14] = [
    "creat",
    "créat",
    "créé",
    "creado",
    "creación",
    "criado",
    "criação",
    "erstell",
    "aangemaakt",
    "gemaakt",
    "생성",
    "作成",
    "创建",
    "建立",
];
/// What a date is called that says what the page is about.
const ABOUT: [&str; 16] = [
    "date", "day", "when", "datum", "tag", "fecha", "día", "jour", "data", "giorno", "dia", "dag", "날짜",
    "日付", "日期", "дата",
];

impl Dates {
    /// The day that the page is about: in a property of that name, or as its title; else when it was made; never when it
    /// was edited or is due. And whether it was read day first where nothing tells.
    pub fn when(&self, title: Option<(When, bool)>) -> Option<(When, bool, Day)> {
        let has = |key: &str, words: &[&str]| words.iter().any(|word| key.contains(word));
        let find =
            |wanted: &dyn Fn(&str) -> bool| self.0.iter().find(|(key, _)| wanted(key)).map(|(_, when)| *when);
        let other = |key: &str| has(key, &OTHER);
        let created = |key: &str| has(key, &CREATED);
        let dated = |key: &str| key.contains("date") && !other(key) && !created(key);
        let own = find(&|key| ABOUT.contains(&key)).or(title).or_else(|| find(&dated));
        let rest = self.0.iter().filter(|(key, _)| !other(key)).map(|(_, when)| *when);
        let made = find(&|key| created(key) && !other(key));
        let own = own.map(|(when, guessed)| (when, guessed, Day::Own));
        own.or_else(|| made.map(|(when, guessed)| (when, guessed, Day::Made)))
            .or_else(|| rest.min_by_key(|(when, _)| *when).map(|(when, guessed)| (when, guessed, Day::Own)))
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
        let named = || input.day_in_name().map(|day| (When::day(day), false, Day::Own));
        let when = dates.when(moment(&heading, options)).or_else(named);
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
