//! The diary that a run was trained on, as its folder holds it: what the model saw, and what was kept from it.

use std::path::Path;

use jiff::civil::Date;

use crate::base::{Error, Result};
use crate::dataset::data::read_mask;
use crate::dataset::index::{self, Line, Side};
use crate::dataset::text::TOKENS;
use crate::eval::likeness::copying::Source;
use crate::run::{Run, read_run};
use crate::tokens::{TokenFile, Tokenizer};

/// An entry, or a part of one that is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its day, or its number in the run where it has none.
    pub name: String,
    /// Its day.
    pub day: Option<Date>,
    /// The lines before it, which the run's template made, or the question that it answers; empty where it has none.
    pub header: String,
    /// What was written.
    pub text: String,
    /// Its tokens in `tokens.bin`, the header's with them and the end of text behind them.
    pub range: std::ops::Range<usize>,
}

/// A run's diary.
#[derive(Debug)]
pub struct Diary {
    /// What it was trained on, what earlier versions of it were trained on with it.
    pub train: Vec<Entry>,
    /// What no model of it has seen.
    pub held_out: Vec<Entry>,
    /// All of it, as it is trained on.
    pub tokens: TokenFile,
    /// What made tokens of it.
    pub tokenizer: Tokenizer,
    /// The run's record.
    pub run: Run,
}

impl Diary {
    /// Reads the diary of the run in `dir`.
    ///
    /// # Errors
    /// No run's folder; one that has no index of its entries, or whose files are not those of its record.
    pub fn of_run(dir: &Path) -> Result<Diary> {
        let run = read_run(dir)?;
        let tokenizer = run.tokenizer(dir)?;
        let len = run.data.val[1] as usize;
        let lines = index::read(dir, run.data.index.as_deref(), len)?;
        let mut tokens = TokenFile::open(&dir.join(TOKENS), len, run.data.width)?;
        tokens.mask(read_mask(dir)?);
        let headed = run.data.header.as_deref().map_or(0, lines_of);
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (number, line) in lines.iter().enumerate() {
            let entry = entry(number, line, headed, &tokens, &tokenizer)?;
            match line.side {
                _ if entry.text.trim().is_empty() => {}
                Side::Before | Side::Train => train.push(entry),
                Side::Val => held_out.push(entry),
            }
        }
        if train.is_empty() {
            return Err(Error::file(dir, "this run has no entry with text", "train on some, and ask again"));
        }
        Ok(Diary { train, held_out, tokens, tokenizer, run })
    }

    /// What the model was trained on, to look for in other texts.
    pub fn source(&self) -> Source {
        Source::new(self.train.iter().map(|entry| (entry.name.clone(), entry.text.clone())))
    }
}

/// How many lines a template makes; it is typed with `\n` for an end of line.
fn lines_of(template: &str) -> usize {
    template.matches("\\n").count() + template.matches('\n').count()
}

fn entry(
    number: usize,
    line: &Line,
    headed: usize,
    tokens: &TokenFile,
    tokenizer: &Tokenizer,
) -> Result<Entry> {
    let ids = tokens.read(line.range())?;
    let end = ids.len() - ids.last().map_or(0, |id| usize::from(tokenizer.is_end(*id)));
    if line.pair {
        let question = tokens.masked(line.range()).take_while(|masked| *masked).count().min(end);
        let [header, text] = [&ids[..question], &ids[question..end]].map(|ids| tokenizer.decode(ids));
        let name = format!("pair {}", number + 1);
        return Ok(Entry { name, day: None, header, text, range: line.range() });
    }
    let whole = tokenizer.decode_start(&ids[..end]);
    // An entry that has none of the template's fields has no header; nearly all that have a day have one.
    let headed = if line.date.is_some() { headed } else { 0 };
    let at = whole.split_inclusive('\n').take(headed).map(str::len).sum();
    let (header, text) = whole.split_at(at);
    let name = line.date.map_or_else(|| format!("entry {}", number + 1), |date| date.to_string());
    Ok(Entry { name, day: line.date, header: header.into(), text: text.into(), range: line.range() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_so_many_lines() {
        assert_eq!(lines_of("{date}\\n"), 1);
        assert_eq!(lines_of("{date}\\n\\n"), 2);
        assert_eq!(lines_of("{date}: "), 0);
    }
}
