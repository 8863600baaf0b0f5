//! The library's one error. Each variant names the place, what was found, and the next step for the person.

use std::path::{Path, PathBuf};

/// `std::result::Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, said so that a person knows what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("could not {doing} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// The verb, as in "could not *read* …".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file was readable but is not what it has to be.
    #[error("{}: {problem}\n  next: {next}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// What the person can do.
        next: String,
    },
    /// A setting, alone or with others, cannot work.
    #[error("{problem}\n  next: {next}")]
    Setting {
        /// What was asked and why it cannot be.
        problem: String,
        /// What the person can do.
        next: String,
    },
    /// The command line asks for what no run can be: exit code 2.
    #[error("{problem}\n  next: {next}")]
    Usage {
        /// What was asked and why it cannot be.
        problem: String,
        /// What to ask for instead.
        next: String,
    },
    /// The GPU, its driver, or the lack of one.
    #[error("device: {problem}\n  next: {next}")]
    Device {
        /// What the device or the driver did.
        problem: String,
        /// What the person can do.
        next: String,
    },
    /// What only a mistake of ours can bring about; nobody's fault but diarist's.
    #[error(
        "this is a bug in diarist: {problem}\n  next: please report it, with this message, the command and what \
         `diarist --version` and `diarist devices` say"
    )]
    Bug {
        /// What should be impossible.
        problem: String,
    },
    /// A number that must be finite is not; nothing that rests on it was saved.
    #[error("{}{what}: not a finite number ({value}){found}\n  next: {next}", at(*step))]
    NotFinite {
        /// The optimizer step, from 1, where there is one.
        step: Option<u64>,
        /// "the loss", "the gradient norm"…
        what: &'static str,
        /// The value read.
        value: f32,
        /// Which dispatch made the first such number, where the replay under check found it.
        found: String,
        /// What the person can do.
        next: String,
    },
}

fn at(step: Option<u64>) -> String {
    step.map_or(String::new(), |s| format!("step {s}: "))
}

/// The next step for the system errors that people meet.
fn advice(e: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::*;
    match e.kind() {
        NotFound => "\n  next: check the spelling of the path",
        PermissionDenied => "\n  next: check that this user may read and write there",
        StorageFull | QuotaExceeded => "\n  next: free some space, then try again: what was saved is whole",
        _ => "",
    }
}

impl Error {
    /// An [`Error::Io`] for use in `map_err`.
    pub fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { doing, path, source }
    }

    /// An [`Error::File`].
    pub fn file(path: impl AsRef<Path>, problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::File { path: path.as_ref().to_path_buf(), problem: problem.into(), next: next.into() }
    }

    /// An [`Error::Setting`].
    pub fn setting(problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::Setting { problem: problem.into(), next: next.into() }
    }

    /// An [`Error::Usage`].
    pub fn usage(problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::Usage { problem: problem.into(), next: next.into() }
    }

    /// An [`Error::Bug`].
    pub fn bug(problem: impl Into<String>) -> Error {
        Error::Bug { problem: problem.into() }
    }

    /// An [`Error::Device`].
    pub fn device(problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::Device { problem: problem.into(), next: next.into() }
    }
}
