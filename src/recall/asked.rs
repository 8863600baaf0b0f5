//! A question as a person types it: the days that it names, and the words that are looked for in the entries of those.

use jiff::civil::Date;

use crate::base::Result;
use crate::recall::library::Library;
use crate::recall::query::{By, Found, Query};
use crate::recall::when::when;

/// What a question found.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// How its words of time were understood; none where it has none.
    pub said: Option<String>,
    /// Passages, the best first.
    pub found: Vec<Found>,
    /// None of its days has its words: these are all that those days have, in order.
    pub is_of_days_alone: bool,
}

impl Library {
    /// The `k` entries that answer a question best. What is said of time (`last spring`, `in 2014`) is as of `today`.
    ///
    /// # Errors
    /// As [`find`](Library::find).
    pub fn ask(&self, question: &str, today: Date, by: By, k: usize) -> Result<Asked> {
        let known = self.entries.iter().filter_map(|entry| entry.day);
        let (first, last) = (known.clone().min().unwrap_or(today), known.max().unwrap_or(today));
        let when = when(question, today, first..last);
        if when.said.is_some() && when.days.is_empty() {
            return Ok(Asked { said: when.said, found: Vec::new(), is_of_days_alone: false });
        }
        let after = |day: Date| day.tomorrow().unwrap_or(day);
        let days: Vec<_> = when.days.iter().map(|days| *days.start()..after(*days.end())).collect();
        let mut query = Query { text: when.rest, days, by };
        let mut found = self.find(&query, k)?;
        let is_of_days_alone = found.is_empty() && !query.days.is_empty();
        if is_of_days_alone {
            query = Query { text: String::new(), by: By::Words, ..query };
            found = self.find(&query, k)?;
        }
        Ok(Asked { said: when.said, found, is_of_days_alone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_question_with_a_time_in_it_is_answered_from_then() {
        let entry = |day: Date, text: &str| (day.to_string(), Some(day), text.to_string());
        let entries = [
            entry(date(2014, 3, 9), "The heart again: the doctor came and listened for a long time."),
            entry(date(2015, 3, 9), "The doctor says that my heart is sound."),
            entry(date(2015, 8, 1), "Swimming at the cove."),
        ];
        let library = Library::of_entries(entries, None).unwrap();
        let ask = |question: &str| library.ask(question, date(2016, 1, 1), By::Both, 5).unwrap();
        let asked = ask("what did the doctor say of my heart in 2014?");
        assert_eq!(asked.found.iter().map(|found| &found.name[..]).collect::<Vec<_>>(), ["2014-03-09"]);
        assert!(asked.said.is_some_and(|said| said.contains("2014")));
        let asked = ask("what did the doctor say of my heart?");
        assert!(asked.said.is_none() && asked.found.len() == 2, "{asked:?}");
        assert_eq!(ask("what was last August?").found[0].name, "2015-08-01");
        assert!(ask("what did the doctor say in 2013?").found.is_empty());
        let asked = ask("what of the zebra in March 2015?");
        assert!(asked.is_of_days_alone && asked.found[0].name == "2015-03-09", "{asked:?}");
    }
}
