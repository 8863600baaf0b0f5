//! The figures of one text, or of one piece.

use crate::eval::likeness::style::marks::{is_emoji, marks};
use crate::eval::likeness::style::richness::{mattr, yule_k};
use crate::eval::likeness::words::{Word, sentences, words};

/// The window of MATTR, in words.
const WINDOW: usize = 100;

/// One figure of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is, with its unit.
    pub name: &'static str,
    /// The figure; `None` where the text has nothing to take it from.
    pub value: Option<f64>,
    /// What one mark or word more would add to it; 0 for what is no count.
    pub step: f64,
}

impl Figure {
    /// `k` of `n`, times a unit.
    pub(super) fn part(name: &'static str, k: usize, n: usize, unit: f64) -> Figure {
        let step = if n == 0 { 0.0 } else { unit / n as f64 };
        Figure { name, value: (n > 0).then_some(k as f64 * step), step }
    }
}

/// The figures of a text, always the same ones in the same order. First persons are English ones: for other languages that
/// figure is 0 and says nothing.
pub fn figures(text: &str) -> Vec<Figure> {
    let found: Vec<Word> = words(text).collect();
    let mut figures = Vec::from(lengths(text, &found));
    figures.extend(rates(text, &found));
    figures.extend(shares(text, &found));
    figures
}

/// A mean or the like: no count.
fn plain(name: &'static str, value: Option<f64>) -> Figure {
    Figure { name, value: value.filter(|x| x.is_finite()), step: 0.0 }
}

fn lengths(text: &str, found: &[Word]) -> [Figure; 5] {
    let sentences: Vec<f64> = sentences(text)
        .map(|sentence| words(sentence).count())
        .filter(|&n| n > 0)
        .map(|n| n as f64)
        .collect();
    let n = sentences.len() as f64;
    let mean = sentences.iter().sum::<f64>() / n;
    let sd = (sentences.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let letters: usize = found.iter().map(|word| word.text.chars().count()).sum();
    let keys: Vec<_> = found.iter().map(Word::key).collect();
    [
        plain("words a sentence", Some(mean)),
        plain("words a sentence, standard deviation", Some(sd)),
        plain("characters a word", Some(letters as f64 / found.len() as f64)),
        plain("different words in 100 (MATTR)", mattr(&keys, WINDOW)),
        plain("repetition (Yule's K)", yule_k(&keys)),
    ]
}

fn rates(text: &str, found: &[Word]) -> Vec<Figure> {
    let marks = marks(text);
    let shouted = |word: &&Word| {
        word.text.chars().filter(|c| c.is_uppercase()).count() > 1
            && !word.text.chars().any(char::is_lowercase)
    };
    let first_person = |word: &&Word| {
        let key = word.key();
        is_i(&key) || matches!(&*key, "me" | "my" | "mine" | "myself")
    };
    let numbers = |word: &&Word| word.text.chars().any(char::is_numeric);
    [
        ("commas in 1,000 words", marks.comma),
        ("full stops in 1,000 words", marks.full_stop),
        ("semicolons in 1,000 words", marks.semicolon),
        ("colons in 1,000 words", marks.colon),
        ("dashes in 1,000 words", marks.dash),
        ("ellipses in 1,000 words", marks.ellipsis),
        ("question marks in 1,000 words", marks.question),
        ("exclamation marks in 1,000 words", marks.exclamation),
        ("quotation marks in 1,000 words", marks.quotation),
        ("brackets in 1,000 words", marks.bracket),
        ("apostrophes in 1,000 words", marks.apostrophe),
        ("blanked names (⸺) in 1,000 words", marks.blanked),
        ("emoji in 1,000 words", text_emoji(text)),
        ("words all in capitals in 1,000 words", found.iter().filter(shouted).count()),
        ("numbers in digits in 1,000 words", found.iter().filter(numbers).count()),
        ("first persons (I, me, my) in 1,000 words", found.iter().filter(first_person).count()),
    ]
    .into_iter()
    .map(|(name, count)| Figure::part(name, count, found.len(), 1000.0))
    .collect()
}

fn shares(text: &str, found: &[Word]) -> [Figure; 3] {
    let marks = marks(text);
    // Whether a sentence's first letter is a capital, of those that have a letter with case.
    let first = |sentence: &str| {
        sentence.chars().find(|c| c.is_uppercase() || c.is_lowercase()).map(char::is_uppercase)
    };
    let begun: Vec<bool> = sentences(text).filter_map(first).collect();
    let i: Vec<bool> =
        found.iter().filter(|word| is_i(&word.key())).map(|word| word.text.starts_with('i')).collect();
    let share = |name, of: &[bool]| Figure::part(name, of.iter().filter(|x| **x).count(), of.len(), 1.0);
    [
        share("sentences that begin with a capital, share", &begun),
        share("I in lower case, share", &i),
        Figure::part("curly quotes and apostrophes, share", marks.curly, marks.curly + marks.straight, 1.0),
    ]
}

/// "I" and its contractions, by key.
fn is_i(key: &str) -> bool {
    matches!(key, "i" | "i'm" | "i've" | "i'll" | "i'd")
}

/// Emoji in a text; one that is joined of several counts once.
fn text_emoji(text: &str) -> usize {
    let (mut count, mut joined, mut flag) = (0, false, false);
    for c in text.chars() {
        let half_flag = matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
        if is_emoji(c) && !joined && !(half_flag && flag) {
            count += 1;
        }
        flag = half_flag && !flag;
        joined = c == '\u{200d}';
    }
    count
}
