//! The first of two passes over a text: its date lines, and the years and months that stand above dates without one.
//! Nothing else is kept, so a text of any length may go through, line by line.
//!
//! A line that is only a year governs the dates without a year below it, down to the next such line; a month alone
//! governs bare days. It is not deeper a heading than those dates. A year outside a heading that would take the place
//! of another is the next year or the last, or has a date directly below: "2000" may also be a number of steps.

use jiff::civil::Date;

use super::names::MonthForm;
use super::parts::{Known, Parts};
use super::reading::Reading;
use super::recognise::{self, DateLine, Style, YearLine};
use crate::journal::options::DateOrder;

/// What is known of a text before it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// The day of its file.
    pub named: Option<Date>,
    /// The year of its file or folder.
    pub year: Option<i16>,
    /// How to read `03/04/2020` where the text does not tell.
    pub order: Option<DateOrder>,
}

/// A date line and its place.
pub struct Line {
    /// As far as it is known: until the whole text is read any reading will do.
    pub date: Date,
    /// What it says.
    pub found: DateLine,
    /// The year or month line that governs it, where it needs one; for a heading with its year, the one above it.
    pub under: Option<usize>,
    pub place: Place,
    /// A blank line, a date alone on its line or nothing stands above it.
    pub opens_paragraph: bool,
    /// No word stands between it and the next date line or year line.
    pub bare: bool,
    /// A blank line stands below it.
    pub gap: bool,
    /// More text stands above it than a title.
    pub below_text: bool,
}

impl Line {
    pub fn style(&self) -> &Style {
        &self.found.style
    }
}

/// Where a date line or a year line stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// Where the line begins, in bytes.
    pub start: usize,
    /// Where the words after its date begin, or the next line.
    pub words: usize,
    /// The line it is, from 1.
    pub number: usize,
    /// The line that `words` is on.
    pub words_on: usize,
}

/// A line that is only a year, or a month.
pub struct Above {
    line: YearLine,
    /// The year line above a month that names none.
    pub under: Option<usize>,
    pub place: Place,
}

impl Above {
    /// Whether a date is of this year, and of this month.
    pub fn holds(&self, date: Date, all: &[Above]) -> bool {
        let year = self.line.year.or_else(|| all[self.under?].line.year);
        year == Some(date.year()) && self.line.month.is_none_or(|month| month == date.month())
    }
}

/// What the first pass found.
pub struct Scanned {
    pub context: Context,
    pub lines: Vec<Line>,
    pub above: Vec<Above>,
    /// Where the text's first word is, and where it ends.
    pub first_word: usize,
    pub end: usize,
    /// The first of three or more headings in one style that are dates but for a year that nothing names.
    pub without_year: Option<usize>,
}

/// What a line of `===` or `---` would underline.
enum Underlined {
    Nothing,
    Date,
    Above,
}

/// The first pass.
pub struct Scanner {
    scanned: Scanned,
    at: usize,
    number: usize,
    /// A word has come.
    begun: bool,
    opens_paragraph: bool,
    last: Underlined,
    /// The line that is being read was a link, whose brackets are gone.
    is_link: bool,
    /// Lines of text so far; one that no title is counts for several.
    texts: usize,
    /// A year line that the next words decide on.
    pending: Option<Above>,
    year: Option<i16>,
    month: Option<i8>,
    /// Styles of headings that lack a year: the first line of each, and how many.
    yearless: Vec<(Style, usize, usize)>,
}

/// Dates in one style that make it more than chance: numbers and links outside headings, headings without any year.
const SEVERAL: usize = 3;

/// No title is longer, in bytes.
const LONGEST_TITLE: usize = 80;

/// What stands before the day of a link.
const LINK: &str = "[[";

/// A year that has every day, to see whether a line is a date but for its year.
const LEAP_YEAR: i16 = 2000;

impl Scanner {
    /// A pass over a text of which so much is known.
    pub fn new(context: Context) -> Scanner {
        let (lines, above) = (Vec::new(), Vec::new());
        let scanned = Scanned { context, lines, above, first_word: 0, end: 0, without_year: None };
        Scanner {
            scanned,
            at: 0,
            number: 0,
            begun: false,
            opens_paragraph: true,
            last: Underlined::Nothing,
            is_link: false,
            texts: 0,
            pending: None,
            year: context.year,
            month: None,
            yearless: Vec::new(),
        }
    }

