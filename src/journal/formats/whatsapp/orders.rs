//! In which order a WhatsApp export writes day, month and year, told from the whole file.

use jiff::civil::Date;

use super::opening::Day;
use crate::journal::format::DateOrder;

/// What a file's dates say about the order of their numbers.
#[derive(Debug, Default)]
pub struct Orders {
    tallies: [Tally; 3],
    /// One date that reads otherwise in another order, and whether it is short and with `AM` or `PM`.
    open: Option<(Day, bool)>,
    padded: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    impossible: usize,
    steps_back: usize,
    first: Option<Date>,
    last: Option<Date>,
}

impl Tally {
    /// Days from the first to the last, and one.
    fn span(&self) -> i32 {
        self.first.zip(self.last).map_or(1, |(first, last)| 1 + (last - first).get_days().abs())
    }
}

/// Of two orders that fit, one is told by days that lie together, where in the other they are so many times further apart:
/// 21/2/24 and 22/2/24 are days, and no years.
const APART: i32 = 30;

const ORDERS: [DateOrder; 3] = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd];

impl Orders {
    /// Takes a date into account, in the order of the file.
    pub fn weigh(&mut self, day: Day, capitals: bool) {
        for (tally, order) in self.tallies.iter_mut().zip(ORDERS) {
            match day.date(order) {
                Some(date) => {
                    tally.steps_back += usize::from(tally.last.is_some_and(|last| date < last));
                    tally.first.get_or_insert(date);
                    tally.last = Some(date);
                }
                None => tally.impossible += 1,
            }
        }
        self.padded |= day.is_padded();
        if self.open.is_none() && day.date(DateOrder::Dmy) != day.date(DateOrder::Mdy) {
            self.open = Some((day, day.is_short() && capitals));
        }
    }

    /// The order in which most dates exist and follow each other; where two do equally well, the one `asked` for. With
    /// it a date that nothing tells the order of, where there is one, and the order that would do as well.
    pub fn settle(&self, asked: Option<DateOrder>) -> (DateOrder, Option<(Day, DateOrder)>) {
        let badness = |tally: &Tally| (tally.impossible, tally.steps_back);
        let least = self.tallies.iter().map(badness).min().unwrap_or_default();
        let fits = |tally: &&Tally| badness(tally) == least;
        let nearest = self.tallies.iter().filter(fits).map(Tally::span).min().unwrap_or(1);
        let holds = |order: DateOrder| {
            let tally = &self.tallies[order as usize];
            fits(&tally) && tally.span() <= APART * nearest
        };
        if let Some(order) = asked.filter(|order| holds(*order)) {
            return (order, None);
        }
        let american = !self.padded && self.open.is_some_and(|(_, american)| american);
        let first = if american { DateOrder::Mdy } else { DateOrder::Dmy };
        let order = [first].into_iter().chain(ORDERS).find(|order| holds(*order)).unwrap_or(first);
        let other = ORDERS.into_iter().find(|other| *other != order && holds(*other));
        // Nobody writes 5.1.2024 month first.
        let open = self.open.map(|(day, _)| day).filter(|day| day.separator != '.');
        (order, open.zip(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::formats::whatsapp::opening::opening;

    fn settled(days: &[&str], asked: Option<DateOrder>) -> (DateOrder, bool) {
        let mut orders = Orders::default();
        for day in days {
            let line = format!("{day} - a: b");
            let found = opening(&line).unwrap();
            orders.weigh(found.day.unwrap(), found.capitals);
        }
        let (order, open) = orders.settle(asked);
        (order, open.is_some())
    }

    #[test]
    fn the_order_is_told_from_the_whole_file() {
        use DateOrder::*;
        assert_eq!(settled(&["01/02/24, 9:30", "13/02/24, 9:30"], Some(Mdy)), (Dmy, false));
        assert_eq!(settled(&["1/2/24, 9:30", "1/13/24, 9:30"], None), (Mdy, false));
        assert_eq!(settled(&["05/01/2024, 9:30", "03/02/2024, 9:30"], None), (Dmy, false));
        assert_eq!(settled(&["24/1/5, 9:30", "24/1/31, 9:30"], None), (Ymd, false));
        assert_eq!(settled(&["05/01/2024, 9:30"], None), (Dmy, true));
        assert_eq!(settled(&["05/01/2024, 9:30"], Some(Mdy)), (Mdy, false));
        assert_eq!(settled(&["1/5/24, 9:30 AM"], None), (Mdy, true));
        assert_eq!(settled(&["5/01/24, 9:30 AM"], None), (Dmy, true));
        assert_eq!(settled(&["1/12/24, 9:30 AM", "5/01/25, 9:30 AM"], None), (Dmy, true));
        assert_eq!(settled(&["05.01.2024, 9:30"], None), (Dmy, false));
        assert_eq!(settled(&["05/05/2024, 9:30"], None), (Dmy, false));
        assert_eq!(settled(&["21/2/24, 9:30", "22/2/24, 9:30", "23/2/24, 9:30"], None), (Dmy, false));
        let mut orders = Orders::default();
        let line = opening("21/2/24, 9:30 - a: b").unwrap();
        orders.weigh(line.day.unwrap(), false);
        assert_eq!(orders.settle(None).1.map(|(_, other)| other), Some(Ymd));
        assert_eq!(settled(&[], None), (Dmy, false));
    }
}
