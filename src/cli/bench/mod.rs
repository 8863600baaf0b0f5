//! `diarist bench`: how fast is this device at this, and how near its ceilings?

mod tables;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::ProgressBar;

use crate::base::arch::Precision;
use crate::base::units::{shown, si};
use crate::base::{Config, Error, Lora, Preset, disk};
use crate::check::bench::{self, Ceilings, Decode, Lesson, Rounds, Row, StepRow};
use crate::check::tune::{self, Effort, Measured, Times};
use crate::cli::about::About;
use crate::cli::out::{self, note};
use crate::device::known::Table;
use crate::device::select::Device;
use crate::device::{Dispatch, Element};
use crate::model::{STREAMS, Shape};
use crate::tokens::{Kind, Tokenizer};
use crate::train::options::{efforts, precisions, presets, rests};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Each kernel at the sizes of GPT-2 124M
    Kernels,
    /// Each variant of the kernels that have several, at the sizes of the model's step
    Variants,
    /// An optimizer step: tokens a second, where the time goes
    Step,
    /// A decoded token, or one of each of several sequences, matrices at rest in f32, f16 and q8_0
    Decode,
    /// The lessons of shaders/ladder/, each beside the one before it
    Ladder,
}

/// Arguments of `bench`.
#[derive(clap::Args)]
pub struct Args {
    /// What to measure [default: kernels, step and decode]
    #[arg(value_enum)]
    what: Vec<What>,
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Only kernels, or parts of the model, in whose name this is
    #[arg(long, value_name = "PART")]
    filter: Option<String>,
    /// The model of step and decode
    #[arg(long, default_value = "gpt2", value_parser = presets())]
    preset: Preset,
    /// Sequences and positions of a step, `8x256`; several with commas
    #[arg(long, value_name = "BxT", default_value = "1x256", value_delimiter = ',', value_parser = size)]
    sizes: Vec<[usize; 2]>,
    /// Of step: an adapter beside the model, r=16 on every linear layer, instead of all of it
    #[arg(long)]
    lora: bool,
    /// What the matrices rest in: of decode each, and of step with --lora each
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = "f32,f16,q8_0", value_delimiter = ',', value_parser = rests())]
    weights: Vec<Element>,
    /// Of decode: how many sequences have a token decoded together; several with commas
    #[arg(long, value_name = "N", default_value = "1", value_delimiter = ',', value_parser = sequences)]
    sequences: Vec<usize>,
    /// What a step computes with: f32, or mixed
    #[arg(long, value_name = "f32|mixed", default_value = "f32", value_parser = precisions())]
    precision: Precision,
    /// How long is looked for the fastest kernels of a step before it is measured, as train does [default: quick on a GPU, else off]
    #[arg(long, value_name = "off|quick|full", value_parser = efforts())]
    tune: Option<Effort>,
    /// How often each is measured, at most
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds after which a measurement takes no further round
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Put the ladder's table between the lines <!-- ladder --> and <!-- /ladder --> of this file; or, of variants, this device's fastest into a table as src/device/known.json
    #[arg(long, value_name = "FILE")]
    rewrite: Option<PathBuf>,
    /// Write all of it to this file as JSON; - for stdout, instead of the tables
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// As many as are decoded together.
fn sequences(text: &str) -> Result<usize, String> {
    let parsed = text.parse().ok().filter(|n| (1..=STREAMS).contains(n));
    parsed.ok_or_else(|| format!("1 to {STREAMS} sequences"))
}

/// `8x256`.
fn size(text: &str) -> Result<[usize; 2], String> {
    let parsed: Option<Vec<usize>> = text.split('x').map(|n| n.parse().ok().filter(|&n| n > 0)).collect();
    parsed.and_then(|n| n.try_into().ok()).ok_or_else(|| "sequences x positions, as in 8x256".to_string())
}

/// All that was measured, as it is written down.
#[derive(serde::Serialize)]
struct Report {
    #[serde(flatten)]
    about: About,
    ceilings: Ceilings,
    kernels: Vec<Row>,
    variants: BTreeMap<String, Times>,
    step: Vec<StepRow>,
    decode: Vec<Decode>,
    ladder: Vec<Lesson>,
}

