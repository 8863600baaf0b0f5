//! What is done to logits because of what was written so far, before any is drawn: bias, penalties, and no n-gram twice. In single
//! precision, as transformers does it to logits of single precision.

use std::borrow::Cow;
use std::iter;

use crate::sample::choose::choice::Choice;

/// A text so far, as tokens. What `prompt` holds is the caller's to say: with the token where every text begins in it, a
/// repetition penalty makes that token less likely too, which ends texts (so it is in transformers).
#[derive(Debug, Clone, Copy, Default)]
pub struct SoFar<'a> {
    /// What the model was given.
    pub prompt: &'a [u32],
    /// What was drawn after it.
    pub written: &'a [u32],
}

impl SoFar<'_> {
    fn all(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.prompt.iter().chain(self.written).copied()
    }
}

/// The logits (V) that are drawn from. One that may not be drawn is negative infinity.
pub fn bend<'l>(logits: &'l [f32], so_far: &SoFar, how: &Choice) -> Cow<'l, [f32]> {
    if !how.bends() {
        return Cow::Borrowed(logits);
    }
    let mut bent = logits.to_vec();
    for &(id, bias) in &how.logit_bias {
        if let Some(logit) = bent.get_mut(id as usize) {
            *logit += bias;
        }
    }
    if how.has_repetition_penalty() {
        for (logit, _) in occurring(&mut bent, so_far.all()) {
            *logit =
                if *logit < 0.0 { *logit * how.repetition_penalty } else { *logit / how.repetition_penalty };
        }
    }
    if how.frequency_penalty != 0.0 || how.presence_penalty != 0.0 {
        for (logit, count) in occurring(&mut bent, so_far.written.iter().copied()) {
            *logit -= count as f32 * how.frequency_penalty;
            *logit -= how.presence_penalty;
        }
    }
    if how.no_repeat_ngram > 0 {
        for id in completing(so_far, how.no_repeat_ngram) {
            if let Some(logit) = bent.get_mut(id as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }
    Cow::Owned(bent)
}

/// The logits of the tokens that occur, and how often each does.
fn occurring(logits: &mut [f32], tokens: impl Iterator<Item = u32>) -> impl Iterator<Item = (&mut f32, u32)> {
    let mut counts = vec![0_u32; logits.len()];
    for token in tokens {
        if let Some(count) = counts.get_mut(token as usize) {
            *count += 1;
        }
    }
    logits.iter_mut().zip(counts).filter(|(_, count)| *count > 0)
}

/// The tokens that would complete `n` in a row that are there already: each that follows somewhere on the last n − 1. Some are told
/// more than once.
fn completing(so_far: &SoFar, n: usize) -> impl Iterator<Item = u32> {
    let backwards: Vec<u32> = so_far.all().rev().collect();
    // What stands `at` tokens back goes on from as much of the last tokens as can be read alike, backwards, from there on.
    let alike = alike(&backwards);
    (0..backwards.len()).filter(move |at| alike[at + 1] + 1 >= n).map(move |at| backwards[at])
}

/// For every place of a text, its end included, how many tokens from there on are the text's first: the Z-function (Gusfield 1997,
/// section 1.4), in linear time whatever the text repeats.
fn alike(text: &[u32]) -> Vec<usize> {
    let len = text.len();
    let mut alike: Vec<usize> = iter::once(len).chain(iter::repeat_n(0, len)).collect();
    // The stretch found so far that ends furthest on.
    let (mut start, mut end) = (0, 0);
    for i in 1..len {
        let mut n = if i < end { alike[i - start].min(end - i) } else { 0 };
        while i + n < len && text[n] == text[i + n] {
            n += 1;
        }
        alike[i] = n;
        if i + n > end {
            (start, end) = (i, i + n);
        }
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    const LOGITS: [f32; 5] = [2.0, -2.0, 0.5, 0.0, 4.0];

    fn bent(prompt: &[u32], written: &[u32], how: &Choice) -> Vec<f32> {
        bend(&LOGITS, &SoFar { prompt, written }, how).into_owned()
    }

    #[test]
    fn each_penalty_counts_what_it_says_and_unknown_tokens_bend_nothing() {
        let how = Choice { repetition_penalty: 2.0, ..Choice::default() };
        assert_eq!(bent(&[0, 0, 9], &[1], &how), [1.0, -4.0, 0.5, 0.0, 4.0]);
        let how = Choice { frequency_penalty: 0.5, presence_penalty: 0.25, ..Choice::default() };
        assert_eq!(bent(&[0, 2], &[1, 4, 4, 4, u32::MAX], &how), [2.0, -2.75, 0.5, 0.0, 2.25]);
        // The bias comes first: what it makes positive, repetition divides.
        let logit_bias = vec![(1, 3.0), (1, 3.0), (7, 1.0)];
        let how = Choice { logit_bias, repetition_penalty: 2.0, ..Choice::default() };
        assert_eq!(bent(&[1], &[], &how), [2.0, 2.0, 0.5, 0.0, 4.0]);
        assert!(matches!(bend(&LOGITS, &SoFar::default(), &Choice::default()), Cow::Borrowed(_)));
    }

    #[test]
    fn no_ngram_is_completed_across_the_prompts_border_and_none_that_is_not_there_yet() {
        let banned = |prompt: &[u32], written: &[u32], n: usize| -> Vec<usize> {
            let bent = bent(prompt, written, &Choice { no_repeat_ngram: n, ..Choice::default() });
            (0..5).filter(|&id| bent[id] == f32::NEG_INFINITY).collect()
        };
        assert_eq!(banned(&[0, 1, 2, 0], &[1], 3), [2]);
        assert_eq!(banned(&[0, 1, 2, 0, 1, 3, 0], &[1], 3), [2, 3]);
        assert_eq!(banned(&[0, 1, 2], &[1], 2), [2]);
        assert_eq!(banned(&[4, 4], &[4], 2), [4]);
        assert_eq!(banned(&[0, 3], &[9], 1), [0, 3]);
        assert!(banned(&[0, 1, 2], &[0, 1], 7).is_empty());
        assert!(banned(&[], &[], 1).is_empty());
    }

    #[test]
    fn what_completes_an_ngram_is_what_a_look_at_every_window_finds() {
        let mut rng = Rng::new(4, "ngrams");
        for _ in 0..2000 {
            let all: Vec<u32> = (0..rng.below(14)).map(|_| rng.below(3) as u32).collect();
            let (prompt, written) = all.split_at(rng.below(all.len() as u64 + 1) as usize);
            for n in 1..6 {
                let mut found: Vec<u32> = completing(&SoFar { prompt, written }, n).collect();
                let last = all.len().checked_sub(n - 1).map(|from| &all[from..]);
                let windows = all.windows(n).filter(|window| Some(&window[..n - 1]) == last);
                let mut expected: Vec<u32> = windows.map(|window| window[n - 1]).collect();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{all:?} {n}");
            }
        }
    }
}
