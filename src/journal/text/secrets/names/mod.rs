//! Other people's full names: given name and surname, told from places, months and titles by lists and by the words around them.
//! What a name is cannot be said of one place; it shows in many. So texts are counted first, and asked afterwards.

mod evidence;
mod finder;
mod lists;
mod others;
mod words;

use std::collections::HashMap;

pub use finder::NameFinder;
pub use others::other_names;

use evidence::Evidence;

/// Full names, counted over texts.
#[derive(Debug, Clone, Default)]
pub struct Names {
    seen: HashMap<String, Evidence>,
}

impl Names {
    /// Nothing counted.
    pub fn new() -> Names {
        Names::default()
    }

    /// Counts the names of a text.
    pub fn add(&mut self, text: &str) {
        evidence::gather(text, &mut self.seen);
    }

    /// The names that stand at least `least` times, as they are first written, with their counts: the most frequent first, then by letters.
    pub fn often(&self, least: usize) -> Vec<(String, usize)> {
        let enough = |e: &&Evidence| e.count >= least.max(1) && e.is_person();
        let mut names: Vec<_> =
            self.seen.values().filter(enough).map(|e| (e.written.clone(), e.count)).collect();
        names.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn often(text: &str, least: usize) -> Vec<(String, usize)> {
        let mut names = Names::new();
        names.add(text);
        names.often(least)
    }

    #[test]
    fn people_are_counted_and_places_are_not() {
        let text = "Met Anna Berger at Hyde Park. Anna Berger’s dog ran. In New York with Anna  Berger and Dr. Paul van Dyk. \
                    On Monday Paul van Dyk came to Hyde Park. Mr. Smith sat at Exeter House in May Week. \
                    In San Francisco, Paul van Dyk slept. I love San Francisco and Exeter House and Hyde Park.";
        assert_eq!(often(text, 3), [("Anna Berger".to_string(), 3), ("Paul van Dyk".to_string(), 3)]);
        assert_eq!(often(text, 4), []);
        assert_eq!(often("", 0), []);
    }

    #[test]
    fn an_unlisted_given_name_is_known_by_its_company() {
        let text = "Supper with Xolani Mbeki. Then Captain Xolani Mbeki said no. I told Xolani Mbeki. \
                    The Big Bang is old. The Big Bang is loud. A Big Bang came.";
        assert_eq!(often(text, 3), [("Xolani Mbeki".to_string(), 3)]);
    }

    #[test]
    fn a_genitive_a_line_break_and_an_initial_make_no_other_name() {
        let text = "Anna Berger’s hat. Anna\nBerger! ANNA. With John F. Kennedy; John F Kennedy said.";
        assert_eq!(often(text, 2), [("Anna Berger".to_string(), 2), ("John F. Kennedy".to_string(), 2)]);
        assert_eq!(often("Guten Morgen. Guten Morgen. Im Guten Morgen.", 2), []);
    }
}
