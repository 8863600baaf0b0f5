//! `diarist doctor`: is this device, with this driver, computing this right?

use std::process::ExitCode;

use crate::check::doctor::{Report, Row, doctor};
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
    /// One line of JSON: {"device":…,"driver":…,"wrong":[…],"passes":[…]}
    #[arg(long)]
    json: bool,
}

/// One run of every case.
#[derive(serde::Serialize)]
struct Pass {
    /// Which class of kernels.
    kernels: Class,
    /// Whether the driver checked every index.
    checked: bool,
    rows: Vec<Row>,
}

impl Pass {
    fn name(&self) -> String {
        format!("{}, shader checks {}", self.kernels.name(), if self.checked { "on" } else { "off" })
    }
}

/// Runs it: exit code 1 where a kernel differs from its twin.
///
/// # Errors
/// No such device, or one that fails outright.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
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
    for kernels in classes {
        for &checked in checks {
            let mut pass = Pass { kernels, checked, rows: Vec::new() };
            pass.rows = examine(&device, &pass, args.threads)?.rows().cloned().collect();
            passes.push(pass);
        }
    }

    let wrong = wrong(&passes);
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

/// Runs a pass; a terminal is told which case it is at.
fn examine(device: &Device, pass: &Pass, threads: usize) -> anyhow::Result<Report> {
    note(format!("kernels: {}", pass.name()));
    let bar = indicatif::ProgressBar::new_spinner();
    let options = Options { poison: true, checked: pass.checked, threads };
    let report = doctor(device, pass.kernels, options, None, |case| {
        bar.set_message(case.to_string());
        bar.tick();
    });
    bar.finish_and_clear();
    Ok(report?)
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
            Pass { kernels: Class::Tiles, checked: false, rows: off },
            Pass { kernels: Class::Tiles, checked: true, rows: on },
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
