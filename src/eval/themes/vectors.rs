//! Documents as vectors of what their words weigh: TF-IDF, sparse, of length one.
//!
//! A word weighs `(1 + ln tf)·(ln((1 + n)/(1 + df)) + 1)`: the sublinear tf and smoothed idf of Manning, Raghavan and Schütze (2008,
//! "Introduction to Information Retrieval", sections 6.2 and 6.4). What is in most of the writer's documents, or in next to none, is left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::eval::likeness::words::words;
use crate::eval::themes::stem::stem;
use crate::eval::themes::stop::{LANGUAGES, Language};
use crate::journal::is_unspaced;

/// Words that more than this share of the documents have are the writer's own stop words.
const COMMON: f64 = 0.5;
/// A language's stop words count where they are this share of all words: it is what words that two languages share do not reach.
const SPOKEN: f64 = 0.12;

/// A sparse vector: words by number, in rising order, and what they weigh.
pub type Vector = Vec<(u32, f32)>;

/// How much a document has to say, from 0 to 1: one of sixty telling words or more counts whole, a day of one word hardly at all.
pub fn bearing(row: &Vector) -> f32 {
    (row.len() as f32 / 60.0).min(1.0)
}

/// What the documents say, in numbers.
pub struct Vectors {
    /// One for each document; empty where it says nothing that another says too.
    pub rows: Vec<Vector>,
    /// How each word is most often written.
    pub words: Vec<String>,
}

/// The vectors of texts.
pub fn vectors<'a>(texts: impl Iterator<Item = &'a str>) -> Vectors {
    let (forms, documents) = read(texts);
    let filing = file(&forms);
    let counted: Vec<BTreeMap<u32, u32>> = documents
        .iter()
        .map(|forms| {
            let mut counts = BTreeMap::new();
            for stem in forms.iter().filter_map(|form| filing.stem_of[*form as usize]) {
                *counts.entry(stem).or_default() += 1;
            }
            counts
        })
        .collect();
    let mut having = vec![0_usize; filing.shown.len()];
    counted.iter().flat_map(BTreeMap::keys).for_each(|stem| having[*stem as usize] += 1);
    let n = documents.len();
    // Of a few documents everything is in most; there the language's list has to do.
    let most = if n < 20 { n } else { (COMMON * n as f64) as usize };
    let least = [(200, 2), (1000, 3)].iter().find(|(few, _)| n < *few).map_or(5, |(_, least)| *least);
    let mut words = Vec::new();
    let kept: Vec<Option<(u32, f32)>> = having
        .iter()
        .zip(filing.shown)
        .map(|(&df, shown)| {
            (least..=most).contains(&df).then(|| {
                words.push(shown);
                let idf = ((1.0 + n as f64) / (1.0 + df as f64)).ln() + 1.0;
                (words.len() as u32 - 1, idf as f32)
            })
        })
        .collect();
    let weigh = |counts: &BTreeMap<u32, u32>| {
        let weights = counts.iter().filter_map(|(stem, &tf)| {
            let (word, idf) = kept[*stem as usize]?;
            Some((word, (1.0 + (tf as f32).ln()) * idf))
        });
        normalised(weights.collect())
    };
    Vectors { rows: counted.iter().map(weigh).collect(), words }
}

/// A vector's direction.
fn normalised(mut vector: Vector) -> Vector {
    let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
    for (_, weight) in &mut vector {
        *weight /= length;
    }
    vector
}

/// A word as it is written, and how often.
struct Form<'a> {
    text: &'a str,
    count: u32,
}

/// The distinct forms of all texts, and each text in them.
fn read<'a>(texts: impl Iterator<Item = &'a str>) -> (Vec<Form<'a>>, Vec<Vec<u32>>) {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut forms: Vec<Form> = Vec::new();
    let documents = texts
        .map(|text| {
            let number = |word: &'a str| {
                let number = *numbers.entry(word).or_insert(forms.len() as u32);
                match forms.get_mut(number as usize) {
                    Some(form) => form.count += 1,
                    None => forms.push(Form { text: word, count: 1 }),
                }
                number
            };
            words(text).map(|word| word.text).map(number).collect()
        })
        .collect();
    (forms, documents)
}

