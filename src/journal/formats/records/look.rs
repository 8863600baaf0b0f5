//! What the first records of a file show: whether their texts are HTML, and which field is the date where no name says so.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dates;
use super::names::{DATE, folded};
use crate::journal::syntax::csv::Record;
use crate::journal::syntax::html;

/// Records looked at.
const MOST: usize = 100;
/// Characters of a date.
const LONGEST: usize = 40;

/// The look itself.
#[derive(Default)]
pub struct Look {
    met: usize,
    dated: bool,
    texts: usize,
    pages: usize,
    /// The fields that hold dates, with how many do not; the field of an object by its path.
    columns: BTreeMap<String, [usize; 2]>,
}

/// What it showed.
#[derive(Default)]
pub struct Shown {
    pub is_html: bool,
    pub date_field: Option<String>,
}

impl Look {
    /// Looks at a record with its text, and whether a name tells its date; false where no further one is needed.
    pub fn meet(&mut self, record: &Record, text: Option<(&str, String)>, dated: bool) -> bool {
        self.met += 1;
        if let Some((_, text)) = text.as_ref().filter(|(_, text)| !text.trim().is_empty()) {
            self.texts += 1;
            self.pages += usize::from(html::is_whole(text));
        }
        self.dated |= dated;
        let text = text.map_or("", |(name, _)| name);
        for (name, value) in record.iter().filter(|(name, _)| *name != text) {
            if let Value::Object(inner) = value {
                inner.iter().for_each(|(inner, value)| self.column(format!("{name}.{inner}"), value));
            } else {
                self.column(name.clone(), value);
            }
        }
        self.met < MOST
    }

    fn column(&mut self, name: String, value: &Value) {
        let Value::String(text) = value else { return };
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let is_number = text.parse::<f64>().is_ok();
        let is_date =
            !is_number && text.chars().count() <= LONGEST && dates::when(value, None, false).is_some();
        self.columns.entry(name).or_default()[usize::from(!is_date)] += 1;
    }

    pub fn shows(self) -> Shown {
        let mut columns: Vec<String> =
            self.columns.into_iter().filter(|(_, [_, others])| *others == 0).map(|(name, _)| name).collect();
        let by_name = |name: &String| DATE.contains(&folded(name.rsplit('.').next().unwrap_or("")).as_str());
        if columns.iter().any(by_name) {
            columns.retain(by_name);
        }
        let date_field = columns.pop().filter(|_| !self.dated && columns.is_empty());
        Shown { is_html: self.texts > 0 && self.texts == self.pages, date_field }
    }
}
