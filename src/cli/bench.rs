//! `diarist bench`: how fast is this device at this, and how near its ceilings?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::units::{bytes, shown, si, thousands};
use crate::base::{Config, Error, Lora, Preset, disk};
use crate::check::bench::{self, Bound, Ceilings, Decode, Lesson, Rounds, Row, Spread, StepRow};
use crate::check::tune::{self, Effort, Measured, Times};
use crate::cli::about::About;
use crate::cli::out::{self, note};
use crate::cli::table::{Align, Table};
use crate::device::select::Device;
use crate::device::{Dispatch, Element};
use crate::model::Shape;
use crate::tokens::{Kind, Tokenizer};
use crate::train::options::{presets, rests};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Each kernel at the sizes of GPT-2 124M
    Kernels,
    /// Each variant of the kernels that have several, at the sizes of the model's step
    Variants,
    /// An optimizer step: tokens a second, where the time goes
    Step,
    /// A decoded token, its matrices at rest in f32, f16 and q8_0
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
    /// How often each is measured, at most
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds after which a measurement takes no further round
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Put the ladder's table between the lines <!-- ladder --> and <!-- /ladder --> of this file, instead of what is there
    #[arg(long, value_name = "FILE")]
    rewrite: Option<PathBuf>,
    /// Write all of it to this file as JSON; - for stdout, instead of the tables
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
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
    let tables = args.json.as_deref().is_none_or(|file| file.as_os_str() != "-");
    if let Some(file) = args.json.as_ref().filter(|_| tables) {
        out::check_new(file, "--json")?;
    }
    let wants = |what: What| match args.what.as_slice() {
        [] => ![What::Variants, What::Ladder].contains(&what),
        some => some.contains(&what),
    };
    let device = Device::open(&args.device, args.threads)?;
    let rounds = Rounds { most: args.rounds, seconds: args.seconds };
    let about = About::of(&device);
    let show = |table: Table| -> anyhow::Result<()> {
        if tables { out::line(format!("\n{table}")) } else { Ok(()) }
    };
    note(format!("bench on {}, {}", device.line(), device.driver()));
    let bar = indicatif::ProgressBar::new_spinner();
    let doing = |what: &str| {
        bar.set_message(what.to_string());
        bar.tick();
    };
    doing("ceilings");
    let ceilings = Ceilings::measure(&device, rounds)?;
    let mut report = Report {
        about,
        ceilings,
        kernels: Vec::new(),
        variants: BTreeMap::new(),
        step: Vec::new(),
        decode: Vec::new(),
        ladder: Vec::new(),
    };
    if tables {
        bar.suspend(|| out::line(ceilings_line(&ceilings)))?;
    }
    if wants(What::Kernels) {
        let wanted = |d: &Dispatch| {
            args.filter.as_ref().is_none_or(|part| d.kernel.name.contains(part) || d.label.contains(part))
        };
        let choices = device.choices();
        report.kernels =
            bench::kernels(&device, &choices, &ceilings, rounds, &wanted, &mut |what| doing(what))?;
        bar.suspend(|| show(kernels_table(&report.kernels)))?;
    }
    if wants(What::Variants) {
        let [b, t] = args.sizes[0];
        let shape = Shape::new(config(args.preset, t), b, t, device.limits(), device.choices());
        let mut measured = Measured::default();
        tune::measure(&device, &shape, Effort::Full, &mut measured, &mut |what| doing(what))?;
        bar.suspend(|| show(variants_table(&measured)))?;
        report.variants = measured.problems;
    }
    if wants(What::Step) {
        for [b, t] in args.sizes.iter().copied() {
            for (name, shape) in shapes(args, &device, [b, t]) {
                doing(&format!("a step of {name}"));
                let row = bench::step(&device, name, &shape, &ceilings, rounds)?;
                bar.suspend(|| {
                    show(step_table(&row))?;
                    if tables { out::line(step_lines(&row)) } else { Ok(()) }
                })?;
                report.step.push(row);
            }
        }
    }
    if wants(What::Decode) {
        for &weights in &args.weights {
            let name = args.preset.name();
            doing(&format!("tokens of {name} at rest in {}", weights.name()));
            let config = config(args.preset, 256);
            report.decode.push(bench::decode(&device, (name, config), weights, &ceilings, rounds)?);
        }
        bar.suspend(|| show(decode_table(&report.decode)))?;
    }
    if wants(What::Ladder) {
        let choices = device.choices();
        report.ladder = bench::ladder(&device, &choices, &ceilings, rounds, &mut |what| doing(what))?;
        bar.suspend(|| show(ladder_table(&report.ladder)))?;
        if let Some(file) = &args.rewrite {
            rewrite(file, &report)?;
            note(format!("its table is in {}", shown(file)));
        }
    }
    bar.finish_and_clear();
    match &args.json {
        Some(file) if tables => {
            disk::replace(file, &serde_json::to_vec_pretty(&report)?)?;
            note(format!("written to {}", shown(file)));
        }
        Some(_) => out::json(&report)?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// What is trained in a step, by name.
fn shapes(args: &Args, device: &Device, [b, t]: [usize; 2]) -> Vec<(String, Shape)> {
    let shape = Shape::new(config(args.preset, t), b, t, device.limits(), device.choices());
    let name = format!("{} {b}x{t}", args.preset.name());
    if !args.lora {
        return vec![(name, shape)];
    }
    let lora = Some(Lora { dropout: 0.0, ..Lora::default() });
    let beside = |&weights: &Element| {
        let shape = Shape { lora: lora.clone(), weights, ..shape.clone() };
        (format!("{name} LoRA {}", weights.name()), shape)
    };
    args.weights.iter().map(beside).collect()
}

/// A preset's shape with its own vocabulary, of bytes where it was never published, for at least `t` positions.
fn config(preset: Preset, t: usize) -> Config {
    let config =
        preset.config(preset.vocab_size().unwrap_or_else(|| Tokenizer::new(Kind::Bytes).vocab_size()));
    if t > config.block_size() { config.with_block_size(t) } else { config }
}

fn ceilings_line(c: &Ceilings) -> String {
    format!("ceilings   arithmetic {}FLOP/s   copy {}B/s   read {}B/s", si(c.flops), si(c.copied), si(c.read))
}

/// `1.23 ms`
fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", 1e3 * s),
        s => format!("{:.1} µs", 1e6 * s),
    }
}

