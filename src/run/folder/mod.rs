//! A run's folder: made private, held by one process, repaired when it is resumed (`run/repair.rs`).

use std::path::{Path, PathBuf};

use crate::base::{Error, Result, disk, shell};
use crate::run::leftover::{self, is_leftover};
use crate::run::lock::{self, Lock};
use crate::run::log::Log;
use crate::run::place::check_empty;
use crate::run::record::{self, Run, State};
use crate::run::runs::{ADAPTER, LOCK, LOG, MODEL, RECORD, SAMPLES, instead, restore_or_begin};
use crate::run::samples::Samples;

/// A run's folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    pub(super) path: PathBuf,
    /// The state that `run.json` names; none before the first.
    pub(super) named: Option<State>,
    /// The best model that it names.
    pub(super) best: Option<State>,
    /// So many states stay.
    pub(super) keep: u64,
    /// The hash of the root's model, where this process has put it there.
    pub(super) followed: Option<String>,
    /// The operating system frees it when the process ends, however it ends.
    pub(super) lock: Lock,
}

impl RunFolder {
    /// Makes a new run's folder, with what is above it: folders 0700 on Unix, a `.gitignore` of `*`, the lock. What a run
    /// left there that was killed before its first save goes.
    ///
    /// # Errors
    /// The place holds something else, or cannot be made.
    pub fn create(path: &Path) -> Result<RunFolder> {
        check_empty(path)?;
        disk::create_folder_for_good(path)?;
        // An empty folder that somebody else made becomes as private as ours.
        disk::make_private(path)?;
        let lock = lock::hold(path)?;
        let folder =
            RunFolder { path: path.to_path_buf(), named: None, best: None, keep: 1, followed: None, lock };
        // A second process may have come between the look and the lock, and may have gone again.
        leftover::clear(path)?;
        folder.write_new(".gitignore", leftover::ALL.as_bytes())?;
        Ok(folder)
    }

    /// What a record names is what is there from now on.
    pub(super) fn take(&mut self, run: &Run) {
        self.named = Some(run.state.clone());
        self.best.clone_from(&run.best);
        self.keep = run.settings.keep;
    }

    /// What a person should know of how it is held.
    pub fn note(&self) -> Option<&str> {
        self.lock.note.as_deref()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one of the files that a run is created with (mode 0600 on Unix), on the disk when this returns.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<()> {
        disk::write_new(&self.path.join(name), bytes)
    }

    /// Opens `log.jsonl` to append to.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn log(&self) -> Result<Log> {
        Log::open(&self.path.join(LOG))
    }

    /// Opens `samples.md` to append to.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn samples(&self) -> Result<Samples> {
        Samples::open(&self.path.join(SAMPLES))
    }

    /// A file of the state that `run.json` names, such as "optimizer.safetensors"; none before the first state.
    pub fn state_file(&self, name: &str) -> Option<PathBuf> {
        self.named.as_ref().map(|s| self.path.join(&s.folder).join(name))
    }

    /// Writes `run.json` anew beside the state that it names already: more steps asked for, a run declared finished.
    /// The change is whole or does not happen.
    ///
    /// # Errors
    /// It cannot be written.
    ///
    /// # Panics
    /// If `run` names another state than the saved one.
    pub fn save_run(&self, run: &Run) -> Result<()> {
        assert_eq!(Some(&run.state), self.named.as_ref(), "a new state is saved by begin_state");
        let text = record::to_json(run);
        disk::replace(&self.path.join(RECORD), text.as_bytes())?;
        disk::replace(&self.path.join(&run.state.folder).join(RECORD), text.as_bytes())
    }

    /// Brings the log, the samples and the names of all that a run is begun with to the disk, so that no state is ahead of them
    /// after a power cut.
    pub(super) fn sync_beside(&self) -> Result<()> {
        for name in [LOG, SAMPLES] {
            let path = self.path.join(name);
            if path.exists() {
                disk::sync_file(&path)?;
            }
        }
        disk::sync_folder(&self.path)
    }

    /// Makes the root's model a copy of the best one, or, where none is known to be, of the named state's, without a look at the
    /// one that is there. Not a link: a tool that edits the root's file in place would damage the other with it, and a resume
    /// could not repair either.
    pub(super) fn follow_model(&mut self) -> Result<()> {
        let Some((folder, name, hash)) = self.front() else { return Ok(()) };
        if self.followed.as_ref() == Some(&hash) {
            return Ok(());
        }
        let from = self.path.join(folder).join(name);
        disk::replace_with(&self.path.join(name), |fresh| disk::copy_new(&from, fresh))?;
        self.followed = Some(hash);
        Ok(())
    }

    /// What the root has a copy of: the folder, the name of its model or adapter, and its hash.
    pub(super) fn front(&self) -> Option<(String, &'static str, String)> {
        let State { folder, files } = self.best.as_ref().or(self.named.as_ref())?;
        let of = |name: &'static str| Some((folder.clone(), name, files.get(name)?.clone()));
        [MODEL, ADAPTER].into_iter().find_map(of)
    }
}

/// What a folder's `run.json` says, without taking hold of the folder: for sampling from a run that may be training.
///
/// # Errors
/// It is no run's folder, or its record cannot be read.
pub fn read_run(path: &Path) -> Result<Run> {
    let record = path.join(RECORD);
    if record.is_file() {
        return record::read(&record);
    }
    let (problem, next) = if !path.is_dir() {
        ("there is no such folder", instead(path))
    } else if path.join(MODEL).exists() {
        ("its run.json is missing; its model is there", restore_or_begin("run.json", path))
    } else if is_leftover(path) {
        (
            "a run that stopped before its first save: there is nothing to resume",
            format!("train again; with --out {} what it left is replaced", shell::path(path)),
        )
    } else if path.join(LOCK).exists() && path.join(".gitignore").exists() {
        (
            "a run that has not saved yet: there is nothing to resume",
            "wait for its first save; if nothing is training there, train again into another place".into(),
        )
    } else {
        ("no run's folder (it has no run.json)", instead(path))
    };
    Err(Error::file(path, problem, next))
}

#[cfg(test)]
mod tests;