/// Runs it.
///
/// # Errors
/// No such device, or one that fails; a file that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.rounds == 0 {
        return Err(Error::usage("--rounds 0", "use 5, say").into());
    }
    let tables = [What::Variants, What::Ladder].map(|what| usize::from(args.what.contains(&what)));
    if args.rewrite.is_some() && tables.iter().sum::<usize>() != 1 {
        return Err(Error::usage("--rewrite", "name one table: bench ladder, or bench variants").into());
    }
    let to_stdout = args.json.as_deref().is_some_and(|file| file.as_os_str() == "-");
    if let Some(file) = args.json.as_ref().filter(|_| !to_stdout) {
        out::check_new(file, "--json")?;
    }
    let bench = Bench::new(args, to_stdout)?;
    let wants = |what: What| match args.what.as_slice() {
        [] => ![What::Variants, What::Ladder].contains(&what),
        some => some.contains(&what),
    };
    let report = Report {
        about: About::of(&bench.device),
        ceilings: bench.ceilings,
        kernels: if wants(What::Kernels) { bench.kernels()? } else { Vec::new() },
        variants: if wants(What::Variants) { bench.variants()? } else { BTreeMap::new() },
        step: if wants(What::Step) { bench.steps()? } else { Vec::new() },
        decode: if wants(What::Decode) { bench.decode()? } else { Vec::new() },
        ladder: if wants(What::Ladder) { bench.ladder()? } else { Vec::new() },
    };
    bench.bar.finish_and_clear();
    if let Some(file) = &args.rewrite {
        if wants(What::Ladder) {
            rewrite(file, &report)?
        } else {
            rewrite_known(file, &bench.device, &report)?
        }
        note(format!("its table is in {}", shown(file)));
    }
    match &args.json {
        Some(_) if to_stdout => out::json(&report)?,
        Some(file) => {
            disk::replace(file, &serde_json::to_vec_pretty(&report)?)?;
            note(format!("written to {}", shown(file)));
        }
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// A device whose ceilings are known.
struct Bench<'a> {
    args: &'a Args,
    device: Device,
    rounds: Rounds,
    ceilings: Ceilings,
    bar: ProgressBar,
    /// Whether tables are shown: not where stdout has the JSON.
    tables: bool,
}

