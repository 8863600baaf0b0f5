//! A run's folder is made what its record says; where the newest state or the record is damaged, what the newest whole state
//! says. And what no record names goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base::units::thousands;
use crate::base::{Error, Result, disk};
use crate::run::folder::{RunFolder, read_run};
use crate::run::record::{self, Run, State};
use crate::run::runs::{ADAPTER, LOG, MODEL, RECORD, REPORT, SAMPLES, restore_or_begin};
use crate::run::{lock, log, samples};

/// A run that is taken up.
#[derive(Debug, PartialEq)]
pub struct Repaired {
    /// Its record.
    pub run: Run,
    /// What was found damaged, and what became of it: lines for the person.
    pub notes: Vec<String>,
}

/// Checks that a folder is a run's, were its record damaged.
fn look(path: &Path) -> Result<()> {
    match read_run(path) {
        Err(e) if states(path).is_empty() => Err(e),
        _ => Ok(()),
    }
}

/// The steps of the states in a folder that have a record, the newest first.
fn states(path: &Path) -> Vec<u64> {
    let there = fs::read_dir(path.join("state")).into_iter().flatten().flatten();
    let step = |entry: fs::DirEntry| {
        let step = entry.file_name().to_str()?.parse().ok()?;
        entry.path().join(RECORD).is_file().then_some(step)
    };
    let mut steps: Vec<u64> = there.filter_map(step).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    steps
}

