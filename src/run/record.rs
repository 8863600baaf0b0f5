//! `run.json`: everything needed to resume a run, or to replay it elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Config, Error, Freeze, Lora, Optimizer, Result, disk, shell};
use crate::device::select::Identity;
use crate::device::{Choices, Element};
use crate::journal;
use crate::optim::OnSpike;
use crate::run::runs::{RECORD, restore_or_begin};
use crate::tokens::{Additions, Kind, Tokenizer, Width, files};

/// The version of `run.json` that this diarist writes, and the newest it reads.
pub const VERSION: u32 = 3;

/// A run, as `run.json` holds it. Fields that a later diarist adds are ignored when read; a change that an older one would
/// misread raises [`VERSION`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`VERSION`] when written.
    pub version: u32,
    /// When the run began, RFC 3339 in UTC: [`now`].
    pub created: String,
    /// The version of diarist that began it.
    pub diarist: String,
    /// The model's shape.
    pub model: Config,
    /// The preset's name; none where the shape came from a checkpoint.
    pub preset: Option<String>,
    /// "gpt2", "bytes", or "bpe": another, in the folder's `tokenizer.json`.
    pub tokenizer: String,
    /// SHA-256 of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_file: Option<String>,
    /// The added tokens and the ends of text of the checkpoint that it began from, where those are not the tokenizer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additions: Option<Additions>,
    /// "scratch", or the folder whose weights the run began with.
    pub from: String,
    /// The model that its adapter stands beside, where it trains one: it stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// How it trains.
    pub settings: Settings,
    /// What it trains on.
    pub data: Data,
    /// What it trains with.
    pub device: Identity,
    /// Which variant of each kernel the device runs, every pick of them.
    pub kernels: Choices,
    /// How far it is.
    pub position: Position,
    /// Whether the last step is done.
    pub finished: bool,
    /// The newest evaluation.
    pub last_eval: Option<Evaluation>,
    /// The evaluation before the first step: what the model knew of the text that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_eval: Option<Evaluation>,
    /// The evaluation with the lowest loss, of those after a step.
    pub best_eval: Option<Evaluation>,
    /// Evaluations since that one.
    #[serde(default)]
    pub since_best: u64,
    /// Steps so far whose loss or gradient norm stood far above those before them.
    #[serde(default)]
    pub spikes: u64,
    /// How often one of them has halved the learning rate.
    #[serde(default)]
    pub lowered: u64,
    /// Where that one's model lies; none before it, and where nothing is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<State>,
    /// Where the newest state lies; filled by [`Saving::commit`](crate::run::Saving::commit).
    pub state: State,
}

/// A model that a run needs and does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Where it is: a folder or a file.
    pub path: PathBuf,
    /// SHA-256 of every file that its weights are in, by name.
    pub files: BTreeMap<String, String>,
}

/// Every setting that the result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Optimizer steps in all.
    pub steps: u64,
    /// Passes over the training range, where the steps were asked for so.
    pub epochs: Option<f32>,
    /// Sequences a micro-step.
    pub batch: usize,
    /// Micro-steps an optimizer step.
    pub accumulate: usize,
    /// `T`: tokens a sequence.
    pub context: usize,
    /// The learning rate after warm-up.
    pub lr: f32,
    /// The learning rate that the cosine ends at.
    pub min_lr: f32,
    /// The step that the cosine ends at, where the run was extended with the rate left at its floor; else it is the last.
    #[serde(default)]
    pub lr_floor: Option<u64>,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// What moves the weights; nothing is said of it in the records of a diarist that had AdamW alone.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// AdamW's decay of the first moment.
    pub beta1: f32,
    /// AdamW's decay of the second moment.
    pub beta2: f32,
    /// AdamW's ε.
    pub eps: f32,
    /// The decay of matrices and embeddings.
    pub weight_decay: f32,
    /// The global norm that gradients are clipped to; 0 for no clipping.
    pub grad_clip: f32,
    /// What is done about a spike.
    #[serde(default)]
    pub on_spike: OnSpike,
    /// The share dropped at every site.
    pub dropout: f32,
    /// What does not train.
    pub freeze: Freeze,
    /// The adapter that trains instead of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<Lora>,
    /// What the matrices of a model that does not train rest in.
    #[serde(default = "single", skip_serializing_if = "is_single")]
    pub weights: Element,
    /// Whether a block keeps its input alone, and is computed a second time in backward.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recompute: bool,
    /// The seed of all randomness.
    pub seed: u64,
    /// The share of entries held out.
    pub val_fraction: f32,
    /// Steps between evaluations; there is one at the end in any case.
    pub eval_every: u64,
    /// Steps between samples; there is one at the end in any case.
    pub sample_every: u64,
    /// Steps between saved states; ten minutes at most, whatever this says.
    pub save_every: u64,
    /// The run ends after so many evaluations without a better one than before them; 0 where it goes on to its last step.
    #[serde(default)]
    pub patience: u64,
    /// Whether the MLPs' units are looked at beside each evaluation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub health: bool,
    /// What the samples while training begin with; with none, one begins where every text begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<String>,
    /// So many states stay, the newest.
    #[serde(default = "one")]
    pub keep: u64,
    /// Threads, where they were asked for; the bits do not depend on them.
    pub threads: Option<usize>,
}

