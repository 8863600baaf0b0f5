//! How a run is taken up again.

use std::path::{Path, PathBuf};

use crate::base::arch::Recompute;
use crate::base::disk::{self, sha256};
use crate::base::units::{bytes, shown, thousands};
use crate::base::{Error, Result};
use crate::dataset::data::{MASKED, read_mask};
use crate::dataset::text::TOKENS;
use crate::model::parameters::not_in_blocks;
use crate::optim::OnSpike;
use crate::run::room::{self, Size};
use crate::run::runs::restore_or_begin;
use crate::run::{Repaired, Run, RunFolder};
use crate::tokens::TokenFile;
use crate::train::engine::Engine;
use crate::train::extend::extend;
use crate::train::fit::{self, Begin};
use crate::train::pieces::in_pieces_of;
use crate::train::prompts;
use crate::train::ready::{open_device, write_missing};
use crate::train::session::Session;
use crate::train::verdict::ended_early;
use crate::train::{Observer, Outcome, Stop};
use crate::weights::peft;

/// What a resumed run is asked to do otherwise than it was begun.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resume<'a> {
    /// More steps than it has extend it.
    pub steps: Option<u64>,
    /// Whether an extended run's learning rate stays where its curve ended.
    pub lr_floor: bool,
    /// A smaller one needs less memory for the same sequences a step.
    pub batch: Option<usize>,
    /// How much is computed a second time instead of kept: less memory for the same bits.
    pub recompute: Option<Recompute>,
    /// Another patience; 0 goes on to the last step.
    pub patience: Option<u64>,
    /// Whether tokens are taken that were changed since it was begun.
    pub changed_data: bool,
    /// Something else to do about a spike.
    pub on_spike: Option<OnSpike>,
    /// Whether the MLPs' units are looked at from now on.
    pub health: bool,
    /// Files of other prompts of the samples; of none, those that the run was begun with stay.
    pub prompts: &'a [PathBuf],
    /// Where the model is now that the run's adapter stands beside.
    pub base: Option<&'a Path>,
    /// Another device than it was begun on.
    pub device: Option<&'a str>,
    /// Threads of the CPU; 0 for all.
    pub threads: usize,
}

