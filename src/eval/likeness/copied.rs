//! What a model copied, beside what its writer repeats.

use serde::Serialize;

use crate::base::rng::Rng;
use crate::eval::likeness::bootstrap::{Interval, ROUNDS, interval};
use crate::eval::likeness::copying::{
    self, Copying, NEAR_EDITS, NEAR_WORDS, Source, TextCopying, Verdict, verdict,
};
use crate::eval::likeness::diary::Diary;
use crate::eval::likeness::pieces::evenly;

/// Runs of fewer words are turns of speech.
const LEAST: usize = 8;

/// Runs, and near copies, that are shown, at most.
const SHOWN: usize = 5;

/// Runs of so many words are shown; those from [`LEAST`] words on where none is as long.
const LONG: usize = 12;

/// How much of what the model wrote, and of what was held out, stands in what the model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Copied {
    /// What the two say.
    pub verdict: Verdict,
    /// Runs of so many words and more count.
    pub least: usize,
    /// What the model wrote.
    pub generated: Share,
    /// What the writer wrote, and the model did not see.
    pub held_out: Share,
    /// The longest runs of what the model wrote, each once.
    pub runs: Vec<CopiedRun>,
    /// The longest near copies of what the model wrote that are not word for word, each once.
    pub near_copies: Vec<NearCopy>,
}

/// How much of some texts stands in a diary. The intervals are of other texts of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Words of the texts.
    pub words: usize,
    /// Share of them in runs that stand there word for word, 0 to 1.
    pub in_runs: Interval,
    /// Share of them in near copies, 0 to 1.
    pub near: Interval,
    /// Words of the longest run.
    pub longest: usize,
}

impl Share {
    fn of(copying: &Copying, whose: &str, seed: u64) -> Share {
        let mut rng = Rng::new(seed, &format!("copied: {whose}"));
        let mut share = |count: fn(&TextCopying) -> usize| {
            interval(copying.by_text.len(), ROUNDS, &mut || rng.next_u64(), |of| {
                let sum = |count: fn(&TextCopying) -> usize| {
                    of.iter().map(|&i| count(&copying.by_text[i])).sum::<usize>()
                };
                let words = sum(|text| text.words);
                if words == 0 { 0.0 } else { sum(count) as f64 / words as f64 }
            })
        };
        Share {
            words: copying.words,
            in_runs: share(|text| text.in_runs),
            near: share(|text| text.in_near),
            longest: copying.longest.as_ref().map_or(0, |(_, run)| run.words),
        }
    }
}

/// A run that stands in the diary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CopiedRun {
    /// Its words.
    pub words: usize,
    /// The entry that it stands in.
    pub entry: String,
    /// As the model wrote it.
    pub text: String,
}

/// A stretch that stands in the diary but for a few words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NearCopy {
    /// Its words, as the model wrote it.
    pub words: usize,
    /// Words put in, left out or replaced.
    pub changed: usize,
    /// The entry that it comes from.
    pub entry: String,
    /// As the model wrote it.
    pub text: String,
    /// As it stands in the entry.
    pub original: String,
}

impl Copied {
    /// Of what a model wrote. Of what was held out so many entries are taken, evenly from first to last, that their words are about as
    /// many: the longest run grows with them.
    pub fn of(diary: &Diary, generated: &[String], seed: u64) -> Copied {
        let source = diary.source();
        let generated: Vec<&str> = generated.iter().map(|text| &text[..]).collect();
        let of = copying::measure(&source, &generated, LEAST);
        let held_out: Vec<&str> = diary.held_out.iter().map(|e| &e.text[..]).collect();
        let own = copying::measure(&source, &as_many(&held_out, of.words), LEAST);
        Copied {
            verdict: verdict(&of, &own),
            least: LEAST,
            generated: Share::of(&of, "generated", seed),
            held_out: Share::of(&own, "held out", seed),
            runs: runs(&source, &generated),
            near_copies: near_copies(&source, &generated),
        }
    }
}

/// The longest runs of some texts.
fn runs(source: &Source, texts: &[&str]) -> Vec<CopiedRun> {
    let of = |text: &str| {
        let run = |run: copying::Run| CopiedRun {
            words: run.words,
            entry: name(source, &run),
            text: text[run.text_bytes].to_string(),
        };
        source.verbatim(text, LEAST).into_iter().map(run).collect::<Vec<_>>()
    };
    let mut runs = longest(texts.iter().flat_map(|text| of(text)).collect(), |run| run.words);
    if runs.first().is_some_and(|run| run.words >= LONG) {
        runs.retain(|run| run.words >= LONG);
    }
    runs
}

