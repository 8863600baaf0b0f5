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
    /// Its words that stand in no entry, of any day: misspelled, perhaps.
    pub unknown: Vec<String>,
}

impl Library {
    /// The `k` entries that answer a question best. What is said of time (`last spring`, `in 2014`) is as of `today`.
    ///
    /// # Errors
    /// As [`find`](Library::find).
    pub fn ask(&self, question: &str, today: Date, by: By, k: usize) -> Result<Asked> {
        let (first, last) = self.days().unwrap_or((today, today));
        let when = when(question, today, first..last);
        let unknown: Vec<String> = self.unknown(&when.rest)?.into_iter().map(str::to_string).collect();
        if when.said.is_some() && when.days.is_empty() {
            return Ok(Asked { said: when.said, found: Vec::new(), is_of_days_alone: false, unknown });
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
        Ok(Asked { said: when.said, found, is_of_days_alone, unknown })
    }

    /// The first and the last day of the entries; none where no entry has a day.
    pub fn days(&self) -> Option<(Date, Date)> {
        let known = self.entries.iter().filter_map(|entry| entry.day);
        Some((known.clone().min()?, known.max()?))
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
        assert_eq!(asked.unknown, ["zebra"]);
        assert_eq!(ask("the docter, the heart and the swimming-cove").unknown, ["docter"]);
        assert_eq!(library.days(), Some((date(2014, 3, 9), date(2015, 8, 1))));
    }

    #[test]
    fn days_alone_are_answered_in_order_where_there_are_embeddings_too() {
        // "Did" and "do" point where the later entry does.
        let embeddings = || {
            let words =
                [("did", [1.0, 0.0]), ("do", [1.0, 0.1]), ("walked", [0.0, 1.0]), ("worked", [1.0, 0.0])];
            crate::recall::embed::made::embeddings(&words)
        };
        let entry = |day: Date, text: &str| (day.to_string(), Some(day), text.to_string());
        let entries = [
            entry(
                date(2014, 5, 2),
                "Walked and walked. The river was high and the neighbours were out with their dogs again.",
            ),
            entry(
                date(2014, 5, 9),
                "Worked and worked, as I did. The weather was bad, and there was nothing else that I could do.",
            ),
            entry(
                date(2014, 6, 1),
                "Worked again in the morning, and in the evening we talked about the war with my brothers.",
            ),
        ];
        let library = Library::of_entries(entries, Some(embeddings())).unwrap();
        for by in [By::Both, By::Meaning, By::Words] {
            let asked = library.ask("What did I do last May?", date(2015, 1, 1), by, 5).unwrap();
            let names: Vec<&str> = asked.found.iter().map(|found| &found.name[..]).collect();
            assert_eq!(names, ["2014-05-02", "2014-05-09"], "{by:?}");
            assert!(
                !asked.is_of_days_alone && asked.found.iter().all(|found| found.score == 0.0),
                "{asked:?}"
            );
        }
        // Without days it is a question as any.
        let asked = library.ask("What did I do?", date(2015, 1, 1), By::Meaning, 5).unwrap();
        assert!(!asked.found.is_empty() && asked.found[0].name != "2014-05-02", "{asked:?}");
    }

    #[test]
    fn in_two_languages_days_alone_are_days_alone() {
        let german = "Heute morgen gingen wir mit den Brüdern zum Fluss hinunter und sprachen lange über den Krieg und die Häuser. ";
        let english = "This morning we did what I do each day: we went down to the river and talked about the war, my brothers and I. ";
        let entry = |day: Date, text: &str| (day.to_string(), Some(day), text.repeat(2));
        let entries = [entry(date(2014, 5, 2), german), entry(date(2014, 5, 9), english)];
        let library = Library::of_entries(entries, None).unwrap();
        let asked = library.ask("What did I do in May 2014?", date(2015, 1, 1), By::Both, 5).unwrap();
        let names: Vec<&str> = asked.found.iter().map(|found| &found.name[..]).collect();
        assert_eq!(names, ["2014-05-02", "2014-05-09"], "{asked:?}");
    }
}