/// Under which stem each form is filed, if under any, and how each stem is most often written.
struct Filing {
    stem_of: Vec<Option<u32>>,
    shown: Vec<String>,
}

fn file(forms: &[Form]) -> Filing {
    let keys: Vec<String> = forms.iter().map(|form| key(form.text)).collect();
    let spoken = spoken(forms, &keys);
    let stop: HashSet<&str> = spoken.iter().flat_map(|language| language.stop_words()).collect();
    let english = spoken.first() == Some(&Language::English);
    let mut numbers: HashMap<Cow<str>, u32> = HashMap::new();
    let mut shown: Vec<(u32, &str)> = Vec::new();
    let mut stem_of = Vec::with_capacity(forms.len());
    for (form, key) in forms.iter().zip(&keys) {
        let Some(word) = telling(key, &stop) else {
            stem_of.push(None);
            continue;
        };
        let stem = if english { stem(word) } else { Cow::Borrowed(word) };
        let number = *numbers.entry(stem).or_insert(shown.len() as u32);
        let written = written(form.text, key, word);
        match shown.get_mut(number as usize) {
            Some(best) if (best.0, written) < (form.count, best.1) => *best = (form.count, written),
            Some(_) => {}
            None => shown.push((form.count, written)),
        }
        stem_of.push(Some(number));
    }
    Filing { stem_of, shown: shown.into_iter().map(|(_, text)| text.to_string()).collect() }
}

/// A word in lower case, with a straight apostrophe.
fn key(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// The languages of the texts, the most spoken first.
fn spoken(forms: &[Form], keys: &[String]) -> Vec<Language> {
    let all: f64 = forms.iter().map(|form| f64::from(form.count)).sum();
    let mut shares: Vec<(f64, Language)> = LANGUAGES
        .into_iter()
        .map(|language| {
            let stop: HashSet<&str> = language.stop_words().collect();
            let hits = forms.iter().zip(keys).filter(|(_, key)| stop.contains(key.as_str()));
            (hits.map(|(form, _)| f64::from(form.count)).sum::<f64>() / all.max(1.0), language)
        })
        .filter(|(share, _)| *share >= SPOKEN)
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    shares.into_iter().map(|(_, language)| language).collect()
}

/// What of a word tells what a text is about: it without `'s` and without `l'`, `d'`, `dell'`; nothing of numbers, of contractions, of very short
/// words and of stop words.
fn telling<'a>(key: &'a str, stop: &HashSet<&str>) -> Option<&'a str> {
    if stop.contains(key) || key.chars().any(char::is_numeric) {
        return None;
    }
    let word = key.strip_suffix("'s").unwrap_or(key);
    let word = match word.rsplit_once('\'') {
        Some((_, "t" | "ll" | "d" | "ve" | "re" | "m")) => return None,
        // An elided article before a noun. (O'Brien is found under Brien: no harm.)
        Some((_, noun)) => noun,
        None => word,
    };
    let long = word.chars().nth(2).is_some() || word.chars().any(is_unspaced);
    (long && !stop.contains(word)).then_some(word)
}

/// The part of a form that its telling word is, in the form's capitals.
fn written<'a>(form: &'a str, key: &str, word: &'a str) -> &'a str {
    // Only where lower case and a straight apostrophe are as long as what they stand for, bytes can be counted on.
    let straight = form.len() == key.len();
    let end = key.strip_suffix("'s").map_or(key.len(), str::len);
    let range = end.saturating_sub(word.len())..end;
    let part = straight.then(|| form.get(range)).flatten();
    part.or_else(|| (word == key).then_some(form)).unwrap_or(word)
}