/// The longest near copies of some texts in which a word is another.
fn near_copies(source: &Source, texts: &[&str]) -> Vec<NearCopy> {
    let of = |text: &str| {
        let near = source.near(text, NEAR_WORDS, NEAR_EDITS).into_iter().filter(|near| near.edits > 0);
        let copy = |near: copying::Near| NearCopy {
            words: near.run.words,
            changed: near.edits,
            entry: name(source, &near.run),
            text: text[near.run.text_bytes].to_string(),
            original: source
                .entry(near.run.entry)
                .map_or(String::new(), |(_, entry)| entry[near.run.entry_bytes].to_string()),
        };
        near.map(copy).collect::<Vec<_>>()
    };
    longest(texts.iter().flat_map(|text| of(text)).collect(), |copy| copy.words)
}

/// What the entry of a run is called.
fn name(source: &Source, run: &copying::Run) -> String {
    source.entry(run.entry).map_or(String::new(), |(name, _)| name.to_string())
}

/// Those of the most words, each once.
fn longest<T: Ord>(mut all: Vec<T>, words: fn(&T) -> usize) -> Vec<T> {
    all.sort_by(|a, b| words(b).cmp(&words(a)).then_with(|| a.cmp(b)));
    all.dedup();
    all.truncate(SHOWN);
    all
}

/// So many of some texts, evenly from first to last, that their words are about `most`, or all of them.
fn as_many<'a>(texts: &[&'a str], most: usize) -> Vec<&'a str> {
    let words = |text: &str| crate::eval::likeness::words::words(text).count();
    let all: usize = texts.iter().map(|text| words(text)).sum();
    if all <= most {
        return texts.to_vec();
    }
    evenly(texts, (texts.len() * most).div_ceil(all.max(1))).into_iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_taken_evenly() {
        let texts: Vec<String> = (0..10).map(|i| format!("{i} one two three")).collect();
        let texts: Vec<&str> = texts.iter().map(|text| &text[..]).collect();
        let taken = as_many(&texts, 20);
        assert_eq!(
            taken,
            ["0 one two three", "2 one two three", "4 one two three", "6 one two three", "8 one two three"]
        );
        assert_eq!(as_many(&texts, 1000).len(), 10);
        assert_eq!(as_many(&[], 10), [""; 0]);
    }

    const ENTRY: &str = "we walked by the weir and the mill and saw a heron standing in the rain until it flew away over the \
                         hill to the sea and we went home to bed";

    fn source() -> Source {
        Source::new([("1914-03-02".to_string(), ENTRY.to_string())])
    }

    #[test]
    fn a_near_copy_is_told_with_its_entry_and_what_stands_there() {
        let written = ENTRY.replace("heron", "stork").replace("over the hill", "over a hill");
        let texts = [&format!("zz {written} yy")[..], ENTRY, &written[..]];
        let found = near_copies(&source(), &texts);
        // Twice the same is told once, and what stands word for word is a run.
        let [copy] = &found[..] else { panic!("{found:?}") };
        assert_eq!((copy.words, copy.changed, &copy.entry[..]), (32, 2, "1914-03-02"));
        assert_eq!((&copy.text[..], &copy.original[..]), (&written[..], ENTRY));
    }

    #[test]
    fn runs_are_told_from_eight_words_on_where_none_has_twelve() {
        let [nine, seven] = ["by the weir and the mill and saw a", "to the sea and we went home"];
        let short = runs(&source(), &[nine, seven]);
        let [run] = &short[..] else { panic!("{short:?}") };
        assert_eq!((run.words, &run.text[..]), (9, nine));
        let thirteen = "until it flew away over the hill to the sea and we went";
        let long = runs(&source(), &[nine, thirteen]);
        assert_eq!(long.iter().map(|run| run.words).collect::<Vec<_>>(), [13]);
    }

    #[test]
    fn a_share_has_the_interval_of_its_texts() {
        // Of forty texts of as many words, each is copied or is not: 25%, standard error √(0.25 · 0.75 / 40) = 6.8%, so
        // 25% ± 13.4%; the ends are multiples of 2.5%, and the drawing moves them by one.
        let own =
            "aa bb cc dd ee ff gg hh ii jj kk ll mm nn oo pp qq rr ss tt uu vv ww xx yy ab ac ad ae af ag ah";
        let texts: Vec<&str> = (0..40).map(|i| if i % 4 == 0 { ENTRY } else { own }).collect();
        let of = |seed| Share::of(&copying::measure(&source(), &texts, LEAST), "generated", seed);
        let share = of(1);
        assert_eq!(share.in_runs.value, 0.25);
        for interval in [share.in_runs, share.near] {
            let off = (interval.low - 0.125).abs().max((interval.high - 0.4).abs());
            assert!(off < 0.0251, "{interval:?}");
        }
        assert_eq!(share, of(1));
        let none = Share::of(&copying::measure(&source(), &[], LEAST), "held out", 1);
        assert_eq!((none.words, none.in_runs.low, none.in_runs.high), (0, 0.0, 0.0));
    }
}
