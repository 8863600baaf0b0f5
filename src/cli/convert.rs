//! `diarist convert IN OUT --to hf|gguf|llmc|nanogpt|gguf-lora`: a model in the form that another tool reads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::arch::Role;
use crate::base::units::{bytes, counted, shown, thousands};
use crate::base::{Config, Error, Param, Result, disk, shell};
use crate::cli::adapters::Adapters;
use crate::cli::bar::Bar;
use crate::cli::out;
use crate::cli::target::{Target, dtypes, targets};
use crate::dataset::pairs::form::Form;
use crate::run::{card, record, refuse_in_run};
use crate::tokens::Tokenizer;
use crate::weights::peft::Stacked;
use crate::weights::{self, Checkpoint, Dtype, gguf, huggingface, llmc, nanogpt};

/// Arguments of `convert`.
#[derive(clap::Args)]
pub struct Args {
    /// The model: a run's folder, or whatever --from takes (`diarist info` says what it is)
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// What is written, a folder for hf, else a file; nothing is overwritten
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// hf: a folder for `transformers`; gguf: for llama.cpp, Ollama, LM Studio; llmc; nanogpt; gguf-lora: an adapter alone, for
    /// llama.cpp's --lora. Without it, by OUT's ending
    #[arg(long, value_parser = targets())]
    to: Option<Target>,
    /// How numbers are stored [default: f16 in a GGUF, else f32]
    #[arg(long, value_parser = dtypes())]
    dtype: Option<Dtype>,
    /// Write Ollama's Modelfile beside a GGUF
    #[arg(long)]
    modelfile: bool,
    /// The chat template of a GGUF, in Jinja [default: the model's own, else the messages' text as it stands]
    #[arg(long, value_name = "FILE")]
    chat_template: Option<PathBuf>,
    #[command(flatten)]
    adapters: Adapters,
}

/// The model card's file.
const CARD: &str = "README.md";

/// Runs it.
///
/// # Errors
/// No model; a form or a dtype that does not fit it; something at OUT already; a full disk.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let to = args.to.map_or_else(|| Target::of(&args.out), Ok)?;
    let dtype = args.dtype.clone().unwrap_or_else(|| to.dtypes()[0].clone());
    args.check(to, &dtype)?;
    args.adapters.check()?;
    let checkpoint = args.adapters.open(&args.input)?;
    write(args, to, &dtype, checkpoint)
}

/// Writes a model that is open.
///
/// # Errors
/// As [`run`].
pub(super) fn write(
    args: &Args,
    to: Target,
    dtype: &Dtype,
    mut checkpoint: Checkpoint,
) -> anyhow::Result<ExitCode> {
    out::note(format!("{}: {}", shown(&args.input), checkpoint.format()));
    if let Some(run) = args.run()?.filter(|run| !run.finished) {
        let (step, steps) = (thousands(run.position.step), thousands(run.settings.steps));
        out::note(format!("the run is not at its end: this is its state after step {step} of {steps}"));
    }
    let config = *checkpoint.config();
    let mut adapters = match to {
        Target::GgufLora => Some(args.taken(&mut checkpoint)?),
        _ => None,
    };
    let numbers = match &adapters {
        Some(adapters) => bound_of(dtype, &adapters.lora.table(&config)),
        None => bound(dtype, &config),
    };
    room(&args.out, numbers)?;
    // Half of a model is of no use to anybody.
    let _ = ctrlc::set_handler(|| {
        disk::remove_temporaries();
        std::process::exit(130)
    });
    let tokenizer = checkpoint.tokenizer();
    let has_tokenizer = tokenizer.is_ok();
    let bar = Bar::new();
    let mut progress = |share: f64| bar.bytes("writing", (share * numbers as f64) as u64, numbers);
    let written = match to {
        Target::HuggingFace => args.hugging_face(&mut checkpoint, tokenizer, dtype, &mut progress)?,
        Target::Gguf => args.gguf(&mut checkpoint, &tokenizer?, dtype, &mut progress)?,
        Target::LlmC => {
            disk::new_with(&args.out, |new| llmc::write(&mut checkpoint, dtype, new, &mut progress))?
        }
        Target::GgufLora => {
            let adapters = adapters.as_mut().expect("taken above");
            let name = args.out.file_stem().unwrap_or_default().to_string_lossy();
            disk::new_with(&args.out, |new| {
                gguf::write_lora(adapters, &config, dtype, &name, new, &mut progress)
            })?
        }
        Target::NanoGpt => {
            disk::new_with(&args.out, |new| nanogpt::write(&mut checkpoint, dtype, new, &mut progress))?
        }
    };
    bar.finish();
    out::line(format!("{}  {}, {}", shown(&args.out), dtype.name().to_lowercase(), bytes(written)))?;
    out::note(args.next(to, has_tokenizer));
    Ok(ExitCode::SUCCESS)
}

