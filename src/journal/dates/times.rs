//! Times as heads within a day: `09:30`, `## 9:30 pm`, `**21.15 Uhr**`, above what was written then.

use std::ops::Range;

use jiff::civil::Time;

use super::parts::Known;
use super::scan::Cursor;

/// What stands below each time, and the line that it begins on, from 0; before the first time it has none. Times divide a
/// day where they are two or more, each alone on its line at the start of a paragraph or as a heading, in the day's order,
/// each above some words. Otherwise nothing is divided.
pub fn divide(text: &str) -> Vec<(Range<usize>, usize, Option<Time>)> {
    let whole = || vec![(0..text.len(), 0, None)];
    let (mut heads, mut at, mut after_blank) = (Vec::new(), 0, true);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(time) = head(line.trim(), after_blank) {
            heads.push((at, at + line.len(), number, time));
        }
        after_blank = line.trim().is_empty();
        at += line.len();
    }
    if heads.len() < 2 || !heads.windows(2).all(|two| two[0].3 < two[1].3) {
        return whole();
    }
    let before = text[..heads[0].0].trim();
    let mut parts = Vec::new();
    if !before.is_empty() {
        parts.push((0..heads[0].0, 0, None));
    }
    for (n, (_, words, number, time)) in heads.iter().enumerate() {
        let end = heads.get(n + 1).map_or(text.len(), |next| next.0);
        if text[*words..end].trim().is_empty() {
            return whole();
        }
        let blank = text[*words..end].lines().take_while(|line| line.trim().is_empty()).count();
        parts.push((*words..end, number + 1 + blank, Some(*time)));
    }
    parts
}

/// The time that a line is and nothing else.
fn head(line: &str, after_blank: bool) -> Option<Time> {
    let bare = line.trim_start_matches('#').trim().trim_matches(['*', '_']).trim_end_matches(':');
    let is_heading = line.starts_with('#');
    if !(is_heading || after_blank) || !bare.starts_with(|c: char| c.is_numeric()) || bare.len() > 24 {
        return None;
    }
    let behind_a_date = format!(" {bare}");
    let mut cursor = Cursor::new(&behind_a_date, Known::default());
    let clock = cursor.time()?;
    (clock.plain && cursor.rest().trim().is_empty()).then_some(clock.time?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, &str)> {
        let shown =
            |time: Option<Time>| time.map_or(String::new(), |time| time.strftime("%H:%M").to_string());
        divide(text).into_iter().map(|(range, _, time)| (shown(time), text[range].trim())).collect()
    }

    #[test]
    fn times_divide_a_day_in_its_order() {
        let told = |time: &str, text| (time.to_string(), text);
        for (text, parts) in [
            (
                "## 09:30\nThe kettle.\n\n## 21:15\nTea.",
                vec![told("09:30", "The kettle."), told("21:15", "Tea.")],
            ),
            (
                "Cold.\n\n9:30 am\nBread.\n\n9:15 pm\nTea.",
                vec![told("", "Cold."), told("09:30", "Bread."), told("21:15", "Tea.")],
            ),
            ("**7.05**\n\none\n\n**21.15 Uhr**\ntwo", vec![told("07:05", "one"), told("21:15", "two")]),
        ] {
            assert_eq!(read(text), parts, "{text}");
        }
        for text in [
            "09:30\nOnly one.",
            "21:15\nlate\n\n09:30\nearly",
            "09:30\n\n21:15\nonly below the last",
            "The train:\n09:30\n10:15\nfrom here",
            "10.5\nmiles\n\n11.5\nmiles",
            "09:30 Bread.\n\n21:15 Tea.",
        ] {
            assert_eq!(read(text), [(String::new(), text)], "{text}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let lines: Vec<usize> =
            divide("a\n\n09:30\n\nb\n\n10:00\nc\n").into_iter().map(|part| part.1).collect();
        assert_eq!(lines, [0, 4, 7]);
    }
}
