//! What was found in the journals, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

use crate::base::units::{counted, shown, thousands};
use crate::journal::entry::Place;
use crate::journal::text::secrets::{Kind, OfKind};

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The file or folder; for one in a zip, the zip's path and then the path in it.
    #[serde(serialize_with = "as_shown")]
    pub path: PathBuf,
    /// Where in it; none where it is the whole of it.
    #[serde(default)]
    pub place: Option<Place>,
    /// Why, as a phrase: "a hidden folder".
    pub reason: String,
    /// Whether the writer's words may be in it: `--strict` refuses these.
    pub lost: bool,
}

impl Skipped {
    /// Something that holds no words of the writer's.
    pub fn harmless(path: &Path, reason: impl Into<String>) -> Skipped {
        Skipped { path: path.to_path_buf(), place: None, reason: reason.into(), lost: false }
    }

    /// As it is named for a person: `notes.enex #3`.
    fn named(&self) -> String {
        shown(&self.path) + &self.place.map_or(String::new(), |place| place.to_string())
    }

    /// Something that may hold some.
    pub fn lost(path: &Path, reason: impl Into<String>) -> Skipped {
        Skipped { lost: true, ..Skipped::harmless(path, reason) }
    }
}

/// Not every path is text.
fn as_shown<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(path))
}

/// Something doubtful in a file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The file.
    #[serde(serialize_with = "as_shown")]
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What, as a phrase.
    pub problem: String,
}

/// An entry that stands twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The one that stays, as `path:line`.
    pub kept: String,
    /// The other one.
    pub dropped: String,
    /// The share of their shingles that they have in common; 1 for the same words.
    pub likeness: f32,
}

/// So many skipped files, and so many doubtful places, are named for a person.
const NAMED: usize = 20;

/// At most so many pairs of duplicates are named; the rest are counted.
pub(crate) const MOST_PAIRS: usize = 1000;

/// What was read and what was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Files read, those in zips too.
    pub files: usize,
    /// Files and folders left out: those that the walk passed over, then those that could not be read.
    pub skipped: Vec<Skipped>,
    /// What is doubtful in files that were read.
    pub troubles: Vec<Trouble>,
    /// Troubles that are not named, of files with very many.
    pub more_troubles: usize,
    /// Entries with at least one word.
    pub entries: usize,
    /// Entries of each format.
    pub formats: BTreeMap<String, usize>,
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
    /// What was left out because it is not the writer's, or was not asked for, and how often.
    pub left_out: BTreeMap<String, usize>,
    /// What was repaired, or changed because it was asked for, and how often.
    pub changes: BTreeMap<String, usize>,
    /// Who speaks in chats and mail that were left out for want of `--me`, and how often.
    pub strangers: BTreeMap<String, usize>,
    /// Entries that stand twice.
    pub duplicates: usize,
    /// Which: the first thousand of them.
    pub pairs: Vec<Duplicate>,
    /// Paragraphs that `--drop-boilerplate` took away, and from how many entries.
    pub boilerplate: Vec<(String, usize)>,
    /// What a model should not learn, by kind.
    pub secrets: Vec<SecretsOf>,
    /// Whether they stay as they are.
    pub secrets_kept: bool,
    /// Other people's full names that stand five times and more.
    pub names: usize,
}

/// Secrets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretsOf {
    /// The kind.
    pub kind: Kind,
    /// How many, and where.
    #[serde(flatten)]
    pub of: OfKind,
}

impl Report {
    /// Counts one entry.
    pub(crate) fn count(&mut self, day: Option<Date>, words: u32, format: &str) {
        self.entries += 1;
        self.words += u64::from(words);
        *self.formats.entry(format.to_string()).or_default() += 1;
        match day {
            None => self.undated += 1,
            Some(day) => {
                self.first = Some(self.first.map_or(day, |first| first.min(day)));
                self.last = Some(self.last.map_or(day, |last| last.max(day)));
            }
        }
    }

    /// Counts what was read elsewhere with it.
    pub(crate) fn add(&mut self, other: Report) {
        let earlier = |a: Option<Date>, b: Option<Date>| a.into_iter().chain(b).min();
        self.files += other.files;
        self.skipped.extend(other.skipped);
        self.troubles.extend(other.troubles);
        self.more_troubles += other.more_troubles;
        self.entries += other.entries;
        self.empty_entries += other.empty_entries;
        self.words += other.words;
        self.undated += other.undated;
        self.first = earlier(self.first, other.first);
        self.last = self.last.max(other.last);
        self.dates_left_in_text += other.dates_left_in_text;
        self.duplicates += other.duplicates;
        self.secrets_kept &= other.secrets_kept;
        self.secrets.extend(other.secrets);
        self.names += other.names;
        self.pairs.extend(other.pairs);
        self.boilerplate.extend(other.boilerplate);
        for (of, more) in [
            (&mut self.formats, other.formats),
            (&mut self.left_out, other.left_out),
            (&mut self.changes, other.changes),
            (&mut self.strangers, other.strangers),
        ] {
            more.into_iter().for_each(|(what, count)| *of.entry(what).or_default() += count);
        }
    }

