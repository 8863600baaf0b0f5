//! A run's state, from its folder and to it.

use std::time::Instant;

use crate::base::{Error, Result, disk};
use crate::model::store;
use crate::run::record::Run;
use crate::run::room::{self, Size};
use crate::run::runs::{ADAPTER, MODEL};
use crate::run::state::OPTIMIZER;
use crate::tokens::Row;
use crate::train::base;
use crate::train::session::{Bad, Session};
use crate::weights::huggingface;
use crate::weights::safetensors;

impl Session<'_> {
    pub(super) fn load_state(&mut self) -> Result<()> {
        let file = |name| self.folder.state_file(name).expect("a run that is resumed has a state");
        let mut moments = safetensors::open(file(OPTIMIZER))?;
        match &self.run.base {
            None => {
                let mut checkpoint = huggingface::open_file(&file(MODEL), self.run.model)?;
                self.engine.take_up(&mut checkpoint, None, &mut moments)
            }
            Some(base) => {
                let mut checkpoint = base::open(base, &self.run.model, self.folder.path())?;
                let mut adapter = safetensors::open(file(ADAPTER))?;
                self.engine.take_up(&mut checkpoint, Some(&mut adapter), &mut moments)
            }
        }
    }

    /// What a person is told where the disk was full; other errors stay as they are.
    pub(super) fn told(&self, error: Error) -> Error {
        let (path, Run { model, settings, state, .. }) = (self.folder.path(), &self.run);
        let saved = state.folder.strip_prefix("state/").and_then(|step| step.parse().ok());
        let needs = Size::new(model, settings, 0, 0).of_save();
        room::full(error, path, needs, disk::free(path), saved)
    }

    /// A batch of training windows by which weights are tried before they are saved.
    pub(super) fn probe(&self) -> Vec<Row> {
        self.layout.trained().into_iter().take(self.run.settings.batch).collect()
    }

    /// Saves the state of the run's position. Every number it rests on has been read and is finite.
    pub(super) fn save(&mut self) -> Result<()> {
        let step = self.run.position.step;
        // The step's loss was that of the weights before it: the weights that are saved must give one too.
        let probe = self.probe();
        let loss = self.engine.evaluate(&self.tokens, &probe, &mut |_| true)?.unwrap_or(f32::NAN);
        if !loss.is_finite() {
            return Err(self.not_finite(step, "the loss after this step", loss, Bad::After));
        }
        let Session { folder, run, engine, .. } = self;
        let (exec, shape) = (engine.exec.as_mut(), &engine.shape);
        let mut saving = folder.begin_state(step)?;
        let mut write = || -> Result<()> {
            let mut writer = saving.model_writer(&shape.config, shape.lora.as_ref())?;
            store::save(exec, shape, step, &mut writer)?;
            saving.finish(writer)?;
            let mut writer = saving.optimizer_writer(&shape.trained(), shape.optimizer)?;
            store::save_moments(exec, shape, step, &mut writer)?;
            saving.finish(writer)
        };
        match write() {
            Ok(()) => saving.commit(run)?,
            Err(Error::NotFinite { what, value, .. }) => {
                drop(saving);
                return Err(self.not_finite(step, what, value, Bad::After));
            }
            Err(e) => return Err(e),
        }
        self.observer.saved(step, &self.folder.path().join(&self.run.state.folder));
        self.last_saved = Instant::now();
        Ok(())
    }
}
