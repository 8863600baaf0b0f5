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
//! than the file's it needs the start of a paragraph or a later date line that it must not pass.
//!
//! Entries are ranges of the text: nothing is copied or changed here, so nothing but date lines and blank lines can go.

use std::ops::Range;

use jiff::civil::Date;

use super::dates::{self, DateLine, Order, Reading, Style};

/// An entry as a place in its file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The day of its date line, or of its file.
    pub date: Option<Date>,
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
    /// Date lines that stay in the text.
    pub left: usize,
    /// Nothing in the file tells 3 April from 4 March in `03/04/2020`; it was read day first.
    pub guessed: bool,
}

/// A date line and its place.
struct Line {
    date: Date,
    style: Style,
    weekday: Option<i8>,
    reading: Reading,
    /// Where the line begins, in bytes.
    start: usize,
    /// Where the words after its date begin, or the next line.
    words: usize,
    /// From 1.
    number: usize,
    /// A blank line, a date alone on its line or nothing stands above it.
    opens_paragraph: bool,
}

/// Divides a text (its lines ending in LF) into entries; what stands before the first date line has the day `named`,
/// the file's own.
pub fn split(text: &str, named: Option<Date>) -> Pieces {
    let mut lines = date_lines(text);
    let guessed = settle(&mut lines, named);
    let starts = without_closing_dates(starts(&lines, text.len() - text.trim_start().len()), &lines, text);
    let mut out = Pieces { left: lines.len() - starts.len(), guessed, ..Pieces::default() };

    let end_of = |n: usize| starts.get(n).map_or(text.len(), |&(i, _)| lines[i].start);
    match trimmed(text, 0..end_of(0)) {
        Some(range) => out.pieces.push(Piece { date: named, line: 1 + feeds(&text[..range.start]), range }),
        None => out.empty += usize::from(starts.is_empty()),
    }
    for (n, &(i, _)) in starts.iter().enumerate() {
        let line = &lines[i];
        if let Some(range) = trimmed(text, line.words..end_of(n + 1)) {
            let number = line.number + feeds(&text[line.start..range.start]);
            out.pieces.push(Piece { date: Some(line.date), range, line: number });
            continue;
        }
        // A heading and, below it, the same day written otherwise are one entry.
        out.empty += usize::from(!goes_on(&starts, &lines, n));
    }
    out
}

/// A date under the words of an entry with nothing below it closes that entry, as it would a letter: unless it is in the
/// file's own style, it stays.
fn without_closing_dates(starts: Vec<(usize, bool)>, lines: &[Line], text: &str) -> Vec<(usize, bool)> {
    let blank = |n: usize| {
        let end = starts.get(n + 1).map_or(text.len(), |&(i, _)| lines[i].start);
        text[lines[starts[n].0].words..end].trim().is_empty()
    };
    let closes = |n: usize| n > 0 && !starts[n].1 && blank(n) && !blank(n - 1);
    let goes_on = |n: usize| goes_on(&starts, lines, n);
    (0..starts.len()).filter(|n| !closes(*n) || goes_on(*n)).map(|n| starts[n]).collect()
}

/// Whether the next start is the same day written otherwise.
fn goes_on(starts: &[(usize, bool)], lines: &[Line], n: usize) -> bool {
    starts.get(n + 1).is_some_and(|&(j, own)| !own && lines[j].date == lines[starts[n].0].date)
}

fn feeds(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'\n').count()
}

/// The range without the blank lines at its ends and without its last line feed; none where all of it is blank.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
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

