//! How a model is spoken to, by what it was trained on, and what it is listed as.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::Date;

use crate::base::Result;
use crate::dataset::header;
use crate::dataset::labels::parse_label;
use crate::run::runs::RECORD;
use crate::run::{Run, read_run};
use crate::sample::talk::{Manner, Template};
use crate::serve::job::Listed;
use crate::tokens::Tokenizer;
use crate::weights::gguf::write::PASS_THROUGH;
use crate::weights::{self, Checkpoint};

/// A run's own form: its diary goes on, its questions are answered. Of any other model the chat template, where it has one.
///
/// # Errors
/// A model that cannot be read, or a template that is none.
pub fn of(path: &Path, tokenizer: &Tokenizer) -> Result<Manner> {
    match read_run(path) {
        Ok(run) => Ok(of_run(&run)),
        Err(_) => template(&weights::open(path)?, tokenizer),
    }
}

fn of_run(run: &Run) -> Manner {
    run.data.pairs.map_or(Manner::Diary, |pairs| Manner::Pairs(pairs.form))
}

fn template(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> Result<Manner> {
    // What `convert` writes where a model has none passes the text on: that is what a diary's model does.
    match checkpoint.chat_template()?.filter(|source| source != PASS_THROUGH) {
        Some(source) => {
            Ok(Manner::Template(Template::of(&source, tokenizer, jiff::Zoned::now().datetime())?))
        }
        None => Ok(Manner::Diary),
    }
}

/// When what is at a path was last saved: of a run its record, which goes with its state.
pub fn saved(path: &Path) -> Option<SystemTime> {
    let record = path.join(RECORD);
    std::fs::metadata(if record.is_file() { &record } else { path }).ok()?.modified().ok()
}

/// The header of an entry of a day that a run's model is to write; none of a run whose entries have none.
pub fn header(run: &Run, day: Date) -> Option<String> {
    template_of(run).map(|(template, labels)| template.of_day(day, &labels))
}

/// What stands before a run's entries, and the labels that its journals have.
fn template_of(run: &Run) -> Option<(header::Template, Vec<(String, String)>)> {
    let labels = run.data.reading.labels.iter().filter_map(|typed| parse_label(typed).ok());
    let labels: Vec<(String, String)> = labels.map(|(_, key, value)| (key, value)).collect();
    let names: Vec<String> = labels.iter().map(|(key, _)| key.clone()).collect();
    // It was read when the run began.
    Some((header::Template::parse(run.data.header.as_deref()?, &names).ok()?, labels))
}

/// What a model is listed as.
///
/// # Errors
/// No model there, or one that cannot be read.
pub fn listed(name: String, path: &Path) -> Result<Listed> {
    let checkpoint = weights::open(path)?;
    let run = read_run(path).ok();
    let manner = match &run {
        Some(run) => of_run(run),
        None => template(&checkpoint, &checkpoint.tokenizer()?)?,
    };
    let form = match manner {
        Manner::Diary => "diary",
        Manner::Pairs(_) => "pairs",
        Manner::Template(_) => "chat",
    };
    let header = run.as_ref().and_then(template_of).map(|(template, labels)| template.open(&labels));
    let since = saved(path).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let created = since.map_or(0, |since| since.as_secs());
    let context = checkpoint.config().block_size();
    Ok(Listed { name, created, context, form, header })
}
