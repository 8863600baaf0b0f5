//! From one file's text to its entries.
//!
//! The first date line of a file gives the file's style. Every date line in that style starts an entry. A date line in
//! another style starts one only where it keeps the order of dates: between two lines of the file's style, the largest
//! set of other lines that stand in order and whose days lie between those two lines' days (after the last of them, on
//! or after its day). A file that runs from newest to oldest is read the other way round. All other date lines stay in
//! the text; so does one in another style with words above it and none below, which closes an entry.
//!
//! A date with words after it, outside a heading, is more likely a sentence than a date alone is. It gives a file its
//! style only at the start of a paragraph, and only if it opens the file or its style comes again; in another style
//! than the file's it needs the start of a paragraph or a later date line that it must not pass. With only a name or
//! brackets behind it, below the last line of the file's style, it needs company too: it may be a day to come.
//!
//! The day of a file with words above its only date, whose name is another day, is text: a daily note speaks of other
//! days. Two dates in one style are a diary, whatever its name.
//!
//! Dates on lines of their own may also stand below their texts, as in letters: where words stand above the first and
//! none below the last, and no entry's words follow its date directly.
//!
//! A year or month line that governs a start ends the entry above it and leaves the text with its dates; what stands
//! between it and the first of them has no day. One that governs none is text.
//!
//! Entries are ranges of the text: nothing is copied or changed here, so nothing but date lines and blank lines can go.

use std::ops::Range;

use jiff::civil::Date;

use super::date_lines::{Above, Line, Place, Scanned};
pub use super::date_lines::{Context, Scanner};
use super::parts::{Order, Parts};
use super::reading::Reading;
use crate::journal::entry::When;
use crate::journal::options::DateOrder;

/// An entry as a place in its file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The day and time of its date line, or the day of its file.
    pub when: Option<When>,
    /// Bytes of the text, without blank lines at either end.
    pub range: Range<usize>,
    /// The line its text starts on, from 1.
    pub line: usize,
}

/// What a file's text was divided into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    /// In the order of the file.
    pub pieces: Vec<Piece>,
    /// Entries left out because they hold no word.
    pub empty: usize,
    /// What is doubtful about it.
    pub doubts: Doubts,
}

/// What is doubtful about dates that divide a text; the places are lines, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Date lines that stay in the text.
    pub left: usize,
    /// The first line that was read day first because nothing in the text tells 3 April from 4 March in `03/04/2020`.
    pub guessed: Option<usize>,
    /// The first of several headings that are dates but for a year.
    pub without_year: Option<usize>,
    /// The first date, where dates are taken to stand below their texts.
    pub below: Option<usize>,
}

/// How a text is divided, once its lines have been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// In order, and with nothing between them but date lines.
    pub stretches: Vec<Stretch>,
    /// What is doubtful about it.
    pub doubts: Doubts,
}

/// What stands between one date line and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The line that the range begins on, from 1.
    pub line: usize,
    /// When it was written.
    pub when: Option<When>,
    /// Without a word in it, it is an entry left out.
    pub counts: bool,
}

/// Divides a text (its lines ending in LF) into entries; `links` are the lines, from 1 and in order, that are what stays
/// of a link.
pub fn split(text: &str, context: Context, links: &[usize]) -> Pieces {
    let mut scanner = Scanner::new(context);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if links.binary_search(&number).is_ok() { scanner.link(line) } else { scanner.line(line) }
    }
    let Division { stretches, doubts } = divide(scanner);
    let mut out = Pieces { doubts, ..Pieces::default() };
    for Stretch { range, line, when, counts } in stretches {
        let start = range.start;
        match trimmed(text, range) {
            Some(range) => {
                out.pieces.push(Piece { when, line: line + feeds(&text[start..range.start]), range })
            }
            None => out.empty += usize::from(counts),
        }
    }
    out
}

