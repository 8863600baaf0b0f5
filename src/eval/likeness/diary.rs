//! The diary that a run was trained on, as its folder holds it: what the model saw, and what was kept from it.

use std::path::Path;

use jiff::civil::Date;

use crate::base::{Error, Result};
use crate::dataset::data::read_mask;
use crate::dataset::index::{self, Line, Side};
use crate::dataset::pairs::form::Form;
use crate::dataset::text::TOKENS;
use crate::eval::likeness::copying::Source;
use crate::eval::likeness::given::Given;
use crate::run::{Run, read_run};
use crate::tokens::{TokenFile, Tokenizer};

/// An entry, or a part of one that is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its day, or its number in the run where it has none.
    pub name: String,
    /// Its day.
    pub day: Option<Date>,
    /// The lines before it, which the run's template made, or the question that it answers.
    pub header: Given,
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
        let form = run.data.pairs.map(|pairs| pairs.form);
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (number, line) in lines.iter().enumerate() {
            let entry = entry(number, line, form, &tokens, &tokenizer)?;
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

fn entry(
    number: usize,
    line: &Line,
    form: Option<Form>,
    tokens: &TokenFile,
    tokenizer: &Tokenizer,
) -> Result<Entry> {
    let ids = tokens.read(line.range())?;
    let (before, text) = ids.split_at(line.header.min(ids.len()));
    let form = form.filter(|_| line.pair);
    // No end is the writer's: neither that of the text, nor, before it, that of the form.
    let text = text.strip_suffix(&[tokenizer.end_of_text()]).unwrap_or(text);
    let end = form.and_then(|form| form.end(tokenizer));
    let text = end.and_then(|end| text.strip_suffix(&[end])).unwrap_or(text);
    let (header, text) = match form {
        Some(form) => (Given::Question(form, tokenizer.decode(before)), tokenizer.decode(text)),
        None => (Given::Header(tokenizer.decode_start(before)), tokenizer.decode_start(text)),
    };
    let name = line.date.map_or_else(
        || format!("{} {}", if line.pair { "pair" } else { "entry" }, number + 1),
        |date| date.to_string(),
    );
    Ok(Entry { name, day: line.date, header, text, range: line.range() })
}