/// Checks that a dtype belongs to a form, and that nothing is in its place, which is no run's.
///
/// # Errors
/// It does not; something is.
pub(super) fn check(to: Target, dtype: &Dtype, out: &Path) -> Result<()> {
    if !to.dtypes().contains(dtype) {
        let names: Vec<String> = to.dtypes().iter().map(|d| d.name().to_lowercase()).collect();
        return Err(Error::usage(
            format!("--dtype {} is none of --to {}", dtype.name().to_lowercase(), to.name()),
            format!("use {}", names.join(", ")),
        ));
    }
    match out.symlink_metadata() {
        Ok(_) => Err(disk::taken(out)),
        Err(_) => refuse_in_run(out),
    }
}

/// The chat template of a Hugging Face folder.
const TEMPLATE: &str = "chat_template.jinja";

/// The form of the questions and answers that a run was trained on.
fn form(run: Option<&record::Run>) -> Option<Form> {
    run.and_then(|run| run.data.pairs).map(|pairs| pairs.form)
}

impl Args {
    /// What writes a Hugging Face folder.
    pub(super) fn folder(input: PathBuf, out: PathBuf, dtype: Dtype) -> Args {
        let adapters = Adapters::default();
        Args { input, out, to: None, dtype: Some(dtype), modelfile: false, chat_template: None, adapters }
    }

    /// The adapters that are on a model, as one.
    fn taken(&self, checkpoint: &mut Checkpoint) -> Result<Stacked> {
        let others = checkpoint.others();
        if !others.is_empty() {
            let problem = format!(
                "its adapter has changed {} outside the linear layers ({}{}), for which a GGUF LoRA has no place",
                counted(others.len() as u64, "parameter", "parameters"),
                others[0],
                if others.len() > 1 { ", …" } else { "" }
            );
            return Err(Error::file(&self.input, problem, "merge it: --to gguf writes the whole model"));
        }
        let model = format!("{}, with no adapter on it", checkpoint.format());
        checkpoint.take_adapters().ok_or_else(|| {
            Error::file(&self.input, model, "name an adapter's folder, or the model with --adapter")
        })
    }

    /// Checks what can be checked before the model is opened.
    fn check(&self, to: Target, dtype: &Dtype) -> Result<()> {
        check(to, dtype, &self.out)?;
        for (given, flag) in
            [(self.modelfile, "--modelfile"), (self.chat_template.is_some(), "--chat-template")]
        {
            if given && to != Target::Gguf {
                return Err(Error::usage(format!("{flag} belongs to a GGUF"), "use it with --to gguf"));
            }
        }
        // A Modelfile is lines: a name with a line break in it would be more than a name.
        let name = self.out.file_name().and_then(|name| name.to_str());
        if self.modelfile && name.is_none_or(|name| name.chars().any(char::is_control)) {
            let problem = format!("{}: a Modelfile cannot name that", shown(&self.out));
            return Err(Error::usage(problem, "give the GGUF a plain name"));
        }
        if self.modelfile && self.modelfile().symlink_metadata().is_ok() {
            let problem = "there is one already, and nothing is overwritten";
            return Err(Error::file(
                self.modelfile(),
                problem,
                "write the GGUF into another folder, or move that away",
            ));
        }
        Ok(())
    }