    /// Whether something was lost that may well be read the next time, though its file stays as it is: what a lock, a
    /// missing right or a full disk kept back. A link to nowhere is seen to change.
    pub fn may_change(&self) -> bool {
        let by_system = |reason: &str| reason.contains("(os error ") && !reason.contains("(os error 2)");
        self.skipped.iter().any(|skipped| skipped.lost && by_system(&skipped.reason))
    }

    /// Whether nothing that may hold the writer's words was left out and nothing was doubtful.
    pub fn is_whole(&self) -> bool {
        self.troubles.is_empty() && !self.skipped.iter().any(|skipped| skipped.lost)
    }

    /// What else there is to know, a line each, as (what, words): for `train`'s first lines and the preview.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if self.formats.len() > 1
            || self.formats.keys().any(|name| !matches!(name.as_str(), "plain text" | "Markdown"))
        {
            lines.push(("formats", listed(&self.formats)));
        }
        let mut out = self.left_out.clone();
        if self.empty_entries > 0 {
            out.insert("entries without words".into(), self.empty_entries);
        }
        if self.duplicates > 0 {
            out.insert("duplicates".into(), self.duplicates);
        }
        if !out.is_empty() {
            lines.push(("left out", listed(&out)));
        }
        if !self.changes.is_empty() {
            lines.push(("changed", listed(&self.changes)));
        }
        for (paragraph, entries) in &self.boilerplate {
            lines.push(("changed", format!("left out of {} entries: {paragraph:?}", number(*entries))));
        }
        if !self.strangers.is_empty() {
            let mut names: Vec<(&String, &usize)> = self.strangers.iter().collect();
            names.sort_by_key(|(name, times)| (std::cmp::Reverse(**times), *name));
            let shown: Vec<String> =
                names.iter().take(12).map(|(name, n)| format!("{name} ({})", number(**n))).collect();
            let more =
                if names.len() > 12 { format!(" and {} more", names.len() - 12) } else { String::new() };
            lines.push(("people", format!("{}{more}: --me NAME takes what you wrote", shown.join(", "))));
        }
        lines
    }

    /// What was skipped and what is doubtful, a line each, as (what, words).
    pub fn doubts(&self) -> Vec<(&'static str, String)> {
        let skipped = self.skipped_lines(NAMED).into_iter().map(|line| ("skipped", line));
        let troubles = self.troubles.iter().take(NAMED);
        let doubtful = troubles.map(|t| ("look at", format!("{}{}: {}", shown(&t.path), t.place, t.problem)));
        let mut lines: Vec<_> = skipped.chain(doubtful).collect();
        let more = self.more_troubles + self.troubles.len().saturating_sub(NAMED);
        if more > 0 {
            lines.push((
                "look at",
                format!("{} more places: `diarist corpus --json` names them", number(more)),
            ));
        }
        lines
    }

    /// What should not be learned: how much of it there is, and where, without showing it, a line each, as (what, words); the last says what can
    /// be done where nothing was. Nothing where there is nothing.
    pub fn secret_lines(&self) -> Vec<(&'static str, String)> {
        let count = |SecretsOf { kind, of }: &SecretsOf| {
            let doubt = if of.sure == 0 { ", not sure" } else { "" };
            format!("{}{doubt}", counted(of.count as u64, kind.name(), kind.plural()))
        };
        let mut counts: Vec<String> = self.secrets.iter().map(count).collect();
        match self.names {
            0 => {}
            1 => counts.push("the full name of 1 other who stands often".into()),
            n => counts.push(format!("full names of {} others who stand often", number(n))),
        }
        if counts.is_empty() {
            return Vec::new();
        }
        let done = if self.secrets_kept { "" } else { ", before they were replaced or dropped as asked" };
        let mut lines = vec![counts.join(", ") + done];
        for SecretsOf { kind, of } in &self.secrets {
            let places = of.places.iter().map(|p| format!("{}, line {}: {}", p.entry, p.line, p.masked));
            let more = if of.distinct > of.places.len() { "; …" } else { "" };
            lines.push(format!("{}: {}{more}", kind.plural(), places.collect::<Vec<_>>().join("; ")));
        }
        if self.secrets_kept {
            // Names are people's to decide on, one by one.
            let replaced =
                if self.secrets.is_empty() { "" } else { "--secrets replace puts placeholders there; " };
            lines.push(format!("{replaced}`diarist corpus PATH --review FILE` lists all, to decide on each"));
        }
        let what = std::iter::once("secrets").chain(std::iter::repeat(""));
        what.zip(lines).collect()
    }

    /// All that there is to know, as (what, words): [`details`](Report::details), then [`doubts`](Report::doubts).
    pub fn brief(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.details().into_iter().chain(self.doubts())
    }

    /// What was skipped, in few lines: what may hold words by its path, the rest counted by reason.
    pub fn skipped_lines(&self, most: usize) -> Vec<String> {
        let (lost, harmless): (Vec<&Skipped>, Vec<&Skipped>) =
            self.skipped.iter().partition(|skipped| skipped.lost);
        let mut lines: Vec<String> =
            lost.iter().take(most).map(|s| format!("{}: {}", s.named(), s.reason)).collect();
        if lost.len() > most {
            lines.push(format!("and {} more: `diarist corpus --json` names them", number(lost.len() - most)));
        }
        let mut reasons: Vec<(&str, Vec<&Skipped>)> = Vec::new();
        for skipped in harmless {
            match reasons.iter_mut().find(|(reason, _)| *reason == skipped.reason) {
                Some((_, all)) => all.push(skipped),
                None => reasons.push((&skipped.reason, vec![skipped])),
            }
        }
        lines.extend(reasons.iter().take(most).map(|(reason, all)| match all[..] {
            [one] => format!("{}: {reason}", shown(&one.path)),
            _ => format!("{} and {} more: {reason}", shown(&all[0].path), number(all.len() - 1)),
        }));
        lines
    }
}

