//! The parts of a written date: which there are, in what order, and what is known of them beforehand.

/// What a line is read by, beyond what it says itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The year of dates that name none.
    pub year: Option<i16>,
    /// The month of days that name none.
    pub month: Option<i8>,
    /// `24/01/05` opens with its year.
    pub year_leads: bool,
}

/// Which parts of a date a line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// `5 May 2020`.
    All,
    /// `5 May`, below its year.
    MonthAndDay,
    /// `5`, below its month.
    Day,
}

/// In what order the parts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `2020-05-03`.
    YearMonthDay,
    /// `3 May 2020`.
    DayMonthYear,
    /// `May 3, 2020`.
    MonthDayYear,
}
