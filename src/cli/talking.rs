//! Models that are talked to: how `chat`, `ask` and `serve` hand them to the thread that owns them.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use crate::base::Result;
use crate::cli::opening::Opening;
use crate::sample::{Model, Reads};
use crate::serve::job::Job;
use crate::serve::manner::Place;
use crate::serve::worker::{Open, Worker};

/// Starts the thread with these models; up to so many texts of each are written at once.
///
/// # Errors
/// The first model cannot be opened.
pub fn start(opening: &Opening, places: Vec<Place>, texts: usize) -> Result<(Sender<Job>, JoinHandle<()>)> {
    let opening = opening.clone();
    let open: Open = Box::new(move |path: &Path| -> Result<Model> {
        let program = |shape: &crate::model::Shape| {
            let mut recordings = shape.writing()?;
            recordings.push(shape.losses()?);
            Ok(recordings)
        };
        opening.open(path, (Reads::Text, texts), |_| Ok(None), program)
    });
    Worker::start(places, open)
}

/// Models by name, each with the run that says how it is spoken to.
pub fn places(opening: &Opening, models: &[(String, PathBuf)]) -> Vec<Place> {
    models.iter().map(|(name, path)| Place::new(&name[..], path, opening.spoken(path))).collect()
}

/// Names for models, each the last part of where it is; those that would be alike have a number behind.
pub fn names(paths: &[PathBuf]) -> Vec<(String, PathBuf)> {
    let mut named: Vec<(String, PathBuf)> = Vec::new();
    for path in paths {
        // `.` has no name of its own.
        let real = || path.canonicalize().ok().and_then(|real| Some(real.file_name()?.to_os_string()));
        let last = path.file_name().map(ToOwned::to_owned).or_else(real);
        let last = last.map(|name| name.to_string_lossy().into_owned());
        let own = last.unwrap_or_else(|| path.to_string_lossy().into_owned());
        let is_taken = |name: &str| named.iter().any(|(taken, _)| taken == name);
        let numbered = (2..).map(|n| format!("{own}-{n}"));
        let name = std::iter::once(own.clone()).chain(numbered).find(|name| !is_taken(name));
        named.push((name.expect("numbers do not end"), path.clone()));
    }
    named
}
