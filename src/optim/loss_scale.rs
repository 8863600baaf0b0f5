//! The loss scale of mixed precision (Micikevicius et al. 2018, arXiv:1710.03740), which adapts as `torch.amp.GradScaler`'s does.
//!
//! Gradients pass through half precision, whose smallest number is 6·10⁻⁸ and whose largest 65,504. They are multiplied by a power of
//! two, as large as they bear; the update takes it off again. A step whose gradients overflow changes nothing, and the scale is halved; after
//! 2,000 steps without one it is doubled.
//!
//! What a step did is read while the next one runs: step n is scaled by what steps up to n − 2 did, whatever has been read by then, and a
//! resumed run by the same.

use serde::{Deserialize, Serialize};

/// The first scale.
const FIRST: f32 = 65_536.0;
/// The largest: f32 gradients of weights have room for more, the halves before them seldom.
const LARGEST: f32 = 16_777_216.0;
/// Steps without an overflow after which it is doubled.
const GROWS_AFTER: u32 = 2000;

/// The scale, and how it came to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// What the step after the next is scaled by, as far as is known without the last step.
    scale: f32,
    /// Steps since it changed.
    steady: u32,
    /// The last step.
    last: Option<Scaled>,
    /// Steps that overflowed.
    pub skipped: u64,
}

/// A step, as it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Scaled {
    step: u64,
    scale: f32,
    overflow: bool,
}

impl Default for LossScale {
    /// Before the first step.
    fn default() -> LossScale {
        LossScale { scale: FIRST, steady: 0, last: None, skipped: 0 }
    }
}

impl LossScale {
    /// What a step is scaled by. All steps before the last one have to have been taken.
    pub fn plan(&self, step: u64) -> f32 {
        let known = self.last.filter(|last| last.step + 1 < step);
        known.map_or(*self, |last| self.after(last)).scale
    }

    /// Takes note of a step; whether it overflowed as a smaller scale could mend. With the smallest there is, it is not the scale.
    pub fn take(&mut self, step: u64, scale: f32, overflow: bool) -> bool {
        if let Some(last) = self.last {
            *self = self.after(last);
        }
        self.last = Some(Scaled { step, scale, overflow });
        self.skipped += u64::from(overflow);
        overflow && scale > 1.0
    }

    // ANCHOR: scale
    fn after(self, of: Scaled) -> LossScale {
        let mut next = LossScale { last: None, ..self };
        // A step that was on its way already when the scale was lowered says nothing of the lower one.
        if of.overflow {
            (next.scale, next.steady) = (next.scale.min(of.scale / 2.0).max(1.0), 0);
        } else {
            next.steady += 1;
        }
        if next.steady == GROWS_AFTER {
            (next.scale, next.steady) = ((2.0 * next.scale).min(LARGEST), 0);
        }
        next
    }
    // ANCHOR_END: scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Steps that overflow where they are scaled by more than `bears` says, each read so late as `late` says.
    fn ran(steps: u64, bears: impl Fn(u64) -> f32, late: impl Fn(u64) -> bool) -> (Vec<f32>, LossScale) {
        let (mut scale, mut scales, mut pending) = (LossScale::default(), Vec::new(), VecDeque::new());
        for step in 1..=steps {
            let planned = scale.plan(step);
            scales.push(planned);
            pending.push_back((step, planned));
            while pending.len() > usize::from(late(step)) {
                let (step, planned) = pending.pop_front().unwrap();
                scale.take(step, planned, planned > bears(step));
            }
        }
        for (step, planned) in pending {
            scale.take(step, planned, planned > bears(step));
        }
        (scales, scale)
    }

    #[test]
    fn it_is_halved_where_a_step_overflows_and_doubled_where_none_does() {
        let (scales, end) = ran(12, |_| 20_000.0, |_| true);
        // Each value is tried twice: what it did is known a step later.
        let k = 1024.0;
        assert_eq!(
            scales[..8],
            [64.0 * k, 64.0 * k, 32.0 * k, 32.0 * k, 16.0 * k, 16.0 * k, 16.0 * k, 16.0 * k]
        );
        assert_eq!(end.skipped, 4);
        let (scales, end) = ran(4010, |_| f32::INFINITY, |_| true);
        assert_eq!([scales[2000], scales[2001], scales[4009]], [65_536.0, 131_072.0, 262_144.0]);
        assert_eq!(end.skipped, 0);
    }

    #[test]
    fn a_scale_does_not_depend_on_what_was_read_when_or_on_a_resumption() {
        let bears = |step: u64| if step % 7 == 0 { 3000.0 } else { 500_000.0 };
        let (expected, end) = ran(300, bears, |_| true);
        assert_eq!(ran(300, bears, |step| step % 3 == 0), (expected.clone(), end));
        for cut in [1, 2, 13, 14, 15, 16, 150] {
            let (_, mut scale) = ran(cut, bears, |_| true);
            scale = serde_json::from_str(&serde_json::to_string(&scale).unwrap()).unwrap();
            for step in cut + 1..=300 {
                let planned = scale.plan(step);
                assert_eq!(planned, expected[step as usize - 1], "step {step} after {cut}");
                scale.take(step, planned, planned > bears(step));
            }
            assert_eq!(scale, end);
        }
    }

    #[test]
    fn what_overflows_unscaled_is_no_matter_of_the_scale() {
        let mut scale = LossScale::default();
        let mut step = 0;
        let last = loop {
            step += 1;
            let planned = scale.plan(step);
            if !scale.take(step, planned, true) {
                break planned;
            }
        };
        assert_eq!((last, step), (1.0, 33));
    }
}
