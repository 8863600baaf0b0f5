//! `diarist info PATH`: what is at a path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::base::units::{bytes, counted, shown, thousands};
use crate::base::{Error, Result};
use crate::cli::adapters::Adapters;
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::run::record;
use crate::tokens::Tokenizer;
use crate::weights::found::Found;
use crate::weights::{self, Checkpoint, TensorEntry};

/// Arguments of `info`.
#[derive(clap::Args)]
pub struct Args {
    /// A model in any form: a folder, a file, a run, an adapter, or the name of one in the Hugging Face cache
    path: PathBuf,
    /// Only the ids that its tokenizer makes of a text
    #[arg(long, value_name = "FILE", conflicts_with = "tensors")]
    ids: Option<PathBuf>,
    #[command(flatten)]
    adapters: Adapters,
    /// List every tensor
    #[arg(long)]
    tensors: bool,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// What is told of a path.
struct Told {
    format: String,
    path: PathBuf,
    about: Vec<(String, String)>,
    tensors: Vec<TensorEntry>,
    model: Result<Checkpoint>,
    tokenizer: String,
}

/// Runs it.
///
/// # Errors
/// Nothing is there, or nothing that we know.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let found = weights::find(&args.path)?;
    if let Some(text) = &args.ids {
        return ids(&found.tokenizer()?, text, args.json);
    }
    let tokenizer = tokenizer(&found.tokenizer());
    let mut about = found.about.clone();
    about.extend(of_run(&found.path)?);
    let Found { format, path, .. } = &found;
    let (format, path, tensors) = (format.clone(), path.clone(), found.tensors.entries().to_vec());
    let mut model = Checkpoint::new(found);
    if args.adapters.any() {
        args.adapters.check()?;
        let mut adapted = model?;
        args.adapters.lay_on(&mut adapted)?;
        let changed = counted(adapted.adapted() as u64, "tensor", "tensors");
        about.push(("with adapters".into(), format!("{changed} changed")));
        model = Ok(adapted);
    }
    let told = Told { format, path, about, tensors, model, tokenizer };
    if args.json {
        told.json()?
    } else {
        told.print(args.tensors)?
    }
    Ok(ExitCode::SUCCESS)
}

/// What a run's record says beside its model.
fn of_run(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join("run.json");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let run = record::read(&path)?;
    let loss = |e: Option<record::Evaluation>| {
        e.map_or("none yet".into(), |e| format!("{:.4} nats/token, step {}", e.val_loss, thousands(e.step)))
    };
    let (step, steps) = (thousands(run.position.step), thousands(run.settings.steps));
    let state = if run.finished { "finished" } else { "can be resumed" };
    Ok([
        ("run", format!("step {step} of {steps}, {state}, begun {}", run.created)),
        ("from", run.from.clone()),
        ("data", format!("{} entries, {} words", thousands(run.data.entries), thousands(run.data.words))),
        ("held-out loss", loss(run.last_eval)),
        ("its lowest", loss(run.best_eval)),
    ]
    .map(|(what, value)| (what.to_string(), value))
    .into())
}

impl Told {
    fn print(&self, tensors: bool) -> anyhow::Result<()> {
        let mut lines = vec![("what".to_string(), self.format.clone()), ("where".into(), shown(&self.path))];
        if let Ok(model) = &self.model {
            let c = model.config();
            let shared = match c.n_kv_head() {
                n if n == c.n_head() => String::new(),
                n => format!(" ({n} of keys and values)"),
            };
            let window = c.window().map_or(String::new(), |n| format!(", a window of {n}"));
            lines.push((
                "model".into(),
                format!(
                    "{}, {} parameters: {} layers, {} heads{shared}, {} channels, context {}{window}, vocabulary {}",
                    c.family(),
                    thousands(c.num_params()),
                    c.n_layer(),
                    c.n_head(),
                    c.n_embd(),
                    c.block_size(),
                    thousands(c.vocab_size() as u64)
                ),
            ));
        }
        lines.extend(self.about.iter().cloned());
        lines.push(("stored".into(), self.stored()));
        lines.push(("tokens".into(), self.tokenizer.clone()));
        if let Err(e) = &self.model {
            lines.push(("no use".into(), words(e)));
        }
        let width = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
        for (what, value) in lines {
            out::line(format!("{what:width$}  {value}"))?;
        }
        if tensors {
            out::line(format!("\n{}", self.table()))?;
        }
        Ok(())
    }

    /// How many tensors are stored how, and what that takes.
    fn stored(&self) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &self.tensors {
            *kinds.entry(entry.dtype.name()).or_default() += 1;
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let total: u64 = self.tensors.iter().map(|e| e.len).sum();
        let many = counted(self.tensors.len() as u64, "tensor", "tensors");
        format!("{many} ({}), {}", kinds.join(", "), bytes(total))
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("tensor", Align::Left),
            ("dtype", Align::Left),
            ("shape", Align::Right),
            ("bytes", Align::Right),
        ]);
        for e in &self.tensors {
            let shape: Vec<String> = e.shape.iter().map(usize::to_string).collect();
            table.row([
                shown(Path::new(&e.name)),
                e.dtype.name().into(),
                shape.join(" × "),
                thousands(e.len),
            ]);
        }
        table
    }

    fn json(&self) -> anyhow::Result<()> {
        let tensors: Vec<_> = (self.tensors.iter())
            .map(|e| json!({ "name": e.name, "dtype": e.dtype.name(), "shape": e.shape, "bytes": e.len }))
            .collect();
        let about: serde_json::Map<String, serde_json::Value> =
            self.about.iter().map(|(what, value)| (what.clone(), value.clone().into())).collect();
        let (model, problem) = match &self.model {
            Ok(model) => {
                (json!({ "config": model.config(), "parameters": model.config().num_params() }), None)
            }
            Err(e) => (json!(null), Some(words(e))),
        };
        out::json(&json!({
            "format": self.format,
            "path": self.path.to_string_lossy(),
            "model": model,
            "tokenizer": self.tokenizer,
            "problem": problem,
            "about": about,
            "tensors": tensors,
        }))
    }
}

fn tokenizer(found: &Result<Tokenizer>) -> String {
    match found {
        Ok(tokenizer) => {
            format!("{}, {} ids", tokenizer.kind().name(), thousands(tokenizer.vocab_size() as u64))
        }
        Err(e) => format!("none: {}", words(e)),
    }
}

/// Prints the ids of a text.
fn ids(tokenizer: &Tokenizer, text: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(text).map_err(Error::typed("read", text))?;
    let ids = tokenizer.encode(&text);
    if json {
        out::json(&json!({ "ids": ids }))?;
    } else {
        out::line(ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An error in one line.
fn words(e: &Error) -> String {
    e.to_string().replace("\n  next: ", "; ").replace('\n', " ")
}
