//! One's own entries as the server asks them.

use std::ops::Range;

use jiff::Zoned;
use jiff::civil::Date;

use crate::base::Result;
use crate::recall::{self, By, Library, unsupported};
use crate::serve::job::Passage;
use crate::serve::recall::{Embedded, Found, Lean, Recall};

fn day(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

/// One's own entries, and the embeddings by which they are found.
pub struct Entries {
    library: Library,
    /// The embedding model's name, where there is one.
    embeds: Option<String>,
}

impl Entries {
    /// Of a library that was opened with the embeddings of this name, or none.
    pub fn new(library: Library, embeds: Option<String>) -> Entries {
        Entries { library, embeds }
    }
}

impl Recall for Entries {
    fn find(&self, query: &str, k: usize) -> Result<Vec<Found>> {
        let asked = self.library.ask(query, Zoned::now().date(), By::Both, k)?;
        let one = |found: recall::Found| Found {
            name: found.name,
            date: day(found.day),
            text: found.text,
            score: found.score as f32,
        };
        Ok(asked.found.into_iter().map(one).collect())
    }

    fn leans(&self, text: &str, k: usize) -> Result<Vec<Lean>> {
        let one = |lean: recall::Lean| Lean {
            name: lean.name,
            date: day(lean.day),
            words: lean.words,
            text: lean.text,
            at: lean.range,
        };
        Ok(self.library.leans(text, k)?.into_iter().map(one).collect())
    }

    fn unsupported(&self, text: &str, sources: &[Passage]) -> Vec<Range<usize>> {
        unsupported(text, &sources.iter().map(|source| &source.text[..]).collect::<Vec<_>>())
    }

    fn embeds(&self) -> Option<String> {
        self.library.embeddings()?;
        self.embeds.clone()
    }

    fn embed(&self, texts: &[String]) -> Option<Result<Vec<Embedded>>> {
        let embeddings = self.library.embeddings()?;
        let one =
            |text: &String| Embedded { vector: embeddings.vector(text), tokens: embeddings.ids(text).len() };
        Some(Ok(texts.iter().map(one).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::embed::made::embeddings;

    #[test]
    fn entries_and_their_embeddings_are_asked_through_one() {
        let entry = |day: &str, text: &str| (day.to_string(), day.parse().ok(), text.to_string());
        let texts = [
            entry("1903-05-01", "The rain has not ceased since the early morning, and I am anxious."),
            entry("1903-05-02", "Rain again, and a heron on the weir."),
        ];
        let made = embeddings(&[("rain", [1.0, 0.0]), ("heron", [0.0, 3.0])]);
        let entries = Entries::new(Library::of_entries(texts, Some(made)).unwrap(), Some("words".into()));
        assert_eq!(entries.embeds().as_deref(), Some("words"));
        let embedded = entries.embed(&["Rain, rain and a heron".into(), "fog".into()]).unwrap().unwrap();
        // The mean of what is known: twice rain, once a heron.
        let mean = Embedded { vector: vec![2.0 / 3.0, 1.0], tokens: 3 };
        assert_eq!(embedded, [mean, Embedded { vector: vec![0.0, 0.0], tokens: 0 }]);
        let leans = entries.leans("and the rain has not ceased since", 5).unwrap();
        assert!(leans[0].words >= 5 && leans[0].name == "1903-05-01", "{leans:?}");
        assert!(
            leans.iter().all(|lean| lean.name == "1903-05-01"),
            "one that shares no run is none: {leans:?}"
        );
    }
}
