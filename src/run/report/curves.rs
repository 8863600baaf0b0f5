//! What `log.jsonl` tells, as curves: read line by line, smoothed, and thinned to what a screen can show.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde::Deserialize;

use crate::base::{Error, Result};
use crate::run::log::Units;

/// A point of a curve: a step, and what was measured at it.
pub type Point = (f64, f64);

/// An optimizer step, as far as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From 1.
    pub step: u64,
    /// Nats/token, before the update.
    pub loss: f32,
    /// The learning rate.
    pub lr: f32,
    /// The gradient's norm before clipping.
    pub grad_norm: f32,
    /// How long it took.
    pub seconds: f32,
}

/// A log's steps and evaluations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    /// In the log's order.
    pub steps: Vec<Step>,
    /// Steps done, and the loss on what is held out, nats/token.
    pub evals: Vec<(u64, f32)>,
    /// Steps that were spikes, and what was done about each.
    pub spikes: Vec<(u64, String)>,
    /// The norms of the gradients by block, of steps beside an evaluation.
    pub norms: Vec<(u64, BTreeMap<String, f32>)>,
    /// What the MLPs' units do, by block.
    pub health: Vec<(u64, BTreeMap<String, Units>)>,
}

/// Any line of a log. What else a line says, the windows of a step above all, is passed over.
#[derive(Deserialize)]
struct Line {
    step: u64,
    loss: Option<f32>,
    lr: Option<f32>,
    grad_norm: Option<f32>,
    seconds: Option<f32>,
    val_loss: Option<f32>,
    spike: Option<String>,
    #[serde(default)]
    overflow: bool,
    grad_norms: Option<BTreeMap<String, f32>>,
    health: Option<BTreeMap<String, Units>>,
}

impl Curves {
    /// Reads a log; one that is not there yet has no lines. A line that is neither a step nor an evaluation is passed over: a later
    /// diarist may write others, and the last one may be half written.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Curves> {
        let file = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Curves::default()),
            other => other.map_err(Error::io("open", path))?,
        };
        let (mut lines, mut line, mut curves) = (BufReader::new(file), Vec::new(), Curves::default());
        while lines.read_until(b'\n', &mut line).map_err(Error::io("read", path))? > 0 {
            if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                curves.take(line);
            }
            line.clear();
        }
        Ok(curves)
    }

    fn take(&mut self, line: Line) {
        let finite = |x: Option<f32>| x.filter(|x| x.is_finite());
        if let Some(val_loss) = finite(line.val_loss) {
            self.evals.push((line.step, val_loss));
        }
        if let (Some(loss), Some(lr), Some(grad_norm), Some(seconds)) =
            (finite(line.loss), finite(line.lr), finite(line.grad_norm), finite(line.seconds))
            && !line.overflow
        {
            self.steps.push(Step { step: line.step, loss, lr, grad_norm, seconds });
        }
        self.spikes.extend(line.spike.map(|spike| (line.step, spike)));
        self.norms.extend(line.grad_norms.map(|norms| (line.step, norms)));
        self.health.extend(line.health.map(|health| (line.step, health)));
    }

    /// One number of every step.
    pub fn of(&self, value: impl Fn(&Step) -> f32) -> Vec<Point> {
        self.steps.iter().map(|step| (step.step as f64, f64::from(value(step)))).collect()
    }

    /// The evaluations.
    pub fn validation(&self) -> Vec<Point> {
        self.evals.iter().map(|&(step, loss)| (step as f64, f64::from(loss))).collect()
    }

    /// Tokens a second, of steps of so many tokens: over each of at most `most` stretches of steps, their tokens by their time.
    pub fn throughput(&self, tokens: u64, most: usize) -> Vec<Point> {
        let stretches = self.steps.chunks(self.steps.len().div_ceil(most).max(1));
        let rate = |stretch: &[Step]| {
            let seconds: f64 = stretch.iter().map(|step| f64::from(step.seconds)).sum();
            let middle = stretch[stretch.len() / 2].step as f64;
            (seconds > 0.0).then(|| (middle, tokens as f64 * stretch.len() as f64 / seconds))
        };
        stretches.filter_map(rate).collect()
    }

    /// Seconds that all the steps took, evaluations and saves aside.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| f64::from(step.seconds)).sum()
    }
}

/// The share of a curve that is averaged at each of its points.
const WINDOW: f64 = 0.04;

/// A straight line fitted to a stretch around each point, and its value there: in the middle the stretch's mean, and at the ends,
/// where the stretch is on one side, a line through half as many points. It does not trail behind what it smooths, as an average of what was
/// does.
pub fn smoothed(points: &[Point]) -> Vec<Point> {
    let reach = (points.len() as f64 * WINDOW / 2.0) as usize;
    // Of y, and of i·y.
    let mut sums = vec![(0.0, 0.0)];
    for (i, (_, y)) in points.iter().enumerate() {
        let (ys, products) = sums[i];
        sums.push((ys + y, products + i as f64 * y));
    }
    let fitted = |(i, &(x, _)): (usize, &Point)| {
        let (first, end) = (i.saturating_sub(reach), (i + reach + 1).min(points.len()));
        let (n, middle) = ((end - first) as f64, (first + end - 1) as f64 / 2.0);
        let (ys, products) = (sums[end].0 - sums[first].0, sums[end].1 - sums[first].1);
        // Of one point no line: its slope is of no matter.
        let slope = (products - middle * ys) / (n * (n * n - 1.0) / 12.0).max(1.0);
        (x, ys / n + slope * (i as f64 - middle))
    };
    points.iter().enumerate().map(fitted).collect()
}

