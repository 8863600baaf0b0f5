//! The learning rate of a step: linear warm-up, then a cosine to a floor (Loshchilov and Hutter 2017), as nanoGPT has it.

/// Learning rates by step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The highest rate, reached at the end of the warm-up.
    pub lr: f32,
    /// The floor, reached where the cosine ends.
    pub min_lr: f32,
    /// Steps of the warm-up.
    pub warmup: u64,
    /// The step that the cosine ends at: the run's last, or an earlier one.
    pub steps: u64,
}

impl Schedule {
    /// The rate of step `step`, from 1. Past the last step it stays at the floor.
    pub fn at(&self, step: u64) -> f32 {
        if step <= self.warmup {
            return self.lr * step as f32 / self.warmup as f32;
        }
        if step >= self.steps {
            return self.min_lr;
        }
        let done = (step - self.warmup) as f64 / (self.steps - self.warmup) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        (f64::from(self.min_lr) + cosine * f64::from(self.lr - self.min_lr)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_falls_and_stays() {
        let s = Schedule { lr: 1.0, min_lr: 0.1, warmup: 10, steps: 110 };
        assert_eq!(s.at(1), 0.1);
        assert_eq!(s.at(10), 1.0);
        assert!((s.at(60) - 0.55).abs() < 1e-6);
        assert_eq!(s.at(110), 0.1);
        assert_eq!(s.at(1000), 0.1);
        assert!((11..110).all(|t| s.at(t) >= s.at(t + 1)));
        let no_warmup = Schedule { warmup: 0, ..s };
        assert!(no_warmup.at(1) < 1.0 && no_warmup.at(1) > 0.99);
    }
}