    /// Takes the next line, with its line feed; it is what stays of a link.
    pub fn link(&mut self, raw: &str) {
        self.is_link = true;
        self.line(raw);
        self.is_link = false;
    }

    /// Takes the next line, with its line feed.
    pub fn line(&mut self, raw: &str) {
        let line = raw.trim_end_matches('\n');
        let next = self.at + raw.len();
        self.number += 1;
        let words = line.trim_start();
        let last = std::mem::replace(&mut self.last, Underlined::Nothing);
        if words.is_empty()
            && let Some(above) = self.scanned.lines.last_mut().filter(|d| d.place.number + 1 == self.number)
        {
            above.gap = true;
        }
        let alone = words.is_empty() || (!self.underlines(last, line, next) && self.date_or_year(line, next));
        if !words.is_empty() && !self.begun {
            (self.scanned.first_word, self.begun) = (self.at + line.len() - words.len(), true);
        }
        if !alone {
            let is_sentence = words.trim_end().ends_with(['.', '!', '?', '…', '。', '"', '”', '»']);
            self.texts += if is_sentence || words.len() > LONGEST_TITLE { SEVERAL } else { 1 };
        }
        self.opens_paragraph = alone;
        self.at = next;
        self.scanned.end = next;
    }

    /// All that it found.
    pub fn finish(mut self) -> Scanned {
        self.drop_lone_dates();
        let first = self.yearless.iter().find(|(_, _, times)| *times >= SEVERAL);
        self.scanned.without_year = first.map(|(_, line, _)| *line);
        self.scanned
    }

    /// Reads a line that is not blank; true where it is a date or a year and nothing more.
    fn date_or_year(&mut self, line: &str, next: usize) -> bool {
        self.decide_on_year(line);
        if !recognise::may_be_date(line) {
            self.is_text();
            return false;
        }
        let year_leads = self.scanned.context.order == Some(DateOrder::Ymd);
        let found = recognise::recognise_with(line, Known { year_leads, ..Known::default() });
        // A few words behind the date may be a sentence's, where the line is not the first of its paragraph.
        let found = found.filter(|found| self.opens_paragraph || !found.is_loose());
        if let Some(found) = found.or_else(|| self.without_year(line, self.year, self.month)) {
            self.push(found, line, next);
            return found.style.tail.is_none();
        }
        self.is_year(line, next) || {
            self.is_text();
            false
        }
    }

    fn is_text(&mut self) {
        if let Some(line) = self.scanned.lines.last_mut() {
            line.bare = false;
        }
    }

    fn push(&mut self, mut found: DateLine, line: &str, next: usize) {
        let date = match found.reading {
            Reading::Certain(date) => date,
            Reading::DayMonth { day_first, month_first } => {
                day_first.or(month_first).expect("a date line has a reading")
            }
        };
        let bare = found.rest == line.len();
        let words = if bare { next } else { self.at + found.rest };
        let place = self.place(words, self.number + usize::from(bare));
        let governs = |above: &usize| {
            let level = self.scanned.above[*above].line.heading;
            found.style.parts != Parts::All || (1..found.style.heading).contains(&level)
        };
        let under = self.scanned.above.len().checked_sub(1).filter(governs);
        if self.is_link && !found.style.is_heading() {
            found.style.wrap = LINK;
        }
        // A rule below a link is a rule.
        if found.style.tail.is_none() && found.style.heading == 0 && found.style.wrap != LINK {
            self.last = Underlined::Date;
        }
        self.scanned.lines.push(Line {
            date,
            found,
            under,
            place,
            opens_paragraph: self.opens_paragraph,
            bare,
            gap: false,
            below_text: self.texts >= SEVERAL,
        });
    }

    fn place(&self, words: usize, words_on: usize) -> Place {
        Place { start: self.at, words, number: self.number, words_on }
    }

    /// A date without its year: a heading, or at the start of a paragraph.
    fn without_year(&mut self, line: &str, year: Option<i16>, month: Option<i8>) -> Option<DateLine> {
        let known = Known { year: year.or(Some(LEAP_YEAR)), month, year_leads: false };
        let found = recognise::recognise_without_year(line, known)?;
        let style = found.style;
        if year.is_some() {
            return (style.is_heading() || self.opens_paragraph).then_some(found);
        }
        // What would begin entries, did anything tell the year.
        let stands = style.is_heading() || (self.opens_paragraph && line[found.rest..].trim().is_empty());
        if stands && style.month != MonthForm::Number {
            match self.yearless.iter_mut().find(|(known, ..)| known.takes(&style)) {
                Some((.., times)) => *times += 1,
                None => self.yearless.push((style, self.number, 1)),
            }
        }
        None
    }

