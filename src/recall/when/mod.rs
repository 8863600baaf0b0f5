//! Dates in a question: `in 2014`, `last spring`, `on this day`, `between 1905 and 1907`, `im März 2014`.
//!
//! | file | what it knows |
//! |---|---|
//! | `lexicon` | the words of time in English, German, French and Spanish |
//! | `kind` | what a word may say of time |
//! | `token` | the words of a question |
//! | `look`, `found` | looking at them, and what can be found |
//! | `dates`, `noun`, `beside`, `grammar` | which of them are a date, which a length of time, and which say when |
//! | `period`, `names` | what can be said of time, and how it is called |
//! | `calendar`, `distance`, `feasts`, `days` | which days that is |
//!
//! A word that may mean something else (`may`, `march`, `spring`, `second`) says when only behind a preposition, beside a year or a
//! day. Seasons are the north's, in whole months. A year without a preposition is one where the diary has it. What comes
//! again (`in March`, `on Sundays`) picks days from what else is said, or from the whole diary; what else is said adds up, but what
//! begins after one time and ends before another lies between them.

use std::ops::{Range, RangeInclusive};

use jiff::civil::Date;

use calendar::Calendar;
use days::{Days, shared, union};
use grammar::Phrase;
use lexicon::{Language, Lexicon};
use look::Look;
use period::Expression;

mod beside;
mod calendar;
mod dates;
mod days;
mod distance;
mod feasts;
mod found;
mod grammar;
mod kind;
mod lexicon;
mod look;
mod names;
mod noun;
mod period;
#[cfg(test)]
mod tests;
mod token;

/// More words of time than this are not looked for in one question.
const MOST: usize = 16;
/// More bytes than this of a question are not looked at.
const LONGEST: usize = 16 * 1024;
/// More ranges than this are not written out.
const MOST_WRITTEN: usize = 2;

/// What a question says of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The days that it asks about, in order and apart: they need not be days of the diary, and are none where no day fits. Where
    /// nothing is said of time they are none, and `said` is none too.
    pub days: Vec<RangeInclusive<Date>>,
    /// The question without the words of time.
    pub rest: String,
    /// How it was understood, to be shown: `spring 1912 (1 Mar – 31 May 1912)`.
    pub said: Option<String>,
}

/// What a question says of time, asked on a day about a diary from its first day to its last (`diary.end` is a day of it).
///
/// What is relative (`last spring`) is counted from today or, where that is after the diary's last day, from that day.
pub fn when(question: &str, today: Date, diary: Range<Date>) -> When {
    let calendar = Calendar { today, first: diary.start, last: diary.end };
    let looked_at = &question[..question.floor_char_boundary(LONGEST)];
    let language = language(looked_at);
    let lexicon = Lexicon::of(language);
    let tokens = token::tokens(looked_at, lexicon);
    let years = (diary.start.year(), diary.end.year());
    let phrases = Look { tokens: &tokens, lexicon, years }.phrases(MOST);
    if phrases.is_empty() {
        return When { days: Vec::new(), rest: question.trim().to_owned(), said: None };
    }
    let Understood { days, said } = understood(&phrases, calendar);
    let bytes = phrases.iter().filter_map(|Phrase { tokens: range, .. }| {
        Some(tokens.get(range.start)?.at.start..tokens.get(range.end - 1)?.at.end)
    });
    When { days, rest: without(question, bytes), said: Some(said) }
}

/// The language that knows most of the words.
fn language(question: &str) -> Language {
    let known = |language: &Language| token::familiar(question, *language);
    // Of several, `max_by_key` gives the last.
    Language::ALL.into_iter().rev().max_by_key(known).unwrap_or(Language::English)
}

struct Understood {
    days: Vec<Days>,
    said: String,
}

