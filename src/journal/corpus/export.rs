//! The corpus as clean files: one Markdown file an entry, and `entries.jsonl` with all of them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;

use super::store::Corpus;
use crate::base::{Error, Result, disk};
use crate::journal::entry::{Entry, When};
use crate::journal::syntax::exported;

/// A line of `entries.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    date: Option<String>,
    title: &'a str,
    text: &'a str,
    tags: &'a [String],
    source: String,
}

/// Writes every entry to a folder that is not there yet or holds nothing. Files sort as the entries do: `2024-01-05.md`, or
/// `2024-01-05-1.md` and so on where a day has several; `undated-1.md` last.
///
/// # Errors
/// A folder that holds something; a full disk.
pub fn write(corpus: &mut Corpus, folder: &Path) -> Result<()> {
    if fs::read_dir(folder).is_ok_and(|mut held| held.next().is_some()) {
        return Err(Error::file(
            folder,
            "holds something already, and nothing is ever overwritten",
            "give another folder to --export",
        ));
    }
    disk::create_folder(folder)?;
    let mut written = Vec::new();
    let outcome = write_all(corpus, folder, &mut written);
    if outcome.is_err() {
        // Half of an export looks like a whole one, and stands in the way of the next.
        written.iter().for_each(|path| drop(fs::remove_file(path)));
    }
    outcome
}

fn write_all(corpus: &mut Corpus, folder: &Path, written: &mut Vec<PathBuf>) -> Result<()> {
    let path = folder.join("entries.jsonl");
    let mut lines = BufWriter::new(disk::create_new(&path).map_err(Error::io("create", &path))?);
    written.push(path.clone());
    let mut of_day: HashMap<Option<Date>, usize> = HashMap::new();
    for i in 0..corpus.len() {
        *of_day.entry(corpus.day(i)).or_default() += 1;
    }
    let (mut day, mut number) = (None, 0);
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        number = if i > 0 && entry.day() == day { number + 1 } else { 1 };
        day = entry.day();
        let name = file_name(day, number, of_day[&day]);
        let source = format!("{}{}", corpus.told(&entry.source), entry.place);
        let markdown = exported::export(entry.when, &entry.title, &entry.tags, &source, &entry.text);
        let file = folder.join(name);
        // Two exports to one folder at once: neither may overwrite the other's.
        let mut new = disk::create_new(&file).map_err(Error::io("create", &file))?;
        written.push(file.clone());
        new.write_all(markdown.as_bytes()).map_err(Error::io("write", &file))?;
        serde_json::to_writer(&mut lines, &line(&entry, source))
            .map_err(std::io::Error::from)
            .map_err(Error::io("write", &path))?;
        lines.write_all(b"\n").map_err(Error::io("write", &path))?;
    }
    lines.flush().map_err(Error::io("write", &path))
}

fn file_name(day: Option<Date>, number: usize, of: usize) -> String {
    let width = of.to_string().len();
    match day {
        Some(day) if of == 1 => format!("{day}.md"),
        Some(day) => format!("{day}-{number:0width$}.md"),
        None => format!("undated-{number:0width$}.md"),
    }
}

fn line(entry: &Entry, source: String) -> Line<'_> {
    Line { date: entry.when.map(date), title: &entry.title, text: &entry.text, tags: &entry.tags, source }
}

/// An instant where the zone is known, else the day.
fn date(when: When) -> String {
    if when.offset.is_some() { when.to_string() } else { when.day.to_string() }
}