fn one() -> u64 {
    1
}

fn single() -> Element {
    Element::F32
}

fn is_single(weights: &Element) -> bool {
    *weights == Element::F32
}

/// What is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The files and folders, as given.
    pub paths: Vec<String>,
    /// SHA-256 of `tokens.bin`.
    pub fingerprint: String,
    /// SHA-256 of `entries.jsonl`; nothing is said in the records of a diarist that did not write one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Entries in all.
    pub entries: u64,
    /// Words in all.
    pub words: u64,
    /// What was read, left out and changed, as the first lines of `train` said it: what, and words. Nothing is said in the
    /// records of a diarist that did not write it down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brief: Vec<(String, String)>,
    /// The bytes of an id in `tokens.bin`; nothing is said of two.
    #[serde(default, skip_serializing_if = "Width::is_narrow")]
    pub width: Width,
    /// The training range of `tokens.bin`, half open, in tokens.
    pub train: [u64; 2],
    /// The validation range, half open, in tokens; empty where nothing is held out.
    pub val: [u64; 2],
    /// The template of the lines before each entry.
    pub header: Option<String>,
    /// SHA-256 of `masked.bin`, where headers are left out of the loss.
    pub masked: Option<String>,
    /// How the entries that are held out were chosen: "random", "latest", or the file that lists them.
    pub split: String,
    /// How the journals were read: whose words, which files, days and tags, what was changed in style, what they are labelled.
    pub reading: journal::Options,
    /// The run that this one continues, with new entries; none where it continues none.
    #[serde(default, rename = "continue", skip_serializing_if = "Option::is_none")]
    pub continues: Option<Continues>,
}

/// A run that another one continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continues {
    /// Its folder, absolute.
    pub run: PathBuf,
    /// The share of its text in what is trained on that was asked for.
    pub mix: f32,
    /// Where in `tokens.bin` what it held out ends, and what is held out of the new entries begins.
    pub held_out: u64,
}

/// How far a run is: the state holds the model after `step` optimizer steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Optimizer steps done.
    pub step: u64,
    /// Targets trained on.
    pub tokens: u64,
    /// The epoch that the next window comes from, from 0.
    pub epoch: u64,
    /// The next window's index in that epoch's permutation.
    pub index: u64,
    /// Micro-steps done: the counter of dropout masks.
    pub micro_step: u64,
}

/// An evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// After this many optimizer steps.
    pub step: u64,
    /// Mean loss over the validation range, nats/token; of a run that continues another, `mix` of the old text's and the rest of the
    /// new one's.
    pub val_loss: f32,
    /// Those two, of such a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
}

/// Mean losses over what a continued run held out, and over what is held out of the new entries; none where that is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// On the old text.
    pub old: Option<f32>,
    /// On the new.
    pub new: Option<f32>,
}

/// A saved state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The folder, relative to the run's: "state/120".
    pub folder: String,
    /// SHA-256 of every file in it, by name.
    pub files: BTreeMap<String, String>,
}

impl Run {
    /// Its tokenizer: one that is made from nothing, or, where it came with a model, the one in the run's folder.
    ///
    /// # Errors
    /// The folder's tokenizer cannot be read, or is of a kind that this diarist does not know.
    pub fn tokenizer(&self, folder: &Path) -> Result<Tokenizer> {
        let tokenizer = match Kind::from_name(&self.tokenizer) {
            Some(kind) => Tokenizer::new(kind),
            None if self.tokenizer == Kind::Bpe.name() => {
                files::from_folder(folder, self.model.vocab_size())?
            }
            None => {
                return Err(Error::file(
                    folder.join(RECORD),
                    format!("names a tokenizer {:?}", self.tokenizer),
                    "use a newer diarist, or restore the file",
                ));
            }
        };
        Ok(tokenizer.with(self.additions.clone()))
    }
}

