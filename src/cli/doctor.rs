//! `diarist doctor`: is this device, with this driver, computing this right?

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::units::shown;
use crate::base::{Result, disk};
use crate::check::doctor::{Report, Row, doctor, doctor_variant, variants};
use crate::check::tune;
use crate::cli::about::About;
use crate::cli::out::{self, note};
use crate::cli::table::{Align, Table};
use crate::device::select::{Device, list, why_cpu};
use crate::device::{Class, Options};

/// Arguments of `doctor`.
#[derive(clap::Args)]
pub struct Args {
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Check the kernels for every kind of device, not only those that this one trains with
    #[arg(long)]
    all_kernels: bool,
    /// Write what was found to this file, with what the device and its driver are called: a small file, without a word of anyone's,
    /// to send along when something is wrong
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// One line of JSON: {"device":…,"driver":…,"wrong":[…],"passes":[…]}
    #[arg(long)]
    json: bool,
}

/// What is written down for others.
#[derive(serde::Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    about: About,
    wrong: &'a [&'static str],
    passes: &'a [Pass],
}

/// One run of every case.
#[derive(serde::Serialize)]
struct Pass {
    /// Which kernels: those of a class, or those that have a variant of this name.
    kernels: &'static str,
    /// Whether the driver checked every index.
    checked: bool,
    rows: Vec<Row>,
}

impl Pass {
    fn name(&self) -> String {
        format!("{}, shader checks {}", self.kernels, if self.checked { "on" } else { "off" })
    }
}

/// Runs it: exit code 1 where a kernel differs from its twin.
///
/// # Errors
/// No such device, or one that fails outright.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.report {
        out::check_new(file, "--report")?;
    }
    let device = Device::open(&args.device, args.threads)?;
    match &device {
        Device::Cpu(_) => {
            note(format!("doctor on {}\n{}", device.line(), about_the_cpu(args.device == "auto")))
        }
        Device::Gpu(_) => note(format!("doctor on {}, {}", device.name(), device.driver())),
    }
    let classes = if args.all_kernels { Class::ALL.to_vec() } else { vec![device.class()] };
    // The CPU has no shaders to check.
    let checks: &[bool] = if matches!(device, Device::Cpu(_)) { &[false] } else { &[false, true] };
    let mut passes = Vec::new();
    let options = |checked| Options { poison: true, checked, threads: args.threads };
    let mut pass = |kernels, checked, examine: Examine| -> Result<()> {
        let mut pass = Pass { kernels, checked, rows: Vec::new() };
        pass.rows = watched(&pass, examine)?.rows().cloned().collect();
        passes.push(pass);
        Ok(())
    };
    for class in classes {
        for &checked in checks {
            pass(class.name(), checked, &|tell| doctor(&device, class, options(checked), None, tell))?;
        }
    }
    // What was measured to be fast here is used here; and what else there is, where that is asked for.
    let more = match &device {
        Device::Cpu(_) => Vec::new(),
        Device::Gpu(_) if args.all_kernels => variants(),
        Device::Gpu(_) => tune::taken(&device),
    };
    for name in more.into_iter().filter(|name| variants().contains(name)) {
        pass(name, false, &|tell| doctor_variant(&device, name, options(false), tell))?;
    }

    let wrong = wrong(&passes);
    if let Some(file) = &args.report {
        let found = Found { about: About::of(&device), wrong: &wrong, passes: &passes };
        disk::replace(file, &serde_json::to_vec_pretty(&found)?)?;
        note(format!("written to {}", shown(file)));
    }
    if args.json {
        let (name, driver) = (device.name(), device.driver());
        let report =
            serde_json::json!({ "device": name, "driver": driver, "wrong": wrong, "passes": passes });
        out::json(&report)?;
    } else {
        out::line(table(&passes))?;
    }
    if wrong.is_empty() {
        note(format!("every kernel agrees with its twin on {}", device.name()));
        return Ok(ExitCode::SUCCESS);
    }
    note(format!(
        "error: {} {} from {} on {}\n  next: update the device's driver and ask doctor again; until then, use --device cpu",
        wrong.join(", "),
        if wrong.len() == 1 { "differs" } else { "differ" },
        if wrong.len() == 1 { "its twin" } else { "their twins" },
        device.name(),
    ));
    Ok(ExitCode::FAILURE)
}

