//! One's own entries as the server asks them.

use std::ops::Range;

use jiff::Zoned;
use jiff::civil::Date;

use crate::base::Result;
use crate::recall::{self, By, Library, unsupported};
use crate::serve::job::Passage;
use crate::serve::recall::{Found, Lean, Recall};

fn day(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

impl Recall for Library {
    fn find(&self, query: &str, k: usize) -> Result<Vec<Found>> {
        let asked = self.ask(query, Zoned::now().date(), By::Both, k)?;
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
        Ok(self.leans(text, k)?.into_iter().map(one).collect())
    }

    fn unsupported(&self, text: &str, sources: &[Passage]) -> Vec<Range<usize>> {
        unsupported(text, &sources.iter().map(|source| &source.text[..]).collect::<Vec<_>>())
    }

    fn embed(&self, texts: &[String]) -> Option<Result<Vec<Vec<f32>>>> {
        let embeddings = self.embeddings()?;
        Some(Ok(texts.iter().map(|text| embeddings.vector(text)).collect()))
    }
}