impl<'a> Bench<'a> {
    /// Opens the device and measures its ceilings.
    fn new(args: &'a Args, to_stdout: bool) -> anyhow::Result<Bench<'a>> {
        let device = Device::open(&args.device, args.threads)?;
        note(format!("bench on {}, {}", device.line(), device.driver()));
        let bar = ProgressBar::new_spinner();
        bar.set_message("ceilings");
        bar.tick();
        let rounds = Rounds { most: args.rounds, seconds: args.seconds };
        let ceilings = Ceilings::measure(&device, rounds)?;
        let bench = Bench { args, device, rounds, ceilings, bar, tables: !to_stdout };
        bench.show(tables::ceilings_line(&ceilings))?;
        Ok(bench)
    }

    /// A line or a table for a person.
    fn show(&self, text: impl Display) -> anyhow::Result<()> {
        if self.tables { self.bar.suspend(|| out::line(text)) } else { Ok(()) }
    }

    /// What is being measured now, on a terminal.
    fn doing(&self, what: &str) {
        self.bar.set_message(what.to_string());
        self.bar.tick();
    }

    fn kernels(&self) -> anyhow::Result<Vec<Row>> {
        let wanted = |d: &Dispatch| {
            let filter = self.args.filter.as_ref();
            filter.is_none_or(|part| d.kernel.name.contains(part) || d.label.contains(part))
        };
        let choices = self.device.choices();
        let of = (&choices, self.args.precision);
        let doing = &mut |what: &str| self.doing(what);
        let rows = bench::kernels(&self.device, of, &self.ceilings, self.rounds, &wanted, doing)?;
        self.show(format!("\n{}", tables::kernels(&rows)))?;
        Ok(rows)
    }

    fn variants(&self) -> anyhow::Result<BTreeMap<String, Times>> {
        let shape = self.shape(self.args.sizes[0]);
        let mut measured = Measured::default();
        tune::measure(&self.device, &shape, Effort::Full, &mut measured, &mut |what| self.doing(what))?;
        self.show(format!("\n{}", tables::variants(&measured)))?;
        Ok(measured.problems)
    }

    fn steps(&self) -> anyhow::Result<Vec<StepRow>> {
        let mut rows = Vec::new();
        for &size in &self.args.sizes {
            for (name, shape) in self.trained(size) {
                let effort = self.args.tune.unwrap_or(Effort::usual(&self.device));
                let choices = tune::choices(&self.device, &shape, effort, &mut |what| self.doing(what))?;
                let shape = Shape { choices, ..shape };
                self.doing(&format!("a step of {name}"));
                let row = bench::step(&self.device, name, &shape, &self.ceilings, self.rounds)?;
                self.show(format!("\n{}\n{}", tables::step(&row), tables::step_lines(&row)))?;
                rows.push(row);
            }
        }
        if self.args.sizes.len() > 1 {
            self.show(format!("\n{}", tables::growth(&rows)))?;
        }
        Ok(rows)
    }

    fn decode(&self) -> anyhow::Result<Vec<Decode>> {
        let mut rows = Vec::new();
        let name = self.args.preset.name();
        let model = (name, config(self.args.preset, 256));
        for &weights in &self.args.weights {
            for &sequences in &self.args.sequences {
                self.doing(&format!("tokens of {sequences}x{name} at rest in {}", weights.name()));
                let at = (weights, sequences);
                rows.push(bench::decode(&self.device, model, at, &self.ceilings, self.rounds)?);
            }
        }
        self.show(format!("\n{}", tables::decode(&rows)))?;
        Ok(rows)
    }

    fn ladder(&self) -> anyhow::Result<Vec<Lesson>> {
        let choices = self.device.choices();
        let doing = &mut |what: &str| self.doing(what);
        let lessons = bench::ladder(&self.device, &choices, &self.ceilings, self.rounds, doing)?;
        self.show(format!("\n{}", tables::ladder(&lessons)))?;
        Ok(lessons)
    }

    fn shape(&self, [b, t]: [usize; 2]) -> Shape {
        let config = config(self.args.preset, t);
        let shape = Shape::new(config, b, t, self.device.limits(), self.device.choices());
        Shape { precision: self.args.precision, ..shape }
    }

    /// What is trained in a step, by name.
    fn trained(&self, [b, t]: [usize; 2]) -> Vec<(String, Shape)> {
        let shape = self.shape([b, t]);
        let mixed = if self.args.precision == Precision::Mixed { " mixed" } else { "" };
        let name = format!("{} {b}x{t}{mixed}", self.args.preset.name());
        if !self.args.lora {
            return vec![(name, shape)];
        }
        let lora = Some(Lora { dropout: 0.0, ..Lora::default() });
        let beside = |&weights: &Element| {
            let shape = Shape { lora: lora.clone(), weights, ..shape.clone() };
            (format!("{name} LoRA {}", weights.name()), shape)
        };
        self.args.weights.iter().map(beside).collect()
    }
}

/// A preset's shape with its own vocabulary, of bytes where it was never published, for at least `t` positions.
fn config(preset: Preset, t: usize) -> Config {
    let config =
        preset.config(preset.vocab_size().unwrap_or_else(|| Tokenizer::new(Kind::Bytes).vocab_size()));
    if t > config.block_size() { config.with_block_size(t) } else { config }
}

/// The lines between which a file has the ladder's table.
const MARKS: [&str; 2] = ["<!-- ladder -->", "<!-- /ladder -->"];

/// Puts the ladder's table into a file of Markdown.
fn rewrite(file: &Path, report: &Report) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let new = with_table(&text, report).ok_or_else(|| {
        Error::file(file, format!("has no lines {} and {}", MARKS[0], MARKS[1]), "name shaders/README.md")
    })?;
    Ok(disk::replace(file, new.as_bytes())?)
}

/// Puts a device's fastest variants into a table of known adapters.
fn rewrite_known(file: &Path, device: &Device, report: &Report) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let new = Table::with(&text, (&device.name(), &device.driver()), &report.variants).map_err(|e| {
        Error::file(file, format!("is no table of adapters: {e}"), "name src/device/known.json")
    })?;
    Ok(disk::replace(file, new.as_bytes())?)
}

fn with_table(text: &str, report: &Report) -> Option<String> {
    let (before, rest) = text.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    let mut table = format!(
        "{} (`diarist bench ladder`; arithmetic ceiling {}FLOP/s):\n\n\
         | ladder | rung | GFLOP/s | of the ceiling |\n|---|---|---|---|\n",
        report.about.line(),
        si(report.ceilings.flops),
    );
    for lesson in &report.ladder {
        let rate = lesson.flops as f64 / lesson.seconds.median / 1e9;
        table += &format!(
            "| {} | `{}` | {rate:.1} | {} |\n",
            lesson.ladder,
            lesson.rung,
            tables::percent(lesson.share)
        );
    }
    Some(format!("{before}{}\n{table}{}{after}", MARKS[0], MARKS[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("8x256"), Ok([8, 256]));
        for bad in ["8", "8x", "0x256", "8x256x1", "ax2"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
