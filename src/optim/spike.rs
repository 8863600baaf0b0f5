//! Spikes: steps whose loss or gradient norm stands far above those before them, and what is done about one.
//!
//!   norm > 8·median(norms)      loss > median(losses) + max(1, 8·median |loss − median(losses)|)
//!
//! Medians over the 32 last steps but one: what a step did is read while the next one runs, so that step n is held against steps up
//! to n − 2, whatever has been read by then, and a resumed run against the same. Spikes themselves are among them; a median does
//! not mind a few, and a loss that stays high is soon no spike any more.

use std::collections::VecDeque;

/// Steps that a step is held against.
const WINDOW: usize = 32;
/// So many have to be known before anything is called a spike.
const KNOWN: usize = 16;
/// How many times the median a norm, or the median deviation a loss, is allowed.
const TIMES: f64 = 8.0;
/// Nats/token that a loss may stand above the median in any case: one batch of poetry is no spike.
const ROOM: f64 = 1.0;
/// Steps after a spike that lowered the rate in which another does not lower it again: a burst is one spike.
const BURST: u64 = 16;

/// What is done about a spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnSpike {
    /// It is counted.
    #[default]
    GoOn,
    /// The step changes neither weights nor moments.
    Skip,
    /// The learning rate is halved from the step after the next on.
    Lower,
    /// The run ends.
    Stop,
}

impl OnSpike {
    /// All of them.
    pub const ALL: [OnSpike; 4] = [OnSpike::GoOn, OnSpike::Skip, OnSpike::Lower, OnSpike::Stop];

    /// Its name on the command line, in `run.json` and in `log.jsonl`.
    pub fn name(self) -> &'static str {
        match self {
            OnSpike::GoOn => "go-on",
            OnSpike::Skip => "skip",
            OnSpike::Lower => "lower",
            OnSpike::Stop => "stop",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<OnSpike> {
        OnSpike::ALL.into_iter().find(|on| on.name() == name)
    }
}

/// What a step's numbers may be before it is a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The gradient's norm before clipping.
    pub norm: f32,
    /// Nats/token.
    pub loss: f32,
}

impl Bounds {
    /// Nothing is a spike.
    pub const NONE: Bounds = Bounds { norm: f32::INFINITY, loss: f32::INFINITY };

    /// Whether these numbers are above either: the device decides by the same comparison (`shaders/norm.wgsl`).
    pub fn are_passed(&self, loss: f32, norm: f32) -> bool {
        norm > self.norm || loss > self.loss
    }
}

/// A step, as it is submitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// From 1.
    pub step: u64,
    /// Its learning rate.
    pub lr: f32,
    /// What it is held against.
    pub bounds: Bounds,
    /// What its gradients are multiplied by on their way: 1 but in mixed precision.
    pub loss_scale: f32,
}

/// A step, as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// From 1.
    pub step: u64,
    /// Nats/token.
    pub loss: f32,
    /// The gradient's norm before clipping.
    pub norm: f32,
    /// What was done about it, where it was a spike.
    pub spike: Option<OnSpike>,
}

/// The last steps of a run, by which the next ones are judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spikes {
    seen: VecDeque<Seen>,
    /// How many spikes have lowered the rate, of all that were seen.
    lowered: u64,
}

impl Spikes {
    /// Of a run whose rate was halved `lowered` times in the steps before these and in these.
    pub fn new(seen: impl IntoIterator<Item = Seen>, lowered: u64) -> Spikes {
        let mut spikes = Spikes { seen: VecDeque::new(), lowered };
        seen.into_iter().for_each(|seen| spikes.remember(seen));
        spikes
    }

    /// How often the rate was halved.
    pub fn lowered(&self) -> u64 {
        self.lowered
    }

