//! What words may say of time.

use super::period::{Feast, Part, Season, Unit};

/// What a word, or a few, may say of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Word,
    /// Digits, and how many they are.
    Digits(u16, u8),
    /// `two`.
    Number(u16),
    /// `3rd`, `third`.
    Ordinal(i8),
    /// `1910s`.
    Decade(i16),
    /// `60s`, `sixties`: the century is for the diary to tell.
    ShortDecade(i16),
    Month(i8),
    /// `Sept`.
    ShortMonth(i8),
    Season(Season),
    Weekday(i8),
    /// `Sundays`.
    Weekdays(i8),
    Weekend,
    /// `summers`.
    Seasons(Season),
    /// `sonntags`.
    EveryWeekday(i8),
    Unit(Unit),
    /// `years`.
    Units(Unit),
    /// So many of a unit: `fortnight`.
    Length(u16, Unit),
    Feast(Feast),
    /// A feast's name that means its days and hardly anything else, so that no preposition is asked for.
    SureFeast(Feast),
    /// `in`, `during`.
    In,
    /// `on`, `at`.
    On,
    /// `around`, before a day.
    Around,
    /// French `à`, Spanish `a`: at, or to.
    At,
    Every,
    The,
    A,
    Of,
    /// `last`, before its noun.
    Last,
    /// `dernier`, behind its noun.
    LastBehind,
    /// `my`: before `last year`, which then is another.
    My,
    /// `before last`.
    BeforeLast,
    /// `past`, in `the past year`.
    Past,
    This,
    Ago,
    /// French `il y a`, Spanish `hace`: ago, before its number.
    AgoBefore,
    Before,
    After,
    Since,
    Until,
    Between,
    And,
    Or,
    /// `for`, before a feast.
    For,
    From,
    To,
    Onwards,
    Part(Part),
    /// A day so many before today.
    Day(u16),
    /// `the day before`, `the night before`.
    DayBefore,
    /// `the day after`, `the morning after`.
    DayAfter,
    /// `on this day`.
    OnThisDay,
    /// `this day`, which means so only before a year.
    ThisDay,
    /// `this time`.
    ThisTime,
    /// The word year before a number: `im Jahr 1912`, `the year 1912`.
    TheYear,
    /// What is counted or numbered, so that digits beside it are no year: `words`, `page`.
    Counted,
}
