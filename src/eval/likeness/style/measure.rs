//! One figure of two sets of texts, on the scale of the second's own spread.

use crate::base::rng::Rng;
use crate::eval::likeness::bootstrap::{Interval, interval_of_two};

/// How often its own chance z has to be to be told.
const OFF: f64 = 4.0;
/// Bootstrap samples of an interval.
const ROUNDS: usize = 400;

/// One figure of generated texts beside the writer's own.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Measure {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Mean of the generated pieces; `None` where no piece has the figure (curly quotes where none are).
    pub generated: Option<f64>,
    /// Mean of the writer's own pieces.
    pub own: Option<f64>,
    /// Standard deviation of single own pieces, in the measure's unit; of lengths "an entry" and "a paragraph", of their
    /// natural logarithms. `None` for fewer than two pieces.
    pub sd_of_own: Option<f64>,
    /// How many standard deviations of own pieces the generated mean lies above the own mean.
    pub z: Option<f64>,
    /// The standard deviation that z would have if the generated pieces were the writer's: √(1/generated + 1/own) of the
    /// numbers of pieces. Entries of one writer, taken apart, were up to four times as far apart: days hang together.
    pub noise: Option<f64>,
    /// 95% of z, were other pieces drawn on both sides: by bootstrap, on the scale of the own pieces as they are.
    pub interval: Option<Interval>,
}

impl Measure {
    /// How many times its own chance z is.
    pub fn off(&self) -> f64 {
        self.z.zip(self.noise).map_or(0.0, |(z, noise)| z.abs() / noise.max(f64::MIN_POSITIVE))
    }

    /// Whether the generated texts are off in it: by more than entries of one writer are.
    pub fn is_off(&self) -> bool {
        self.off() >= OFF && self.interval.is_none_or(|of| of.low > 0.0 || of.high < 0.0)
    }
}

/// The mean of one side's pieces and their scatter.
pub(super) struct Side {
    pub values: Vec<f64>,
    pub mean: Option<f64>,
    sd: Option<f64>,
}

impl Side {
    pub fn of(values: impl Iterator<Item = f64>) -> Side {
        let values: Vec<f64> = values.filter(|x| x.is_finite()).collect();
        let n = values.len();
        let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
        let sd = mean
            .filter(|_| n > 1)
            .map(|mean| (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0)).sqrt());
        Side { values, mean, sd }
    }

    /// This side's mean on the scale of the other's spread, which is taken to be `floor` at least.
    pub fn against(&self, own: &Side, name: &'static str, floor: f64) -> Measure {
        let [n, m] = [self, own].map(|side| side.values.len());
        // Rounding can leave a scatter of 1e-17 where all pieces are alike.
        let scale = own.sd.map(|sd| sd.max(floor)).filter(|sd| *sd > 1e-12);
        let z = || {
            let off = self.mean? - own.mean?;
            if off.abs() < 1e-12 { Some(0.0) } else { Some(off / scale?) }
        };
        let mean = |of: &[f64], at: &[usize]| at.iter().map(|&i| of[i]).sum::<f64>() / at.len() as f64;
        let interval = |scale: f64| {
            let mut rng = Rng::new(0, name);
            interval_of_two([n, m], ROUNDS, &mut || rng.next_u64(), |a, b| {
                (mean(&self.values, a) - mean(&own.values, b)) / scale
            })
        };
        let interval = scale.filter(|_| n > 1 && m > 1).map(interval);
        let noise = (n > 0 && m > 0).then(|| (1.0 / n as f64 + 1.0 / m as f64).sqrt());
        Measure { name, generated: self.mean, own: own.mean, sd_of_own: own.sd, z: z(), noise, interval }
    }
}