/// `±3%`: how far the slowest and the fastest lie apart, about the median.
fn spread(s: &Spread) -> String {
    match s.rounds {
        1 => "once".to_string(),
        _ => format!("±{:.0}%", 50.0 * (s.most - s.least) / s.median),
    }
}

fn percent(part: f64) -> String {
    format!("{:.0}%", 100.0 * part)
}

fn kernels_table(rows: &[Row]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("kernel", l),
        ("variant", l),
        ("where", l),
        ("time", r),
        ("", r),
        ("FLOP/s", r),
        ("B/s", r),
        ("of ceiling", r),
    ]);
    for row in rows {
        let rate = |n: u64| if n == 0 { String::new() } else { si(n as f64 / row.seconds.median) };
        let bound = match row.bound {
            Bound::Arithmetic => "arithmetic",
            Bound::Memory => "memory",
        };
        table.row([
            row.kernel.to_string(),
            row.variant.clone(),
            format!("{} {}", row.label, row.problem.split_once(' ').map_or("", |(_, extents)| extents)),
            time(row.seconds.median),
            spread(&row.seconds),
            rate(row.flops),
            rate(row.bytes),
            format!("{} of {bound}", percent(row.share)),
        ]);
    }
    table
}

/// A row a problem, its variants the fastest first.
fn variants_table(measured: &Measured) -> Table {
    let mut table = Table::new(&[("problem", Align::Left), ("variants, the fastest first", Align::Left)]);
    for (problem, times) in &measured.problems {
        let mut times: Vec<(&String, &Option<f64>)> = times.iter().collect();
        times.sort_by(|a, b| a.1.unwrap_or(f64::INFINITY).total_cmp(&b.1.unwrap_or(f64::INFINITY)));
        let told = times.into_iter().map(|(name, took)| match took {
            Some(took) => format!("{name} {}", time(*took)),
            None => format!("{name} DIFFERS"),
        });
        table.row([problem.trim().to_string(), told.collect::<Vec<_>>().join("   ")]);
    }
    table
}

fn step_lines(row: &StepRow) -> String {
    format!(
        "{}: {} tokens/s, {} a step ({}), {} to the end of the first\n\
         model FLOPs utilisation {}; {} dispatches, {} each to launch; they move {} at least; {} of memory",
        row.model,
        rate(row.tokens_per_second),
        time(row.seconds.median),
        spread(&row.seconds),
        time(row.first),
        percent(row.mfu),
        thousands(row.dispatches as u64),
        time(row.overhead),
        bytes(row.bytes),
        bytes(row.memory),
    )
}

/// `201`, `17.4`
fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { thousands(per_second.round() as u64) } else { format!("{per_second:.1}") }
}

fn step_table(row: &StepRow) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table =
        Table::new(&[(&row.model, l), ("dispatches", r), ("time", r), ("of the step", r), ("of ceiling", r)]);
    for part in &row.parts {
        table.row([
            part.op.to_string(),
            part.dispatches.to_string(),
            time(part.seconds),
            percent(part.of_step),
            percent(part.share),
        ]);
    }
    table
}

fn decode_table(rows: &[Decode]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("decode", l),
        ("at rest", l),
        ("a token", r),
        ("", r),
        ("tokens/s", r),
        ("bytes", r),
        ("B/s", r),
        ("of ceiling", r),
    ]);
    for row in rows {
        table.row([
            row.model.clone(),
            row.weights.to_string(),
            time(row.seconds.median),
            spread(&row.seconds),
            rate(row.tokens_per_second),
            bytes(row.bytes),
            si(row.bytes as f64 / row.seconds.median),
            percent(row.share),
        ]);
    }
    table
}

fn ladder_table(lessons: &[Lesson]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("ladder", l),
        ("rung", l),
        ("time", r),
        ("", r),
        ("FLOP/s", r),
        ("of ceiling", r),
        ("what changed", l),
    ]);
    for lesson in lessons {
        table.row([
            lesson.ladder.clone(),
            lesson.rung.to_string(),
            time(lesson.seconds.median),
            spread(&lesson.seconds),
            si(lesson.flops as f64 / lesson.seconds.median),
            percent(lesson.share),
            lesson.lesson.to_string(),
        ]);
    }
    table
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
        table +=
            &format!("| {} | `{}` | {rate:.1} | {} |\n", lesson.ladder, lesson.rung, percent(lesson.share));
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

    #[test]
    fn numbers_have_the_digits_that_they_can_bear() {
        assert_eq!(
            [time(12.34), time(1.234), time(0.01234), time(1.2e-5)],
            ["12.3 s", "1.23 s", "12.34 ms", "12.0 µs"]
        );
        assert_eq!([rate(17.44), rate(1234.4)], ["17.4", "1,234"]);
        assert_eq!(spread(&Spread { median: 2.0, least: 1.9, most: 2.1, rounds: 5 }), "±5%");
        assert_eq!(spread(&Spread { median: 2.0, least: 2.0, most: 2.0, rounds: 1 }), "once");
    }
}