/// `photo links (12), templates (3)`.
fn listed(counts: &BTreeMap<String, usize>) -> String {
    let mut all: Vec<(&String, &usize)> = counts.iter().collect();
    all.sort_by_key(|(what, n)| (std::cmp::Reverse(**n), *what));
    all.iter().map(|(what, n)| format!("{what} ({})", number(**n))).collect::<Vec<_>>().join(", ")
}

/// One line: `531 entries, 95,522 words, 1903–1917, 531 files, 2 skipped`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{}, {}",
            counted(self.entries as u64, "entry", "entries"),
            counted(self.words, "word", "words")
        )?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            match (first.year(), last.year()) {
                (a, b) if a == b => write!(f, ", {a}")?,
                (a, b) => write!(f, ", {a}–{b}")?,
            }
        }
        write!(
            f,
            ", {}, {} skipped",
            counted(self.files as u64, "file", "files"),
            number(self.skipped.len())
        )?;
        if self.undated > 0 {
            write!(f, ", {} undated", number(self.undated))?;
        }
        if self.dates_left_in_text > 0 {
            write!(
                f,
                ", {} left in the text",
                counted(self.dates_left_in_text as u64, "date line", "date lines")
            )?;
        }
        Ok(())
    }
}

fn number(n: usize) -> String {
    thousands(n as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn one_line_says_it() {
        let mut report = Report { files: 1, ..Report::default() };
        assert_eq!(report.to_string(), "0 entries, 0 words, 1 file, 0 skipped");
        report.count(Some(date(2020, 5, 6)), 3, "plain text");
        report.count(Some(date(2019, 5, 6)), 1, "plain text");
        report.count(None, 3, "jrnl");
        report.dates_left_in_text = 1;
        assert_eq!(
            report.to_string(),
            "3 entries, 7 words, 2019–2020, 1 file, 0 skipped, 1 undated, 1 date line left in the text"
        );
        assert_eq!((report.first, report.last), (Some(date(2019, 5, 6)), Some(date(2020, 5, 6))));
        report.left_out.insert("photo links".into(), 1200);
        report.duplicates = 2;
        report.strangers.insert("Ann".into(), 3);
        assert_eq!(
            report.details(),
            [
                ("formats", "plain text (2), jrnl (1)".to_string()),
                ("left out", "photo links (1,200), duplicates (2)".to_string()),
                ("people", "Ann (3): --me NAME takes what you wrote".to_string()),
            ]
        );
    }

    #[test]
    fn what_was_skipped_is_named_where_words_may_be_lost() {
        let mut report = Report::default();
        for n in 0..3 {
            report.skipped.push(Skipped::harmless(Path::new(&format!("{n}.jpg")), "no text"));
        }
        assert!(report.is_whole());
        report.skipped.push(Skipped::lost(Path::new("a.doc"), "convert it"));
        assert!(!report.may_change());
        let denied = std::io::Error::from_raw_os_error(13).to_string();
        let locked = Skipped::lost(Path::new("b.doc"), denied);
        assert!(Report { skipped: vec![locked], ..Report::default() }.may_change());
        assert!(!report.is_whole());
        assert_eq!(report.skipped_lines(9), ["a.doc: convert it", "0.jpg and 2 more: no text"]);
    }
}
