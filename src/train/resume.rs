//! How a run is taken up again.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::disk::sha256;
use crate::base::units::thousands;
use crate::base::{Error, Result};
use crate::dataset::data::{MASKED, read_mask};
use crate::device::Choices;
use crate::run::{Run, RunFolder};
use crate::tokens::{Kind, TokenFile, Tokenizer};
use crate::train::engine::Engine;
use crate::train::session::Session;
use crate::train::start::{open_device, write_missing};
use crate::train::{Observer, Outcome, Stop};

/// Continues the run in `dir`; `steps` larger than the recorded number extend it.
///
/// # Errors
/// A folder that is not a run's or is held by another process; whatever can go wrong while it trains.
pub fn resume(
    dir: &Path,
    steps: Option<u64>,
    device: Option<&str>,
    threads: usize,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Outcome> {
    let mut folder = RunFolder::open(dir)?;
    let mut run = folder.repair()?;
    if let Some(steps) = steps.filter(|&s| s > run.settings.steps) {
        observer.say(&format!("steps    {} instead of {}", thousands(steps), thousands(run.settings.steps)));
        run.settings.steps = steps;
        run.finished = false;
        // Written down at once: a kill before the next save must not forget what was asked for.
        folder.save_run(&run)?;
    }
    if let Some(steps) = steps.filter(|&s| s < run.settings.steps) {
        observer.say(&format!(
            "steps    {} stay, not {steps}: only a larger number changes a run",
            run.settings.steps
        ));
    }
    if run.position.step >= run.settings.steps {
        observer.say(&format!(
            "finished {} steps are done; a larger --steps extends the run",
            thousands(run.position.step)
        ));
        return Ok(Outcome { dir: dir.to_path_buf(), interrupted: false });
    }
    let opened = open_device(device.unwrap_or(&run.device.spec()), threads, observer)?;
    let mut choices = opened.choices();
    if opened.identity() == run.device {
        // The tiles of the run, so that its bits repeat.
        choices = serde_json::from_value::<Choices>(run.kernels["choices"].clone()).unwrap_or(choices);
    } else {
        observer.say(&format!(
            "device   another than the run's {} {}: the last bits of the numbers may differ",
            run.device.name, run.device.driver
        ));
        run.device = opened.identity();
        run.kernels = json!({ "choices": choices });
    }
    observer.doing("loading the saved state");
    let engine = Engine::new(&opened, choices, run.model, &run.settings)?;
    let tokens = tokens_of(dir, &run)?;
    let tokenizer = Tokenizer::new(Kind::from_name(&run.tokenizer).ok_or_else(|| {
        Error::file(
            dir.join("run.json"),
            format!("names a tokenizer {:?}", run.tokenizer),
            "use a newer diarist, or restore the file",
        )
    })?);
    write_missing(&folder, &run.model, &tokenizer, run.settings.dropout)?;
    let mut session = Session::open(folder, run, engine, tokenizer, tokens, observer, stop)?;
    session.load_state()?;
    let (step, steps) = (session.run.position.step, session.run.settings.steps);
    session.observer.say(&format!("resuming {} at step {step} of {steps}", dir.display()));
    session.train()
}

/// The tokens that a run is trained on, with what is masked, unchanged since it began.
fn tokens_of(dir: &Path, run: &Run) -> Result<TokenFile> {
    let mut tokens =
        TokenFile::open(&unchanged(dir, "tokens.bin", &run.data.fingerprint)?, run.data.val[1] as usize)?;
    if let Some(hash) = &run.data.masked {
        unchanged(dir, MASKED, hash)?;
        tokens.mask(read_mask(dir)?);
    }
    Ok(tokens)
}

/// The path of a file in a run's folder that still has its hash.
fn unchanged(dir: &Path, name: &str, hash: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    if !path.is_file() || sha256(&path)? != hash {
        return Err(Error::file(
            &path,
            "missing, or its hash is not the one in run.json: it was changed",
            "restore it from a backup, or begin a new run from this folder's model: --from",
        ));
    }
    Ok(path)
}
