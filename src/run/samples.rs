//! `samples.md`: what the model wrote, now and then. A heading names the step; the text stands in a block quote, so that no
//! line of it, whatever a diary taught the model, can be taken for a heading.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, disk};

/// What stands in front of a step's number.
const HEADING: &str = "## step ";

/// The samples of a run, open to append to.
#[derive(Debug)]
pub struct Samples {
    path: PathBuf,
    file: File,
}

impl Samples {
    /// Opens the file, or begins one (mode 0600 on Unix).
    ///
    /// # Errors
    /// It cannot be opened or created.
    pub fn open(path: &Path) -> Result<Samples> {
        let file = disk::append(path).map_err(Error::io("open", path))?;
        Ok(Samples { path: path.to_path_buf(), file })
    }

    /// Appends a sample, of a prompt and what the model went on with, under a heading with its step and how the prompt begins.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, step: u64, prompt: &str, text: &str) -> Result<()> {
        let mut section = format!("{HEADING}{step}{}\n\n", named(prompt));
        for line in format!("{prompt}{text}").split('\n') {
            section.push_str(if line.is_empty() { ">" } else { "> " });
            section.push_str(line);
            section.push('\n');
        }
        section.push('\n');
        self.file.write_all(section.as_bytes()).map_err(Error::io("write", &self.path))?;
        disk::note(disk::Op::Wrote(&self.path));
        Ok(())
    }
}

/// Characters of a prompt that its heading shows.
const SHOWN: usize = 60;

/// How a heading calls a prompt; nothing where there is none. It stays in its line, whatever the prompt is.
fn named(prompt: &str) -> String {
    if prompt.is_empty() {
        return String::new();
    }
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = prompt.chars().take(SHOWN).map(one_line).collect();
    if prompt.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!(", of the prompt: {}", shown.trim())
}

/// A sample that stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// After so many optimizer steps.
    pub step: u64,
    /// What else its heading says.
    pub about: String,
    /// What the model wrote.
    pub text: String,
}

/// Every sample of a file, in order; a file that is not there yet has none. Lines that are neither a heading nor quoted are
/// passed over.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Sample>> {
    let bytes = match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::io("read", path))?,
    };
    let mut samples: Vec<Sample> = Vec::new();
    // A byte of half a character at a torn end is no reason to show nothing.
    for line in String::from_utf8_lossy(&bytes).split('\n') {
        if let Some(heading) = line.strip_prefix(HEADING) {
            if let Some((step, about)) = number(heading) {
                let about =
                    about.trim_matches(|c: char| c.is_whitespace() || ",:·–—".contains(c)).to_string();
                samples.push(Sample { step, about, text: String::new() });
            }
        } else if let (Some(sample), Some(quoted)) = (samples.last_mut(), line.strip_prefix('>')) {
            sample.text += quoted.strip_prefix(' ').unwrap_or(quoted);
            sample.text.push('\n');
        }
    }
    for sample in &mut samples {
        sample.text.pop();
    }
    Ok(samples)
}

/// A heading's step, and what else it says.
fn number(heading: &str) -> Option<(u64, &str)> {
    let digits = heading.find(|c: char| !c.is_ascii_digit()).unwrap_or(heading.len());
    let (step, about) = heading.split_at(digits);
    Some((step.parse().ok()?, about))
}

/// Drops everything from the first heading of a step after `step` on, and a torn last line.
pub(super) fn cut(path: &Path, step: u64) -> Result<()> {
    let mut later = false;
    super::log::rewrite(path, |line| {
        let heading = line.strip_prefix(HEADING.as_bytes()).map(String::from_utf8_lossy);
        let number = heading.and_then(|text| number(&text).map(|(number, _)| number));
        later |= number.is_some_and(|number| number > step);
        !later && line.ends_with(b"\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.md");
        assert_eq!(read(&path).unwrap(), []);
        let texts = ["A day.\n\n## step 99\nstill the day", "", " > quoted\n>", "é"];
        let mut samples = Samples::open(&path).unwrap();
        for (step, text) in (0..).zip(texts) {
            samples.append(10 * step, "", text).unwrap();
        }
        let found = read(&path).unwrap();
        for ((step, text), sample) in (0..).zip(texts).zip(&found) {
            assert_eq!(*sample, Sample { step: 10 * step, about: String::new(), text: text.into() });
        }
        // What a later diarist may add, and a file that was torn within a character.
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 3);
        bytes.splice(0..0, *b"# Samples\n\n## step 7, of a prompt: Today\n\nseed 1\n\n> one\n\n");
        std::fs::write(&path, bytes).unwrap();
        let found = read(&path).unwrap();
        assert_eq!(found[0], Sample { step: 7, about: "of a prompt: Today".into(), text: "one".into() });
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn samples_are_cut_at_the_first_later_heading_and_only_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("samples.md");
        let mut samples = Samples::open(&path).unwrap();
        samples.append(10, "", "A day.\n\n## step 99\nstill the day").unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        assert_eq!(first, "## step 10\n\n> A day.\n>\n> ## step 99\n> still the day\n\n");
        samples.append(20, "A\nprompt", " and another.").unwrap();
        let both = std::fs::read_to_string(&path).unwrap();
        assert!(both.ends_with("## step 20, of the prompt: A prompt\n\n> A\n> prompt and another.\n\n"));
        assert_eq!(read(&path).unwrap()[1].about, "of the prompt: A prompt");
        cut(&path, 20).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), both);
        cut(&path, 19).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
        for torn in first.len()..both.len() {
            std::fs::write(&path, &both[..torn]).unwrap();
            cut(&path, 10).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), first, "torn at {torn}");
        }
        std::fs::remove_file(&path).unwrap();
        cut(&path, 1).unwrap();
    }
}
