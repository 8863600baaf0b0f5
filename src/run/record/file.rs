//! `run.json` as a file.

use std::path::Path;

use serde::Deserialize;

use crate::base::{Error, Result, disk, shell};
use crate::run::record::{OLDEST, Run, Settings, State, VERSION};
use crate::run::runs::restore_or_begin;

/// The time now, RFC 3339 in UTC, to the second.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Reads a `run.json`.
///
/// # Errors
/// It cannot be read, was written by a newer diarist, is not a run, or names a state that cannot be its own.
pub fn read(path: &Path) -> Result<Run> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let damaged = |problem: String| Error::file(path, problem, restore_or_begin("it", folder));
    let text = disk::read_file(path)?;
    let Versioned { version } =
        serde_json::from_slice(&text).map_err(|e| damaged(format!("not a run's record: {e}")))?;
    if version < OLDEST {
        return Err(Error::file(
            path,
            format!(
                "written by an older diarist (record version {version}; this one reads {OLDEST} and later)"
            ),
            format!(
                "finish it with the diarist that began it, or begin a new run from its model: give it as --from {}",
                shell::path(folder)
            ),
        ));
    }
    if version > VERSION {
        return Err(Error::file(
            path,
            format!("written by a newer diarist (record version {version}; this one reads up to {VERSION})"),
            "update diarist",
        ));
    }
    let run: Run = serde_json::from_slice(&text).map_err(|e| damaged(format!("not a run's record: {e}")))?;
    run.model.check().map_err(|e| damaged(format!("names a model that cannot be: {e}")))?;
    let Settings { batch, accumulate, context, .. } = run.settings;
    if [batch, accumulate, context].contains(&0) || context > run.model.block_size() {
        return Err(damaged(format!("names {batch}×{accumulate} sequences of {context} tokens a step")));
    }
    run.model.check_freeze(run.settings.freeze).map_err(|e| damaged(format!("names {e}")))?;
    if let Some(lora) = &run.settings.lora {
        lora.check(&run.model).map_err(|e| damaged(format!("names {e}")))?;
    }
    if run.base.is_some() != run.settings.lora.is_some() {
        return Err(damaged("names an adapter without its model, or a model without its adapter".into()));
    }
    // Folders and files are joined to the run's path, and others beside them are removed: they must be plain names.
    let plain = |n: &String| !n.is_empty() && !n.starts_with('.') && !n.contains(['/', '\\', ':']);
    if run.state.folder != State::folder_of(run.position.step) || !run.state.files.keys().all(plain) {
        return Err(damaged(format!(
            "names the state {:?} for step {}, which no diarist writes",
            run.state.folder, run.position.step
        )));
    }
    if let Some(best) = &run.best {
        let step = run.best_eval.map(|best| best.step);
        if step.map(State::best_of).as_ref() != Some(&best.folder) || !best.files.keys().all(plain) {
            let problem =
                format!("names the best model {:?} for step {step:?}, which no diarist writes", best.folder);
            return Err(damaged(problem));
        }
    }
    Ok(run)
}

/// `run.json`'s text.
pub(in crate::run) fn to_json(run: &Run) -> String {
    serde_json::to_string_pretty(run).expect("a record holds nothing but JSON") + "\n"
}