/// Decides which date lines start entries. What stands before the first is of the file's own day.
pub fn divide(scanner: Scanner) -> Division {
    let Scanned { context, mut lines, above, first_word, end, without_year } = scanner.finish();
    let guess = settle(&mut lines, context);
    roll_over(&mut lines, &above);
    let mut starts = without_closing_dates(starts(&lines, first_word), &lines);
    let mut years = governing(&starts, &lines, &above);
    let first = starts.first().map(|(i, _)| lines[*i].place.start);
    let first = first.into_iter().chain(years.first().map(|place| place.start)).min();
    let own_words = first.is_some_and(|first| first_word < first);
    let is_diary = starts.iter().filter(|(_, own)| *own).count() > 1;
    let is_of = |day: Date| starts.iter().any(|(i, _)| lines[*i].date == day);
    if own_words && !is_diary && context.named.is_some_and(|day| !is_of(day)) {
        (starts, years) = (Vec::new(), Vec::new());
    }
    let below = own_words && years.is_empty() && stand_below(&starts, &lines);

    let mut stretches = vec![Stretch {
        range: 0..end,
        line: 1,
        when: context.named.map(When::day),
        counts: starts.is_empty(),
    }];
    let open =
        |place: &Place, when, counts| Stretch { range: place.words..end, line: place.words_on, when, counts };
    let mut years = years.into_iter().peekable();
    for (n, &(i, _)) in starts.iter().enumerate() {
        let line = &lines[i];
        while let Some(place) = years.next_if(|place| place.start < line.place.start) {
            close(&mut stretches, place);
            stretches.push(open(place, None, false));
        }
        close(&mut stretches, &line.place);
        let when = When { day: line.date, time: line.found.time, offset: line.found.offset };
        if below {
            stretches.last_mut().expect("the first stretch is the text's beginning").when = Some(when);
            stretches.push(open(&line.place, None, false));
            continue;
        }
        // A heading and, below it, the same day written otherwise are one entry.
        stretches.push(open(&line.place, Some(when), !goes_on(&starts, &lines, n)));
    }
    let ambiguous = |line: &Line| match line.found.reading {
        Reading::DayMonth { day_first, month_first } => day_first != month_first,
        Reading::Certain(_) => false,
    };
    let mut started = starts.iter().map(|(i, _)| &lines[*i]);
    let guessed = started.find(|line| guess && ambiguous(line)).map(|line| line.place.number);
    let below = below.then(|| lines[starts[0].0].place.number);
    let left = lines.len() - starts.len();
    Division { stretches, doubts: Doubts { left, guessed, without_year, below } }
}

fn close(stretches: &mut [Stretch], next: &Place) {
    let last = stretches.last_mut().expect("the first stretch is the text's beginning");
    last.range.end = next.start;
}

/// Whether the dates stand below their texts. A line or two above the first date may also be the title of a diary whose
/// last day is still without words.
fn stand_below(starts: &[(usize, bool)], lines: &[Line]) -> bool {
    let [rest @ .., last] = starts else { return false };
    let (first, last) = (&lines[starts[0].0], last.0);
    let alone = |line: &Line| line.style().tail.is_none() && !line.style().is_heading();
    let closes =
        |(i, _): &(usize, bool)| alone(&lines[*i]) && lines[*i].gap && !lines[*i].bare && first.below_text;
    last + 1 == lines.len() && lines[last].bare && alone(&lines[last]) && rest.iter().all(closes)
}

/// The year and month lines that govern a start; the others are text.
fn governing<'a>(starts: &[(usize, bool)], lines: &[Line], above: &'a [Above]) -> Vec<&'a Place> {
    let mut governs = vec![false; above.len()];
    for (i, _) in starts {
        let line = &lines[*i];
        let whole = line.style().parts == Parts::All;
        let mut next = line.under.filter(|year| !whole || above[*year].holds(line.date, above));
        while let Some(year) = next.filter(|year| !governs[*year]) {
            governs[year] = true;
            next = above[year].under;
        }
    }
    above.iter().zip(governs).filter(|(_, governs)| *governs).map(|(year, _)| &year.place).collect()
}

/// A date under the words of an entry with nothing below it closes that entry, as it would a letter: unless it is in the
/// file's own style, it stays.
fn without_closing_dates(starts: Vec<(usize, bool)>, lines: &[Line]) -> Vec<(usize, bool)> {
    let blank = |n: usize| {
        let i = starts[n].0;
        lines[i].bare && starts.get(n + 1).map_or(lines.len(), |next| next.0) == i + 1
    };
    let closes = |n: usize| n > 0 && !starts[n].1 && blank(n) && !blank(n - 1);
    let goes_on = |n: usize| goes_on(&starts, lines, n);
    (0..starts.len()).filter(|n| !closes(*n) || goes_on(*n)).map(|n| starts[n]).collect()
}

