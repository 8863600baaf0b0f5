//! `log.jsonl`: a line an optimizer step, and a line an evaluation. With `tokens.bin` and `run.json` it is enough to replay
//! a run in another framework.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result, disk};
use crate::optim::OnSpike;

/// Where the windows of a row begin in `tokens.bin`: one, or several that share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Starts {
    /// A row of one window.
    One(usize),
    /// Of several, in their order.
    Several(Vec<usize>),
}

impl Starts {
    /// Of a row of windows `(start, targets)`.
    pub fn of(row: &[(usize, usize)]) -> Starts {
        match row {
            [(start, _)] => Starts::One(*start),
            several => Starts::Several(several.iter().map(|window| window.0).collect()),
        }
    }
}

/// An optimizer step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// From 1.
    pub step: u64,
    /// Targets so far, this step's among them.
    pub tokens: u64,
    /// Nats/token before the update, the mean over all targets of all micro-steps.
    pub loss: f32,
    /// The learning rate of this update.
    pub lr: f32,
    /// The gradient's global norm after accumulation, before clipping.
    pub grad_norm: f32,
    /// How long the step took, in seconds.
    pub seconds: f32,
    /// What was done about it, where it was a spike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike: Option<OnSpike>,
    /// What the gradients were multiplied by on their way through half precision, in a run in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<f32>,
    /// Whether they overflowed all the same: the step changed nothing, and `grad_norm` says 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overflow: bool,
    /// The start s of every sequence in `tokens.bin`, in micro-step order: inputs s..s+T, targets s+1..s+T+1.
    pub windows: Vec<Starts>,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalLine {
    /// After this many optimizer steps.
    pub step: u64,
    /// Targets trained on so far.
    pub tokens: u64,
    /// Mean loss over the validation range, nats/token.
    pub val_loss: f32,
}

/// The norms of a step's gradients by block, beside an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormsLine {
    /// The step.
    pub step: u64,
    /// `wte`, `h.0`…: where, and the norm there before clipping.
    pub grad_norms: BTreeMap<String, f32>,
}

/// What the units of the MLPs do, beside an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthLine {
    /// After this many optimizer steps.
    pub step: u64,
    /// By block.
    pub health: BTreeMap<String, Units>,
}

/// The units of a block's MLP, over the tokens of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// All of them.
    pub units: usize,
    /// Those whose output is as good as zero for every token.
    pub dead: usize,
    /// Those whose gate is open for every token.
    pub saturated: usize,
}

/// Any line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// An optimizer step.
    Step(StepLine),
    /// An evaluation.
    Eval(EvalLine),
    /// The gradients' norms.
    Norms(NormsLine),
    /// What the units do.
    Health(HealthLine),
    /// What another diarist writes after a step.
    Other {
        /// After this many optimizer steps.
        step: u64,
    },
}

/// The log of a run, open to append to.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens a log, or begins one (mode 0600 on Unix).
    ///
    /// # Errors
    /// It cannot be opened or created.
    pub fn open(path: &Path) -> Result<Log> {
        let file = disk::append(path).map_err(Error::io("open", path))?;
        Ok(Log { path: path.to_path_buf(), file })
    }

    /// Appends a step. Numbers must be finite: JSON has no others, and the loop stops at one before it logs it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn step(&mut self, line: &StepLine) -> Result<()> {
        self.append(line)
    }

    /// Appends an evaluation.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn eval(&mut self, line: &EvalLine) -> Result<()> {
        self.append(line)
    }

    /// Appends the gradients' norms.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn norms(&mut self, line: &NormsLine) -> Result<()> {
        self.append(line)
    }

    /// Appends what the units do.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn health(&mut self, line: &HealthLine) -> Result<()> {
        self.append(line)
    }

    /// A line in one write, with no buffer of ours in between: a killed process has written all its lines or the last one in part.
    fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line).expect("a line holds nothing but numbers");
        text.push(b'\n');
        self.file.write_all(&text).map_err(Error::io("write", &self.path))?;
        disk::note(disk::Op::Wrote(&self.path));
        Ok(())
    }
}

/// Every line of a log, in order.
///
/// # Errors
/// The file cannot be read, or a line is of no step.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    let parse = |(i, line)| {
        serde_json::from_str(line).map_err(|e| {
            Error::file(path, format!("line {}: {e}", i + 1), "resume the run, which repairs its log")
        })
    };
    text.lines().enumerate().map(parse).collect()
}

/// Keeps the whole lines of steps up to `step`, none of them where there is none, by way of a temporary file that is renamed
/// over the log; a log that is right already is left alone. Of the last step only its own line stays where it was not
/// `evaluated`: an evaluation that the record does not have is made again.
pub(super) fn cut(path: &Path, step: Option<u64>, evaluated: bool) -> Result<()> {
    #[derive(Deserialize)]
    struct Stepped {
        step: u64,
        loss: Option<f32>,
    }
    let stays = |line: Stepped| {
        Some(line.step) < step || Some(line.step) == step && (evaluated || line.loss.is_some())
    };
    let kept = |line: &[u8]| line.ends_with(b"\n") && serde_json::from_slice(line).is_ok_and(stays);
    rewrite(path, kept)
}

