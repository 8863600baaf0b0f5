//! Saving a state so that it is there as a whole or not at all.
//!
//! 1. The files are written into `state/.STEP.partial/`, hashed on the way, and brought to the disk; last the record as it will
//!    be, so that a state can be taken up without the run's own.
//! 2. The folder is renamed to `state/STEP`. Where its model is the best so far, it is put into `best/STEP` in the same way.
//! 3. `run.json`, which names both and their hashes, is written beside its place, brought to the disk and renamed. This
//!    rename is the save: before it, the run is at its earlier state; after it, at this one.
//! 4. The root's `model.safetensors` follows the best, and what is older than the states that are kept goes.
//!
//! A process killed at any point leaves what [`RunFolder::repair`] turns into one of the two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::{Config, Error, Lora, Optimizer, Param, Result, disk};
use crate::run::RunFolder;
use crate::run::record::{self, Run, State};
use crate::run::runs::{ADAPTER, MODEL, RECORD};
use crate::weights::Dtype;
use crate::weights::safetensors::Writer;
use crate::weights::{huggingface, peft};

/// The optimizer's file in a state.
pub const OPTIMIZER: &str = "optimizer.safetensors";

/// A state being written. Dropped before [`Saving::commit`], it takes its files with it, and the earlier state stands.
#[derive(Debug)]
pub struct Saving<'a> {
    folder: &'a mut RunFolder,
    step: u64,
    /// Where the files are now.
    at: PathBuf,
    /// Where the best model's copy is, where this state has it.
    best: Option<PathBuf>,
    files: BTreeMap<String, String>,
    /// Whether `run.json` names the state.
    published: bool,
}

/// The tensors of the optimizer's file, in order: `m.NAME` (first moments) of every parameter that trains in the order of its
/// table, then `v.NAME` (second moments) of those that AdamW trains, each in its parameter's shape.
pub fn optimizer_tensors(trained: &[Param], optimizer: Optimizer) -> Vec<(String, Vec<usize>)> {
    let moment = |prefix: &str, p: &Param| (format!("{prefix}.{}", p.name), p.shape.clone());
    let first = trained.iter().map(|p| moment("m", p));
    let second = trained.iter().filter(|p| optimizer.has_second_moment(p)).map(|p| moment("v", p));
    first.chain(second).collect()
}

impl RunFolder {
    /// Begins to save the state after `step` optimizer steps.
    ///
    /// # Errors
    /// That state is saved already ([`RunFolder::save_run`] changes the record beside it), the run's folder is gone, or there
    /// is no room for the state.
    pub fn begin_state(&mut self, step: u64) -> Result<Saving<'_>> {
        let folder = State::folder_of(step);
        if self.named.as_ref().is_some_and(|s| s.folder == folder) {
            return Err(Error::file(
                self.path.join(folder),
                "this step's state is saved already",
                "train at least one more step before saving again",
            ));
        }
        if self.named.is_some() && !self.path.join(RECORD).is_file() {
            // To make the folder again would leave a run without its data.
            return Err(Error::file(
                &self.path,
                "the run's folder was moved or removed while it trained",
                "put it back and resume it: it is at its last saved state; or train again",
            ));
        }
        // The oldest goes first: with two states kept, a disk never holds more than two.
        self.keep_states(self.keep.saturating_sub(1).max(1));
        let at = self.fresh(&folder)?;
        Ok(Saving { folder: self, step, at, best: None, files: BTreeMap::new(), published: false })
    }

    /// Makes the named state's model the best one, whose evaluation came after its save: `run.best` names it when this returns.
    ///
    /// # Errors
    /// It cannot be written; until the record is, the run is as it was.
    pub fn keep_best(&mut self, run: &mut Run) -> Result<()> {
        let best = best_of(run.position.step, &run.state.files);
        self.put_best(&self.path.join(&run.state.folder), &best)?;
        let next = Run { best: Some(best), ..run.clone() };
        self.save_run(&next)?;
        *run = next;
        self.take(run);
        self.follow_model()?;
        self.sweep();
        Ok(())
    }

    /// Puts a copy of a state's model into its place as the best. Returns the place.
    fn put_best(&self, state: &Path, best: &State) -> Result<PathBuf> {
        let at = self.fresh(&best.folder)?;
        for name in best.files.keys() {
            // Nothing ever writes into either of the two again.
            disk::link_or_copy(&state.join(name), &at.join(name))?;
        }
        put(&self.path, &at, &best.folder)
    }

    /// Makes an empty folder beside its place, `state/.STEP.partial`, for what will be renamed to `state/STEP`.
    fn fresh(&self, folder: &str) -> Result<PathBuf> {
        let place = self.path.join(folder);
        let (above, name) = (place.parent().expect("a state lies in a folder"), place.file_name());
        let at = above.join(format!(".{}.partial", name.expect("a state has a name").to_string_lossy()));
        for leftover in [&at, &place] {
            disk::remove_folder(leftover)?;
        }
        disk::create_folder(&at)?;
        Ok(at)
    }
}

