//! Which words of a question are words of time, and what they say together.
//!
//! Each part of the grammar looks at the tokens from a place on, and gives what it found and the place behind it.

use std::ops::Range;

use super::found::Found;
use super::kind::Kind;
use super::look::Look;
use super::period::{Expression, Named, Period, Span};
use super::token::Gap;

/// The farthest that `since` may be from its `in 2014`, in words.
const FARTHEST_SINCE: usize = 5;

/// Words of time: which tokens, and what they say.
pub(super) struct Phrase {
    pub tokens: Range<usize>,
    pub expression: Expression,
}

impl Look<'_> {
    /// All words of time, at most so many.
    pub fn phrases(&self, most: usize) -> Vec<Phrase> {
        let (mut phrases, mut i) = (Vec::new(), 0);
        while i < self.tokens.len() && phrases.len() < most {
            match self.phrase(i) {
                Some((expression, end)) if end > i => {
                    phrases.push(Phrase { tokens: i..end, expression });
                    i = end;
                    while let Some((expression, end)) =
                        self.another(i, expression).filter(|_| phrases.len() < most)
                    {
                        phrases.push(Phrase { tokens: i..end, expression });
                        i = end;
                    }
                }
                _ => i += 1,
            }
        }
        phrases
    }

    /// `and April`, behind `in March`; `and 1914`, behind `in 1912`.
    fn another(&self, i: usize, first: Expression) -> Option<(Expression, usize)> {
        let is_list = matches!(self.kind(i), Kind::And | Kind::Or) && self.follows(i) && self.follows(i + 1);
        let (found, end) = self.found(i + 1).filter(|_| is_list)?;
        let Expression::In(Period { span, .. }) = first else { return None };
        let is_alike = match (span, found.span) {
            (Span::Year(_), Span::Year(_)) => !self.is_counted(end - 1),
            // "The summers of 1910 and 1912", "March 1910 and 1912"
            (Span::In(named, _), Span::Year(year)) => {
                let again = Found::sure(Span::In(named, year)).period();
                return (!self.is_counted(end - 1)).then_some((Expression::In(again), end));
            }
            (Span::Each(Named::Month(_)), Span::Each(Named::Month(_)))
            | (Span::Each(Named::Season(_)), Span::Each(Named::Season(_)))
            | (Span::Each(Named::Weekday(_)), Span::Each(Named::Weekday(_))) => true,
            _ => false,
        };
        is_alike.then(|| (Expression::In(found.period()), end))
    }

    fn phrase(&self, i: usize) -> Option<(Expression, usize)> {
        self.near(i).or_else(|| self.span(i)).or_else(|| self.open(i)).or_else(|| self.at_home(i))
    }

    /// `between 1905 and 1907`, `from May to July 1908`, `1905–1907`, `3–7 March`, `May to July 1908`. "May to July" alone may be women.
    fn span(&self, i: usize) -> Option<(Expression, usize)> {
        let opening = self.kind(i);
        let start = match opening {
            Kind::Between | Kind::From | Kind::Of | Kind::Since | Kind::In | Kind::On => i + 1,
            _ => i,
        };
        let (first, middle) = self.end_of_span(start)?;
        let dash =
            matches!(self.gap(middle), Some(Gap::Sign('-' | '–' | '—'))) || self.is_next_year(middle, first);
        let joined = match self.kind(middle) {
            Kind::And if opening == Kind::Between => true,
            // "In March or April 2015" is said of both.
            Kind::And | Kind::Or => opening == Kind::In && is_month_or_season(first),
            // "Du 3 au 7 mars"
            Kind::In => opening == Kind::Of && self.lexicon.is_romance() && self.follows(middle),
            Kind::To | Kind::Until | Kind::At => opening != Kind::Between && self.follows(middle),
            _ => false,
        };
        if !joined && !dash {
            return None;
        }
        let (last, end) =
            if dash { self.second_end(middle, &first)? } else { self.second_end(middle + 1, &first)? };
        if matches!(self.kind(middle), Kind::And | Kind::Or) && opening == Kind::In && last.year().is_none() {
            return None;
        }
        let has_opening = matches!(opening, Kind::Between | Kind::From | Kind::Of | Kind::Since | Kind::In);
        let is_days = first.month().is_some() && last.bare.is_some() && !self.is_counted(end - 1);
        let is_sure = first.is_sure && (last.is_sure || is_days) || last.year().is_some();
        if !has_opening && !is_sure {
            return None;
        }
        Some((between(first, last)?, end))
    }

    /// `1912/13`
    fn is_next_year(&self, i: usize, first: Found) -> bool {
        let Span::Year(year) = first.span else { return false };
        let next = year.saturating_add(1).rem_euclid(100);
        self.gap(i) == Some(Gap::Sign('/'))
            && matches!(self.kind(i), Kind::Digits(short, 2) if i16::try_from(short).is_ok_and(|short| short == next))
    }

    /// An end of a span, which may be the day of a month that the other end names.
    fn end_of_span(&self, i: usize) -> Option<(Found, usize)> {
        let i = self.over_articles(i);
        self.found(i).or_else(|| {
            let day = self.day(i)?;
            Some((Found::bare_day(day), i + 1))
        })
    }

    /// The second end, which may be the last two figures of a year.
    fn second_end(&self, i: usize, first: &Found) -> Option<(Found, usize)> {
        let i = self.over_articles(i);
        let short = match (first.span, self.kind(i)) {
            (Span::Year(year), Kind::Digits(end, 2)) => {
                let same = year - year.rem_euclid(100) + i16::try_from(end).ok()?;
                (same > year && !self.is_amount(i)).then_some(same)
            }
            _ => None,
        };
        match short {
            Some(year) => Some((Found::sure(Span::Year(year)), i + 1)),
            None => self.end_of_span(i),
        }
    }

    /// `since 1910`, `from 1910 on`, `before March 1910`, `until June 1911`, `in 2014` behind `since we moved`.
    fn open(&self, i: usize) -> Option<(Expression, usize)> {
        let opening = self.kind(i);
        if opening == Kind::In && self.is_since(i) {
            let (expression, end) = self.at_home(i)?;
            let Expression::In(period) = expression else { return None };
            return expression.recurring().is_none().then_some((Expression::Since(period), end));
        }
        // "Before last Christmas"
        if let Some(span) =
            self.again(i + 1, 1).filter(|_| opening == Kind::BeforeLast && self.follows(i + 1))
        {
            return Some((Expression::Before(span.into()), i + 2));
        }
        if !matches!(opening, Kind::Since | Kind::From | Kind::Before | Kind::After | Kind::Until) {
            return None;
        }
        if opening == Kind::Before && self.ago_behind(i).is_some() {
            return None;
        }
        let start = self.over_articles(i + 1);
        let (found, end) = self.found(start)?;
        // "since March" is since the last one, while "before Christmas" may mean the days before every one.
        let period = match found.span {
            // Nor is 3 March asked for by what is before it.
            Span::Each(named)
                if matches!(opening, Kind::Since | Kind::Until)
                    || matches!((opening, named), (Kind::Before | Kind::After, Named::Day(_))) =>
            {
                Period { span: Span::Last(named, 0), part: found.part }
            }
            Span::Each(_) => return None,
            _ => found.period(),
        };
        let is_digits = end == start + 1 && matches!(self.kind(start), Kind::Digits(..));
        if is_digits && self.is_counted(start) {
            return None;
        }
        let expression = match opening {
            Kind::Since => Expression::Since(period),
            Kind::Before => Expression::Before(period),
            Kind::After => Expression::After(period),
            Kind::Until => Expression::Until(period),
            _ => match self.kind(end) {
                Kind::Onwards | Kind::On if self.follows(end) => {
                    return Some((Expression::Since(period), end + 1));
                }
                _ if found.is_sure || matches!(found.span, Span::Year(_)) => Expression::In(period),
                _ => return None,
            },
        };
        Some((expression, end))
    }

    /// Whether what goes before, without a mark, begins with `since`: `since we moved in 2014`.
    fn is_since(&self, i: usize) -> bool {
        let before =
            (0..i).rev().take(FARTHEST_SINCE).take_while(|before| self.gap(before + 1) == Some(Gap::Space));
        before.map(|before| self.kind(before)).any(|kind| kind == Kind::Since)
    }

    /// `in March`, `on Sundays`, `last spring`, `the summer of 1912`, `3 March 2014`.
    fn at_home(&self, i: usize) -> Option<(Expression, usize)> {
        let opening = self.kind(i);
        let has_opening = matches!(
            opening,
            Kind::In | Kind::On | Kind::Around | Kind::At | Kind::Of | Kind::Every | Kind::To | Kind::For
        );
        let start = if has_opening { i + 1 } else { i };
        if has_opening && !self.follows(start) {
            return None;
        }
        if let Some(past) = self.past(start, opening) {
            return Some(past);
        }
        let noun = self.over_articles(start);
        let has_article = noun > start;
        let (found, end) = self.found(noun)?;
        if opening == Kind::For {
            let is_feast = matches!(found.span, Span::Each(Named::Feast(_)) | Span::In(Named::Feast(_), _));
            return is_feast.then_some((Expression::In(found.period()), end));
        }
        if let Span::Each(named) = found.span
            && named.is_weekly()
        {
            let every = matches!(opening, Kind::On | Kind::Every) || found.is_sure;
            let by_article = has_article && !has_opening && self.lexicon.is_romance();
            return (every || by_article).then_some((Expression::In(found.period()), end));
        }
        let allowed = found.is_sure
            || match (found.span, opening) {
                (Span::Each(Named::Month(_)), Kind::In | Kind::Every) => true,
                (Span::Each(Named::Season(_)), Kind::In | Kind::Every) => {
                    !matches!(self.kind(start), Kind::A) && !self.belongs(end)
                }
                (Span::Each(Named::Month(_) | Named::Season(_)), _) => false,
                (Span::Each(Named::Feast(_)), _) => has_opening && opening != Kind::Of,
                (Span::Decade(_), _) => has_article,
                // "The 1912 walks" are walks.
                (Span::Year(_), _) if has_article && !has_opening => false,
                (Span::Year(year), _) => {
                    let is_known = (self.years.0..=self.years.1).contains(&year);
                    !self.is_counted(end - 1) && (opening == Kind::In || is_known)
                }
                _ => has_opening,
            };
        allowed.then_some((Expression::In(found.period()), end))
    }

    /// `in the last two weeks`, `over the past year`, `the last fortnight`, behind the preposition.
    fn past(&self, i: usize, opening: Kind) -> Option<(Expression, usize)> {
        let last = if matches!(self.kind(i), Kind::The | Kind::This) { i + 1 } else { i };
        // "Ces deux dernières années"
        if let (Some(count), Kind::LastBehind, Some(unit)) =
            (self.number(last), self.kind(last + 1), self.unit(last + 2))
        {
            return Some((Expression::In(Span::Past(unit, count).into()), last + 3));
        }
        let is_last = matches!(self.kind(last), Kind::Last | Kind::Past);
        if !is_last || !self.follows(last + 1) {
            return None;
        }
        let counted = self.counted(last + 1);
        let (count, unit, end) = counted.or_else(|| Some((1, self.unit(last + 1)?, last + 2)))?;
        // "The last year of her life", and "last year" with nothing before it.
        if self.kind(end) == Kind::Of || (counted.is_none() && (opening != Kind::In || last == i)) {
            return None;
        }
        Some((Expression::In(Span::Past(unit, count).into()), end))
    }

    /// Whether what follows says whose spring it is: `the spring of my life`, `the fall from grace`, `spring water`.
    fn belongs(&self, i: usize) -> bool {
        self.follows(i) && matches!(self.kind(i), Kind::Of | Kind::From)
    }

    /// The place behind articles.
    pub fn over_articles(&self, i: usize) -> usize {
        let is_article = |i: usize| matches!(self.kind(i), Kind::The | Kind::A);
        let article = is_article(i) && self.follows(i + 1) && !self.is_number_of_units(i);
        if article { i + 1 } else { i }
    }

    /// `a year`, where `ago` follows.
    fn is_number_of_units(&self, i: usize) -> bool {
        self.kind(i) == Kind::A && self.unit(i + 1).is_some()
    }
}