/// What all phrases say together.
fn understood(phrases: &[Phrase], calendar: Calendar) -> Understood {
    let (mut all, mut names, mut picks, mut from_end) = (Vec::new(), Vec::new(), Vec::new(), false);
    let mut bounds = Bounds::default();
    for Phrase { expression, .. } in phrases {
        if let Some(pick) = expression.recurring() {
            picks.push((*expression, pick));
            continue;
        }
        let (days, is_from_end) = days(*expression, calendar);
        from_end |= is_from_end;
        match expression {
            Expression::Since(_) | Expression::After(_) => bounds.lower.extend(days),
            Expression::Before(_) | Expression::Until(_) => bounds.upper.extend(days),
            _ => all.extend(days),
        }
        push_new(&mut names, names::expression(*expression));
    }
    all.extend(bounds.days());
    let has_base = !names.is_empty();
    let mut days = if has_base { union(all) } else { union(vec![calendar.first..=calendar.last]) };
    let mut picked_names = Vec::new();
    for weekly in [false, true] {
        let picks = picks.iter().filter(|(_, (named, _))| named.is_weekly() == weekly);
        let picks: Vec<_> = picks.collect();
        let within = |days: &Days| {
            let each = picks.iter().flat_map(|(_, (named, part))| calendar.each(*named, *part, days));
            each.collect::<Vec<Days>>()
        };
        let picked = union(days.iter().flat_map(within).collect());
        // "Christmas in March 1912" is in March 1912.
        if picks.is_empty() || (picked.is_empty() && has_base) {
            continue;
        }
        days = picked;
        for (expression, _) in picks {
            push_new(&mut picked_names, names::expression(*expression));
        }
    }
    let said = said(&picked_names, &names, &days, from_end.then_some(calendar.last));
    Understood { days, said }
}

/// What is open to one side: `after 1910` (and) `before 1914`.
#[derive(Default)]
struct Bounds {
    lower: Vec<Days>,
    upper: Vec<Days>,
}

impl Bounds {
    /// The days between the two, where they meet; otherwise those of each.
    fn days(self) -> Vec<Days> {
        match (&self.lower[..], &self.upper[..]) {
            ([lower], [upper]) if shared(lower, upper).is_some() => {
                shared(lower, upper).into_iter().collect()
            }
            _ => self.lower.into_iter().chain(self.upper).collect(),
        }
    }
}

fn push_new(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// The days of an expression, and whether they are counted from the diary's last day.
fn days(expression: Expression, calendar: Calendar) -> (Vec<Days>, bool) {
    let found = calendar.days(expression);
    let is_beyond = found.iter().all(|days| *days.start() > calendar.last);
    if expression.is_relative() && is_beyond && calendar.today > calendar.last {
        let again = Calendar { today: calendar.last, ..calendar }.days(expression);
        return (again, true);
    }
    (found, false)
}

/// `Sundays, spring 1912 (1 Mar – 31 May 1912)`.
fn said(picks: &[String], names: &[String], days: &[Days], from_end: Option<Date>) -> String {
    let parts = [picks.join(" and "), names.join(" and ")];
    let name =
        parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ");
    let counted = from_end.map(|last| format!("counted from the diary’s last day, {}", days::day(last)));
    let written = (1..=MOST_WRITTEN)
        .contains(&days.len())
        .then(|| days.iter().map(days::written).collect::<Vec<_>>().join(" and "));
    let notes: Vec<String> = counted.into_iter().chain(written).collect();
    if notes.is_empty() { name } else { format!("{name} ({})", notes.join(": ")) }
}

/// A question without some of its bytes (in order), and without the marks and spaces that then stand alone.
fn without(question: &str, bytes: impl Iterator<Item = Range<usize>>) -> String {
    let (mut rest, mut from) = (String::with_capacity(question.len()), 0);
    let mut push = |piece: &str| {
        let piece = if rest.is_empty() {
            piece.trim_start_matches(|c: char| c.is_whitespace() || ",;:.".contains(c))
        } else {
            piece
        };
        let is_mark = |c: char| ",;:.?!".contains(c);
        if rest.ends_with(char::is_whitespace) && piece.trim_start().starts_with(is_mark) {
            rest.truncate(rest.trim_end().len());
        }
        let doubled = rest.ends_with(char::is_whitespace) || rest.is_empty();
        rest.push_str(if doubled || piece.trim_start().starts_with(is_mark) {
            piece.trim_start()
        } else {
            piece
        });
    };
    for range in bytes {
        push(&question[from..range.start]);
        from = range.end;
    }
    push(&question[from..]);
    let rest = rest.trim().trim_end_matches([',', ';', ':']).trim_end();
    if rest.contains(char::is_alphanumeric) { rest.to_owned() } else { String::new() }
}