/// Rewrites a file of lines with those that `keep` wants, if it does not want all. A line comes with its newline, the last
/// one perhaps without.
pub(super) fn rewrite(path: &Path, mut keep: impl FnMut(&[u8]) -> bool) -> Result<()> {
    let file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::io("open", path))?,
    };
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    let (mut kept, mut dropped) = (Vec::new(), false);
    while lines.read_until(b'\n', &mut line).map_err(Error::io("read", path))? > 0 {
        if keep(&line) {
            kept.extend_from_slice(&line);
        } else {
            dropped = true;
        }
        line.clear();
    }
    if dropped { disk::replace(path, &kept) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step(step: u64, loss: f32) -> StepLine {
        StepLine {
            step,
            tokens: 64 * step,
            loss,
            lr: 3e-4,
            grad_norm: 1.25,
            seconds: 0.5,
            spike: None,
            loss_scale: None,
            overflow: false,
            windows: vec![Starts::One(0), Starts::One(7)],
        }
    }

    #[test]
    fn lines_are_what_the_book_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let mut log = Log::open(&path).unwrap();
        log.step(&step(1, 5.545_177_5)).unwrap();
        log.eval(&EvalLine { step: 1, tokens: 64, val_loss: 5.5 }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "{\"step\":1,\"tokens\":64,\"loss\":5.5451775,\"lr\":0.0003,\"grad_norm\":1.25,\"seconds\":0.5,\"windows\":[0,7]}\n\
             {\"step\":1,\"tokens\":64,\"val_loss\":5.5}\n"
        );
        let grad_norms = [("wte".to_string(), 0.5), ("h.0".to_string(), 1.25)].into();
        log.norms(&NormsLine { step: 1, grad_norms }).unwrap();
        let units = Units { units: 8, dead: 1, saturated: 0 };
        log.health(&HealthLine { step: 1, health: [("h.0".to_string(), units)].into() }).unwrap();
        log.step(&StepLine { spike: Some(OnSpike::GoOn), ..step(2, 9.5) }).unwrap();
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"step\":2,\"rain\":0.5}\n")
            .unwrap();
        let later = &std::fs::read_to_string(&path).unwrap()[text.len()..];
        let mut later = later.lines();
        assert_eq!(later.next(), Some("{\"step\":1,\"grad_norms\":{\"h.0\":1.25,\"wte\":0.5}}"));
        let health = "{\"step\":1,\"health\":{\"h.0\":{\"units\":8,\"dead\":1,\"saturated\":0}}}";
        assert_eq!(later.next(), Some(health));
        assert!(later.next().unwrap().contains("\"seconds\":0.5,\"spike\":\"go-on\",\"windows\""));
        let lines = read(&path).unwrap();
        assert!(matches!(lines[2..4], [Line::Norms(_), Line::Health(_)]));
        assert_eq!(lines[5], Line::Other { step: 2 });
        assert_eq!(lines[0], Line::Step(step(1, 5.545_177_5)));
        assert!(matches!(lines[1], Line::Eval(EvalLine { val_loss: 5.5, .. })));
    }

    #[test]
    fn a_log_is_cut_to_its_step_at_whatever_byte_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let mut log = Log::open(&path).unwrap();
        let mut ends = vec![0];
        for s in 1..=4 {
            log.step(&step(s, 1.0)).unwrap();
            log.eval(&EvalLine { step: s, tokens: 64 * s, val_loss: 5.5 }).unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = std::fs::read(&path).unwrap();
        for torn in 0..=whole.len() {
            for saved in 0..=5_usize {
                std::fs::write(&path, &whole[..torn]).unwrap();
                cut(&path, Some(saved as u64), true).unwrap();
                let left = std::fs::read(&path).unwrap();
                let lines = whole[..torn].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
                assert_eq!(left, whole[..lines.min(ends[saved.min(4)])], "torn at {torn}, saved at {saved}");
            }
        }
        std::fs::remove_file(&path).unwrap();
        cut(&path, Some(3), true).unwrap();
        assert!(!path.exists());
        log = Log::open(&path).unwrap();
        log.eval(&EvalLine { step: 0, tokens: 0, val_loss: 5.5 }).unwrap();
        cut(&path, None, true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn an_evaluation_that_will_be_made_again_is_not_in_the_log_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let mut log = Log::open(&path).unwrap();
        for s in 1..=2 {
            log.step(&step(s, 1.0)).unwrap();
            log.eval(&EvalLine { step: s, tokens: 64 * s, val_loss: 5.5 }).unwrap();
            log.norms(&NormsLine { step: s, grad_norms: BTreeMap::new() }).unwrap();
        }
        let whole = read(&path).unwrap();
        cut(&path, Some(2), true).unwrap();
        assert_eq!(read(&path).unwrap(), whole);
        cut(&path, Some(2), false).unwrap();
        assert_eq!(read(&path).unwrap(), whole[..4], "the first step was evaluated for good");
    }

    #[test]
    fn noise_between_lines_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        std::fs::write(&path, "{\"step\":1}\n\0\0\0\n{\"step\":2}\nnull\n{\"step\":-1}\n").unwrap();
        cut(&path, Some(2), true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"step\":1}\n{\"step\":2}\n");
    }

    proptest! {
        /// A replay compares losses to the last bit.
        #[test]
        fn floats_keep_their_bits(bits in any::<u32>()) {
            let loss = f32::from_bits(bits);
            prop_assume!(loss.is_finite());
            let text = serde_json::to_string(&step(1, loss)).unwrap();
            let Line::Step(back) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
            prop_assert_eq!(back.loss.to_bits(), loss.to_bits());
        }
    }
}