    fn is_year(&mut self, line: &str, next: usize) -> bool {
        let Some(found) = recognise::recognise_year(line) else { return false };
        let stands = found.heading > 0 || self.opens_paragraph;
        if !stands || (found.year.is_none() && self.year.is_none()) {
            return false;
        }
        if found.heading == 0 {
            self.last = Underlined::Above;
        }
        self.pending = Some(Above { line: found, under: None, place: self.place(next, self.number + 1) });
        true
    }

    /// The line below a year line tells whether that is one.
    fn decide_on_year(&mut self, line: &str) {
        let Some(mut above) = self.pending.take() else { return };
        let YearLine { year, month, heading } = above.line;
        let beside = self.year.is_none_or(|now| year.is_some_and(|year| year.abs_diff(now) <= 1));
        let believed = heading > 0 || beside || self.without_year(line, year, month).is_some();
        let below = self.scanned.lines.last().map_or(0, |line| line.style().heading);
        let not_deeper = below == 0 || (1..=below).contains(&heading);
        if !(believed && not_deeper) {
            return self.is_text();
        }
        if year.is_none() {
            let last = self.scanned.above.last();
            let parent = self.scanned.above.len().checked_sub(1);
            above.under = last.and_then(|last| if last.line.year.is_none() { last.under } else { parent });
        }
        (self.year, self.month) = (year.or(self.year), month);
        self.scanned.above.push(above);
    }

    /// Whether the line underlines the one above it; that is a heading then.
    fn underlines(&mut self, last: Underlined, line: &str, next: usize) -> bool {
        let Some(level) = underline(line) else { return false };
        let (heading, place) = match last {
            Underlined::Nothing => return false,
            Underlined::Date => {
                let date = self.scanned.lines.last_mut().expect("a date line came last");
                (&mut date.found.style.heading, &mut date.place)
            }
            Underlined::Above => {
                let above = self.pending.as_mut().expect("a year line came last");
                (&mut above.line.heading, &mut above.place)
            }
        };
        *heading = level;
        (place.words, place.words_on) = (next, self.number + 1);
        true
    }

    /// Outside a heading, `5/5` and `[[2020-05-05]]` are dates only in company; so is `5 May: rain`, for which a `5 May`
    /// alone on its line will do. Where a file's name is a day, links are no dates of it.
    fn drop_lone_dates(&mut self) {
        let named = self.scanned.context.named.is_some();
        let is_number = |style: &Style| style.month == MonthForm::Number && style.separator != '月';
        let weak = |style: &Style| {
            let loose = style.parts == Parts::MonthAndDay && (style.tail.is_some() || is_number(style));
            !style.is_heading() && (style.wrap == LINK || loose)
        };
        let alike = |a: &Style, b: &Style| a.takes(&Style { tail: a.tail, ..*b });
        let mut styles: Vec<(Style, usize)> = Vec::new();
        let may_be_weak =
            |style: &&Style| !style.is_heading() && (style.wrap == LINK || style.parts == Parts::MonthAndDay);
        for style in self.scanned.lines.iter().map(Line::style).filter(may_be_weak) {
            let times = if weak(style) { 1 } else { SEVERAL };
            match styles.iter_mut().find(|(known, _)| alike(known, style)) {
                Some((_, so_far)) => *so_far += times,
                None => styles.push((*style, times)),
            }
        }
        let lone = |style: &Style| {
            let times = styles.iter().find(|(known, _)| alike(known, style)).map_or(0, |(_, times)| *times);
            weak(style) && (times < SEVERAL || (named && style.wrap == LINK))
        };
        if !self.scanned.lines.iter().any(|line| lone(line.style())) {
            return;
        }
        for line in std::mem::take(&mut self.scanned.lines) {
            if lone(line.style()) {
                self.is_text();
            } else {
                self.scanned.lines.push(line);
            }
        }
    }
}

/// The heading level that a line of `===` or `---` gives to the line above it.
pub fn underline(line: &str) -> Option<u8> {
    let line = line.trim_end();
    let all = |sign| line.len() >= 3 && line.bytes().all(|b| b == sign);
    if all(b'=') { Some(1) } else { all(b'-').then_some(2) }
}
