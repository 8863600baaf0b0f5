//! A run as its files tell it, without a lock: it may be training.

use std::path::Path;

use crate::base::Result;
use crate::base::units::{shown, thousands};
use crate::run::folder::read_run;
use crate::run::record::Run;
use crate::run::report::curves::{Curves, Point, smoothed};
use crate::run::runs::{LOG, SAMPLES};
use crate::run::samples::{self, Sample};

/// A run, what it measured and what it wrote.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its folder's name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// Its record.
    pub run: Run,
    /// Its steps and evaluations.
    pub curves: Curves,
    /// Its samples.
    pub samples: Vec<Sample>,
}

impl Told {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// It is no run's folder, or a file of it cannot be read.
    pub fn read(folder: &Path) -> Result<Told> {
        Told::of(folder, read_run(folder)?)
    }

    /// The run in a folder, whose record may be further than the one that was saved.
    ///
    /// # Errors
    /// Its log or its samples cannot be read.
    pub fn of(folder: &Path, run: Run) -> Result<Told> {
        let curves = Curves::read(&folder.join(LOG))?;
        let samples = samples::read(&folder.join(SAMPLES))?;
        // `.` has no name of its own.
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let name = real.file_name().map_or_else(|| shown(&real), |name| shown(Path::new(name)));
        Ok(Told { name, folder: shown(folder), run, curves, samples })
    }

    /// Tokens of a step.
    pub fn step_tokens(&self) -> u64 {
        let s = &self.run.settings;
        (s.batch * s.accumulate * s.context) as u64
    }

    /// The training loss, smoothed.
    pub fn training(&self) -> Vec<Point> {
        smoothed(&self.curves.of(|step| step.loss))
    }

    /// How far it is, in words.
    pub fn progress(&self) -> String {
        let (step, steps) = (self.run.position.step, self.run.settings.steps);
        let end = match (self.run.finished, step < steps) {
            (true, true) => ", ended early",
            (true, false) => ", finished",
            (false, _) => "",
        };
        format!("step {} of {}{end}", thousands(step), thousands(steps))
    }

    /// Of several samples at a step the first, of those nearest to a step.
    pub fn sample_near(&self, step: u64) -> Option<&Sample> {
        self.samples.iter().min_by_key(|sample| sample.step.abs_diff(step))
    }
}
