//! Questions answered with passages: by words, by meaning, by both.

use crate::base::{Error, Result};
use crate::eval::likeness::copying::Source;
use crate::recall::fuse::{Placed, by_entry, fuse};
use crate::recall::library::Library;
use crate::recall::meaning::Meaning;
use crate::recall::postings::Group;
use crate::recall::query::{By, Found, Lean, Query};
use crate::recall::terms::Terms;

/// So many entries of each ranking are fused at least.
const DEPTH: usize = 100;
/// The weight of words against meaning: most people ask in the words that they wrote in, and then words know it better.
const OF_WORDS: f64 = 2.0 / 3.0;
/// A text shares so many words in a row with an entry that it leans on: fewer are turns of speech.
const RUN: usize = 5;
/// So many words of a question are looked up among those of the diary at most: more make a text, which says what it means.
const WITH_KIN: usize = 32;

impl Library {
    /// The entries that answer a question best, `k` at most, each by its best passage. A question of days alone ("what did I do last
    /// May?") is answered with their entries in order.
    ///
    /// # Errors
    /// Asked by meaning without embeddings.
    pub fn find(&self, query: &Query, k: usize) -> Result<Vec<Found>> {
        if query.by == By::Meaning && self.meaning.is_none() {
            return Err(Error::setting(
                "entries are to be found by meaning, and no embeddings were given",
                "name a folder of static embeddings, or search by words",
            ));
        }
        if !query.days.is_empty() && !self.tells(&query.text) {
            let mut days = self.of_days(query);
            days.truncate(k);
            return Ok(days.into_iter().filter_map(|placed| self.found(placed)).collect());
        }
        let by_words = match query.by {
            By::Words => self.by_words(query, None)?,
            By::Both => self.by_words(query, self.meaning.as_ref())?,
            By::Meaning => None,
        };
        let by_meaning = match query.by {
            By::Meaning | By::Both => self.by_meaning(query),
            By::Words => None,
        };
        let mut ranked = match (by_words, by_meaning) {
            (Some(words), Some(meaning)) => {
                fuse(&[(OF_WORDS, &words), (1.0 - OF_WORDS, &meaning)], DEPTH.max(k))
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Vec::new(),
        };
        ranked.truncate(k);
        Ok(ranked.into_iter().filter_map(|placed| self.found(placed)).collect())
    }

    /// What a text leans on: the words in a row, five or more, that it shares with entries, those with the most telling words first.
    /// What is only about the same is not among them: it may be chance.
    ///
    /// # Errors
    /// A damaged index.
    pub fn leans(&self, text: &str, k: usize) -> Result<Vec<Lean>> {
        let source = self.source.get_or_init(|| {
            Source::new(self.entries.iter().map(|entry| (entry.name.clone(), entry.text.clone())))
        });
        let mut terms = self.terms.clone();
        let mut telling = |words: &str| terms.iter_mut().map(|terms| terms.telling(words).0.len()).max();
        let mut runs: Vec<_> = source.verbatim(text, RUN).into_iter().collect();
        runs.sort_by_cached_key(|run| {
            let weight = telling(&text[run.text_bytes.clone()]).unwrap_or(0);
            (std::cmp::Reverse((weight, run.words)), run.text_bytes.start)
        });
        runs.truncate(k);
        let mut leans: Vec<Lean> = Vec::with_capacity(k.min(self.len()));
        for run in runs {
            let Some(entry) = self.entries.get(run.entry) else { continue };
            leans.push(Lean {
                name: entry.name.clone(),
                day: entry.day,
                entry: run.entry,
                words: run.words,
                text: entry.text.get(run.entry_bytes).unwrap_or_default().to_string(),
                range: run.text_bytes,
            });
        }
        Ok(leans)
    }

    /// Whether a question has a word that tells what it is about: one that is of grammar in no language of the diary.
    fn tells(&self, question: &str) -> bool {
        let telling = self.terms.iter().map(|terms| terms.telling_words(question));
        let common =
            telling.reduce(|some, others| some.into_iter().filter(|word| others.contains(word)).collect());
        common.is_some_and(|words| !words.is_empty())
    }

    /// The words of a question that tell something and stand in no entry, each once: misspelled, perhaps.
    ///
    /// # Errors
    /// A damaged index.
    pub fn unknown<'a>(&self, question: &'a str) -> Result<Vec<&'a str>> {
        let mut fields = self.terms.clone();
        let mut unknown: Vec<&str> = Vec::new();
        let Some(words) = fields.first().map(|terms| terms.telling_words(question)) else {
            return Ok(unknown);
        };
        for word in words.into_iter().take(WITH_KIN) {
            let mut is_known = unknown.contains(&word);
            for (field, terms) in fields.iter_mut().enumerate() {
                // Of a word of several parts, each counts.
                let own = terms.distinct(word);
                is_known |= terms.of_word(word).is_none() || self.has(field, own)?;
            }
            if !is_known {
                unknown.push(word);
            }
        }
        Ok(unknown)
    }

    /// Whether any passage has one of some terms.
    fn has(&self, field: usize, terms: Vec<String>) -> Result<bool> {
        for term in terms {
            let has = self.postings.has(field, &term);
            if has.map_err(|e| Error::bug(format!("the index of entries: {e}")))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Entries by the words that they share with a question, or that `meaning` has stand in for those; none where it has no words to
    /// go by.
    fn by_words(&self, query: &Query, meaning: Option<&Meaning>) -> Result<Option<Vec<Placed>>> {
        let mut terms = self.terms.clone();
        let (mut any, mut asked) = (false, Vec::new());
        for (field, terms) in terms.iter_mut().enumerate() {
            let (telling, has_word) = terms.telling(&query.text);
            any |= has_word;
            asked.extend(telling.into_iter().map(|term| Group::of_one(field, term)));
        }
        if asked.is_empty() {
            if !any {
                return Ok(None);
            }
            for (field, terms) in terms.iter_mut().enumerate() {
                let all = terms.distinct(&query.text);
                asked.extend(all.into_iter().map(|term| Group::of_one(field, term)));
            }
        } else if let Some(meaning) = meaning {
            add_kin(&mut asked, &mut terms, &query.text, meaning);
        }
        let hits = self.postings.find(&asked, &self.tokens);
        let hits = hits.map_err(|e| Error::bug(format!("the index of entries: {e}")))?;
        let mut placed = Vec::with_capacity(hits.len());
        for hit in hits {
            for &entry in self.by_hash.get(&hit.entry).into_iter().flatten() {
                if query.takes(self.entries[entry].day) {
                    placed.push(Placed { entry, part: hit.part as usize, score: f64::from(hit.score) });
                }
            }
        }
        Ok(Some(by_entry(placed)))
    }

    /// Entries by how near they are to a question; none where there are no embeddings, or they know none of its words.
    fn by_meaning(&self, query: &Query) -> Option<Vec<Placed>> {
        let meaning = self.meaning.as_ref()?;
        let direction = meaning.embeddings.direction(&query.text);
        if direction.iter().all(|x| *x == 0.0) {
            return None;
        }
        let near = meaning.vectors.near(&direction).into_iter().filter(|(near, entry, _)| {
            *near > 0.0 && self.entries.get(*entry as usize).is_some_and(|entry| query.takes(entry.day))
        });
        let placed = near.map(|(near, entry, part)| Placed {
            entry: entry as usize,
            part: part as usize,
            score: f64::from(near),
        });
        Some(by_entry(placed.collect()))
    }

    /// The entries of a question's days, in order, each by its beginning.
    fn of_days(&self, query: &Query) -> Vec<Placed> {
        let days = (0..self.len()).filter(|entry| query.takes(self.entries[*entry].day));
        let all = days.map(|entry| Placed { entry, part: 0, score: 0.0 });
        if query.days.is_empty() { Vec::new() } else { all.collect() }
    }

    fn found(&self, placed: Placed) -> Option<Found> {
        let entry = self.entries.get(placed.entry)?;
        Some(Found {
            name: entry.name.clone(),
            day: entry.day,
            text: entry.passage(placed.part)?.to_string(),
            score: placed.score,
            entry: placed.entry,
        })
    }
}

/// Adds to the terms of a question those that stand in for them.
fn add_kin(asked: &mut [Group], fields: &mut [Terms], text: &str, meaning: &Meaning) {
    for (field, terms) in fields.iter_mut().enumerate() {
        for word in terms.telling_words(text).into_iter().take(WITH_KIN) {
            let Some(own) = terms.of_word(word) else { continue };
            let group = asked.iter_mut().find(|group| group.is_of(field, &own));
            if let Some(group) = group.filter(|group| group.terms.len() == 1) {
                group.terms.extend(meaning.kin(word, field, &own));
            }
        }
    }
}