/// Every line that opens with a date.
fn date_lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let (mut start, mut opens_paragraph) = (0, true);
    let mut lines = text.split_inclusive('\n').enumerate().peekable();
    while let Some((i, raw)) = lines.next() {
        let (line, next) = (raw.trim_end_matches('\n'), start + raw.len());
        let read = dates::recognise(line);
        if let Some(DateLine { mut style, reading, weekday, rest }) = read {
            let mut words = if rest < line.len() { start + rest } else { next };
            let below = lines.peek().map_or("", |(_, below)| below);
            if let (None, 0, Some(level)) = (style.tail, style.heading, underline(below)) {
                style.heading = level;
                words = next + below.len();
            }
            // Until `settle`, any reading will do.
            let date = match reading {
                Reading::Certain(date) => date,
                Reading::DayMonth { day_first, month_first } => {
                    day_first.or(month_first).expect("a date line has a reading")
                }
            };
            let number = i + 1;
            found.push(Line { date, style, weekday, reading, start, words, number, opens_paragraph });
        }
        opens_paragraph = read.is_some_and(|date| date.style.tail.is_none()) || line.trim().is_empty();
        start = next;
    }
    found
}

/// The heading level that a line of `===` or `---` gives to the line above it.
fn underline(line: &str) -> Option<u8> {
    let line = line.trim_end();
    let all = |sign| line.len() >= 3 && line.bytes().all(|b| b == sign);
    if all(b'=') { Some(1) } else { all(b'-').then_some(2) }
}

/// Tells day from month in dates of two small numbers, for the whole file: by days that exist in one order only, then
/// by weekdays that stand beside them, then by the file's own day, then by which order leaves the dates in sequence.
/// True where none of these decides and a date was read day first.
fn settle(lines: &mut [Line], named: Option<Date>) -> bool {
    let mut open = Vec::new();
    for line in lines.iter() {
        if let Reading::DayMonth { day_first, month_first } = line.reading {
            open.push(([day_first, month_first], line.weekday));
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
        &|order| count(order, &|d, _| named == Some(d)),
        &in_sequence,
    ];
    let votes = evidence.iter().map(|weigh| (weigh(0), weigh(1))).find(|(day, month)| day != month);
    let month_leads = votes.is_some_and(|(day, month)| month > day);
    let guessed = votes.is_none() && open.iter().any(|(dates, _)| dates[0] != dates[1]);

    for line in lines {
        let Reading::DayMonth { day_first, month_first } = line.reading else { continue };
        let by_day = day_first.map(|d| (d, Order::DayMonthYear));
        let by_month = month_first.map(|d| (d, Order::MonthDayYear));
        let read = if month_leads { by_month.or(by_day) } else { by_day.or(by_month) };
        (line.date, line.style.order) = read.expect("a date line has a reading");
    }
    guessed
}

/// The lines that start entries, as (index, in the file's own style). `first_word` is where the text's first word is.
fn starts(lines: &[Line], first_word: usize) -> Vec<(usize, bool)> {
    let alone = |line: &Line| line.style.tail.is_none() || line.style.heading > 0;
    let comes_again =
        |i: usize| lines.iter().enumerate().any(|(j, other)| j != i && lines[i].style.takes(&other.style));
    let gives_style = |i: usize| {
        let line = &lines[i];
        alone(line) || (line.opens_paragraph && (line.start <= first_word || comes_again(i)))
    };
    let Some(first) = (0..lines.len()).find(|i| gives_style(*i)) else { return Vec::new() };
    let style = lines[first].style;
    let own: Vec<usize> = (first..lines.len()).filter(|i| style.takes(&lines[*i].style)).collect();

    let own_sequence = sequence(own.iter().map(|i| lines[*i].date));
    let sign = match own_sequence {
        0 => sequence(lines[first..].iter().map(|line| line.date)),
        decided => decided,
    };
    let day = |i: usize| day_number(lines[i].date) * if sign < 0 { -1 } else { 1 };

    let mut starts = Vec::new();
    for (n, &from) in own.iter().enumerate() {
        starts.push((from, true));
        let to = own.get(n + 1).copied();
        let until = to.map_or(i32::MAX, day);
        let others: Vec<(usize, i32)> = (from + 1..to.unwrap_or(lines.len()))
            .filter(|i| alone(&lines[*i]) || lines[*i].opens_paragraph || to.is_some())
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
#[path = "entries_tests.rs"]
mod tests;
