//! What stands in a secret's stead, and texts in which it does.

use std::collections::HashMap;
use std::ops::Range;

use crate::journal::text::secrets::action::Action;
use crate::journal::text::secrets::found::{Found, key};
use crate::journal::text::secrets::kind::Kind;

/// Placeholders that have been given: the same secret always gets the same, `[email 1]`, however it is spaced.
#[derive(Debug, Clone, Default)]
pub struct Placeholders {
    given: HashMap<(Kind, String), String>,
    last: HashMap<Kind, usize>,
}

impl Placeholders {
    /// None given.
    pub fn new() -> Placeholders {
        Placeholders::default()
    }

    /// The placeholder of a secret: the next number of its kind where it has none yet.
    pub fn of(&mut self, kind: Kind, secret: &str) -> String {
        self.of_key(kind, key(kind, secret), |_| false)
    }

    /// The same for a secret's key, passing over numbers that are taken otherwise.
    pub(super) fn of_key(&mut self, kind: Kind, key: String, is_taken: impl Fn(&str) -> bool) -> String {
        let last = self.last.entry(kind).or_default();
        let next = || loop {
            *last += 1;
            let placeholder = format!("[{} {last}]", kind.stem());
            if !is_taken(&placeholder) {
                break placeholder;
            }
        };
        self.given.entry((kind, key)).or_insert_with(next).clone()
    }

    /// How many secrets have one.
    pub fn len(&self) -> usize {
        self.given.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }
}

/// A text with placeholders for the secrets found in it; all else stays as it is.
pub fn replace(text: &str, found: &[Found], placeholders: &mut Placeholders) -> String {
    let edits: Vec<_> = found.iter().map(|f| (f.range.clone(), placeholders.of(f.kind, &f.text))).collect();
    replaced(text, &edits)
}

impl Action {
    /// Does this with every secret of a text. None where no word of the text is left.
    pub fn apply(self, text: &str, found: &[Found], placeholders: &mut Placeholders) -> Option<String> {
        match self {
            Action::Keep => Some(text.to_string()),
            Action::Replace => Some(replace(text, found, placeholders)),
            Action::Drop => {
                let ranges: Vec<_> = found.iter().map(|f| f.range.clone()).collect();
                dropped(text, &ranges, &[])
            }
        }
    }
}

/// A text in which other words stand at some ranges, given in order; one that does not lie in the text after the last is passed over.
pub(super) fn replaced(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, with) in edits {
        let (Some(between), true) = (text.get(at..range.start), text.is_char_boundary(range.end)) else {
            continue;
        };
        if range.end < range.start {
            continue;
        }
        out.push_str(between);
        out.push_str(with);
        at = range.end;
    }
    out + &text[at..]
}

/// A text without the lines that hold `ranges`, given in order, and with `edits` made in the others. Of two empty lines that so come to
/// stand together one goes too. None where lines went and no word is left.
pub(super) fn dropped(
    text: &str,
    ranges: &[Range<usize>],
    edits: &[(Range<usize>, String)],
) -> Option<String> {
    if ranges.is_empty() {
        return Some(replaced(text, edits));
    }
    let mut out = String::with_capacity(text.len());
    let (mut at, mut gone, mut next, mut edit) = (0, false, 0, 0);
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        while ranges.get(next).is_some_and(|range| range.end <= start) {
            next += 1;
        }
        let mut last_edit = edit;
        while edits.get(last_edit).is_some_and(|(range, _)| range.start < end) {
            last_edit += 1;
        }
        let of_line = &edits[edit..last_edit];
        edit = last_edit;
        if ranges.get(next).is_some_and(|range| range.start < end) {
            gone = true;
            continue;
        }
        let is_blank = line.trim().is_empty();
        let after_blank = out.is_empty() || out.ends_with("\n\n") || out.ends_with("\n\r\n");
        if gone && is_blank && after_blank {
            continue;
        }
        gone &= is_blank;
        let within = |(range, with): &(Range<usize>, String)| {
            (range.start.saturating_sub(start)..range.end.min(end).saturating_sub(start), with.clone())
        };
        let moved: Vec<_> = of_line.iter().map(within).collect();
        out += &replaced(line, &moved);
    }
    // The line break before a last line that went.
    if gone && !text.ends_with('\n') {
        out.truncate(out.trim_end().len());
    }
    out.contains(char::is_alphanumeric).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, secret: &str, kind: Kind) -> Found {
        let start = text.find(secret).unwrap();
        Found { kind, range: start..start + secret.len(), text: secret.into(), sure: true }
    }

    #[test]
    fn the_same_secret_gets_the_same_placeholder() {
        let mut placeholders = Placeholders::new();
        let text = "Für Anna@x.org, b@x.org; ANNA@X.ORG";
        let at = [("Anna@x.org", Kind::Email), ("b@x.org", Kind::Email), ("ANNA@X.ORG", Kind::Email)];
        let all = at.map(|(secret, kind)| found(text, secret, kind));
        assert_eq!(replace(text, &all, &mut placeholders), "Für [email 1], [email 2]; [email 1]");
        assert_eq!(placeholders.of(Kind::Phone, "030/123"), "[phone 1]");
        assert_eq!(placeholders.of(Kind::Phone, "030 123"), "[phone 1]");
        assert_eq!(placeholders.len(), 3);
    }

    #[test]
    fn a_line_goes_and_the_others_stay() {
        let text = "One.\n\nTwo pw.\n\nThree.\n";
        let pw = found(text, "pw", Kind::Password);
        let mut placeholders = Placeholders::new();
        let mut apply = |action: Action, text: &str, f: &Found| {
            action.apply(text, std::slice::from_ref(f), &mut placeholders)
        };
        assert_eq!(apply(Action::Drop, text, &pw).unwrap(), "One.\n\nThree.\n");
        assert_eq!(apply(Action::Keep, text, &pw).unwrap(), text);
        assert_eq!(apply(Action::Replace, text, &pw).unwrap(), "One.\n\nTwo [password 1].\n\nThree.\n");
        assert_eq!(apply(Action::Drop, "a pw", &found("a pw", "pw", Kind::Password)), None);
        let last = "One.\n\npw";
        assert_eq!(apply(Action::Drop, last, &found(last, "pw", Kind::Password)).unwrap(), "One.");
        let over = "One.\nk1\nk2\nTwo.";
        assert_eq!(apply(Action::Drop, over, &found(over, "k1\nk2", Kind::Key)).unwrap(), "One.\nTwo.");
    }
}