/// The share of a run at its beginning that a scale need not reach: a loss falls far there, and what follows would lie flat.
const BEGINNING: f64 = 0.05;

/// A curve after the first steps of a run that is not short.
pub fn settled(curve: &[Point]) -> &[Point] {
    let begins = curve.last().map_or(0.0, |last| if curve.len() < 100 { 0.0 } else { BEGINNING * last.0 });
    &curve[curve.partition_point(|point| point.0 < begins)..]
}

/// The lowest and the highest of some curves, with room for what strays from them.
pub fn reach<'a>(curves: impl IntoIterator<Item = &'a [Point]>) -> (f64, f64) {
    let ends = |(low, high): (f64, f64), point: &Point| (low.min(point.1), high.max(point.1));
    let (low, high) = curves.into_iter().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    let room = (0.25 * (high - low)).max(1e-3 * high.abs());
    (low - room, high + room)
}

/// At most `most` points: of each stretch the lowest and the highest, so that no spike is lost.
pub fn extremes(points: &[Point], most: usize) -> Vec<Point> {
    if points.len() <= most {
        return points.to_vec();
    }
    let ends = |stretch: &[Point]| {
        let by = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let (low, high) = (*stretch.iter().min_by(by)?, *stretch.iter().max_by(by)?);
        Some(if low.0 <= high.0 { [low, high] } else { [high, low] })
    };
    points.chunks(points.len().div_ceil((most / 2).max(1))).filter_map(ends).flatten().collect()
}

/// At most `most` points and the last one: every so many of a curve that is smooth.
pub fn thinned(points: &[Point], most: usize) -> Vec<Point> {
    let every = points.len().div_ceil(most).max(1);
    let last = points.last().filter(|_| points.len() % every != 1 && every > 1);
    points.iter().step_by(every).chain(last).copied().collect()
}

/// The first and the last of many, and so many between them, as far apart as can be.
pub fn chosen<T>(all: &[T], most: usize) -> Vec<&T> {
    let n = all.len().min(most);
    (0..n).map(|i| &all[if n > 1 { i * (all.len() - 1) / (n - 1) } else { 0 }]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_lines_and_a_torn_one_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        assert_eq!(Curves::read(&path).unwrap(), Curves::default());
        let step =
            r#"{"step":1,"tokens":64,"loss":5.5,"lr":0.001,"grad_norm":2.0,"seconds":0.5,"windows":[7]}"#;
        let eval = r#"{"step":1,"tokens":64,"val_loss":5.25}"#;
        let skipped = r#"{"step":2,"skipped":"the loss is not finite","loss":null}"#;
        let text = format!(
            "{step}\n{eval}\n{skipped}\nrain\n\0\0\n{{\"event\":\"thaw\"}}\n{step}\n{{\"step\":3,\"lo"
        );
        std::fs::write(&path, text).unwrap();
        let curves = Curves::read(&path).unwrap();
        assert_eq!((curves.steps.len(), &curves.evals[..]), (2, &[(1, 5.25)][..]));
        assert_eq!(curves.of(|step| step.grad_norm), [(1.0, 2.0), (1.0, 2.0)]);
        assert_eq!(curves.seconds(), 1.0);
        assert_eq!(curves.throughput(64, 1), [(1.0, 128.0)], "128 tokens in one second");
        assert_eq!(Curves::default().throughput(64, 100), []);
    }

    #[test]
    fn smoothing_keeps_a_line_a_line_and_the_ends_in_place() {
        let line: Vec<Point> = (0..1000).map(|i| (f64::from(i), 3.0 - f64::from(i) * 0.001)).collect();
        for (smooth, point) in smoothed(&line).iter().zip(&line) {
            // A thousand sums of numbers of size 3, each rounded at 2⁻⁵³.
            assert!(smooth.0 == point.0 && (smooth.1 - point.1).abs() < 1e-10, "{smooth:?} {point:?}");
        }
        let noisy: Vec<Point> = (0..1000).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        // At the end of n points that alternate by a half, a fitted line is off by less than 1.5/n, and n is 21 at least.
        assert!(smoothed(&noisy).iter().all(|p| (p.1 - 0.5).abs() < 0.08), "{:?}", smoothed(&noisy));
        assert!(smoothed(&noisy)[100..900].iter().all(|p| (p.1 - 0.5).abs() < 0.02));
        assert_eq!(smoothed(&[]), []);
        assert_eq!(smoothed(&[(1.0, 5.0)]), [(1.0, 5.0)]);
    }

    proptest! {
        #[test]
        fn thinning_keeps_ends_and_spikes(n in 1_usize..3000, most in 2_usize..600) {
            let points: Vec<Point> = (0..n).map(|i| (i as f64, ((i * 7919) % 1013) as f64)).collect();
            let thin = thinned(&points, most);
            prop_assert!(thin.len() <= most + 1 && thin[0] == points[0] && thin.last() == points.last());
            prop_assert!(thin.is_sorted_by(|a, b| a.0 < b.0));
            let kept = extremes(&points, most);
            prop_assert!(kept.len() <= most.max(2) && kept.is_sorted_by(|a, b| a.0 <= b.0));
            let top = |points: &[Point]| points.iter().map(|p| p.1).fold(0.0, f64::max);
            prop_assert_eq!(top(&kept), top(&points));
        }
    }
}
