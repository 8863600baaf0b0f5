//! What a model copied, beside what its writer repeats.

use serde::Serialize;

use crate::eval::likeness::copying::{self, Copying, Verdict, verdict};
use crate::eval::likeness::diary::Diary;

/// Runs of fewer words are turns of speech.
const LEAST: usize = 8;

/// Runs that are shown, at most, and of how many words at least.
const SHOWN: [usize; 2] = [5, 12];

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
}

/// How much of some texts stands in a diary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// Words of the texts.
    pub words: usize,
    /// Share of them in runs that stand there word for word, 0 to 1.
    pub in_runs: f64,
    /// Share of them in near copies, 0 to 1.
    pub near: f64,
    /// Words of the longest run.
    pub longest: usize,
}

/// A run that stands in the diary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedRun {
    /// Its words.
    pub words: usize,
    /// The entry that it stands in.
    pub entry: String,
    /// As the model wrote it.
    pub text: String,
}

impl Copied {
    /// Of what a model wrote. Of what was held out so many entries are taken, evenly from first to last, that their words are about as
    /// many: the longest run grows with them.
    pub fn of(diary: &Diary, generated: &[String]) -> Copied {
        let source = diary.source();
        let generated: Vec<&str> = generated.iter().map(|text| &text[..]).collect();
        let of = copying::measure(&source, &generated, LEAST);
        let held_out: Vec<&str> = diary.held_out.iter().map(|e| &e.text[..]).collect();
        let own = copying::measure(&source, &as_many(&held_out, of.words), LEAST);
        let mut runs = Vec::new();
        for text in &generated {
            for run in source.verbatim(text, SHOWN[1]) {
                let entry = source.entry(run.entry).map_or(String::new(), |(name, _)| name.to_string());
                runs.push(CopiedRun { words: run.words, entry, text: text[run.text_bytes].to_string() });
            }
        }
        runs.sort_by(|a, b| (b.words, &a.entry, &a.text).cmp(&(a.words, &b.entry, &b.text)));
        runs.dedup();
        runs.truncate(SHOWN[0]);
        let share = |of: &Copying| Share {
            words: of.words,
            in_runs: of.share_in_runs,
            near: of.near_share,
            longest: of.longest.as_ref().map_or(0, |(_, run)| run.words),
        };
        Copied {
            verdict: verdict(&of, &own),
            least: LEAST,
            generated: share(&of),
            held_out: share(&own),
            runs,
        }
    }
}

/// So many of some texts, evenly from first to last, that their words are about `most`, or all of them.
fn as_many<'a>(texts: &[&'a str], most: usize) -> Vec<&'a str> {
    let words = |text: &str| crate::eval::likeness::words::words(text).count();
    let all: usize = texts.iter().map(|text| words(text)).sum();
    if all <= most {
        return texts.to_vec();
    }
    let n = (texts.len() * most).div_ceil(all.max(1)).min(texts.len());
    (0..n).map(|i| texts[i * texts.len() / n]).collect()
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
}