fn about_the_cpu(auto: bool) -> String {
    let mut text = String::new();
    if auto {
        text = format!("auto takes the cpu: {}\n", why_cpu());
    }
    text +=
        "here each twin is compared with itself: this shows that every case runs, not that a GPU is right";
    if let Some(software) = list().iter().find(|a| a.kind == "software") {
        text += &format!("\n  next: `diarist doctor --device gpu` checks the kernels on {}", software.name);
    }
    text
}

/// Runs the cases of a pass, and tells the name of each.
type Examine<'a> = &'a dyn Fn(&dyn Fn(&str)) -> Result<Report>;

/// Runs a pass; a terminal is told which case it is at.
fn watched(pass: &Pass, examine: Examine) -> Result<Report> {
    note(format!("kernels: {}", pass.name()));
    let bar = indicatif::ProgressBar::new_spinner();
    let report = examine(&|case| {
        bar.set_message(case.to_string());
        bar.tick();
    });
    bar.finish_and_clear();
    report
}

/// The kernels that differ in any pass, by name.
fn wrong(passes: &[Pass]) -> Vec<&'static str> {
    let all = passes.iter().flat_map(|p| &p.rows).filter(|r| r.wrong > 0).map(|r| r.kernel);
    all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// A row a kernel over all passes; what differs comes last, where the eye is when the table has run by.
fn table(passes: &[Pass]) -> Table {
    let mut table = Table::new(&[
        ("kernel", Align::Left),
        ("outputs", Align::Right),
        ("worst", Align::Right),
        ("tolerance", Align::Right),
        ("", Align::Left),
        ("where it is worst", Align::Left),
    ]);
    let mut rows: Vec<(Row, String)> = Vec::new();
    for pass in passes {
        for new in &pass.rows {
            match rows.iter_mut().find(|(row, _)| row.kernel == new.kernel) {
                None => rows.push((new.clone(), pass.name())),
                Some((row, name)) => {
                    row.compared += new.compared;
                    row.wrong += new.wrong;
                    if new.worst > row.worst {
                        (row.worst, row.at, *name) = (new.worst, new.at.clone(), pass.name());
                    }
                }
            }
        }
    }
    rows.sort_by_key(|(row, _)| (row.wrong > 0, row.kernel));
    for (row, pass) in rows {
        let verdict = if row.wrong > 0 { format!("DIFFERS in {}", row.wrong) } else { "agrees".to_string() };
        // Where nothing differs at all, there is no worst place.
        let at = if row.worst > 0.0 { format!("{} ({pass})", row.at) } else { String::new() };
        let numbers =
            [row.worst, row.tolerance].map(|x| if x == 0.0 { "0".to_string() } else { format!("{x:.1e}") });
        let [worst, tolerance] = numbers;
        table.row([row.kernel.to_string(), row.compared.to_string(), worst, tolerance, verdict, at]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kernel: &'static str, worst: f64, wrong: usize, at: &str) -> Row {
        Row { kernel, compared: 3, worst, at: at.to_string(), tolerance: 1e-6, wrong }
    }

    #[test]
    fn passes_add_up_and_what_differs_is_named_last() {
        let off = vec![row("bias_backward", 2e-3, 1, "bias 1x1"), row("gelu", 1e-7, 0, "gelu 1")];
        let on = vec![row("bias_backward", 0.0, 0, "bias 3x3"), row("gelu", 2e-7, 0, "gelu 7")];
        let passes = [
            Pass { kernels: "tiles", checked: false, rows: off },
            Pass { kernels: "tiles", checked: true, rows: on },
        ];
        assert_eq!(wrong(&passes), ["bias_backward"]);
        let text = table(&passes).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].starts_with("gelu ") && lines[1].contains("2.0e-7"), "{text}");
        assert!(lines[1].ends_with("gelu 7 (tiles, shader checks on)"), "{text}");
        assert!(lines[2].starts_with("bias_backward        6"), "{text}");
        assert!(lines[2].ends_with("DIFFERS in 1  bias 1x1 (tiles, shader checks off)"), "{text}");
    }
}