/// Continues the run in `dir`.
///
/// # Errors
/// A folder that is not a run's or is held by another process; whatever can go wrong while it trains.
pub fn resume(dir: &Path, wanted: Resume, observer: &mut dyn Observer, stop: &Stop) -> Result<Outcome> {
    let Resume {
        steps,
        lr_floor,
        batch,
        recompute,
        patience,
        changed_data,
        on_spike,
        base,
        device,
        threads,
        ..
    } = wanted;
    if steps == Some(0) {
        return Err(Error::usage("--steps 0", "use more steps than the run has, to extend it"));
    }
    let mut folder = RunFolder::open(dir)?;
    folder.note().into_iter().for_each(|note| observer.warn(&format!("lock     {note}")));
    let Repaired { mut run, notes } = folder.repair()?;
    notes.iter().for_each(|note| observer.warn(&format!("damaged  {note}")));
    if let Some(patience) = patience {
        run.settings.patience = patience;
        run.finished &= run.position.step >= run.settings.steps;
    }
    run.settings.health |= wanted.health;
    if !wanted.prompts.is_empty() {
        run.settings.prompts = prompts::read(wanted.prompts)?;
    }
    run.settings.on_spike = on_spike.unwrap_or(run.settings.on_spike);
    let extended = steps.is_some_and(|s| s > run.settings.steps);
    if lr_floor && !extended {
        let next = "give the number of steps to extend it to, with --steps, or leave --lr-floor out";
        return Err(Error::usage("--lr-floor is for a run that is made longer", next));
    }
    if let Some(steps) = steps.filter(|_| extended) {
        extend(&mut run, steps, lr_floor, observer);
    }
    if let Some(steps) = steps.filter(|&s| s < run.settings.steps) {
        observer.say(&format!(
            "steps    {} stay, not {steps}: only a larger number changes a run",
            run.settings.steps
        ));
    }
    if let Some(line) = ended_early(&run, dir) {
        observer.conclude(&line);
        return Ok(Outcome { dir: dir.to_path_buf(), interrupted: false });
    }
    if run.finished && run.position.step >= run.settings.steps {
        observer.conclude(&format!(
            "finished {} steps are done; a larger --steps extends the run",
            thousands(run.position.step)
        ));
        return Ok(Outcome { dir: dir.to_path_buf(), interrupted: false });
    }
    match (base, &mut run.base) {
        (Some(path), Some(base)) => base.path = std::path::absolute(path).map_err(Error::io("find", path))?,
        (Some(_), None) => {
            let next = "leave --base out";
            return Err(Error::usage("--base, but this run trains no adapter: it has its whole model", next));
        }
        (None, _) => {}
    }
    let batch = batch.filter(|&batch| batch != run.settings.batch);
    if let Some(batch) = batch {
        in_pieces_of(batch, &mut run.settings, observer)?;
        run.count_micro_steps();
    }
    let twice = recompute.is_some_and(|recompute| recompute != run.settings.recompute);
    run.settings.recompute = recompute.unwrap_or(run.settings.recompute);
    let opened = open_device(device.unwrap_or(&run.device.spec()), threads, observer)?;
    let same_device = opened.identity() == run.device;
    if !same_device {
        observer.warn(&format!(
            "device   another than the run's {} {}: the last bits of the numbers may differ",
            run.device.name, run.device.driver
        ));
        run.device = opened.identity();
    }
    // Kernels are picked for a device and for the extents of a batch.
    let same_kernels = same_device && batch.is_none();
    if !same_kernels {
        run.kernels = opened.choices();
    }
    if let Some(line) = not_in_blocks(&run.model, run.settings.weights) {
        observer.warn(&format!("weights  {line}"));
    }
    fit::check(&opened, &run.kernels, run.model, &run.settings, Begin::Resume)?;
    let steps_left = run.settings.steps - run.position.step;
    let more = Size::new(&run.model, &run.settings, 0, steps_left).of_resumed();
    room::check(dir, more, disk::free(dir), |short| {
        format!("free {} on it, and resume again", bytes(short))
    })?;
    observer.doing("loading the saved state");
    // On the device that began it, the kernels of the run, so that its bits repeat.
    let engine = Engine::new(&opened, run.kernels.clone(), run.model, &run.settings)?;
    if let Some(other) = run.kernels.differs(&engine.choices()).filter(|_| same_kernels) {
        return Err(Error::file(
            dir.join("run.json"),
            format!(
                "the kernels that it names are not those that would run, so its numbers would not repeat: {other}"
            ),
            restore_or_begin("the file", dir),
        ));
    }
    if let Some(other) = run.kernels.asks_otherwise(&engine.choices()).filter(|_| same_kernels) {
        observer.warn(&format!(
            "kernels  another diarist's than the run was trained with ({other}): the last bits of the numbers may differ"
        ));
    }
    run.kernels = engine.choices();
    let (tokens, other_data) = tokens_of(dir, &mut run, changed_data)?;
    for name in &other_data {
        observer.warn(&format!(
            "data     {name} is another than the run was begun with: what follows are not that run's numbers"
        ));
    }
    let tokenizer = run.tokenizer(dir)?;
    let form = run.data.pairs.map(|pairs| pairs.form);
    write_missing(&folder, (&run.model, &run.settings), run.base.as_ref(), (&tokenizer, form))?;
    let mut session = Session::open(folder, run, engine, tokenizer, tokens, observer, stop)?;
    session.load_state()?;
    let other = patience.is_some() || on_spike.is_some() || wanted.health || !wanted.prompts.is_empty();
    if extended || twice || other || !other_data.is_empty() || batch.is_some() || base.is_some() {
        // Written down before anything is trained: a kill before the next save must not forget what was asked for.
        session.folder.save_run(&session.run)?;
        if let (Some(base), Some(lora)) = (&session.run.base, &session.run.settings.lora) {
            // Where PEFT and every other command look for the model.
            let text = peft::config_json(lora, &base.path.to_string_lossy(), &session.run.model);
            disk::replace(&dir.join(peft::CONFIG), text.as_bytes())?;
        }
    }
    // The engine holds it, alone: what is lost goes before it is opened anew.
    drop(opened);
    let (step, steps) = (session.run.position.step, session.run.settings.steps);
    session.observer.say(&format!("resuming {} at step {step} of {steps}", shown(dir)));
    session.train()
}

/// The tokens that a run is trained on, with what is masked; and which of the two files have changed since it began, where
/// that is `allowed`: then the record has their new hashes.
pub(super) fn tokens_of(dir: &Path, run: &mut Run, allowed: bool) -> Result<(TokenFile, Vec<&'static str>)> {
    let mut changed = Vec::new();
    let found = hash_of(dir, TOKENS, &run.data.fingerprint, allowed)?;
    changed.extend(found.map(|hash| {
        run.data.fingerprint = hash;
        TOKENS
    }));
    let (path, len) = (dir.join(TOKENS), run.data.val[1] as usize);
    // The ranges stay; what a changed file has beyond them is not used.
    let mut tokens = TokenFile::open_part(&path, len, run.data.width)?;
    if let Some(hash) = &run.data.masked {
        let found = hash_of(dir, MASKED, hash, allowed)?;
        changed.extend(found.map(|hash| {
            run.data.masked = Some(hash);
            MASKED
        }));
        tokens.mask(read_mask(dir)?);
    }
    Ok((tokens, changed))
}

/// The hash of a file in a run's folder, where it is another than the record's and may be.
fn hash_of(dir: &Path, name: &str, hash: &str, other_allowed: bool) -> Result<Option<String>> {
    let path = dir.join(name);
    if !path.is_file() {
        return Err(Error::file(&path, "missing", restore_or_begin("it", dir)));
    }
    let found = sha256(&path)?;
    match found == hash {
        true => Ok(None),
        false if other_allowed => Ok(Some(found)),
        false => Err(Error::file(
            &path,
            "its hash is not the one in run.json: it was changed",
            format!("{}; --allow-changed-data takes it as it is", restore_or_begin("it", dir)),
        )),
    }
}
