//! How a model is spoken to, by what it was trained on, and what it is listed as.

use std::path::{Path, PathBuf};
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

/// When what a model is read from was last saved.
pub type Saved = [Option<SystemTime>; 2];

/// A model and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name by which it is asked for.
    pub name: String,
    /// Its path, or its name in the cache of fetched models.
    pub path: PathBuf,
    /// The run that says how it is spoken to: of an adapter that lies on it, or its own path.
    pub run: PathBuf,
    /// Whether something was at the path when it was named.
    was_there: bool,
}

impl Place {
    /// A model at this path, spoken to as `run` says.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, run: impl Into<PathBuf>) -> Place {
        let path = path.into();
        let was_there = path.exists();
        Place { name: name.into(), path, run: run.into(), was_there }
    }

    /// When it was last saved: the model, and the adapter on it.
    pub fn saved(&self) -> Saved {
        [&self.path, &self.run].map(|path| saved(path))
    }

    /// Whether something was at its path and is there no more. (The name of a fetched model is no path.)
    pub fn has_vanished(&self) -> bool {
        self.was_there && !self.path.exists()
    }
}

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
fn saved(path: &Path) -> Option<SystemTime> {
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

/// What a conversation with a model is: `diary`, `pairs` or `chat`.
///
/// # Errors
/// No model there, or one that cannot be read.
pub fn form(path: &Path) -> Result<&'static str> {
    let manner = match read_run(path) {
        Ok(run) => of_run(&run),
        Err(_) => {
            let checkpoint = weights::open(path)?;
            template(&checkpoint, &checkpoint.tokenizer()?)?
        }
    };
    Ok(match manner {
        Manner::Diary => "diary",
        Manner::Pairs(_) => "pairs",
        Manner::Template(_) => "chat",
    })
}

/// What a model is listed as, where it was saved since it was listed last and can be read.
pub fn listed_again(place: &Place, last: &Listed) -> Option<Listed> {
    if created(place) == last.created { None } else { listed(place).ok() }
}

/// When a model was last saved, in seconds since 1970.
fn created(place: &Place) -> u64 {
    let saved = place.saved().into_iter().flatten().max();
    saved.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// What a model is listed as.
///
/// # Errors
/// No model there, or one that cannot be read.
pub fn listed(place: &Place) -> Result<Listed> {
    let context = weights::open(&place.path)?.config().block_size();
    let form = form(&place.run)?;
    let run = read_run(&place.run).ok();
    let header = run.as_ref().and_then(template_of).map(|(template, labels)| template.open(&labels));
    Ok(Listed { name: place.name.clone(), created: created(place), context, form, header })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;
    use crate::base::{Config, Gpt2};
    use crate::dataset::pairs::form::Form;
    use crate::run::record::{Pairs, State, example};
    use crate::tokens::Ends;
    use crate::weights::{Dtype, huggingface};

    /// Saves the record of a run on pairs, at so many seconds after a first time.
    fn save(run: &Path, header: &str, seconds: u64) {
        let mut record = example();
        record.state.folder = State::folder_of(0);
        record.best_eval = None;
        record.data.pairs = Some(Pairs { form: Form::Plain, mix: None });
        record.data.header = Some(header.into());
        std::fs::write(run.join(RECORD), serde_json::to_string(&record).unwrap()).unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(5_000_000_000 + seconds);
        File::options().append(true).open(run.join(RECORD)).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_base_with_a_runs_adapter_is_spoken_to_as_the_run_and_listed_anew_with_it() {
        let [base, run] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let shape = Gpt2 { vocab_size: 257, block_size: 8, n_layer: 1, n_head: 2, n_embd: 8 };
        let config = Config::from(shape);
        let json = huggingface::config_json(&config, 0.0, &Ends::at(256));
        std::fs::write(base.path().join("config.json"), json).unwrap();
        let weights = base.path().join("model.safetensors");
        let mut writer = huggingface::writer(&weights, &config, Dtype::F32).unwrap();
        config.table().iter().for_each(|p| writer.write_f32(&vec![0.0; p.numel()]).unwrap());
        writer.finish().unwrap();
        save(run.path(), "# {date}\n", 0);
        let place = Place::new("me", base.path(), run.path());
        let first = listed(&place).unwrap();
        assert_eq!((first.form, first.context, first.created), ("pairs", 8, 5_000_000_000));
        assert_eq!(first.header.as_deref(), Some("# {date}\n"));
        assert!(matches!(of(&place.run, &Tokenizer::bytes()), Ok(Manner::Pairs(Form::Plain))));
        assert_eq!(listed_again(&place, &first), None);
        let before = place.saved();
        save(run.path(), "## {date}\n", 1);
        assert_ne!(place.saved(), before, "the worker sees it too");
        let again = listed_again(&place, &first).unwrap();
        assert_eq!((again.header.as_deref(), again.created), (Some("## {date}\n"), first.created + 1));
    }
}