    fn modelfile(&self) -> PathBuf {
        self.out.with_file_name("Modelfile")
    }

    /// A Hugging Face folder. What such a folder has beside its weights goes along as it is.
    fn hugging_face(
        &self,
        checkpoint: &mut Checkpoint,
        tokenizer: Result<Tokenizer>,
        dtype: &Dtype,
        progress: &mut dyn FnMut(f64),
    ) -> Result<u64> {
        let run = self.run()?;
        let mut beside = checkpoint.beside_weights()?;
        let copied = beside.iter().any(|(name, _)| *name == "tokenizer.json" || *name == "vocab.json");
        let tokenizer = tokenizer
            .inspect_err(|e| {
                let files = if copied {
                    "its tokenizer's files are copied as they are"
                } else {
                    "it will have no tokenizer"
                };
                out::note(format!("{files}: {e}"));
            })
            .ok();
        let card = match &run {
            Some(run) => Some(card::card(run)),
            // A base's own card says nothing of what was laid on it.
            None if !checkpoint.is_adapted() && beside.iter().any(|(name, _)| *name == CARD) => None,
            None => Some(card::converted(
                checkpoint.config(),
                tokenizer.as_ref().map(|t| t.kind().name()),
                checkpoint.format(),
                &dtype.name().to_lowercase(),
            )),
        };
        if let Some(card) = card {
            beside.retain(|(name, _)| *name != CARD);
            beside.push((CARD, card.into_bytes()));
        }
        if let Some(form) = form(run.as_ref()) {
            // What the run was trained on, whatever its base was.
            beside.retain(|(name, _)| *name != TEMPLATE);
            beside.push((TEMPLATE, form.template().into()));
        } else if !beside.iter().any(|(name, _)| *name == TEMPLATE) {
            beside.extend(checkpoint.chat_template()?.map(|text| (TEMPLATE, text.into_bytes())));
        }
        let dropout = run.map_or(0.1, |run| run.settings.dropout);
        huggingface::export(checkpoint, tokenizer.as_ref(), dtype, dropout, &beside, &self.out, progress)
    }

    fn gguf(
        &self,
        checkpoint: &mut Checkpoint,
        tokenizer: &Tokenizer,
        dtype: &Dtype,
        progress: &mut dyn FnMut(f64),
    ) -> Result<u64> {
        let template = match &self.chat_template {
            Some(path) => Some(weights::template::of_file(path)?),
            None => match form(self.run()?.as_ref()) {
                Some(form) => Some(form.template().to_string()),
                None => checkpoint.chat_template()?,
            },
        };
        if self.modelfile && template.is_some() && form(self.run()?.as_ref()).is_none() {
            out::note(
                "the Modelfile passes prompts on as they stand: Ollama does not look at the chat template then",
            );
        }
        let name = self.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let about = gguf::Description { name: &name, chat_template: template.as_deref() };
        let written = disk::new_with(&self.out, |new| {
            gguf::write(checkpoint, tokenizer, dtype, &about, new, progress)
        })?;
        if !written.not_quantised.is_empty() {
            let (n, all) = (written.not_quantised.len(), written.tensors);
            let rows = "rows of no multiple of 32 numbers cannot be quantised";
            out::note(format!("{n} of {all} tensors are stored as f16: {rows}"));
        }
        let config = checkpoint.config();
        if let Some(window) = config.window().filter(|&window| window < config.block_size()) {
            // Shown by tests/interop/check_llamas.py, with llama.cpp 0.7.0.
            out::note(format!(
                "llama.cpp does not compute the window of {} tokens that the file states: of longer texts it makes \
                 something else (give it -c {window})",
                thousands(window as u64)
            ));
        }
        if self.modelfile {
            let file = self.out.file_name().unwrap_or_default().to_string_lossy();
            let form = form(self.run()?.as_ref());
            let end = form.and_then(|form| form.end(tokenizer)).filter(|&end| !tokenizer.is_end(end));
            let ids: Vec<u32> = tokenizer.stops().iter().copied().chain(end).collect();
            let stops: Vec<String> = ids.iter().map(|&id| tokenizer.decode(&[id])).collect();
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let text =
                gguf::modelfile(&file, checkpoint.config().block_size(), &stops, form.map(Form::ollama));
            disk::write_new(&self.modelfile(), text.as_bytes())?;
        }
        Ok(written.bytes)
    }

