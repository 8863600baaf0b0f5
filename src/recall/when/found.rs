//! What a part of the grammar has found.

use super::period::{Named, Part, Period, Span};

/// A length of time, as a question has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub span: Span,
    pub part: Option<Part>,
    /// Only a day is given, of a month that another end of a span names.
    pub bare: Option<i8>,
    /// It is time without a preposition, too.
    pub is_sure: bool,
}

impl Found {
    /// What can be nothing else.
    pub fn sure(span: Span) -> Found {
        Found { span, part: None, bare: None, is_sure: true }
    }

    /// What is time behind a preposition.
    pub fn doubtful(span: Span) -> Found {
        Found { is_sure: false, ..Found::sure(span) }
    }

    /// A day without a month.
    pub fn bare_day(day: i8) -> Found {
        Found { bare: Some(day), ..Found::doubtful(Span::Each(Named::ThisDay)) }
    }

    pub fn period(self) -> Period {
        Period { span: self.span, part: self.part }
    }

    /// The same, of something else.
    pub fn with(self, named: Named) -> Found {
        Found { span: Span::Each(named), ..self }
    }

    /// The month that it names.
    pub fn month(self) -> Option<i8> {
        match self.span {
            Span::Each(Named::Day((month, _))) | Span::In(Named::Day((month, _)), _) => Some(month),
            _ => None,
        }
    }

    /// The year that it names.
    pub fn year(self) -> Option<i16> {
        match self.span {
            Span::In(_, year) | Span::Year(year) | Span::Decade(year) => Some(year),
            _ => None,
        }
    }
}
