//! Which stretches of `tokens.bin` are trained on, in which order, and which are scored in validation.
//!
//! Window s has inputs s..s+T and targets s+1..s+T+1, so s+T+1 may not pass the end of its range. An epoch is a seeded
//! permutation of non-overlapping windows at a random phase: over many epochs every token is seen at every position.
//! Epochs, phases and orders are pure functions of (range, T, seed, epoch); a run's place among them is a [`Cursor`]
//! of two numbers.
//!
//! A pair of a question and its answer is a window of its own, once an epoch. As many as fit share a row, where none sees another
//! (packing, as Krell et al. 2021, arXiv:2107.02027, have it): each row is filled by the longest pairs that it still has room for.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::rng::Rng;
use crate::base::{Error, Result, units};

/// The `T` that so many training tokens allow: `T` itself, or, where they are fewer than T+1, all of them but the last.
/// (Zero where there are fewer than two: nothing can be learned from those.)
pub fn fit_context(train_tokens: usize, t: usize) -> usize {
    t.min(train_tokens.saturating_sub(1))
}

/// A window: its first input, and how many targets it has.
pub type Window = (usize, usize);

/// Windows that share a row of a batch, one behind the other. A window of running text has a row of its own.
pub type Row = Vec<Window>;

/// The training windows of every epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Epochs {
    range: Range<usize>,
    t: usize,
    seed: u64,
    /// Stretches that are a window each.
    whole: Vec<Window>,
    /// The share of the range's windows among all; none where all of them are taken.
    share: Option<f64>,
}

impl Epochs {
    /// The epochs over a range of tokens, in windows of `t`.
    ///
    /// # Errors
    /// A window with its last target does not fit: see [`fit_context`].
    pub fn new(range: Range<usize>, t: usize, seed: u64) -> Result<Epochs> {
        if t == 0 || range.len() <= t {
            return Err(Error::setting(
                format!(
                    "{} training tokens hold no window of {} and its last target",
                    units::thousands(range.len() as u64),
                    units::thousands(t as u64)
                ),
                "add more text, or ask for a shorter --context",
            ));
        }
        Ok(Epochs { range, t, seed, whole: Vec::new(), share: None })
    }

    /// The epochs over stretches of which each is a window, of `t` targets at most, and a range of running text beside them, which may
    /// be empty. Of that, as many windows are drawn every epoch as make a `share` of all, or all.
    ///
    /// # Errors
    /// As [`new`](Self::new), where there is a range; no stretch.
    pub fn beside(
        whole: &[Range<usize>],
        range: Range<usize>,
        (t, share): (usize, Option<f64>),
        seed: u64,
    ) -> Result<Epochs> {
        let mut whole: Vec<Window> = alone(whole, t);
        if whole.is_empty() {
            return Err(Error::setting(
                "there is no pair to train on",
                "hold less of them out, or give more",
            ));
        }
        match range.len() <= t {
            // Text that is shorter than a window is one.
            true => {
                whole.extend(alone(std::slice::from_ref(&range), t));
                Ok(Epochs { range: range.end..range.end, t, seed, whole, share: None })
            }
            false => Ok(Epochs { whole, share, ..Epochs::new(range, t, seed)? }),
        }
    }

    /// Where the first window of an epoch may begin, before it is shuffled: at most T−1 in, so that no token that could
    /// begin a window is skipped for good, and never so far that no window fits.
    fn phase(&self, rng: &mut Rng) -> usize {
        let latest = (self.t - 1).min(self.range.len() - 1 - self.t);
        rng.below(latest as u64 + 1) as usize
    }

    /// How many windows of the range there are from a phase on, and how many of them are taken.
    fn of_range(&self, phase: usize) -> (usize, usize) {
        // The last token of the range is a target and never an input.
        let count = (self.range.len() - 1 - phase) / self.t;
        let wanted = |share: f64| (share / (1.0 - share) * self.packed_rows() as f64).round() as usize;
        (count, self.share.map_or(count, |share| count.min(wanted(share))))
    }

