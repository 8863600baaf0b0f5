//! The file that a person edits before training: every secret found, and what is to be done with it.

mod row;
mod table;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::journal::text::secrets::action::Action;
use crate::journal::text::secrets::found::{Found, one_line};
use crate::journal::text::secrets::kind::Kind;
use crate::journal::text::secrets::names::NameFinder;
use crate::journal::text::secrets::placeholders::{Placeholders, dropped};
use crate::journal::text::secrets::scanner::without_overlaps;
use row::{Row, row_key};

/// How many characters of a line stand around a secret in its example.
const AROUND: usize = 40;

/// What was found, and what is to be done with it.
#[derive(Debug, Clone, Default)]
pub struct Review {
    rows: Vec<Row>,
    by_key: HashMap<(Kind, String), usize>,
    placeholders: Placeholders,
    /// The replacements of all rows, which no other secret may get.
    taken: HashSet<String>,
    names: NameFinder,
}

impl Review {
    /// Nothing found.
    pub fn new() -> Review {
        Review::default()
    }

    /// Adds what was found in an entry. Names given before get their example here.
    pub fn add(&mut self, entry: &str, text: &str, found: &[Found]) {
        for f in found {
            let action = if f.sure { Action::Replace } else { Action::Keep };
            let i = self.row_of(f.kind, &f.text, action);
            let row = &mut self.rows[i];
            row.times += 1;
            // A find that is sure counts, wherever the same secret is not.
            if f.sure && row.times > 1 && row.action == Action::Keep {
                row.action = Action::Replace;
            }
            if row.example.is_empty() {
                row.example = example(entry, text, &f.range);
                row.what = one_line(&f.text);
            }
        }
        for f in self.names.find(text) {
            let key = (Kind::Name, row_key(Kind::Name, &f.text));
            if let Some(row) = self.by_key.get(&key).map(|i| &mut self.rows[*i])
                && row.example.is_empty()
            {
                row.example = example(entry, text, &f.range);
                row.what = one_line(&f.text);
            }
        }
    }

    /// Adds names that occur often, with their counts. They are kept until a person says otherwise.
    pub fn add_names(&mut self, names: &[(String, usize)]) {
        for (name, times) in names {
            let i = self.row_of(Kind::Name, name, Action::Keep);
            self.rows[i].times += times;
        }
        self.names = finder(&self.rows);
    }

    /// The row of a secret, made where there is none.
    fn row_of(&mut self, kind: Kind, secret: &str, action: Action) -> usize {
        let key = row_key(kind, secret);
        let next = self.rows.len();
        let i = *self.by_key.entry((kind, key.clone())).or_insert(next);
        if i == next {
            let replacement =
                self.placeholders.of_key(kind, key, |placeholder| self.taken.contains(placeholder));
            self.taken.insert(replacement.clone());
            self.rows.push(Row {
                action,
                kind,
                what: one_line(secret),
                times: 0,
                replacement,
                example: String::new(),
            });
        }
        i
    }

    /// The file, for a person to edit: by kind, the most frequent first.
    pub fn write(&self) -> String {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| (row.kind, std::cmp::Reverse(row.times)));
        table::write(rows)
    }

    /// A file that [`write`](Self::write) wrote and a person edited, in an editor or a spreadsheet.
    ///
    /// # Errors
    /// The line that cannot be understood, and what to do about it.
    pub fn read(text: &str) -> Result<Review, String> {
        let mut review = Review::default();
        let mut lines: Vec<u64> = Vec::new();
        for (line, row) in table::read(text)? {
            let next = review.rows.len();
            let i = *review.by_key.entry(row.key()).or_insert(next);
            if i == next {
                review.taken.insert(row.replacement.clone());
                review.rows.push(row);
                lines.push(line);
            } else if review.rows[i].action != row.action || review.rows[i].replacement != row.replacement {
                return Err(format!(
                    "line {line}: line {} says otherwise of the same secret: take one out",
                    lines[i]
                ));
            }
        }
        review.names = finder(&review.rows);
        Ok(review)
    }

    /// How many secrets it lists.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What is to be done with a find: what its row says, or else replacing it where it is sure and keeping it where it is not.
    pub fn action(&self, found: &Found) -> Action {
        match self.row(found) {
            Some(row) => row.action,
            None if found.sure && found.kind != Kind::Name => Action::Replace,
            None => Action::Keep,
        }
    }

    fn row(&self, found: &Found) -> Option<&Row> {
        self.by_key.get(&(found.kind, row_key(found.kind, &found.text))).and_then(|i| self.rows.get(*i))
    }

    /// A text as the review wants it. `found` is what was found in it, in order; the review's names are looked for here. What is dropped
    /// takes its line with it; an entry stays, unless no word of it is left: then none is given.
    pub fn apply(&self, text: &str, found: &[Found], placeholders: &mut Placeholders) -> Option<String> {
        let mut asked: Vec<Found> =
            found.iter().filter(|f| self.action(f) != Action::Keep).cloned().collect();
        asked.extend(self.names.find(text).into_iter().filter(|f| self.action(f) != Action::Keep));
        let asked = without_overlaps(asked);
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let mut lines: Vec<Range<usize>> = Vec::new();
        for f in asked {
            if self.action(&f) == Action::Drop {
                lines.push(f.range);
                continue;
            }
            let own = self.row(&f).map(|row| row.replacement.clone()).filter(|own| !own.is_empty());
            let with = own.unwrap_or_else(|| {
                placeholders.of_key(f.kind, row_key(f.kind, &f.text), |p| self.taken.contains(p))
            });
            edits.push((f.range, with));
        }
        dropped(text, &lines, &edits)
    }
}

/// What finds the names of these rows.
fn finder(rows: &[Row]) -> NameFinder {
    NameFinder::new(rows.iter().filter(|row| row.kind == Kind::Name).map(|row| row.what.as_str()))
}

/// An entry's name and a piece of the text around a range, on one line.
fn example(entry: &str, text: &str, range: &Range<usize>) -> String {
    let (before, inside, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let line_before = before.rsplit('\n').next().unwrap_or_default();
    let line_after = after.split('\n').next().unwrap_or_default();
    let skipped = line_before.chars().count().saturating_sub(AROUND);
    let head: String = line_before.chars().skip(skipped).collect();
    let tail: String = line_after.chars().take(AROUND).collect();
    let dots = |cut: bool| if cut { "…" } else { "" };
    let cut = line_after.chars().count() > AROUND;
    one_line(&format!("{entry}: {}{head}{inside}{tail}{}", dots(skipped > 0), dots(cut)))
}

#[cfg(test)]
mod tests;