impl State {
    /// The folder of a step's state, relative to the run's.
    pub fn folder_of(step: u64) -> String {
        format!("state/{step}")
    }

    /// The folder of the best model, of that step, relative to the run's.
    pub fn best_of(step: u64) -> String {
        format!("best/{step}")
    }
}

/// The time now, RFC 3339 in UTC, to the second.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Reads a `run.json`.
///
/// # Errors
/// It cannot be read, was written by a newer diarist, is not a run, or names a state that cannot be its own.
pub fn read(path: &Path) -> Result<Run> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let damaged = |problem: String| Error::file(path, problem, restore_or_begin("it", folder));
    let text = disk::read_file(path)?;
    let Versioned { version } =
        serde_json::from_slice(&text).map_err(|e| damaged(format!("not a run's record: {e}")))?;
    if version < VERSION {
        return Err(Error::file(
            path,
            format!("written by an older diarist (record version {version}; this one reads {VERSION})"),
            format!(
                "finish it with the diarist that began it, or begin a new run from its model: give it as --from {}",
                shell::path(folder)
            ),
        ));
    }
    if version > VERSION {
        return Err(Error::file(
            path,
            format!("written by a newer diarist (record version {version}; this one reads up to {VERSION})"),
            "update diarist",
        ));
    }
    let run: Run = serde_json::from_slice(&text).map_err(|e| damaged(format!("not a run's record: {e}")))?;
    run.model.check().map_err(|e| damaged(format!("names a model that cannot be: {e}")))?;
    let Settings { batch, accumulate, context, .. } = run.settings;
    if [batch, accumulate, context].contains(&0) || context > run.model.block_size() {
        return Err(damaged(format!("names {batch}×{accumulate} sequences of {context} tokens a step")));
    }
    run.model.check_freeze(run.settings.freeze).map_err(|e| damaged(format!("names {e}")))?;
    if let Some(lora) = &run.settings.lora {
        lora.check(&run.model).map_err(|e| damaged(format!("names {e}")))?;
    }
    if run.base.is_some() != run.settings.lora.is_some() {
        return Err(damaged("names an adapter without its model, or a model without its adapter".into()));
    }
    // Folders and files are joined to the run's path, and others beside them are removed: they must be plain names.
    let plain = |n: &String| !n.is_empty() && !n.starts_with('.') && !n.contains(['/', '\\', ':']);
    if run.state.folder != State::folder_of(run.position.step) || !run.state.files.keys().all(plain) {
        return Err(damaged(format!(
            "names the state {:?} for step {}, which no diarist writes",
            run.state.folder, run.position.step
        )));
    }
    if let Some(best) = &run.best {
        let step = run.best_eval.map(|best| best.step);
        if step.map(State::best_of).as_ref() != Some(&best.folder) || !best.files.keys().all(plain) {
            let problem =
                format!("names the best model {:?} for step {step:?}, which no diarist writes", best.folder);
            return Err(damaged(problem));
        }
    }
    Ok(run)
}

/// `run.json`'s text.
pub(super) fn to_json(run: &Run) -> String {
    serde_json::to_string_pretty(run).expect("a record holds nothing but JSON") + "\n"
}

