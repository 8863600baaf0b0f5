//! How much of a text stands in the diary: word for word, or nearly. A model that has learnt its diary by heart writes
//! the likeliest diary of all, so every measure of likeness is to be read beside this one.
//!
//! People repeat themselves ("and so to bed"). So the same is measured of entries that were held out, against the same
//! source, and the two are compared: copying is what a text has beyond the writer's own repetition. The longest run grows
//! with the amount of text: measure about as many words of both.

pub use near::Near;
pub use source::{Run, Source};

mod limit;
mod near;
mod source;
#[cfg(test)]
mod tests;

/// A near copy has at least this many words: a long sentence. Carlini et al. (2023, "Quantifying memorization across
/// neural language models") and Lee et al. (2022) look for 50 tokens, about 38 words; a diary's text is far smaller.
pub const NEAR_WORDS: usize = 20;
/// A near copy has at most this many edits a word: two in 20 words, a name and a number.
pub const NEAR_EDITS: f64 = 0.1;

/// How much of some texts stands in a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Copying {
    /// Texts measured.
    pub texts: usize,
    /// Their words.
    pub words: usize,
    /// Runs of fewer words were not counted.
    pub least: usize,
    /// The longest run, with the number of its text; of equals the first.
    pub longest: Option<(usize, Run)>,
    /// Words in runs of at least `least` words that stand in one entry, over all words: 0 to 1.
    pub share_in_runs: f64,
    /// Words in near copies (`NEAR_WORDS`, `NEAR_EDITS`), those word for word among them, over all words: 0 to 1.
    pub near_share: f64,
    /// For each text, in the order given.
    pub by_text: Vec<TextCopying>,
}

/// How much of one text stands in a source, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextCopying {
    /// All its words.
    pub words: usize,
    /// The words of its longest run.
    pub longest: usize,
    /// Words in runs of the least length or more.
    pub in_runs: usize,
    /// Words in near copies.
    pub in_near: usize,
}

/// Measures what stands in `source` of some texts: generated ones, or entries that were held out. Runs count from `least`
/// words on (8 is beyond most turns of speech).
pub fn measure(source: &Source, texts: &[&str], least: usize) -> Copying {
    let by_text: Vec<TextCopying> = texts.iter().map(|text| measure_one(source, text, least)).collect();
    let longest = by_text.iter().enumerate().rev().max_by_key(|(_, text)| text.longest);
    let longest = longest.and_then(|(number, _)| Some((number, source.longest(texts[number])?)));
    let words = by_text.iter().map(|text| text.words).sum();
    let share = |count: fn(&TextCopying) -> usize| share(by_text.iter().map(count).sum(), words);
    Copying {
        texts: texts.len(),
        words,
        least,
        longest,
        share_in_runs: share(|text| text.in_runs),
        near_share: share(|text| text.in_near),
        by_text,
    }
}

fn measure_one(source: &Source, text: &str, least: usize) -> TextCopying {
    let reading = source.read(text);
    let runs = source.maximal(&reading.symbols, 1);
    // Runs may overlap: a word counts once. Their ends rise.
    let (mut in_runs, mut end) = (0, 0);
    for run in runs.iter().filter(|run| run.len() >= least) {
        in_runs += run.end - run.start.max(end);
        end = run.end;
    }
    let near = source.near_in(&reading, NEAR_WORDS, NEAR_EDITS);
    TextCopying {
        words: reading.symbols.len(),
        longest: runs.iter().map(|run| run.len()).max().unwrap_or(0),
        in_runs,
        in_near: near.iter().map(|near| near.run.words).sum(),
    }
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// What two measurements say of a model, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// One of the two has fewer than `ENOUGH_WORDS` words, where a single sentence would decide, and it is not `PLAIN`.
    TooLittle,
    /// The texts repeat the diary no more than its writer does.
    AsYouRepeatYourself,
    /// The texts have a passage of the diary here and there.
    SomeCopying,
    /// The texts are made of the diary's passages.
    Copies,
}

/// Below so many words nothing is said: there one sentence of `NEAR_WORDS` words is more than `SOME` of all.
pub const ENOUGH_WORDS: usize = 2000;
/// This share of the words beyond the writer's own: one sentence of 20 words in 2000, some eight pages.
pub const SOME: f64 = 0.01;
/// This share of the words beyond the writer's own: one sentence of 20 words in 400, on every other page.
pub const MANY: f64 = 0.05;
/// This share is said even where there is less of the writer's own to hold against it: who repeats every fourth word of theirs
/// does so on any page.
pub const PLAIN: f64 = 0.25;
/// A single run this long is a passage, if the writer never repeated half as much. Where a next word is guessed by
/// chance one time in three, ten words more are 3¹⁰ = 59,000 times less likely.
pub const PASSAGE: usize = 20;
/// Standard errors that a difference in shares must exceed: 2.3% by chance.
const SURE: f64 = 2.0;

/// Sets generated texts beside held-out entries, both measured against the same source with the same least length.
///
/// `Copies` if the share in runs or in near copies is beyond the writer's own by `MANY`; `SomeCopying` if one of them is by
/// `SOME`, or the longest run is a `PASSAGE` and more than twice the writer's longest. A share counts as beyond only if
/// the difference exceeds twice its standard error, taken over texts, as words of one text are not independent.
pub fn verdict(generated: &Copying, held_out: &Copying) -> Verdict {
    let runs = beyond(generated, held_out, |text| text.in_runs);
    let near = beyond(generated, held_out, |text| text.in_near);
    if generated.words.min(held_out.words) < ENOUGH_WORDS {
        let plain = generated.words >= ENOUGH_WORDS && held_out.words > 0 && runs.max(near) >= PLAIN;
        return if plain { Verdict::Copies } else { Verdict::TooLittle };
    }
    let longest = |copying: &Copying| copying.longest.as_ref().map_or(0, |(_, run)| run.words);
    let (ours, theirs) = (longest(generated), longest(held_out));
    match runs.max(near) {
        share if share >= MANY => Verdict::Copies,
        share if share >= SOME || ours >= PASSAGE && ours > 2 * theirs => Verdict::SomeCopying,
        _ => Verdict::AsYouRepeatYourself,
    }
}

/// By how much a share is higher in the first; 0 if that may be chance.
fn beyond(one: &Copying, other: &Copying, count: fn(&TextCopying) -> usize) -> f64 {
    let ((ours, our_variance), (theirs, their_variance)) = (ratio(one, count), ratio(other, count));
    let difference = ours - theirs;
    if difference > SURE * (our_variance + their_variance).sqrt() { difference } else { 0.0 }
}

/// A share over all texts, and its variance: of a ratio of sums, by linearisation (Cochran 1977, §2.11).
fn ratio(copying: &Copying, count: fn(&TextCopying) -> usize) -> (f64, f64) {
    let (texts, words) = (copying.by_text.len() as f64, copying.words as f64);
    let share = share(copying.by_text.iter().map(count).sum(), copying.words);
    let squares = copying.by_text.iter().map(|text| (count(text) as f64 - share * text.words as f64).powi(2));
    // One text alone says nothing of how texts differ.
    (share, if texts > 1.0 { squares.sum::<f64>() * texts / (texts - 1.0) / words.powi(2) } else { 0.0 })
}
