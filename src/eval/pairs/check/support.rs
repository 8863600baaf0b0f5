//! How far a sentence is borne out by a source: how much of what it says is said within a few sentences of the source.
//!
//! Of its words that say something, by their stems and weighed by how rare they are in the sources (idf, Spärck Jones 1972), the
//! share that stands in the best window of one to three sentences; and of the groups of three letters in those words the share that
//! stands there, which forgives spelling and endings that the rules for stems do not know. The support is ⅔ of the one and ⅓ of the
//! other. It knows no synonyms: a sentence told wholly in other words has none, and one that turns the sense about ("not") has all.

use std::collections::{BTreeMap, HashMap};

use crate::eval::likeness::words::{sentences, words};
use crate::eval::pairs::check::stems::stem;
use crate::eval::pairs::check::stop::is_empty_word;

/// Sentences of a window, at most.
const WINDOW: usize = 3;
/// Sources of more sentences are looked at only where they share a sentence's rarer words…
const LONG: usize = 150;
/// …in so many places.
const PLACES: usize = 24;
/// The weight of words beside that of letters.
const WORDS: f64 = 2.0 / 3.0;
/// A stem that is in more than this share of all sentences finds no places.
const COMMON: f64 = 0.05;

/// A sentence as it is compared.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The stems of the words that say something, each once, in order of their numbers.
    stems: Vec<u32>,
    /// Their weights.
    weights: Vec<f64>,
    /// Groups of three letters, each once, in order.
    letters: Vec<u64>,
}

impl Said {
    /// How many words it says something with.
    pub fn words(&self) -> usize {
        self.stems.len()
    }
}

/// Where a sentence is borne out best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Support {
    /// 0 to 1.
    pub share: f64,
    /// The source, by number.
    pub text: usize,
    /// The first sentence of the window, by number in all sources.
    pub sentence: usize,
}

/// The sentences of all sources.
#[derive(Debug)]
pub struct Index<'s> {
    ids: HashMap<String, u32>,
    sentences: Vec<(&'s str, Vec<u32>, Vec<u64>)>,
    /// The sentences of each source.
    of_text: Vec<std::ops::Range<usize>>,
    /// The sentences that have a stem.
    holders: Vec<Vec<u32>>,
    /// The source that a sentence is of.
    text_of: Vec<usize>,
}

