//! The library's one error. Each variant names the place, what was found, and the next step for the person.

use std::path::{Path, PathBuf};

use crate::base::units::shown;

/// `std::result::Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong, said so that a person knows what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("could not {doing} {}: {source}{}", shown(path), advice(path, source, *typed))]
    Io {
        /// The verb, as in "could not *read* …".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// Whether a person gave the path: then it may be spelled wrong.
        typed: bool,
    },
    /// A file was readable but is not what it has to be.
    #[error("{}: {problem}\n  next: {next}", shown(path))]
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
    /// Something needs more memory than there is.
    #[error("{problem}\n  next: {next}")]
    Memory {
        /// What it needs, and what there is.
        problem: String,
        /// What needs less.
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
    /// The device was there and is gone: its driver was reset, the computer slept. What was saved is whole, and a device that is
    /// opened anew computes again.
    #[error("device: {problem}\n  next: {next}")]
    Lost {
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
fn advice(path: &Path, e: &std::io::Error, typed: bool) -> String {
    use std::io::ErrorKind::*;
    let next = match e.kind() {
        NotFound if typed => format!("check the spelling{}", up_to(path)),
        NotFound => format!("it was moved or removed, or its disk is away: put it back{}", up_to(path)),
        PermissionDenied => "check that this user may read and write there".into(),
        ReadOnlyFilesystem => "nothing can be written there: name another place".into(),
        IsADirectory => "it is a folder: name a file".into(),
        NotADirectory => "a file stands where a folder should be: name another place".into(),
        AlreadyExists => "give another name, or move away what is there".into(),
        InvalidFilename => "give a shorter name, or one that this disk takes".into(),
        InvalidData => "it is no UTF-8 text: convert it, with iconv say".into(),
        StorageFull | QuotaExceeded => "free some space, then try again: what was saved is whole".into(),
        _ => return String::new(),
    };
    format!("\n  next: {next}")
}

/// How much of a path is there.
fn up_to(path: &Path) -> String {
    let parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    match parts.iter().position(|part| part.exists()) {
        Some(i @ 1..) => {
            let missing = parts[i - 1].file_name().unwrap_or_default();
            format!("; {} is there, and has no {}", shown(parts[i]), shown(Path::new(missing)))
        }
        None if path.is_relative() => {
            let missing = parts.last().copied().unwrap_or(path);
            format!("; there is no {} in this folder", shown(missing))
        }
        _ => String::new(),
    }
}

impl Error {
    /// The same of another path, where it is of `from`: of the place that a person knows, not of a temporary one.
    pub fn of(mut self, from: &Path, to: &Path) -> Error {
        if let Error::Io { path, .. } | Error::File { path, .. } = &mut self
            && path.starts_with(from)
        {
            *path = to.to_path_buf();
        }
        self
    }

    /// An [`Error::Io`] for use in `map_err`.
    pub fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { doing, path, source, typed: false }
    }

    /// The same of a path that a person gave.
    pub fn typed(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { doing, path, source, typed: true }
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

    /// An [`Error::Memory`].
    pub fn memory(problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::Memory { problem: problem.into(), next: next.into() }
    }

    /// An [`Error::Device`].
    pub fn device(problem: impl Into<String>, next: impl Into<String>) -> Error {
        Error::Device { problem: problem.into(), next: next.into() }
    }

    /// An [`Error::Lost`].
    pub fn lost(problem: impl Into<String>) -> Error {
        Error::Lost {
            problem: problem.into(),
            next: "run the command again, or resume the run; if it happens again, update the driver, or use --device cpu"
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_to_be_checked_where_somebody_spelled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notez/a.md");
        let not_found = || std::io::ErrorKind::NotFound.into();
        let typed = Error::typed("read", &path)(not_found()).to_string();
        let there = format!("{} is there, and has no notez", dir.path().display());
        assert!(typed.contains("check the spelling") && typed.ends_with(&there), "{typed}");
        let ours = Error::io("read", &path)(not_found()).to_string();
        assert!(
            !ours.contains("spelling") && ours.contains("moved or removed") && ours.ends_with(&there),
            "{ours}"
        );
    }

    #[test]
    fn a_name_does_not_write_to_the_terminal() {
        let error = Error::file("a\u{1b}[31m\nb", "odd", "rename it").to_string();
        assert_eq!(error, "a\\u{1b}[31m\\nb: odd\n  next: rename it");
    }
}
