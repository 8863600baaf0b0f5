//! Which entries are looked into: the arguments that `chat` and `serve` share.

use std::path::{Path, PathBuf};

use crate::base::units::{counted, shown, thousands};
use crate::base::{Error, Result, shell};
use crate::cli::bar::Bar;
use crate::cli::out::note;
use crate::journal::{Observer, Options};
use crate::recall::{Changed, Library};
use crate::run::read_run;

/// Arguments of every command that looks into one's own entries before it answers.
#[derive(clap::Args)]
#[command(next_help_heading = "Your own entries")]
pub struct Recalling {
    /// Look into your own entries before each answer: those that the run was trained on, or those of --journal
    #[arg(long)]
    pub recall: bool,
    /// Journals to look into, read as `train` reads them; repeatable
    #[arg(long = "journal", value_name = "PATH", requires = "recall")]
    journals: Vec<PathBuf>,
    /// Find entries by what they mean, too: a folder of static embeddings, in model2vec's form
    #[arg(long, value_name = "DIR", requires = "recall")]
    embeddings: Option<PathBuf>,
}

impl Recalling {
    /// The folder of embeddings, where one was given.
    pub fn embeddings(&self) -> Option<&Path> {
        self.embeddings.as_deref()
    }

    /// The entries, where they are to be looked into; without --journal those of the first of `models` that is a run.
    ///
    /// # Errors
    /// No journals to look into; journals or embeddings that cannot be read.
    pub fn open(&self, models: &[PathBuf]) -> Result<Option<Library>> {
        if !self.recall {
            return Ok(None);
        }
        if !self.journals.is_empty() {
            return library(&self.journals, &Options::default(), self.embeddings.as_deref()).map(Some);
        }
        let run = models.iter().find_map(|model| Some((model, read_run(model).ok()?)));
        let Some((model, run)) = run else {
            return Err(Error::usage(
                "--recall without a run, whose journals could be looked into",
                "name your journals: --recall --journal PATH",
            ));
        };
        let paths: Vec<PathBuf> = run.data.paths.iter().map(PathBuf::from).collect();
        if let Some(gone) = paths.iter().find(|path| !path.exists()) {
            return Err(Error::file(
                gone,
                format!("{} was trained on it, and it is no longer there", shown(model)),
                format!(
                    "say where your journals are now: --recall --journal {}",
                    shell::path(Path::new("PATH"))
                ),
            ));
        }
        library(&paths, &run.data.reading, self.embeddings.as_deref()).map(Some)
    }
}

/// Shows how far the reading is.
struct Watch(Bar);

impl Observer for Watch {
    fn progress(&mut self, what: &'static str, done: u64, of: u64) {
        self.0.bytes(what, done, of);
    }
}

/// Journals as a library, which is built where the cache has none of them; what is said of it goes to stderr.
///
/// # Errors
/// Journals or embeddings that cannot be read; nothing in them.
pub fn library(paths: &[PathBuf], options: &Options, embeddings: Option<&Path>) -> Result<Library> {
    let mut watch = Watch(Bar::new());
    watch.0.message(0, 1, "looking for your entries");
    let library = Library::open(paths, options, embeddings, &mut watch);
    watch.0.finish();
    let library = library?;
    library.notes().iter().for_each(note);
    if library.is_empty() {
        let named = paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ");
        return Err(Error::usage(
            format!("there is no entry in {named}"),
            "`diarist corpus PATH` says what was left out, and why",
        ));
    }
    note(format!(
        "entries  {}{}",
        counted(library.len() as u64, "entry", "entries"),
        told(library.changed())
    ));
    Ok(library)
}

/// What of the index is new, behind how many entries there are. (All files were read, or none: what is told is what was indexed.)
fn told(changed: Changed) -> String {
    let count = |n: usize, what: &str| {
        if n > 0 { format!(", {} {what}", thousands(n as u64)) } else { String::new() }
    };
    count(changed.added, "indexed anew") + &count(changed.removed, "gone from the index")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_indexed_is_told_and_nothing_where_nothing_was() {
        let told = |added, removed| told(Changed { added, removed });
        assert_eq!(told(0, 0), "");
        assert_eq!(told(3413, 0), ", 3,413 indexed anew");
        assert_eq!(told(0, 1), ", 1 gone from the index");
    }
}