impl<'s> Index<'s> {
    /// Of some texts.
    pub fn new(texts: &[&'s str]) -> Index<'s> {
        let mut index = Index {
            ids: HashMap::new(),
            sentences: Vec::new(),
            of_text: Vec::new(),
            holders: Vec::new(),
            text_of: Vec::new(),
        };
        for (number, text) in texts.iter().enumerate() {
            let start = index.sentences.len();
            for sentence in sentences(text) {
                let (stems, letters) = content(sentence);
                let mut ids: Vec<u32> = stems.into_iter().map(|stem| index.number(stem)).collect();
                ids.sort_unstable();
                for &id in &ids {
                    index.holders[id as usize].push(index.sentences.len() as u32);
                }
                index.sentences.push((sentence, ids, letters));
                index.text_of.push(number);
            }
            index.of_text.push(start..index.sentences.len());
        }
        index
    }

    fn number(&mut self, stem: String) -> u32 {
        let next = self.holders.len() as u32;
        let id = *self.ids.entry(stem).or_insert(next);
        if id == next {
            self.holders.push(Vec::new());
        }
        id
    }

    /// A sentence to look for. Words that no source has count as the rarest.
    pub fn said(&self, sentence: &str) -> Said {
        let (stems, letters) = content(sentence);
        let n = self.sentences.len() as f64;
        let mut unknown = u32::MAX;
        let mut weighed: Vec<(u32, f64)> = Vec::new();
        for stem in stems {
            let id = self.ids.get(&stem).copied().unwrap_or_else(|| {
                unknown -= 1;
                unknown
            });
            let held = self.holders.get(id as usize).map_or(0, Vec::len);
            weighed.push((id, (1.0 + n / (0.5 + held as f64)).ln()));
        }
        weighed.sort_by_key(|(id, _)| *id);
        let (stems, weights) = weighed.into_iter().unzip();
        Said { stems, weights, letters }
    }

    /// The text of a sentence, by number.
    pub fn sentence(&self, number: usize) -> &'s str {
        self.sentences.get(number).map_or("", |(text, ..)| text)
    }

    /// Where some sources, or all, bear a sentence out best. What `given` says counts as said everywhere: the question.
    pub fn support(&self, said: &Said, texts: Option<&[usize]>, given: &Said) -> Option<Support> {
        let length = |text: usize| self.of_text.get(text).map_or(0, std::ops::Range::len);
        let mut best: Option<Support> = None;
        match texts {
            Some(texts) if texts.iter().map(|&text| length(text)).sum::<usize>() <= LONG => {
                for &text in texts {
                    let range = self.of_text.get(text).cloned().unwrap_or_default();
                    self.best_of(said, given, range.clone(), range, &mut best);
                }
            }
            _ => {
                for place in self.places(said, texts) {
                    let whole = self.of_text[self.text_of[place]].clone();
                    let near = place.saturating_sub(WINDOW - 1).max(whole.start)..place + 1;
                    self.best_of(said, given, near, whole, &mut best);
                }
            }
        }
        best
    }

    /// The sentences that share most with one, by the weight of what they share; of equal ones the first.
    fn places(&self, said: &Said, texts: Option<&[usize]>) -> Vec<usize> {
        let mut weight: BTreeMap<u32, f64> = BTreeMap::new();
        let most = (self.sentences.len() as f64 * COMMON).max(50.0) as usize;
        for (id, w) in said.stems.iter().zip(&said.weights) {
            let holders = self.holders.get(*id as usize).filter(|holders| holders.len() <= most);
            for &holder in holders.into_iter().flatten() {
                if texts.is_none_or(|texts| texts.contains(&self.text_of[holder as usize])) {
                    *weight.entry(holder).or_default() += w;
                }
            }
        }
        let mut places: Vec<(u32, f64)> = weight.into_iter().collect();
        places.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        places.into_iter().take(PLACES).map(|(holder, _)| holder as usize).collect()
    }

    /// The best window that begins at one of `starts` and lies within `whole`.
    fn best_of(
        &self,
        said: &Said,
        given: &Said,
        starts: std::ops::Range<usize>,
        whole: std::ops::Range<usize>,
        best: &mut Option<Support>,
    ) {
        let given_stems = shared(&said.stems, &given.stems);
        let given_letters = shared(&said.letters, &given.letters);
        let all: f64 = said.weights.iter().sum();
        for start in starts {
            let (mut stems, mut letters) = (given_stems.clone(), given_letters.clone());
            for (_, own, own_letters) in &self.sentences[start..(start + WINDOW).min(whole.end)] {
                join(&mut stems, &shared(&said.stems, own));
                join(&mut letters, &shared(&said.letters, own_letters));
                let weight: f64 =
                    said.weights.iter().zip(&stems).filter(|(_, has)| **has).map(|(w, _)| w).sum();
                let found = letters.iter().filter(|has| **has).count() as f64;
                let share = WORDS * weight / all.max(f64::MIN_POSITIVE)
                    + (1.0 - WORDS) * found / letters.len().max(1) as f64;
                if best.is_none_or(|best| share > best.share) {
                    *best = Some(Support { share, text: self.text_of[start], sentence: start });
                }
            }
        }
    }
}

/// The stems of a sentence's words that say something, each once, and the groups of three letters in these words.
fn content(sentence: &str) -> (Vec<String>, Vec<u64>) {
    let (mut stems, mut letters) = (Vec::new(), Vec::new());
    for word in words(sentence) {
        let key = word.key();
        // "to-morrow" is "to" and "morrow", whoever writes it as one.
        for part in key.split('-').filter(|part| !is_empty_word(part)) {
            stems.push(stem(part).into_owned());
            let padded: Vec<char> = std::iter::once(' ').chain(part.chars()).chain([' ']).collect();
            letters.extend(
                padded
                    .windows(3)
                    .map(|three| three.iter().fold(0_u64, |sum, c| (sum << 21) | u64::from(u32::from(*c)))),
            );
        }
    }
    stems.sort_unstable();
    stems.dedup();
    letters.sort_unstable();
    letters.dedup();
    (stems, letters)
}

/// Which of some things, in order, are among others, in order.
fn shared<T: Ord>(of: &[T], among: &[T]) -> Vec<bool> {
    let mut rest = among.iter().peekable();
    of.iter()
        .map(|thing| {
            while rest.next_if(|other| *other < thing).is_some() {}
            rest.peek().is_some_and(|other| *other == thing)
        })
        .collect()
}

fn join(all: &mut [bool], more: &[bool]) {
    all.iter_mut().zip(more).for_each(|(has, more)| *has |= more);
}
