//! Results go to stdout, everything else to stderr; a reader that closes its end of a pipe has seen enough.

use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::device::select::Device;

/// Writes a line to stderr: progress, the device, messages. A stderr that nobody reads any more is no reason to stop.
pub fn note(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a question to stderr, the answer to stand behind it.
pub fn ask(question: &str) {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Notes which model is used, and where.
pub fn using(model: &Path, device: &Device) {
    note(format!("{} on {}", shown(model), device.line()));
}

/// Checks that a file to be written is not there: nothing is overwritten.
///
/// # Errors
/// It is there.
pub fn check_new(file: &Path, flag: &str) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        let problem = format!("{flag} {}: it is there already, and nothing is overwritten", shown(file));
        return Err(Error::usage(problem, "give another name, or move it away"));
    }
    Ok(())
}

/// Writes text to stdout as it stands, at once.
///
/// # Errors
/// A full disk, say; a closed pipe ends the process quietly.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// Writes a line to stdout.
///
/// # Errors
/// As [`text`].
pub fn line(line: impl std::fmt::Display) -> anyhow::Result<()> {
    text(&format!("{line}\n"))
}

/// Writes a value to stdout as one line of JSON.
///
/// # Errors
/// As [`text`].
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?)
}
