//! Notes that are a page of days: an app keeps them as one, of the day that it was made on, and the writer has headed a
//! passage with each day.
//!
//! A title that is a day is the note's. A note without a day, or of no day but that, is divided by its dates as a text in a file of that name would be. An
//! entry that says its own day stays whole unless it is plainly such a page: two days or more, each later than the one
//! before or each earlier, with no more above them than a title.

use super::{by_dates, titles};
use crate::journal::dates::entries::{self, Context, Division, Scanner};
use crate::journal::dates::file_dates;
use crate::journal::format::{DateOrder, Draft, Options, Place, Sink, When};

/// What a note's day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// What the entry is about, or when it was written.
    Own,
    /// When its app made the note, or nothing.
    Made,
}

/// The most words that are a title above the first day.
const TITLE: usize = 12;

/// Hands over a note, or its days; all of them stand where it does.
pub fn hand_over(draft: Draft, day: Day, options: &Options, sink: &mut dyn Sink) {
    let place = draft.place;
    hand_over_lines(draft, day, &|_| place, options, sink);
}

/// The same; `place` tells where a line of its text (from 1) stands.
pub fn hand_over_lines(
    mut draft: Draft,
    day: Day,
    place: &dyn Fn(usize) -> Place,
    options: &Options,
    sink: &mut dyn Sink,
) {
    if draft.text.contains('\r') {
        draft.text = draft.text.replace("\r\n", "\n").replace('\r', "\n");
    }
    // A title that is a day says more than when the app made the note, perhaps years later, perhaps in UTC.
    if let Some(reading) = titles::day(&draft.title).filter(|_| day == Day::Made) {
        draft.when = Some(When::day(reading.day(options.date_order == Some(DateOrder::Mdy))));
        draft.title.clear();
    }
    let context = Context {
        named: draft.when.map(|when| when.day),
        year: file_dates::year(draft.title.trim()),
        order: options.date_order,
    };
    let mut scanner = Scanner::new(context);
    draft.text.split_inclusive('\n').for_each(|line| scanner.line(line));
    let Division { stretches, doubts } = entries::divide(scanner);
    let days: Vec<When> = stretches[1..].iter().filter_map(|stretch| stretch.when).collect();
    let above = draft.text[stretches[0].range.clone()].split_whitespace().count();
    let own = day == Day::Own && draft.when.is_some();
    if days.is_empty() || (own && !(above <= TITLE && in_order(&days))) {
        if !own {
            by_dates::report_at(doubts, place, sink);
        }
        return sink.entry(draft);
    }
    by_dates::report_at(doubts, place, sink);
    if above == 0 && days.len() > 1 && !draft.title.trim().is_empty() {
        sink.changed("titles above days", &std::mem::take(&mut draft.title), "");
    }
    for stretch in stretches {
        let (start, line) = (stretch.range.start, stretch.line);
        let words = entries::trimmed(&draft.text, stretch.range);
        if words.is_none() && !stretch.counts {
            continue;
        }
        let text = words.clone().map_or(String::new(), |words| draft.text[words].to_string());
        let above = words.map_or(0, |words| entries::feeds(&draft.text[start..words.start]));
        // The app may know the time, too.
        let when = match (stretch.when, draft.when) {
            (Some(day), Some(made)) if day == When::day(made.day) => Some(made),
            (Some(day), _) => Some(day),
            (None, _) => None,
        };
        let (title, tags) = (std::mem::take(&mut draft.title), draft.tags.clone());
        sink.entry(Draft { when, title, text, tags, place: place(line + above) });
    }
}

/// Whether there are several days, each later than the one before, or each earlier.
fn in_order(days: &[When]) -> bool {
    let each = |holds: fn(&[When]) -> bool| days.windows(2).all(holds);
    days.len() > 1 && (each(|pair| pair[0].day < pair[1].day) || each(|pair| pair[0].day > pair[1].day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::Collected;

    /// The days, titles and texts that come of a note.
    fn read(when: &str, day: Day, title: &str, text: &str) -> Vec<String> {
        let draft =
            Draft { when: when.parse().ok(), title: title.into(), text: text.into(), ..Draft::default() };
        let mut sink = Collected::default();
        hand_over(draft, day, &Options::default(), &mut sink);
        let shown = |draft: &Draft| {
            let when = draft.when.map(|when| when.to_string()).unwrap_or_default();
            format!("{when}|{}|{}", draft.title, draft.text.replace('\n', "/"))
        };
        sink.entries.iter().map(shown).collect()
    }

    const DAYS: &str = "5 May 2020\r\nRain.\r\n\r\n6 May 2020\r\nSun.";

    #[test]
    fn a_page_of_days_is_its_days() {
        for (when, day) in [("", Day::Made), ("2024-01-05T09:30:00Z", Day::Made), ("2020-05-05", Day::Own)] {
            let found = read(when, day, "Diary", DAYS);
            assert_eq!(found, ["2020-05-05||Rain.", "2020-05-06||Sun."], "{when}");
        }
        assert_eq!(
            read("2024-01-05", Day::Made, "Diary", &format!("A line above.\n\n{DAYS}")),
            ["2024-01-05|Diary|A line above.", "2020-05-05||Rain.", "2020-05-06||Sun."]
        );
        assert_eq!(
            read("", Day::Made, "2020", "5 May\nRain.\n\n6 May\nSun."),
            ["2020-05-05||Rain.", "2020-05-06||Sun."]
        );
    }

    #[test]
    fn one_date_that_opens_a_note_is_its_day() {
        assert_eq!(
            read("2024-01-05", Day::Made, "Rain", "5 May 2020\nIt rained."),
            ["2020-05-05|Rain|It rained."]
        );
        let made = "2020-05-05T21:30:00+00:00";
        assert_eq!(read(made, Day::Made, "", "5 May 2020\nRain."), [format!("{made}||Rain.")]);
        let own = "2024-01-05|Rain|5 May 2020/It rained.";
        assert_eq!(read("2024-01-05", Day::Own, "Rain", "5 May 2020\nIt rained."), [own]);
    }

    #[test]
    fn a_title_that_is_a_day_is_the_notes() {
        for title in ["Friday, May 5, 2020", "2020-05-05", "5. Mai 2020"] {
            assert_eq!(
                read("2024-01-05T02:30:00Z", Day::Made, title, "Rain."),
                ["2020-05-05||Rain."],
                "{title}"
            );
        }
        assert_eq!(read("2024-01-05", Day::Own, "5 May 2020", "Rain."), ["2024-01-05|5 May 2020|Rain."]);
        assert_eq!(read("", Day::Made, "5 May", "Rain."), ["|5 May|Rain."]);
    }

    #[test]
    fn what_speaks_of_days_stays_whole() {
        let trip = "We leave on Monday, and nobody has packed a thing yet, as always happens here.";
        for text in [
            "It rained.\n\n5 May 2020\nThe dentist.".to_string(),
            format!("{trip}\n\n{DAYS}").replace('\r', ""),
            "6 May 2020\nSun.\n\n5 May 2020\nRain.\n\n7 May 2020\nFog.".to_string(),
            "no date at all".to_string(),
        ] {
            let whole = format!("2024-01-05||{}", text.replace('\n', "/"));
            assert_eq!(read("2024-01-05", Day::Own, "", &text), [whole]);
        }
    }
}
