//! The day that a date means, as far as it tells.

use jiff::civil::Date;

/// The day that a line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// One day.
    Certain(Date),
    /// `03/04/2020`: two numbers of which either may be the day. At least one reading exists.
    DayMonth {
        /// 3 April, where there is such a day.
        day_first: Option<Date>,
        /// 4 March, where there is such a day.
        month_first: Option<Date>,
    },
}

impl Reading {
    /// The day, where both numbers may be the day as said.
    pub fn day(self, month_leads: bool) -> Date {
        match self {
            Reading::Certain(day) => day,
            Reading::DayMonth { day_first, month_first } => {
                let (first, second) =
                    if month_leads { (month_first, day_first) } else { (day_first, month_first) };
                first.or(second).expect("a date has a reading")
            }
        }
    }

    /// Whether two days may be meant.
    pub fn is_open(self) -> bool {
        self.day(true) != self.day(false)
    }

    /// Whether this day may be meant.
    pub fn may_be(self, day: Date) -> bool {
        [self.day(true), self.day(false)].contains(&day)
    }
}
