//! The part of the grammar that reads what lies beside, about or in something: `the week before Christmas`, `the week of 3 March`,
//! `the first Sunday in May`.

use super::found::Found;
use super::kind::Kind;
use super::look::Look;
use super::names::ORDINALS;
use super::period::{Distance, Expression, Feast, Frame, Named, Nth, Period, Piece, Side, Span, Unit};

/// How far `the days before` reach, `the weeks`, `the months`.
const SEVERAL: [(Unit, u16); 3] = [(Unit::Day, 7), (Unit::Week, 6), (Unit::Month, 6)];

impl Look<'_> {
    /// Days by what they are near to.
    pub fn near(&self, i: usize) -> Option<(Expression, usize)> {
        let opening = self.kind(i);
        let has_opening = matches!(opening, Kind::In | Kind::On | Kind::Of | Kind::At) && self.follows(i + 1);
        let start = if has_opening { i + 1 } else { i };
        let found = self.beside(start, opening == Kind::On && has_opening);
        found.or_else(|| self.holding(start)).or_else(|| self.nth(start)).or_else(|| self.around(i))
    }

    /// `the day after Christmas`, `two weeks before 3 March 1912`, `the Sunday before last Easter`.
    fn beside(&self, i: usize, on: bool) -> Option<(Expression, usize)> {
        // "In der Nacht vor Weihnachten"
        let is_named = |i: usize| matches!(self.kind(i), Kind::DayBefore | Kind::DayAfter);
        let i = i + usize::from(self.kind(i) == Kind::The && is_named(i + 1));
        let (distance, side, at) = match self.kind(i) {
            Kind::DayBefore => (Distance::All(Unit::Day, 1), Some(Side::Before), i + 1),
            Kind::DayAfter => (Distance::All(Unit::Day, 1), Some(Side::After), i + 1),
            _ => {
                let (distance, at) = self.distance(i, on)?;
                (distance, None, at)
            }
        };
        let (side, at) = match side {
            Some(side) => (side, at),
            None => {
                // "La semaine d'avant Noël"
                let at = at + usize::from(self.kind(at) == Kind::Of);
                let side = match self.kind(at) {
                    Kind::Before | Kind::BeforeLast => Side::Before,
                    Kind::After => Side::After,
                    _ => return None,
                };
                if !self.follows(at) {
                    return None;
                }
                (side, at + 1)
            }
        };
        if !self.follows(at) {
            return None;
        }
        if self.kind(at - 1) == Kind::BeforeLast {
            let last = Found::sure(self.again(at, 1)?);
            return Some((Expression::Beside(distance, side, self.counted_from(last, side)), at + 1));
        }
        let (found, end) = self.anchor(at)?;
        Some((Expression::Beside(distance, side, self.counted_from(found, side)), end))
    }

    /// `two weeks`, `the week`, `the last two weeks`, `the Sunday`: how far, and the place behind.
    fn distance(&self, i: usize, on: bool) -> Option<(Distance, usize)> {
        let is_definite = self.kind(i) == Kind::The && self.follows(i + 1);
        let mut at = i + usize::from(is_definite);
        if is_definite && self.kind(at) == Kind::Last && self.follows(at + 1) {
            at += 1;
        }
        if let Some((count, unit, end)) = self.counted(at).filter(|(count, ..)| *count > 0) {
            let distance = if is_definite { Distance::All(unit, count) } else { Distance::Away(unit, count) };
            return Some((distance, end));
        }
        let distance = match self.kind(at) {
            Kind::Units(unit) => {
                let (_, several) = SEVERAL.iter().find(|(of, _)| *of == unit)?;
                Distance::All(unit, *several)
            }
            Kind::Unit(unit) => Distance::All(unit, 1),
            Kind::TheYear => Distance::All(Unit::Year, 1),
            Kind::Weekday(day) if is_definite || on => Distance::Nearest(Named::Weekday(day)),
            Kind::Weekend if is_definite || on => Distance::Nearest(Named::Weekend),
            Kind::Month(month) if is_definite => Distance::Nearest(Named::Month(month)),
            Kind::Season(season) if is_definite => Distance::Nearest(Named::Season(season)),
            Kind::Feast(feast) | Kind::SureFeast(feast) if is_definite => {
                Distance::Nearest(Named::Feast(feast))
            }
            _ => return None,
        };
        Some((distance, at + 1))
    }

    /// What something may lie beside, and the place behind.
    fn anchor(&self, i: usize) -> Option<(Found, usize)> {
        let start = self.over_articles(i);
        let (found, end) = self.found(start)?;
        let is_known = match found.span {
            Span::Each(named) => matches!(named, Named::Day(_) | Named::Feast(_)),
            Span::Year(_) => !self.is_counted(end - 1),
            _ => true,
        };
        is_known.then_some((found, end))
    }

    /// A feast as it is counted from: the night before Christmas is that of the 24th, and a week after Easter is Sunday. In German,
    /// `Weihnachten` begins with the eve, and what comes after a feast comes after its last day.
    fn counted_from(&self, found: Found, side: Side) -> Period {
        let is_german = !self.lexicon.is_english() && !self.lexicon.is_romance();
        let day = |feast| match feast {
            Feast::Christmas if !is_german => Feast::ChristmasDay,
            Feast::Easter if !is_german || side == Side::Before => Feast::EasterSunday,
            Feast::NewYear => Feast::NewYearsDay,
            other => other,
        };
        let named = |named| match named {
            Named::Feast(feast) => Named::Feast(day(feast)),
            other => other,
        };
        let span = match found.span {
            Span::Each(of) => Span::Each(named(of)),
            Span::In(of, year) => Span::In(named(of), year),
            Span::Last(of, count) => Span::Last(named(of), count),
            other => other,
        };
        Period { span, part: found.part }
    }

    /// `the week of 3 March 1912`, `the weekend of Easter 1912`.
    fn holding(&self, i: usize) -> Option<(Expression, usize)> {
        let at = i + usize::from(self.kind(i) == Kind::The && self.follows(i + 1));
        let frame = match self.kind(at) {
            Kind::Unit(Unit::Week) => Frame::Week,
            Kind::Weekend => Frame::Weekend,
            _ => return None,
        };
        if self.kind(at + 1) != Kind::Of || !self.follows(at + 1) || !self.follows(at + 2) {
            return None;
        }
        let (found, end) = self.anchor(at + 2).filter(|(found, _)| is_day(found.span))?;
        Some((Expression::Holding(frame, self.counted_from(found, Side::Before)), end))
    }

    /// `the first week of March 1912`, `the last Sunday in May`, `the second day of last year`.
    fn nth(&self, i: usize) -> Option<(Expression, usize)> {
        let is_definite = self.kind(i) == Kind::The && self.follows(i + 1);
        let at = i + usize::from(is_definite);
        let nth = match self.kind(at) {
            Kind::Ordinal(count) if (1..=ORDINALS.len() as i8).contains(&count) => {
                Nth::First(u16::from(count.unsigned_abs()))
            }
            // "Last week in March" is last week.
            Kind::Last if is_definite => Nth::Last,
            _ => return None,
        };
        let piece = match self.kind(at + 1) {
            Kind::Unit(unit @ (Unit::Day | Unit::Week | Unit::Month)) => Piece::Unit(unit),
            Kind::Weekday(day) => Piece::Named(Named::Weekday(day)),
            Kind::Weekend => Piece::Named(Named::Weekend),
            _ => return None,
        };
        let joined =
            matches!(self.kind(at + 2), Kind::Of | Kind::In) && (at + 1..=at + 3).all(|i| self.follows(i));
        let start = self.over_articles(at + 3);
        let (found, end) = self.found(start).filter(|_| joined)?;
        let has_pieces = match found.span {
            Span::Year(_) => !self.is_counted(end - 1),
            Span::Each(named) | Span::In(named, _) | Span::Last(named, _) => {
                matches!(named, Named::Month(_) | Named::Season(_))
            }
            Span::WinterFrom(_) => true,
            Span::Back(unit, _) | Span::Same(unit, ..) => matches!(unit, Unit::Month | Unit::Year),
            _ => false,
        };
        has_pieces.then(|| (Expression::Nth(nth, piece, found.period()), end))
    }

    /// `around Christmas 1912`, `around 3 March`.
    fn around(&self, i: usize) -> Option<(Expression, usize)> {
        if self.kind(i) != Kind::Around || !self.follows(i + 1) {
            return None;
        }
        let (found, end) = self.anchor(i + 1).filter(|(found, _)| is_day(found.span))?;
        Some((Expression::Around(found.period()), end))
    }
}

/// Whether it is a day, or the few of a feast.
fn is_day(span: Span) -> bool {
    match span {
        Span::Each(named) | Span::In(named, _) | Span::Last(named, _) => {
            matches!(named, Named::Day(_) | Named::Feast(_))
        }
        _ => false,
    }
}
