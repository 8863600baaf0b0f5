//! What a question may name of time, before it is known which days that is.

/// A quarter of the year in the north, in whole months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Season {
    Spring,
    Summer,
    Autumn,
    /// From December on.
    Winter,
}

/// What time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
    Year,
}

/// A day, or a few, with a name of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feast {
    /// From the eve to the 26th.
    Christmas,
    ChristmasEve,
    ChristmasDay,
    BoxingDay,
    /// The day, and the eve in the year before.
    NewYear,
    NewYearsEve,
    NewYearsDay,
    AshWednesday,
    PalmSunday,
    GoodFriday,
    /// From Good Friday to Easter Monday, in the Gregorian calendar.
    Easter,
    EasterSunday,
    EasterMonday,
    /// Its Sunday and Monday.
    Whitsun,
    MayDay,
    Halloween,
    Valentine,
}

/// A third of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Early,
    Middle,
    Late,
}

/// A month, from 1, and its day.
pub(super) type MonthDay = (i8, i8);

/// What comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Day(MonthDay),
    Month(i8),
    Season(Season),
    Feast(Feast),
    /// From the one's first day to the other's last, over New Year where the second comes first.
    Span(MonthDay, MonthDay),
    /// Monday is 1.
    Weekday(i8),
    /// Saturday and Sunday.
    Weekend,
    /// Today's month and day.
    ThisDay,
    /// The week about those.
    ThisWeek,
    /// Today's month.
    ThisMonth,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Whenever it comes.
    Each(Named),
    /// In a year.
    In(Named, i16),
    Year(i16),
    /// The winter that begins in a year.
    WinterFrom(i16),
    /// Ten years.
    Decade(i16),
    /// The last that is over; with 0 the last that has begun, with 2 the last but one.
    Last(Named, u16),
    /// The week, month or year that was so many before this.
    Back(Unit, u16),
    /// So many days, weeks, months or years up to today.
    Past(Unit, u16),
    /// The day so long ago.
    Ago(Unit, u16),
    /// The days about the day so long ago.
    About(Unit, u16),
    /// The day, week or month (first) in which the day lies that was so many weeks, months or years (second) ago.
    Same(Unit, Unit, u16),
}

/// A length of time or a third of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub span: Span,
    pub part: Option<Part>,
}

impl From<Span> for Period {
    fn from(span: Span) -> Period {
        Period { span, part: None }
    }
}

/// All that a few words of a question say of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expression {
    In(Period),
    Between(Period, Period),
    Since(Period),
    After(Period),
    Before(Period),
    Until(Period),
    /// What lies at some distance from it.
    Beside(Distance, Side, Period),
    /// It, and a week on each side.
    Around(Period),
    /// The week from Monday on, or the weekend, in which its first day lies.
    Holding(Frame, Period),
    /// One of those that lie in it: `the first week of`, `the last Sunday in`.
    Nth(Nth, Piece, Period),
}

/// Which side of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// How far from something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Distance {
    /// `two weeks before`: what is so far away.
    Away(Unit, u16),
    /// `the two weeks before`: all days up to it.
    All(Unit, u16),
    /// `the Sunday before`: the nearest that does not touch it.
    Nearest(Named),
}

/// Which of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nth {
    /// Counted from 1.
    First(u16),
    Last,
}

/// What something has several of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Unit(Unit),
    Named(Named),
}

/// What may hold a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Week,
    Weekend,
}

impl Named {
    /// Whether it comes every week.
    pub fn is_weekly(self) -> bool {
        matches!(self, Named::Weekday(_) | Named::Weekend)
    }
}

impl Expression {
    /// What comes again and again, if it is that: it picks days from what else is said.
    pub fn recurring(self) -> Option<(Named, Option<Part>)> {
        match self {
            Expression::In(Period { span: Span::Each(named), part }) => Some((named, part)),
            _ => None,
        }
    }

    /// Whether it depends on the day of the question.
    pub fn is_relative(self) -> bool {
        let relative = |period: Period| {
            matches!(
                period.span,
                Span::Last(..)
                    | Span::Back(..)
                    | Span::Past(..)
                    | Span::Ago(..)
                    | Span::About(..)
                    | Span::Same(..)
            )
        };
        match self {
            Expression::Between(a, b) => relative(a) || relative(b),
            Expression::In(period)
            | Expression::Since(period)
            | Expression::After(period)
            | Expression::Before(period)
            | Expression::Until(period)
            | Expression::Beside(_, _, period)
            | Expression::Around(period)
            | Expression::Holding(_, period)
            | Expression::Nth(_, _, period) => relative(period),
        }
    }
}