/// Whether the next start is the same day written otherwise.
fn goes_on(starts: &[(usize, bool)], lines: &[Line], n: usize) -> bool {
    starts.get(n + 1).is_some_and(|&(j, own)| !own && lines[j].date == lines[starts[n].0].date)
}

pub fn feeds(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

/// The range without the blank lines at its ends and without its last line feed; none where all of it is blank.
pub fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let slice = &text[range.clone()];
    let first = slice.len() - slice.trim_start().len();
    let last = slice.trim_end().len();
    if last == 0 {
        return None;
    }
    let start = slice[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = slice[last..].find('\n').map_or(slice.len(), |at| last + at);
    Some(range.start + start..range.start + end)
}

/// Tells day from month in dates of two small numbers, for the whole file: by days that exist in one order only, then
/// by weekdays that stand beside them, then by the file's own day, then by which order leaves the dates in sequence, then
/// as the person said. True where none of these decides and a date was read day first.
fn settle(lines: &mut [Line], context: Context) -> bool {
    let mut open = Vec::new();
    for line in lines.iter() {
        if let Reading::DayMonth { day_first, month_first } = line.found.reading {
            open.push(([day_first, month_first], line.found.weekday));
        }
    }
    let count = |order: usize, holds: &dyn Fn(Date, Option<i8>) -> bool| {
        open.iter().filter(|(dates, weekday)| dates[order].is_some_and(|d| holds(d, *weekday))).count()
    };
    let in_sequence = |order: usize| {
        let days: Vec<Date> = open.iter().filter_map(|(dates, _)| dates[order]).collect();
        let forward = days.windows(2).filter(|pair| pair[0] <= pair[1]).count();
        let backward = days.windows(2).filter(|pair| pair[0] >= pair[1]).count();
        forward.max(backward)
    };
    let evidence: [&dyn Fn(usize) -> usize; 4] = [
        &|order| count(order, &|_, _| true),
        &|order| count(order, &|d, weekday| weekday == Some(d.weekday().to_monday_one_offset())),
        &|order| count(order, &|d, _| context.named == Some(d)),
        &in_sequence,
    ];
    let votes = evidence.iter().map(|weigh| (weigh(0), weigh(1))).find(|(day, month)| day != month);
    let month_leads = votes.map_or(context.order == Some(DateOrder::Mdy), |(day, month)| month > day);
    let told = matches!(context.order, Some(DateOrder::Dmy | DateOrder::Mdy));
    let guessed = votes.is_none() && !told && open.iter().any(|(dates, _)| dates[0] != dates[1]);

    for line in lines {
        let Reading::DayMonth { day_first, month_first } = line.found.reading else { continue };
        let by_day = day_first.map(|d| (d, Order::DayMonthYear));
        let by_month = month_first.map(|d| (d, Order::MonthDayYear));
        let read = if month_leads { by_month.or(by_day) } else { by_day.or(by_month) };
        (line.date, line.found.style.order) = read.expect("a date line has a reading");
    }
    guessed
}

/// Below one year line, December may be followed by January: of the next year, where the dates run forward and still
/// span less than a year (and the other way round where they run backward). Otherwise the year line is taken at its
/// word.
fn roll_over(lines: &mut [Line], above: &[Above]) {
    let year_of = |line: &Line| line.under.map(|under| above[under].under.unwrap_or(under));
    let yearless = lines.iter_mut().filter(|line| line.style().parts == Parts::MonthAndDay);
    let mut yearless: Vec<&mut Line> = yearless.collect();
    for reach in yearless.chunk_by_mut(|a, b| year_of(a) == year_of(b)) {
        let days: Vec<Date> = reach.iter().map(|line| line.date).collect();
        let turn = |pair: &[Date]| match (pair[0].month(), pair[1].month()) {
            (12, 1) => 1,
            (1, 12) => -1,
            _ => 0,
        };
        let steps = days.windows(2).filter(|pair| turn(pair) == 0);
        let direction = steps.map(|pair| pair[1].cmp(&pair[0]) as i64).sum::<i64>().signum();
        let Some(at) = days.windows(2).position(|pair| direction != 0 && turn(pair) == direction) else {
            continue;
        };
        let within = |day: &Date| if direction > 0 { *day < days[0] } else { *day > days[0] };
        if !days[at + 1..].iter().all(within) {
            continue;
        }
        for line in &mut reach[at + 1..] {
            let year = line.date.year() + direction as i16;
            // Only 29 February may be wanting there.
            line.date = Date::new(year, line.date.month(), line.date.day()).unwrap_or(line.date);
        }
    }
}

/// The lines that start entries, as (index, in the file's own style). `first_word` is where the text's first word is.
fn starts(lines: &[Line], first_word: usize) -> Vec<(usize, bool)> {
    let alone = |line: &Line| line.style().tail.is_none() || line.style().heading > 0;
    let comes_again = |i: usize| {
        let others = lines.iter().enumerate().filter(|(j, _)| *j != i);
        others.into_iter().any(|(_, other)| lines[i].style().takes(other.style()))
    };
    let gives_style = |i: usize| {
        let line = &lines[i];
        alone(line) || (line.opens_paragraph && (line.place.start <= first_word || comes_again(i)))
    };
    // "5 May", outside a heading and only once, gives way to a date with its year.
    let whole =
        |i: usize| lines[i].style().parts == Parts::All || lines[i].style().is_heading() || comes_again(i);
    let givers = || (0..lines.len()).filter(|i| gives_style(*i));
    let Some(first) = givers().find(|i| whole(*i)).or_else(|| givers().next()) else { return Vec::new() };
    let style = *lines[first].style();
    let own: Vec<usize> = (first..lines.len()).filter(|i| style.takes(lines[*i].style())).collect();

    let own_sequence = sequence(own.iter().map(|i| lines[*i].date));
    let sign = match own_sequence {
        0 => sequence(lines[first..].iter().map(|line| line.date)),
        decided => decided,
    };
    let day = |i: usize| day_number(lines[i].date) * if sign < 0 { -1 } else { 1 };

    let in_company = lines.iter().filter(|line| line.found.is_loose()).count() > 1;
    let stands =
        |line: &Line| alone(line) || (line.opens_paragraph && (in_company || !line.found.is_loose()));
    let mut starts = Vec::new();
    for (n, &from) in own.iter().enumerate() {
        starts.push((from, true));
        let to = own.get(n + 1).copied();
        let until = to.map_or(i32::MAX, day);
        let others: Vec<(usize, i32)> = (from + 1..to.unwrap_or(lines.len()))
            .filter(|i| to.is_some() || stands(&lines[*i]))
            .map(|i| (i, day(i)))
            .filter(|(_, d)| (day(from)..=until).contains(d))
            .collect();
        starts.extend(longest_in_order(&others).into_iter().map(|i| (i, false)));
    }
    starts
}

/// Above zero where more dates go forward than back, below zero where fewer do.
fn sequence(dates: impl Iterator<Item = Date>) -> i64 {
    let (mut before, mut balance) = (None, 0);
    for date in dates {
        balance += before.map_or(0, |before| date.cmp(&before) as i64);
        before = Some(date);
    }
    balance
}

/// Days in order: larger for a later day, and nothing more.
fn day_number(date: Date) -> i32 {
    i32::from(date.year()) * 400 + i32::from(date.day_of_year())
}

/// The longest run of items whose days never fall, the earlier item where two would do (patience sorting, from the
/// end: `latest[k]` is the latest day that k + 1 items in order can begin with).
fn longest_in_order(items: &[(usize, i32)]) -> Vec<usize> {
    let mut latest: Vec<i32> = Vec::new();
    let mut runs = vec![0; items.len()];
    for (slot, &(_, day)) in runs.iter_mut().zip(items).rev() {
        let k = latest.partition_point(|d| *d >= day);
        if k == latest.len() {
            latest.push(day);
        } else {
            latest[k] = day;
        }
        *slot = k + 1;
    }
    let (mut needed, mut day_before, mut out) = (latest.len(), i32::MIN, Vec::new());
    for (&run, &(item, day)) in runs.iter().zip(items) {
        if run == needed && day >= day_before {
            out.push(item);
            (needed, day_before) = (needed - 1, day);
        }
    }
    out
}

#[cfg(test)]
mod tests;
