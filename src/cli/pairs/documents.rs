//! A person's documents, as pairs name them; and pairs, read with what could not be read of them said.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::civil::Date;

use crate::base::Result;
use crate::base::units::{counted, shown};
use crate::cli::out::note;
use crate::cli::reading::Reading;
use crate::dataset::pairs::{self, Pair, Problem};
use crate::journal;

/// An entry under a name of its own.
pub struct Document {
    /// Its day, or where it stands; a number behind it where two would be called the same.
    pub name: String,
    /// Its day.
    pub day: Option<Date>,
    /// What was written.
    pub text: String,
}

/// Reads journals.
///
/// # Errors
/// A path that does not exist, or no words.
pub fn read(paths: &[PathBuf], reading: &Reading) -> Result<Vec<Document>> {
    let mut corpus = journal::read(paths, &reading.options(), &mut ())?;
    for (what, line) in corpus.report.secret_lines().into_iter().chain(corpus.report.doubts()) {
        note(format!("{what:8} {line}"));
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut documents = Vec::new();
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        let day = entry.day();
        let name =
            day.map_or_else(|| format!("{}{}", shown(&entry.source), entry.place), |day| day.to_string());
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        let name = if *times > 1 { format!("{name} ({times})") } else { name };
        documents.push(Document { name, day, text: entry.whole().into_owned() });
    }
    Ok(documents)
}

/// Reads pairs.
///
/// # Errors
/// A path that does not exist, or no pair.
pub fn pairs(paths: &[PathBuf]) -> Result<(Vec<Pair>, Vec<Problem>)> {
    let read = pairs::read(paths)?;
    for file in &read.files {
        note(format!(
            "{}: {}, {}",
            shown(&file.file),
            file.format,
            counted(file.pairs as u64, "pair", "pairs")
        ));
    }
    read.problems.iter().for_each(|Problem { place, what }| note(format!("{place}: {what}")));
    Ok((read.pairs, read.problems))
}