impl Saving<'_> {
    /// Where a file of this state goes. Give it to [`Saving::add`] once it is written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.at.join(name)
    }

    /// Begins `model.safetensors`, or where an adapter trains its `adapter_model.safetensors`: write the parameters in the order
    /// of [`Config::table`] or [`Lora::table`], then [`Saving::finish`].
    ///
    /// # Errors
    /// It cannot be created.
    pub fn model_writer(&self, cfg: &Config, lora: Option<&Lora>) -> Result<Writer> {
        let Some(lora) = lora else { return huggingface::writer(&self.path(MODEL), cfg, Dtype::F32) };
        let named = |p: Param| (peft::key(&p.name, cfg), p.shape);
        let tensors: Vec<_> = lora.table(cfg).into_iter().map(named).collect();
        Writer::create(
            self.path(ADAPTER),
            &tensors,
            Dtype::F32,
            &BTreeMap::from([("format".to_string(), "pt".to_string())]),
        )
    }

    /// Begins [`OPTIMIZER`]: write the moments in the order of [`optimizer_tensors`], then [`Saving::finish`].
    ///
    /// # Errors
    /// It cannot be created.
    pub fn optimizer_writer(&self, trained: &[Param], optimizer: Optimizer) -> Result<Writer> {
        let tensors = optimizer_tensors(trained, optimizer);
        Writer::create(self.path(OPTIMIZER), &tensors, Dtype::F32, &BTreeMap::new())
    }

    /// Ends a file that a writer of this state wrote, and notes its hash.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(&mut self, writer: Writer) -> Result<()> {
        let name =
            writer.path().file_name().expect("a writer's path names a file").to_string_lossy().into_owned();
        let hash = writer.finish()?;
        self.files.insert(name, hash);
        Ok(())
    }

    /// Notes a file that was written at [`Saving::path`] by other means: brings it to the disk and hashes it.
    ///
    /// # Errors
    /// It cannot be read or synced.
    pub fn add(&mut self, name: &str) -> Result<()> {
        let path = self.path(name);
        disk::sync_file(&path)?;
        self.files.insert(name.to_string(), disk::sha256(&path)?);
        Ok(())
    }

    /// Makes this the run's state: `run.json` names it when this returns, and `run.state` too. Where the lowest validation loss
    /// was measured at this step, its model is the best one from here on, and `run.best` names that.
    ///
    /// # Errors
    /// A full disk, say, at any point before `run.json` is renamed: the earlier state and record stand untouched, the
    /// new files are removed, `run.state` and `run.best` are as they were. A failure after it (the root's model could not follow)
    /// is an error too, but then the state is saved, `run.state` names it, and a resume repairs the rest.
    ///
    /// # Panics
    /// If `run.position.step` is another step than the one begun.
    pub fn commit(mut self, run: &mut Run) -> Result<()> {
        assert_eq!(run.position.step, self.step, "the record's position is the state's");
        let before = (run.state.clone(), run.best.clone());
        run.state = State { folder: State::folder_of(self.step), files: self.files.clone() };
        if run.best_eval.is_some_and(|best| best.step == self.step) {
            run.best = Some(best_of(self.step, &self.files));
        }
        self.folder.keep = run.settings.keep;
        let named = self.name_state(run);
        if !self.published {
            (run.state, run.best) = before;
        }
        named?;
        self.folder.follow_model()?;
        point(Point::ModelFollowed, &self.folder.path)?;
        self.folder.sweep();
        point(Point::Swept, &self.folder.path)
    }

    /// Steps 1 to 3.
    fn name_state(&mut self, run: &Run) -> Result<()> {
        let root = self.folder.path.clone();
        let record = record::to_json(run);
        disk::write_new(&self.path(RECORD), record.as_bytes())?;
        point(Point::FilesWritten, &root)?;
        self.folder.sync_beside()?;
        self.at = put(&root, &self.at, &run.state.folder)?;
        point(Point::StateRenamed, &root)?;
        if let Some(best) = run.best.as_ref().filter(|best| best.folder == State::best_of(self.step)) {
            self.best = Some(self.folder.put_best(&self.at, best)?);
            point(Point::BestRenamed, &root)?;
        }
        let place = root.join(RECORD);
        disk::stage(&place, |fresh| disk::write_new(fresh, record.as_bytes()))?;
        point(Point::RecordStaged, &root)?;
        disk::rename(&disk::temporary(&place), &place)?;
        // Should the folder's sync fail, the new record stands all the same, and its state has to.
        self.published = true;
        self.folder.take(run);
        disk::sync_folder(&root)?;
        point(Point::RecordPublished, &root)
    }
}

/// The best model as a record names it: a state's, of its files.
fn best_of(step: u64, files: &BTreeMap<String, String>) -> State {
    let model = files.iter().filter(|(name, _)| [MODEL, ADAPTER].contains(&name.as_str()));
    let files = model.map(|(name, hash)| (name.clone(), hash.clone())).collect();
    State { folder: State::best_of(step), files }
}

/// Renames a folder that is filled to its place in a run's, for good. Returns the place.
fn put(root: &Path, at: &Path, folder: &str) -> Result<PathBuf> {
    disk::sync_folder(at)?;
    let place = root.join(folder);
    disk::rename(at, &place)?;
    disk::sync_folder(place.parent().expect("it lies in a folder"))?;
    // The first time, that folder is itself a new name.
    disk::sync_folder(root)?;
    Ok(place)
}

impl Drop for Saving<'_> {
    fn drop(&mut self) {
        if !self.published {
            for at in [Some(&self.at), self.best.as_ref()].into_iter().flatten() {
                let _ = disk::remove_folder(at);
            }
            let _ = disk::remove(&disk::temporary(&self.folder.path.join(RECORD)));
        }
    }
}

/// The moments between two operations of a commit, where tests look at the disk or let an operation fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    FilesWritten,
    StateRenamed,
    BestRenamed,
    RecordStaged,
    RecordPublished,
    ModelFollowed,
    Swept,
}

#[cfg(not(test))]
fn point(_: Point, _: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::point;

#[cfg(test)]
mod power;
#[cfg(test)]
mod tests;