fn is_month_or_season(found: Found) -> bool {
    matches!(found.span, Span::Each(Named::Month(_) | Named::Season(_)))
}

/// From one end to the other, each with what only the other says: `3 to 7 March`, `May to July 1908`.
fn between(first: Found, last: Found) -> Option<Expression> {
    use Named::{Day, Month};
    let first = match (first.bare, last.month()) {
        (Some(day), Some(month)) => Found { bare: None, ..first.with(Day((month, day))) },
        (Some(_), None) => return None,
        _ => first,
    };
    let last = match (last.bare, first.month()) {
        (Some(day), Some(month)) => Found { bare: None, ..last.with(Day((month, day))) },
        (Some(_), None) => return None,
        _ => last,
    };
    // Where one end has a year and the other only a month, that is the month next to it.
    let place = |named: Named| match named {
        Day(day) => Some((day, day)),
        Month(month) => Some(((month, 1), (month, 31))),
        _ => None,
    };
    match (first.span, last.span) {
        (Span::Each(a), Span::Each(b)) => match (place(a), place(b)) {
            (Some((from, _)), Some((_, to))) => {
                Some(Expression::In(Span::Each(Named::Span(from, to)).into()))
            }
            _ => None,
        },
        (Span::Each(a), Span::In(b, year)) => {
            let wraps = matches!((place(a), place(b)), (Some((from, _)), Some((to, _))) if from > to);
            let first = Period { span: Span::In(a, year.checked_sub(i16::from(wraps))?), part: first.part };
            Some(Expression::Between(first, last.period()))
        }
        (Span::In(a, year), Span::Each(b)) => {
            let wraps = matches!((place(a), place(b)), (Some((from, _)), Some((to, _))) if from > to);
            let last = Period { span: Span::In(b, year.checked_add(i16::from(wraps))?), part: last.part };
            Some(Expression::Between(first.period(), last))
        }
        (Span::Each(_), _) | (_, Span::Each(_)) => None,
        _ => Some(Expression::Between(first.period(), last.period())),
    }
}