    /// An epoch's rows, in the order of training. At least one.
    pub fn rows(&self, epoch: u64) -> Vec<Row> {
        let mut rng = Rng::new(self.seed, &format!("epoch {epoch}"));
        let mut rows: Vec<Row> = Vec::new();
        if !self.range.is_empty() {
            let phase = self.phase(&mut rng);
            let (count, taken) = self.of_range(phase);
            let first = self.range.start + phase;
            rows = (0..count).map(|w| vec![(first + w * self.t, self.t)]).collect();
            if taken < count {
                rng.shuffle(&mut rows);
                rows.truncate(taken);
            }
        }
        let mut whole = self.whole.clone();
        // Which of equally long ones share a row differs from epoch to epoch.
        rng.shuffle(&mut whole);
        rows.extend(packed(whole, self.t));
        rng.shuffle(&mut rows);
        rows
    }

    /// The number of rows in an epoch; it differs by one from epoch to epoch, with the phase.
    pub fn rows_in_epoch(&self, epoch: u64) -> usize {
        let packed = self.packed_rows();
        if self.range.is_empty() {
            return packed;
        }
        let phase = self.phase(&mut Rng::new(self.seed, &format!("epoch {epoch}")));
        packed + self.of_range(phase).1
    }

    /// Rows that the stretches take.
    fn packed_rows(&self) -> usize {
        packed(self.whole.clone(), self.t).len()
    }

    /// The windows from a place on, epoch after epoch, without end.
    pub fn resume(self, at: Cursor) -> Windows {
        let order = self.rows(at.epoch);
        Windows { epochs: self, at, order }
    }
}

/// A place in the order of windows: the next one to be trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The window of that epoch, from 0, in the order of training.
    pub index: u64,
}

/// The training windows from a [`Cursor`] on. An iterator that never ends: each epoch is followed by the next.
#[derive(Debug, Clone)]
pub struct Windows {
    epochs: Epochs,
    at: Cursor,
    /// `epochs.rows(at.epoch)`.
    order: Vec<Row>,
}

impl Windows {
    /// The place of the next window: what a saved state keeps.
    pub fn cursor(&self) -> Cursor {
        self.at
    }

    /// The next row.
    pub fn next_row(&mut self) -> Row {
        if self.at.index >= self.order.len() as u64 {
            self.at = Cursor { epoch: self.at.epoch.wrapping_add(1), index: 0 };
            self.order = self.epochs.rows(self.at.epoch);
        }
        let row = self.order[self.at.index as usize].clone();
        self.at.index += 1;
        row
    }
}

impl Iterator for Windows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        Some(self.next_row())
    }
}

/// Windows in rows of `t` targets, the longest first, each in the fullest row that has room for it (best-fit decreasing); of equally
/// long ones in the order given.
pub fn packed(mut windows: Vec<Window>, t: usize) -> Vec<Row> {
    windows.sort_by_key(|window| std::cmp::Reverse(window.1));
    let mut rows: Vec<Row> = Vec::new();
    // By the room that is left, rows that have it.
    let mut open: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for window in windows {
        let room = open.range(window.1..).next().map(|(room, _)| *room);
        let (row, left) = match room {
            Some(room) => {
                let of_room = open.get_mut(&room).expect("it was just found");
                let row = of_room.pop().expect("no room without a row");
                if of_room.is_empty() {
                    open.remove(&room);
                }
                (row, room)
            }
            None => {
                rows.push(Row::new());
                (rows.len() - 1, t)
            }
        };
        rows[row].push(window);
        open.entry(left.saturating_sub(window.1)).or_default().push(row);
    }
    rows
}

/// Stretches as a window each: what is longer than `t` targets is cut at its end, and what has no target is left out.
pub fn alone(stretches: &[Range<usize>], t: usize) -> Vec<Window> {
    let window = |of: &Range<usize>| (of.start, of.len().saturating_sub(1).min(t));
    stretches.iter().map(window).filter(|(_, targets)| *targets > 0).collect()
}