    /// A step whose rate by the schedule is `lr`. All steps before the last one have to have been seen.
    pub fn plan(&self, step: u64, lr: f32) -> Planned {
        // What the last step did need not be known yet.
        let late = |seen: &&Seen| seen.step + 1 >= step && seen.spike == Some(OnSpike::Lower);
        let halvings = self.lowered - self.seen.iter().filter(late).count() as u64;
        // Past f32's exponents a rate is 0 anyway.
        Planned {
            step,
            lr: lr * 0.5_f32.powi(halvings.min(200) as i32),
            bounds: self.bounds(step),
            loss_scale: 1.0,
        }
    }

    fn bounds(&self, step: u64) -> Bounds {
        let known: Vec<&Seen> =
            self.seen.iter().rev().filter(|seen| seen.step + 1 < step).take(WINDOW).collect();
        if known.len() < KNOWN {
            return Bounds::NONE;
        }
        let of = |value: fn(&Seen) -> f32| known.iter().map(|seen| f64::from(value(seen))).collect();
        let (norms, losses): (Vec<f64>, Vec<f64>) = (of(|seen| seen.norm), of(|seen| seen.loss));
        let middle = median(losses.clone());
        let deviation = median(losses.iter().map(|loss| (loss - middle).abs()).collect());
        Bounds { norm: (TIMES * median(norms)) as f32, loss: (middle + (TIMES * deviation).max(ROOM)) as f32 }
    }

    /// Takes note of what a step did; what is done about it, where it was a spike.
    pub fn take(&mut self, planned: &Planned, loss: f32, norm: f32, on: OnSpike) -> Option<OnSpike> {
        let step = planned.step;
        let mut spike = planned.bounds.are_passed(loss, norm).then_some(on);
        if spike == Some(OnSpike::Lower) {
            let lately = |seen: &Seen| seen.spike == Some(OnSpike::Lower) && seen.step + BURST >= step;
            if self.seen.iter().any(lately) {
                spike = Some(OnSpike::GoOn);
            } else {
                self.lowered += 1;
            }
        }
        self.remember(Seen { step, loss, norm, spike });
        spike
    }

    fn remember(&mut self, seen: Seen) {
        self.seen.push_back(seen);
        // The window, and the two that may be too new for it.
        if self.seen.len() > WINDOW + 2 {
            self.seen.pop_front();
        }
    }
}