/// A run for tests, at step 0, with no state.
#[cfg(test)]
pub(crate) fn example() -> Run {
    use crate::device::{Class, Limits};
    Run {
        version: VERSION,
        created: now(),
        diarist: "0.1.0".into(),
        model: crate::base::Preset::Tiny.config(257),
        preset: Some("tiny".into()),
        tokenizer: "bytes".into(),
        tokenizer_file: None,
        additions: None,
        from: "scratch".into(),
        base: Some(Base { path: "base.gguf".into(), files: BTreeMap::new() }),
        settings: Settings {
            steps: 1000,
            epochs: None,
            batch: 8,
            accumulate: 1,
            context: 64,
            lr: 3e-4,
            min_lr: 3e-5,
            lr_floor: Some(800),
            warmup: 100,
            optimizer: Optimizer::default(),
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            grad_clip: 1.0,
            on_spike: OnSpike::default(),
            dropout: 0.1,
            freeze: Freeze::default(),
            lora: Some(Lora::default()),
            weights: Element::Q4_1,
            recompute: true,
            seed: u64::MAX,
            val_fraction: 0.1,
            eval_every: 50,
            sample_every: 0,
            save_every: 100,
            patience: 3,
            health: true,
            prompts: vec!["Today".into()],
            keep: 2,
            threads: None,
        },
        data: Data {
            paths: vec!["journal".into()],
            fingerprint: "00".into(),
            index: Some("00".into()),
            entries: 60,
            words: 12_000,
            brief: vec![("left out".into(), "photo links (12)".into())],
            width: Width::U16,
            train: [0, 60_000],
            val: [60_000, 66_000],
            header: None,
            masked: None,
            split: "random".into(),
            reading: journal::Options { me: vec!["Ellis".into()], ..journal::Options::default() },
            continues: Some(Continues { run: "before".into(), mix: 0.5, held_out: 62_000 }),
        },
        device: Identity {
            executor: "cpu".into(),
            name: "cpu".into(),
            driver: String::new(),
            backend: String::new(),
        },
        kernels: Choices::of(Class::Lanes, &Limits::DEFAULT),
        position: Position::default(),
        finished: false,
        last_eval: None,
        first_eval: None,
        best_eval: Some(Evaluation { step: 0, val_loss: 5.5, apart: None }),
        since_best: 0,
        spikes: 0,
        lowered: 0,
        best: None,
        state: State::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(json: &str) -> Result<Run> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        std::fs::write(&path, json).unwrap();
        read(&path)
    }

    fn saved() -> Run {
        Run { state: State { folder: "state/0".into(), files: BTreeMap::new() }, ..example() }
    }

    #[test]
    fn a_run_reads_as_it_was_written() {
        let run = saved();
        assert_eq!(written(&to_json(&run)).unwrap(), run);
        assert!(to_json(&run).contains("\"beta2\": 0.95,"));
        // What earlier records did not say is not said where it is as it was then.
        assert!(["\"width\"", "\"tokenizer_file\""].iter().all(|key| !to_json(&run).contains(key)));
        let wide = Run { data: Data { width: Width::U32, ..run.data.clone() }, ..run.clone() };
        assert_eq!(written(&to_json(&wide)).unwrap(), wide);
        assert!(run.created.ends_with('Z') && run.created.len() == 20, "{}", run.created);
    }

    #[test]
    fn later_fields_are_ignored_and_later_versions_are_not() {
        let mut json: serde_json::Value = serde_json::from_str(&to_json(&saved())).unwrap();
        json["weather"] = "rain".into();
        assert_eq!(written(&json.to_string()).unwrap().settings, saved().settings);
        json["version"] = (VERSION + 1).into();
        assert!(written(&json.to_string()).unwrap_err().to_string().contains("update diarist"));
        assert!(written("{}").unwrap_err().to_string().contains("not a run's record"));
    }

    #[test]
    fn a_record_of_a_diarist_that_could_be_asked_for_less_opens() {
        let mut json: serde_json::Value = serde_json::from_str(&to_json(&saved())).unwrap();
        assert_eq!(json["data"]["reading"]["me"], serde_json::json!(["Ellis"]));
        json["data"]["reading"] =
            serde_json::json!({ "since": "2019-03-04", "style": { "lowercase": true } });
        let reading = written(&json.to_string()).unwrap().data.reading;
        assert_eq!(reading.since, Some(jiff::civil::date(2019, 3, 4)));
        assert!(reading.style.lowercase && !reading.style.unwrap && reading.globs.is_empty());
    }

    #[test]
    fn a_state_is_beside_its_record() {
        for (folder, file) in
            [("state/1", "a"), ("../0", "a"), ("", "a"), ("state/0", "../a"), ("state/0", "")]
        {
            let mut run = saved();
            run.state = State { folder: folder.into(), files: [(file.into(), "00".into())].into() };
            assert!(written(&to_json(&run)).is_err(), "{folder} {file}");
        }
    }

    proptest! {
        /// A resumed run has the very same settings, or its bits would differ.
        #[test]
        fn floats_keep_their_bits(bits in any::<u32>()) {
            let lr = f32::from_bits(bits);
            prop_assume!(lr.is_finite());
            let mut run = saved();
            run.settings.lr = lr;
            prop_assert_eq!(written(&to_json(&run)).unwrap().settings.lr.to_bits(), lr.to_bits());
        }
    }
}
