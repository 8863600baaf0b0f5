//! Room 5: how well a model predicts a text; [how like the writer](likeness) it writes; what a person's documents [are about](themes), and
//! [pairs](pairs) of questions and answers made of them.

pub mod likeness;
pub mod pairs;
pub mod themes;

use std::ops::Range;

use crate::base::{Error, Result};
use crate::dataset::pairs::form::Written;
use crate::device::{Executor, Step};
use crate::model::{self, input};
use crate::ops::classifier::{IGNORE, scalar};
use crate::tokens::Batch;

/// A model's loss on a text.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Score {
    /// Nats a token.
    pub loss: f64,
    /// `exp(loss)`.
    pub perplexity: f64,
    /// Tokens scored.
    pub tokens: usize,
}

/// Windows as they are scored: a start, inputs from there on, and which of their targets count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// Inputs are tokens `start..start + T`.
    start: usize,
    /// Targets before this token were scored by an earlier window.
    first_target: usize,
}

/// Windows of `t` inputs every `stride` tokens of a range; every token of it after the first is the target of exactly one.
fn windows(range: Range<usize>, t: usize, stride: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    let (mut start, mut scored) = (range.start, range.start + 1);
    while scored < range.end {
        windows.push(Window { start, first_target: scored });
        scored = (start + t + 1).min(range.end);
        start += stride;
    }
    windows
}

/// The loss on `ids`, by windows of `t` tokens every `stride`; positions restart in each window. The executor's program
/// has the recording `losses` for `b` sequences of `t`. `progress` is told the share done.
///
/// # Errors
/// A lost device; a loss that is no number.
pub fn score(
    exec: &mut dyn Executor,
    batch: [usize; 2],
    ids: &[u32],
    stride: usize,
    progress: impl FnMut(f64),
) -> Result<Score> {
    let whole = 0..ids.len();
    let losses = losses(exec, batch, (ids, &[whole]), stride, progress)?;
    let loss = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / losses.len().max(1) as f64;
    Ok(Score { loss, perplexity: loss.exp(), tokens: losses.len() })
}

/// The loss of every token of `ranges` of `ids` but the first of each, in nats, one range behind the other. No range sees another.
/// Otherwise as [`score`].
///
/// # Errors
/// A lost device; a loss that is no number.
pub fn losses(
    exec: &mut dyn Executor,
    [b, t]: [usize; 2],
    (ids, ranges): (&[u32], &[Range<usize>]),
    stride: usize,
    mut progress: impl FnMut(f64),
) -> Result<Vec<f32>> {
    assert!(stride >= 1 && stride <= t, "a stride beyond the window would leave tokens out");
    let of_range = |range: &Range<usize>| {
        let end = range.end;
        windows(range.clone(), t, stride).into_iter().map(move |w| (w, end))
    };
    let windows: Vec<(Window, usize)> = ranges.iter().flat_map(of_range).collect();
    let mut all: Vec<f32> = Vec::with_capacity(ids.len());
    for (i, batch) in windows.chunks(b).enumerate() {
        let (mut inputs, mut targets) = (vec![0_u32; b * t], vec![IGNORE; b * t]);
        for (row, (w, end)) in batch.iter().enumerate() {
            let of = &ids[w.start..(*end).min(w.start + t + 1)];
            inputs[row * t..][..of.len().min(t)].copy_from_slice(&of[..of.len().min(t)]);
            let first = w.first_target - w.start;
            targets[row * t + first - 1..][..of.len() - first].copy_from_slice(&of[first..]);
        }
        model::feed(exec, &inputs, &targets)?;
        exec.run("losses", &Step::default())?;
        exec.request(input::LOSSES)?;
        let losses = exec.receive_f32()?;
        // In the order of their windows, every token after the first is scored once.
        all.extend(losses.iter().zip(&targets).filter(|(_, target)| **target != IGNORE).map(|(l, _)| l));
        progress(((i + 1) * b) as f64 / windows.len() as f64);
    }
    match all.iter().find(|loss| !loss.is_finite()) {
        Some(&value) => Err(Error::NotFinite {
            step: None,
            what: "the loss",
            value,
            found: String::new(),
            next: "the checkpoint is damaged, or the driver computes wrongly: see `diarist doctor`".into(),
        }),
        None => Ok(all),
    }
}

/// The loss of answers below their questions, each alone, with the end of text behind it; what is longer than `t` tokens is cut, as in
/// training. Otherwise as [`score`].
///
/// # Errors
/// A lost device; a loss that is no number; no answer within `t` tokens.
pub fn score_answers(
    exec: &mut dyn Executor,
    t: usize,
    pairs: &[Written],
    end: u32,
    progress: impl FnMut(f64),
) -> Result<Score> {
    let (mut ids, mut ranges, mut is_answer) = (Vec::new(), Vec::new(), Vec::new());
    for Written { question, answer } in pairs {
        let start = ids.len();
        ids.extend(question.iter().chain(answer).copied().chain([end]).take(t + 1));
        ranges.push(start..ids.len());
        is_answer.extend((start + 1..ids.len()).map(|i| i - start >= question.len()));
    }
    let losses = losses(exec, [1, t], (&ids, &ranges), t, progress)?;
    let of_answers: Vec<f64> = losses
        .iter()
        .zip(is_answer)
        .filter(|(_, answer)| *answer)
        .map(|(&loss, _)| f64::from(loss))
        .collect();
    if of_answers.is_empty() {
        let problem = format!("no answer begins within {t} tokens");
        return Err(Error::setting(problem, "ask with shorter questions, or a larger --context"));
    }
    let loss = of_answers.iter().sum::<f64>() / of_answers.len() as f64;
    Ok(Score { loss, perplexity: loss.exp(), tokens: of_answers.len() })
}

/// The summed loss of one batch for the recording `evaluate`.
///
/// # Errors
/// A lost device.
pub fn loss_sum(exec: &mut dyn Executor, batch: &Batch) -> Result<f32> {
    model::feed_packed(exec, &batch.inputs, &batch.targets, &batch.begins)?;
    exec.write_f32(input::SCALARS, 0, &[0.0; scalar::COUNT])?;
    exec.run("evaluate", &Step::default())?;
    exec.request(input::SCALARS)?;
    Ok(exec.receive_f32()?[scalar::LOSS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_after_the_first_is_scored_once() {
        for (n, t, stride) in
            [(2, 4, 2), (5, 4, 4), (6, 4, 2), (100, 16, 8), (101, 16, 16), (37, 7, 3), (9, 8, 1)]
        {
            let mut scored = vec![0; n];
            for w in windows(0..n, t, stride) {
                for target in (w.start + 1..=w.start + t).filter(|&x| x >= w.first_target && x < n) {
                    scored[target] += 1;
                }
            }
            assert_eq!(scored[0], 0);
            assert!(scored[1..].iter().all(|&s| s == 1), "{n} {t} {stride}: {scored:?}");
            let later: Vec<Window> = windows(7..n + 7, t, stride);
            assert!(later.iter().zip(windows(0..n, t, stride)).all(|(a, b)| a.start == b.start + 7));
        }
    }
}
