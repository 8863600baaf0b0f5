//! The model that an adapter stands beside: it stays where it is, and has to be the same on every day that the run goes on.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::disk::sha256;
use crate::base::units::shown;
use crate::base::{Config, Error, Result, shell};
use crate::run::read_run;
use crate::run::record::Base;
use crate::weights::{self, Checkpoint};

/// Notes which model that is.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn note(checkpoint: &Checkpoint) -> Result<Base> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files: BTreeMap<String, String> =
        checkpoint.files().map(|path| Ok((name(path), sha256(path)?))).collect::<Result<_>>()?;
    let path = checkpoint.path();
    Ok(Base { path: std::path::absolute(path).map_err(Error::io("find", path))?, files })
}

/// Opens it again, for the run in `run`.
///
/// # Errors
/// It is not there, or is another.
pub(super) fn open(base: &Base, model: &Config, run: &Path) -> Result<Checkpoint> {
    let next = || {
        let (base, run) = (shell::path(&base.path), shell::path(run));
        format!(
            "put the model that the run began with back at {base}; or give its place: --resume {run} --base PATH"
        )
    };
    if !base.path.exists() {
        let problem = "the model that this run's adapter stands beside is not there";
        return Err(Error::file(&base.path, problem, next()));
    }
    let checkpoint = weights::open(&base.path)?;
    if checkpoint.is_adapted() {
        return Err(Error::file(&base.path, "an adapter; this run's stands beside a whole model", next()));
    }
    if checkpoint.config() != model || note(&checkpoint)?.files != base.files {
        let problem =
            format!("not the model that the run in {} began with: its weights are others", shown(run));
        return Err(Error::file(&base.path, problem, next()));
    }
    Ok(checkpoint)
}

/// Checks that an adapter's run, opened for use, lies on the model that it was trained beside; of anything else, nothing.
///
/// # Errors
/// Its model is another now.
pub fn check(opened: &Checkpoint, path: &Path) -> Result<()> {
    let Some(base) = read_run(path).ok().and_then(|run| run.base) else { return Ok(()) };
    if note(opened)?.files == base.files {
        return Ok(());
    }
    let next = format!(
        "put the model that it was trained beside back at {}; to lay the adapter on this one all the same, name the model, and \
         --adapter {}",
        shell::path(&base.path),
        shell::path(path)
    );
    Err(Error::file(path, "an adapter whose model has changed since: its weights are others", next))
}
