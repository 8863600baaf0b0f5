//! What was found in the journals, in numbers.

use std::fmt;
use std::path::PathBuf;

use jiff::civil::Date;

use crate::base::units::thousands;

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, as a phrase: "not .txt or .md".
    pub reason: String,
}

/// What was read and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files read as text.
    pub files: usize,
    /// Files and folders left out: those that the walk passed over, then those that could not be read as text.
    pub skipped: Vec<Skipped>,
    /// Entries with at least one word.
    pub entries: usize,
    /// Entries left out because they hold no word.
    pub empty_entries: usize,
    /// Words of all entries, divided by white space as `wc -w` does.
    pub words: u64,
    /// Entries without a date.
    pub undated: usize,
    /// The earliest day.
    pub first: Option<Date>,
    /// The latest day.
    pub last: Option<Date>,
    /// Lines that are dates and start no entry: they stay in the text.
    pub dates_left_in_text: usize,
    /// Files in which nothing tells 3 April from 4 March in `03/04/2020`; they were read day first.
    pub day_first_guessed: Vec<PathBuf>,
}

impl Report {
    /// Counts one entry.
    pub(super) fn count(&mut self, date: Option<Date>, text: &str) {
        self.entries += 1;
        self.words += text.split_whitespace().count() as u64;
        match date {
            None => self.undated += 1,
            Some(day) => {
                self.first = Some(self.first.map_or(day, |first| first.min(day)));
                self.last = Some(self.last.map_or(day, |last| last.max(day)));
            }
        }
    }
}

/// One line: `531 entries, 95,522 words, 1903–1917, 531 files, 2 skipped`, and what else there is to know.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}, {}", counted(self.entries, "entry", "entries"), words(self.words))?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            match (first.year(), last.year()) {
                (a, b) if a == b => write!(f, ", {a}")?,
                (a, b) => write!(f, ", {a}–{b}")?,
            }
        }
        write!(f, ", {}, {} skipped", counted(self.files, "file", "files"), number(self.skipped.len()))?;
        if self.undated > 0 {
            write!(f, ", {} undated", number(self.undated))?;
        }
        if self.empty_entries > 0 {
            write!(f, ", {} without words left out", number(self.empty_entries))?;
        }
        if self.dates_left_in_text > 0 {
            write!(f, ", {} left in the text", counted(self.dates_left_in_text, "date line", "date lines"))?;
        }
        if !self.day_first_guessed.is_empty() {
            let files = counted(self.day_first_guessed.len(), "file", "files");
            write!(f, ", dates like 03/04/2020 taken day first in {files}")?;
        }
        Ok(())
    }
}

fn number(n: usize) -> String {
    thousands(n as u64)
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

fn words(n: u64) -> String {
    format!("{} {}", thousands(n), if n == 1 { "word" } else { "words" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn one_line_says_it() {
        let mut report = Report { files: 1, ..Report::default() };
        assert_eq!(report.to_string(), "0 entries, 0 words, 1 file, 0 skipped");
        report.count(Some(date(2020, 5, 6)), "Rain all day");
        report.count(Some(date(2019, 5, 6)), "Sun");
        report.count(None, "a – b");
        report.dates_left_in_text = 1;
        report.day_first_guessed.push("a.txt".into());
        assert_eq!(
            report.to_string(),
            "3 entries, 7 words, 2019–2020, 1 file, 0 skipped, 1 undated, 1 date line left in the text, \
             dates like 03/04/2020 taken day first in 1 file"
        );
        assert_eq!((report.first, report.last), (Some(date(2019, 5, 6)), Some(date(2020, 5, 6))));
    }
}
