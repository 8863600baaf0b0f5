//! A text that lies deeper in a record than its own fields: what to say of it.

use serde_json::Value;

use super::chat;
use super::names::{DATE, OWN_TEXT, TEXT, folded, has_words, is_blank, usual};
use crate::journal::syntax::csv::Record;

/// How deep is looked, and how far into a list.
const DEPTH: usize = 12;
const ITEMS: usize = 50;

/// Where a text lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deeper {
    /// `data.post`.
    path: String,
    /// What holds it is one of a list, with a date of its own.
    is_entry: bool,
    /// What holds it says who speaks.
    speaks: bool,
    /// Its field is called as nothing but a text is.
    pub is_own: bool,
}

impl Deeper {
    /// The likeliest text below a record's own fields.
    pub fn of(record: &Record) -> Option<Deeper> {
        let mut found = Vec::new();
        for (name, value) in record {
            walk(value, name, false, DEPTH, &mut found);
        }
        let spoken = found.iter().find(|(_, deeper)| deeper.speaks).cloned();
        spoken.or_else(|| found.into_iter().min_by_key(|(place, _)| *place)).map(|(_, deeper)| deeper)
    }

    pub fn advice(&self) -> String {
        let list = self.path.rsplit_once('.').map_or("", |(list, _)| list);
        if self.speaks {
            format!(
                "several may speak in its `{list}`: save what you wrote as a file of its own, or that list, which --me NAME reads"
            )
        } else if self.is_entry {
            format!("its entries lie deeper, in `{list}`: save that list as a file of its own")
        } else {
            format!("its text may be in `{0}`: --text-field {0}", self.path)
        }
    }
}

fn walk(value: &Value, path: &str, in_list: bool, depth: usize, found: &mut Vec<(usize, Deeper)>) {
    match value {
        Value::Array(items) if depth > 0 => {
            items.iter().take(ITEMS).for_each(|item| walk(item, path, true, depth - 1, found));
        }
        Value::Object(fields) if depth > 0 => {
            for (name, value) in fields {
                let folded = folded(name);
                let path = format!("{path}.{name}");
                let place = TEXT.iter().position(|text| *text == folded);
                let is_text =
                    value.is_string() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
                match place.filter(|_| is_text && (has_words(value) || chat::speaks(fields))) {
                    Some(place) => {
                        let dated = usual(fields, DATE).is_some_and(|(_, date)| !is_blank(date));
                        let (is_entry, is_own) = (in_list && dated, OWN_TEXT.contains(&folded.as_str()));
                        let deeper = Deeper { path, is_entry, speaks: chat::speaks(fields), is_own };
                        found.push((place, deeper));
                    }
                    None => walk(value, &path, false, depth - 1, found),
                }
            }
        }
        _ => {}
    }
}
