//! A run's folder: made private, held by one process, repaired when it is resumed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Error, Result, disk};
use crate::run::log::{self, Log};
use crate::run::place::check_empty;
use crate::run::record::{self, Run, State};
use crate::run::runs::{ADAPTER, LOCK, LOG, MODEL, RECORD, REPORT, SAMPLES, instead, restore_or_begin};
use crate::run::samples::{self, Samples};

/// A run's folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    pub(super) path: PathBuf,
    /// The state that `run.json` names; none before the first.
    pub(super) named: Option<State>,
    /// The operating system frees it when the process ends, however it ends.
    _lock: File,
}

impl RunFolder {
    /// Makes a new run's folder, with what is above it: folders 0700 on Unix, a `.gitignore` of `*`, the lock.
    ///
    /// # Errors
    /// The place holds something, or cannot be made.
    pub fn create(path: &Path) -> Result<RunFolder> {
        check_empty(path)?;
        disk::create_folder(path)?;
        // An empty folder that somebody else made becomes as private as ours.
        disk::make_private(path)?;
        let lock = lock(path)?;
        let folder = RunFolder { path: path.to_path_buf(), named: None, _lock: lock };
        // A second process may have come between the look and the lock, and may have gone again.
        if path.join(RECORD).exists() || path.join(".gitignore").exists() {
            return Err(Error::file(
                path,
                "another diarist has just made a run here",
                "train again: the next free place is taken, or give one with --out",
            ));
        }
        folder.write_new(".gitignore", b"*\n")?;
        Ok(folder)
    }

    /// Takes hold of an earlier run's folder. Call [`RunFolder::repair`] before anything else is done to it.
    ///
    /// # Errors
    /// It is no run's folder, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        // Looked at first, so that no lock file is left in a folder that is none of ours.
        read_run(path)?;
        let lock = lock(path)?;
        let run = read_run(path)?;
        Ok(RunFolder { path: path.to_path_buf(), named: Some(run.state), _lock: lock })
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

    /// Makes the folder what `run.json` says it is, and returns that. The named state's hashes are checked first, and while
    /// they do not hold nothing is touched. Then: states that are not named and temporary files go; the root's model
    /// becomes the state's again; `log.jsonl` and `samples.md` are cut to the saved step.
    ///
    /// # Errors
    /// The named state is damaged, or the folder cannot be read or written.
    pub fn repair(&mut self) -> Result<Run> {
        let run = read_run(&self.path)?;
        self.named = Some(run.state.clone());
        self.verify(&run)?;
        self.sweep();
        self.repair_model()?;
        log::cut(&self.path.join(LOG), run.position.step)?;
        samples::cut(&self.path.join(SAMPLES), run.position.step)?;
        Ok(run)
    }

    /// Every file of the named state is there with its hash.
    fn verify(&self, run: &Run) -> Result<()> {
        let next = || restore_or_begin("the folder", &self.path);
        for (name, hash) in &run.state.files {
            let path = self.path.join(&run.state.folder).join(name);
            if !path.is_file() {
                let problem = format!("missing, though run.json names it as step {}'s", run.position.step);
                return Err(Error::file(&path, problem, next()));
            }
            let found = disk::sha256(&path)?;
            if found != *hash {
                let problem = format!("damaged: its SHA-256 is {found}, run.json has {hash}");
                return Err(Error::file(&path, problem, next()));
            }
        }
        Ok(())
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
        disk::replace(&self.path.join(RECORD), record::to_json(run).as_bytes())
    }

    /// Brings the log and the samples to the disk, so that no state is ahead of them after a power cut.
    pub(super) fn sync_logs(&self) -> Result<()> {
        for name in [LOG, SAMPLES] {
            let path = self.path.join(name);
            if path.exists() {
                disk::sync_file(&path)?;
            }
        }
        Ok(())
    }

    /// The root's model is a copy of the named state's, or becomes one.
    fn repair_model(&self) -> Result<()> {
        let Some((name, hash)) = self.model() else { return Ok(()) };
        let root = self.path.join(name);
        if root.is_file() && disk::sha256(&root)? == hash { Ok(()) } else { self.follow_model() }
    }

    /// Makes the root's model a copy of the named state's, without a look at the one that is there. Not a link: a tool that
    /// edits the root's file in place would damage the state with it, and a resume could not repair either.
    pub(super) fn follow_model(&self) -> Result<()> {
        let Some((name, _)) = self.model() else { return Ok(()) };
        let Some(state) = self.state_file(name) else { return Ok(()) };
        disk::replace_with(&self.path.join(name), |fresh| disk::copy_new(&state, fresh))
    }

    /// What of the named state the root has a copy of, and its hash: the model, or the adapter.
    fn model(&self) -> Option<(&'static str, &str)> {
        let files = &self.named.as_ref()?.files;
        [MODEL, ADAPTER].into_iter().find_map(|name| Some((name, files.get(name)?.as_str())))
    }

    /// Removes what no record names: other states, unfinished ones, temporary files. What cannot be removed now costs space
    /// and nothing else, and the next save or resume tries again: no reason to stop a run.
    pub(super) fn sweep(&self) {
        let Some(named) = &self.named else { return };
        for entry in fs::read_dir(self.path.join("state")).into_iter().flatten().flatten() {
            if format!("state/{}", entry.file_name().to_string_lossy()) != named.folder {
                let path = entry.path();
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            }
        }
        for name in [RECORD, MODEL, ADAPTER, LOG, SAMPLES, REPORT] {
            let _ = fs::remove_file(disk::temporary(&self.path.join(name)));
        }
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
    } else if path.join(LOCK).exists() && path.join(".gitignore").exists() {
        ("a run that stopped before its first save: there is nothing to resume", "train again".into())
    } else {
        ("no run's folder (it has no run.json)", instead(path))
    };
    Err(Error::file(path, problem, next))
}

/// Whether a process trains in a folder.
pub fn is_held(path: &Path) -> bool {
    let lock = File::open(path.join(LOCK));
    lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Holds a folder for this process.
fn lock(path: &Path) -> Result<File> {
    let at = path.join(LOCK);
    let file = disk::open_or_create(&at).map_err(Error::io("open", &at))?;
    let mut held = file.try_lock();
    if matches!(held, Err(TryLockError::WouldBlock)) {
        // Who lists the runs looks at the lock, and has gone again in a moment.
        std::thread::sleep(Duration::from_millis(100));
        held = file.try_lock();
    }
    match held {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::file(
            path,
            "another diarist is using this run",
            "wait until it has finished, or stop it with Ctrl-C (it saves first)",
        )),
        Err(TryLockError::Error(e)) => Err(Error::io("lock", &at)(e)),
    }
}

#[cfg(test)]
mod tests;
