//! Equal parts of the calendar: months, quarters, years, and runs of years.

use jiff::ToSpan;
use jiff::civil::Date;

/// The lengths that parts may have, in months, from the finest.
const LENGTHS: [i64; 9] = [1, 3, 12, 24, 60, 120, 300, 600, 1200];

/// A length of parts; they begin where the calendar's own begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    months: i64,
}

impl Part {
    /// All of them, from the finest: a month to a century.
    pub fn all() -> impl Iterator<Item = Part> {
        LENGTHS.into_iter().map(|months| Part { months })
    }

    /// The number of the part that a day is in; numbers follow each other.
    pub fn number(self, day: Date) -> i64 {
        (i64::from(day.year()) * 12 + i64::from(day.month()) - 1).div_euclid(self.months)
    }

    /// The first and the last day of the part of a day, as far as the calendar goes.
    pub fn around(self, day: Date) -> (Date, Date) {
        let first = self.number(day) * self.months;
        let year = |month: i64| i16::try_from(month.div_euclid(12)).unwrap_or(i16::MAX);
        let month = |month: i64| i8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
        let begin = |at: i64| Date::new(year(at), month(at), 1).ok();
        let last = begin(first + self.months).and_then(|day| day.checked_sub(1.day()).ok());
        (begin(first).unwrap_or(Date::MIN), last.unwrap_or(Date::MAX))
    }

    /// What the part of a day is called: `Jul 1912`, `1912 Q3`, `1912`, `1910–1914`.
    pub fn label(self, day: Date) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (from, to) = self.around(day);
        let month = usize::try_from(from.month() - 1).unwrap_or(0) % 12;
        match self.months {
            1 => format!("{} {}", MONTHS[month], from.year()),
            3 => format!("{} Q{}", from.year(), month / 3 + 1),
            12 => from.year().to_string(),
            _ => format!("{}–{}", from.year(), to.year()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn parts_begin_and_end_with_the_calendars() {
        let day = date(1912, 8, 15);
        let said: Vec<_> = Part::all().take(5).map(|part| (part.label(day), part.around(day))).collect();
        let own = |label: &str, from, to| (label.to_string(), (from, to));
        assert_eq!(
            said,
            [
                own("Aug 1912", date(1912, 8, 1), date(1912, 8, 31)),
                own("1912 Q3", date(1912, 7, 1), date(1912, 9, 30)),
                own("1912", date(1912, 1, 1), date(1912, 12, 31)),
                own("1912–1913", date(1912, 1, 1), date(1913, 12, 31)),
                own("1910–1914", date(1910, 1, 1), date(1914, 12, 31)),
            ]
        );
    }

    #[test]
    fn a_day_is_within_its_part_to_the_ends_of_the_calendar() {
        for day in [Date::MIN, Date::MAX, date(0, 1, 1), date(-1, 12, 31), date(2024, 2, 29)] {
            for part in Part::all() {
                let (from, to) = part.around(day);
                assert!(from <= day && day <= to, "{day} {part:?} {from} {to}");
                assert!(!part.label(day).is_empty());
            }
        }
    }
}
