//! A file that lists entries, a line each: by day, month or year, by source as `corpus --list` prints it, or by hash.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::base::{Error, Result};
use crate::dataset::Tokenised;
use crate::journal;

/// The lines of such a file.
#[derive(Debug)]
pub struct List {
    path: PathBuf,
    /// Each with its number, from 1; blank lines and those of a `#` are left out.
    lines: Vec<(usize, String)>,
}

/// What a line may say, and what it then means: numbers of whatever is listed.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, Vec<usize>>);

impl List {
    /// Reads it.
    ///
    /// # Errors
    /// A file that cannot be read or is no text, or lists nothing.
    pub fn read(path: &Path) -> Result<List> {
        let text = journal::read_list(path)?;
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<_> = lines.map(|(i, line)| (i + 1, line.to_string())).collect();
        if lines.is_empty() {
            let next = "write a line for each entry, day, month or year";
            return Err(Error::file(path, "it lists nothing", next));
        }
        Ok(List { path: path.to_path_buf(), lines })
    }

    /// Whether every line is a name.
    pub fn all_in(&self, names: &Names) -> bool {
        self.lines.iter().all(|(_, line)| names.0.contains_key(line))
    }

    /// What its lines name, in order.
    ///
    /// # Errors
    /// A line that names nothing.
    pub fn find(&self, names: &Names) -> Result<Vec<usize>> {
        let mut found = BTreeSet::new();
        for (number, line) in &self.lines {
            let Some(of_line) = names.0.get(line) else {
                return Err(Error::file(
                    &self.path,
                    format!("line {number}: no entry is {line:?}"),
                    "write a day (2024-01-05), a month (2024-01), a year, or a source as `diarist corpus --list` prints it",
                ));
            };
            found.extend(of_line);
        }
        Ok(found.into_iter().collect())
    }
}

impl Names {
    /// A name of `what`.
    pub fn add(&mut self, name: String, what: usize) {
        self.0.entry(name).or_default().push(what);
    }

    /// A day, its month and its year as names of `what`.
    pub fn add_day(&mut self, day: Option<Date>, what: usize) {
        let Some(day) = day.map(|day| day.to_string()) else { return };
        for length in [day.len(), 7, 4] {
            self.add(day[..length].to_string(), what);
        }
    }

    /// The names of an entry, as names of `what`: its day's, its file, its place in that.
    pub fn add_entry(&mut self, data: &Tokenised, entry: usize, what: usize) {
        let entry = &data.entries[entry];
        let source = &data.sources[entry.source as usize];
        self.add_day(entry.day, what);
        self.add(source.clone(), what);
        self.add(format!("{source}{}", entry.place), what);
    }
}