impl RunFolder {
    /// Takes hold of an earlier run's folder. Call [`RunFolder::repair`] before anything else is done to it.
    ///
    /// # Errors
    /// It is no run's folder, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        // Looked at first, so that no lock file is left in a folder that is none of ours.
        look(path)?;
        let lock = lock::hold(path)?;
        Ok(RunFolder { path: path.to_path_buf(), named: None, best: None, keep: 1, followed: None, lock })
    }

    /// Makes the folder what `run.json` says it is, and returns that. The named state's hashes are checked first. Where they do
    /// not hold, or the record cannot be read, the newest state that is whole is the run's, and that is told; while there is none,
    /// nothing is touched. Then: states that are not named and temporary files go; the root's model becomes the best one's
    /// again; `log.jsonl` and `samples.md` are cut to the saved step.
    ///
    /// # Errors
    /// No state is whole, or the folder cannot be read or written.
    pub fn repair(&mut self) -> Result<Repaired> {
        let recorded = read_run(&self.path);
        let (mut run, mut notes) = match &recorded {
            Ok(run) => match self.verify(&run.state, run.position.step) {
                Ok(()) => (run.clone(), Vec::new()),
                Err(damage) => self.before(Some(run), damage)?,
            },
            // What is whole JSON was not cut short: it says something, which is not to be passed over.
            Err(_) if is_json(&self.path.join(RECORD)) => return Err(recorded.expect_err("it is one")),
            Err(_) => self.before(None, recorded.expect_err("it is one"))?,
        };
        if let Some(best) = &run.best
            && let Err(damage) = self.verify(best, run.best_eval.map_or(0, |best| best.step))
        {
            let of = problem(&damage);
            if self.restore(best) {
                notes.push(format!("{of}: the best model, made whole again from a copy of it"));
            } else {
                notes.push(format!("the best model is lost: {of}"));
                run.best = None;
            }
        }
        self.take(&run);
        if !notes.is_empty() {
            self.save_run(&run)?;
        }
        self.sweep();
        self.repair_model()?;
        let step = run.position.step;
        // A step's own line is there from the first on; what was evaluated and not recorded will be evaluated again.
        let evaluated = run.last_eval.is_some_and(|last| last.step == step);
        log::cut(&self.path.join(LOG), (step > 0 || evaluated).then_some(step), evaluated)?;
        samples::cut(&self.path.join(SAMPLES), step)?;
        Ok(Repaired { run, notes })
    }

    /// The newest whole state before the one of the record that was read, if one could be; `damage` is why that is not taken.
    fn before(&self, recorded: Option<&Run>, damage: Error) -> Result<(Run, Vec<String>)> {
        for step in states(&self.path) {
            if recorded.is_some_and(|run| run.position.step <= step) {
                continue;
            }
            let Ok(mut run) = record::read(&self.path.join(State::folder_of(step)).join(RECORD)) else {
                continue;
            };
            if run.position.step != step || self.verify(&run.state, step).is_err() {
                continue;
            }
            if let Some(recorded) = recorded {
                // What was asked for since stands; so does a best model of a later step, which is what it is.
                run.settings = recorded.settings.clone();
                run.count_micro_steps();
                (run.best_eval, run.since_best) = (recorded.best_eval, recorded.since_best);
                run.best.clone_from(&recorded.best);
            }
            let note =
                format!("{}: going on from step {}, whose state is whole", problem(&damage), thousands(step));
            return Ok((run, vec![note]));
        }
        Err(damage)
    }

    /// Every file of a state is there with its hash.
    fn verify(&self, state: &State, step: u64) -> Result<()> {
        let next = || restore_or_begin("the folder", &self.path);
        for (name, hash) in &state.files {
            let path = self.path.join(&state.folder).join(name);
            if !path.is_file() {
                let problem = format!("missing, though run.json names it as step {step}'s");
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

    /// Puts the best model back from a copy that has its hash, the root's or its step's state: whether there was one.
    fn restore(&self, best: &State) -> bool {
        let place = self.path.join(&best.folder);
        let state = best.folder.replacen("best/", "state/", 1);
        let one = |(name, hash): (&String, &String)| {
            let copies = [self.path.join(name), self.path.join(&state).join(name)];
            let whole = copies.into_iter().find(|copy| disk::sha256(copy).is_ok_and(|found| found == *hash));
            let put =
                |copy: PathBuf| disk::replace_with(&place.join(name), |fresh| disk::copy_new(&copy, fresh));
            whole.is_some_and(|copy| put(copy).is_ok())
        };
        (place.is_dir() || disk::create_folder(&place).is_ok()) && best.files.iter().all(one)
    }

    /// The root's model is a copy of the best one, or of the named state's; or becomes one.
    fn repair_model(&mut self) -> Result<()> {
        let Some((_, name, hash)) = self.front() else { return Ok(()) };
        let root = self.path.join(name);
        let same = root.is_file() && disk::sha256(&root)? == hash;
        self.followed = same.then_some(hash);
        self.follow_model()
    }

    /// Removes what no record names: other states than the newest, other models than theirs, unfinished ones, temporary files.
    /// What cannot be removed now costs space and nothing else, and the next save or resume tries again: no reason to stop a run.
    pub(super) fn sweep(&self) {
        self.keep_states(self.keep);
        for name in [RECORD, MODEL, ADAPTER, LOG, SAMPLES, REPORT] {
            let _ = disk::remove(&disk::temporary(&self.path.join(name)));
        }
    }

    /// Removes all states but the named one and the newest before it, `keep` in all, and all models that none of them names as
    /// the best.
    pub(super) fn keep_states(&self, keep: u64) {
        let Some(named) = &self.named else { return };
        let newest =
            states(&self.path).into_iter().map(State::folder_of).skip_while(|folder| *folder != named.folder);
        let mut kept: BTreeSet<String> = newest.take(keep.max(1) as usize).collect();
        kept.insert(named.folder.clone());
        let mut best: BTreeSet<String> = self.best.iter().map(|best| best.folder.clone()).collect();
        for folder in &kept {
            let record = record::read(&self.path.join(folder).join(RECORD));
            best.extend(record.ok().and_then(|run| run.best).map(|best| best.folder));
        }
        remove_others(&self.path, "state", &kept);
        remove_others(&self.path, "best", &best);
    }
}

/// Removes what lies in a folder of the run's, but for what is named.
fn remove_others(run: &Path, folder: &str, named: &BTreeSet<String>) {
    for entry in fs::read_dir(run.join(folder)).into_iter().flatten().flatten() {
        if !named.contains(&format!("{folder}/{}", entry.file_name().to_string_lossy())) {
            let path: PathBuf = entry.path();
            let _ = if path.is_dir() { disk::remove_folder(&path) } else { disk::remove(&path) };
        }
    }
}

/// Whether a file is JSON as a whole.
fn is_json(path: &Path) -> bool {
    let text = disk::read_file(path);
    text.is_ok_and(|text| serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok())
}

/// What an error says, without what to do: the next thing is done already.
fn problem(error: &Error) -> String {
    let text = error.to_string();
    text.split("\n  next:").next().unwrap_or_default().to_string()
}