    /// The run whose folder this is, if it is one.
    fn run(&self) -> Result<Option<record::Run>> {
        let path = self.input.join("run.json");
        if path.is_file() { record::read(&path).map(Some) } else { Ok(None) }
    }

    /// What to do with what was written.
    fn next(&self, to: Target, has_tokenizer: bool) -> String {
        let out = shell::path(&self.out);
        match to {
            Target::HuggingFace if !has_tokenizer => {
                format!("next: put the model's tokenizer.json into {out}, which has none")
            }
            Target::HuggingFace => {
                format!("next: {} sample {out}; transformers opens it too", shell::program())
            }
            Target::Gguf if self.modelfile => {
                format!("next: ollama create me -f {}", shell::path(self.modelfile()))
            }
            Target::Gguf if self.run().is_ok_and(|run| form(run.as_ref()).is_some()) => {
                format!("next: llama-cli -m {out} (it answers questions: how they are put goes with it)")
            }
            Target::Gguf => format!(
                "next: llama-completion -no-cnv -m {out} -p 'Today ' (it continues texts; it does not chat)"
            ),
            Target::GgufLora => format!(
                "next: llama-completion -no-cnv -m BASE.gguf --lora {out} -p 'Today ' (BASE.gguf: its base, by convert --to gguf)"
            ),
            Target::LlmC => format!("next: llm.c's train_gpt2 -e {out}"),
            Target::NanoGpt => {
                "next: put it into a folder as ckpt.pt, and nanoGPT's sample.py --out_dir=FOLDER".into()
            }
        }
    }
}

/// Bytes that a file or a folder takes at most: the numbers, of which some are stored whole in any case, and the tokenizer.
fn bound(dtype: &Dtype, config: &Config) -> u64 {
    let of = |param: &Param| {
        let n = param.numel() as u64;
        let whole_blocks = param.shape.iter().all(|extent| extent.is_multiple_of(32));
        match param.role {
            Role::Vector | Role::Positions => 4 * n,
            // Of a quantised file: eight bits and a scale, or halves where rows are no whole blocks.
            Role::Embedding | Role::Head if dtype.is_quantised() => 2 * n,
            _ if dtype.is_quantised() && !whole_blocks => 2 * n,
            _ => dtype.bytes(n).unwrap_or(4 * n),
        }
    };
    config.table().iter().map(of).sum::<u64>() + 100 * config.vocab_size() as u64 + (1 << 16)
}

/// The same of adapters' matrices.
fn bound_of(dtype: &Dtype, table: &[Param]) -> u64 {
    let numbers: u64 = table.iter().map(|p| dtype.bytes(p.numel() as u64).unwrap_or(0)).sum();
    numbers + 200 * table.len() as u64 + (1 << 12)
}

/// Checks that the disk has room.
fn room(out: &Path, wanted: u64) -> Result<()> {
    match disk::free(out) {
        Some(free) if free < wanted => Err(Error::file(
            out,
            format!("{} are to be written, and this disk has {} free", bytes(wanted), bytes(free)),
            "free some of it, write to another disk, or use a smaller --dtype",
        )),
        _ => Ok(()),
    }
}