/// The middle of some numbers, or of an even number of them the mean of the two in the middle.
fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    let half = of.len() / 2;
    if of.len() % 2 == 1 { of[half] } else { f64::midpoint(of[half - 1], of[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs `numbers` as steps of which each is read so late as `late` says; what was planned and what became of it.
    fn ran(
        numbers: &[(f32, f32)],
        on: OnSpike,
        late: impl Fn(u64) -> bool,
    ) -> Vec<(Planned, Option<OnSpike>)> {
        let (mut spikes, mut out, mut pending) = (Spikes::default(), Vec::new(), VecDeque::new());
        for (step, &numbers) in (1..).zip(numbers) {
            pending.push_back((spikes.plan(step, 1.0), numbers));
            while pending.len() > usize::from(late(step)) {
                let (planned, (loss, norm)) = pending.pop_front().unwrap();
                out.push((planned, spikes.take(&planned, loss, norm, on)));
            }
        }
        for (planned, (loss, norm)) in pending {
            out.push((planned, spikes.take(&planned, loss, norm, on)));
        }
        out
    }

    fn steady(steps: usize) -> Vec<(f32, f32)> {
        (0..steps).map(|i| (3.0 + 0.01 * (i % 5) as f32, 1.0 + 0.1 * (i % 3) as f32)).collect()
    }

    fn at(out: &[(Planned, Option<OnSpike>)]) -> Vec<(u64, OnSpike)> {
        out.iter().filter_map(|(planned, spike)| Some((planned.step, (*spike)?))).collect()
    }

    #[test]
    fn what_stands_far_above_is_a_spike_and_nothing_else() {
        let mut numbers = steady(100);
        assert_eq!(at(&ran(&numbers, OnSpike::Skip, |_| true)), []);
        // Steps from 1; too early, by its loss, by its norm; far below is none.
        (numbers[4], numbers[40].0, numbers[60].1, numbers[80]) = ((90.0, 90.0), 4.2, 9.5, (0.1, 0.01));
        let found = at(&ran(&numbers, OnSpike::Skip, |_| true));
        assert_eq!(found, [(41, OnSpike::Skip), (61, OnSpike::Skip)]);
        // A nat, and eight medians of 1.1, are allowed.
        (numbers[40].0, numbers[60].1) = (3.9, 8.7);
        assert_eq!(at(&ran(&numbers, OnSpike::Skip, |_| true)), []);
    }

    #[test]
    fn the_bounds_are_the_medians() {
        let numbers: Vec<(f32, f32)> = (1..=40).map(|i| (i as f32, 2.0 * i as f32)).collect();
        let out = ran(&numbers, OnSpike::GoOn, |_| true);
        assert_eq!(out[16].0.bounds, Bounds::NONE, "step 17 knows 15 steps");
        // Step 18 knows 1 to 16: medians 8.5 and 17, the deviations' 4.
        assert_eq!(out[17].0.bounds, Bounds { norm: 136.0, loss: 40.5 });
        // Step 40 knows 7 to 38: medians 22.5 and 45, the deviations' 8.
        assert_eq!(out[39].0.bounds, Bounds { norm: 360.0, loss: 86.5 });
    }

    #[test]
    fn a_loss_that_stays_high_is_soon_none() {
        let mut numbers = steady(50);
        numbers.extend(vec![(6.0, 1.0); 50]);
        let last = at(&ran(&numbers, OnSpike::Skip, |_| true)).last().unwrap().0;
        assert!((60..75).contains(&last), "half a window: {last}");
    }

    #[test]
    fn the_rate_is_halved_once_a_burst_from_the_step_after_the_next_on() {
        let mut numbers = steady(120);
        (numbers[40].0, numbers[41].0, numbers[80].1) = (9.0, 9.0, 99.0);
        let out = ran(&numbers, OnSpike::Lower, |_| true);
        assert_eq!(at(&out), [(41, OnSpike::Lower), (42, OnSpike::GoOn), (81, OnSpike::Lower)]);
        let lr = |step: usize| out[step - 1].0.lr;
        assert_eq!([lr(41), lr(42), lr(43), lr(82), lr(83), lr(120)], [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for on in OnSpike::ALL {
            assert_eq!(OnSpike::from_name(on.name()), Some(on));
            assert_eq!(serde_json::to_value(on).unwrap(), on.name());
        }
    }

    proptest! {
        /// Bit for bit, whatever was read by when, and taken up after any step.
        #[test]
        fn a_step_does_not_depend_on_what_was_read_when(
            wild in prop::collection::vec((0_usize..120, 1.0_f32..20.0), 0..12),
            late in any::<u128>(), cut in 1_usize..119, on in 0_usize..4,
        ) {
            let on = OnSpike::ALL[on];
            let mut numbers = steady(120);
            for (i, by) in wild {
                numbers[i] = (numbers[i].0 * by, numbers[i].1 * by);
            }
            let out = ran(&numbers, on, |_| true);
            prop_assert_eq!(&out, &ran(&numbers, on, |step| late >> step & 1 == 1));
            let seen = |(planned, spike): &(Planned, Option<OnSpike>)| {
                let (loss, norm) = numbers[planned.step as usize - 1];
                Seen { step: planned.step, loss, norm, spike: *spike }
            };
            let lowered = out[..cut].iter().filter(|(_, spike)| *spike == Some(OnSpike::Lower)).count();
            let mut resumed = Spikes::new(out[..cut].iter().map(seen), lowered as u64);
            for (planned, spike) in &out[cut..] {
                let (loss, norm) = numbers[planned.step as usize - 1];
                prop_assert_eq!(resumed.plan(planned.step, 1.0), *planned);
                prop_assert_eq!(resumed.take(planned, loss, norm, on), *spike);
            }
        }
    }
}