/// The validation windows `(start, targets)`, a row each: one behind the other from the start of the range, the last one shorter
/// where T does not divide. Every token of the range but its first is a target once. None where there are fewer than
/// two tokens.
pub fn validation(range: Range<usize>, t: usize) -> Vec<Row> {
    let last = range.end.saturating_sub(1);
    (range.start..last).step_by(t.max(1)).map(|start| vec![(start, t.max(1).min(last - start))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        /// Ranges with room for at least one window, the tightest ones often.
        fn epochs()(t in 1_usize..40)(
            t in Just(t),
            start in 0_usize..100,
            len in prop_oneof![t + 1..=2 * t + 2, t + 1..t + 500],
            seed in any::<u64>(),
        ) -> Epochs {
            Epochs::new(start..start + len, t, seed).expect("len > t > 0")
        }
    }

    proptest! {
        #[test]
        fn an_epoch_permutes_windows_that_neither_overlap_nor_leave_the_range(
            epochs in epochs(), epoch in any::<u64>(),
        ) {
            let Epochs { range, t, .. } = epochs.clone();
            prop_assert!(epochs.rows(epoch).iter().all(|row| row.len() == 1 && row[0].1 == t));
            let mut starts: Vec<usize> = epochs.rows(epoch).iter().map(|row| row[0].0).collect();
            prop_assert_eq!(starts.len(), epochs.rows_in_epoch(epoch));
            prop_assert!(!starts.is_empty());
            starts.sort_unstable();
            prop_assert!(starts[0] >= range.start && starts[0] - range.start < t);
            prop_assert!(starts.windows(2).all(|pair| pair[1] == pair[0] + t));
            let end = starts.last().unwrap() + t + 1;
            // Inside, and so close to the end that one more would not fit.
            prop_assert!(end <= range.end && end + t > range.end);
        }

        #[test]
        fn a_resumed_cursor_goes_on_as_if_nothing_had_happened(epochs in epochs(), at in 0_usize..300) {
            let mut whole = epochs.clone().resume(Cursor::default());
            whole.by_ref().take(at).for_each(drop);
            let saved = serde_json::to_string(&whole.cursor()).unwrap();
            let resumed = epochs.clone().resume(serde_json::from_str(&saved).unwrap());
            prop_assert!(whole.take(200).eq(resumed.take(200)));
        }

        #[test]
        fn the_cursor_walks_the_epochs_in_order(epochs in epochs()) {
            let expected = (0..4).flat_map(|epoch| epochs.rows(epoch));
            prop_assert!(expected.eq(epochs.clone().resume(Cursor::default())
                .take((0..4).map(|epoch| epochs.rows_in_epoch(epoch)).sum())));
        }

        #[test]
        fn validation_scores_every_target_once(start in 0_usize..50, len in 0_usize..200, t in 1_usize..40) {
            let windows = validation(start..start + len, t);
            let targets = windows.iter().flatten().flat_map(|&(s, n)| s + 1..s + n + 1);
            prop_assert!(targets.eq(start + 1..start + len.max(1)));
            prop_assert!(windows.iter().flatten().all(|&(_, n)| (1..=t).contains(&n)));
        }
    }

    #[test]
    fn epochs_differ_in_phase_and_order_and_seeds_differ() {
        let epochs = Epochs::new(0..10_000, 64, 7).unwrap();
        let phases: std::collections::BTreeSet<usize> =
            (0..1000).map(|e| epochs.rows(e).into_iter().min().unwrap()[0].0).collect();
        // A phase is missed in 1,000 draws of 64 with probability 1.4e-7, one of them with 1e-5; the seed is fixed.
        assert_eq!(phases.len(), 64);
        assert_ne!(epochs.rows(0), epochs.rows(1));
        assert_ne!(epochs.rows(0), Epochs::new(0..10_000, 64, 8).unwrap().rows(0));
        assert!(!epochs.rows(0).is_sorted());
    }

    #[test]
    fn a_short_corpus_shortens_the_context() {
        assert_eq!(fit_context(1000, 256), 256);
        assert_eq!(fit_context(257, 256), 256);
        assert_eq!(fit_context(256, 256), 255);
        assert_eq!(fit_context(2, 256), 1);
        assert_eq!((fit_context(1, 256), fit_context(0, 256)), (0, 0));
        assert!(Epochs::new(0..256, 256, 0).is_err());
        assert!(Epochs::new(0..1, 0, 0).is_err());
        assert_eq!(Epochs::new(0..256, 255, 0).unwrap().rows(3), [[(0, 255)]]);
    }

    #[test]
    fn a_pair_is_a_window_once_an_epoch() {
        let pairs = [0..5, 5..25, 25..26, 26..30];
        let alone = [(0, 4), (5, 10), (26, 3)];
        assert_eq!(super::alone(&pairs, 10), alone);
        let sorted = |rows: Vec<Row>| {
            let mut windows = rows.concat();
            windows.sort_unstable();
            windows
        };
        let epochs = Epochs::beside(&pairs, 30..30, (10, None), 1).unwrap();
        assert_eq!(sorted(epochs.rows(7)), alone);
        // The two short ones share a row.
        assert_eq!((epochs.rows(7).len(), epochs.rows_in_epoch(7)), (2, 2));
        assert!((0..20).any(|epoch| epochs.rows(epoch) != epochs.rows(0)), "their order is drawn");
        // Beside text: all of its windows, or a share of all rows.
        let all = Epochs::beside(&pairs, 30..130, (10, None), 1).unwrap().rows(3);
        assert!(
            all.len() >= 2 + 9 && alone.iter().all(|pair| all.iter().any(|row| row.contains(pair))),
            "{all:?}"
        );
        let half = Epochs::beside(&pairs, 30..130, (10, Some(0.5)), 1).unwrap();
        for epoch in 0..20 {
            let rows = half.rows(epoch);
            assert_eq!((rows.len(), half.rows_in_epoch(epoch)), (4, 4));
            let text = rows.iter().filter(|row| row[0].0 >= 30);
            assert!(text.clone().count() == 2 && text.flatten().all(|w| w.1 == 10 && w.0 + 10 < 130));
        }
        assert!(Epochs::beside(&[0..1, 1..2], 2..2, (10, None), 1).is_err());
        // Text of fewer tokens than a window is one.
        let short = Epochs::beside(&pairs, 30..36, (10, Some(0.5)), 1).unwrap();
        assert_eq!(sorted(short.rows(0)), [(0, 4), (5, 10), (26, 3), (30, 5)]);
    }

    proptest! {
        #[test]
        fn rows_hold_every_window_once_and_no_more_than_fit(lengths in prop::collection::vec(1_usize..40, 0..200)) {
            let windows: Vec<Window> = lengths.iter().enumerate().map(|(i, &n)| (100 * i, n)).collect();
            let rows = packed(windows.clone(), 40);
            let mut all = rows.concat();
            all.sort_unstable();
            prop_assert_eq!(all, windows);
            let filled: Vec<usize> = rows.iter().map(|row| row.iter().map(|w| w.1).sum()).collect();
            prop_assert!(filled.iter().all(|n| (1..=40).contains(n)));
            // No two rows would fit into one.
            let mut least = filled.clone();
            least.sort_unstable();
            prop_assert!(least.len() < 2 || least[0] + least[1] > 40);
        }
    }

    #[test]
    fn a_cursor_past_its_epoch_begins_the_next() {
        let epochs = Epochs::new(0..100, 10, 1).unwrap();
        let past = epochs.clone().resume(Cursor { epoch: 4, index: u64::MAX });
        assert!(past.take(5).eq(epochs.resume(Cursor { epoch: 5, index: 0 }).take(5)));
    }
}
