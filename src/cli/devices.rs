//! `diarist devices`: what this computer can train on, and what `--device` takes.

use std::process::ExitCode;

use crate::base::units;
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::device::select::{AdapterReport, list, why_cpu};

/// Arguments of `devices`.
#[derive(clap::Args)]
pub struct Args {
    /// One line of JSON: {"adapters":[…],"cpu":{…},"auto":{…}}
    #[arg(long)]
    json: bool,
}

/// The CPU, as it is shown beside the adapters.
#[derive(serde::Serialize)]
struct CpuReport {
    device: &'static str,
    threads: usize,
}

/// What `--device auto` takes, and why.
#[derive(serde::Serialize)]
struct Auto {
    device: String,
    why: String,
}

/// Runs it.
///
/// # Errors
/// Output that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let adapters = list();
    let cpu = CpuReport { device: "cpu", threads: rayon::current_num_threads() };
    let auto = auto(&adapters);
    if args.json {
        out::json(&serde_json::json!({ "adapters": adapters, "cpu": cpu, "auto": auto }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out::line(table(&adapters, &cpu))?;
    out::line("")?;
    for adapter in &adapters {
        out::line(format!("{}  {}", adapter.device, details(adapter)))?;
    }
    out::line(format!("--device auto takes {}: {}", auto.device, auto.why))?;
    Ok(ExitCode::SUCCESS)
}

/// The choice that `Device::open` makes of the same list, which has the best adapter first.
fn auto(adapters: &[AdapterReport]) -> Auto {
    match adapters.iter().find(|a| a.kind != "software") {
        Some(a) => Auto {
            device: a.device.clone(),
            why: format!("{} is the best GPU here ({}, {})", a.name, a.kind, a.backend),
        },
        None => Auto { device: "cpu".to_string(), why: why_cpu() },
    }
}

fn table(adapters: &[AdapterReport], cpu: &CpuReport) -> Table {
    let columns = ["--device", "name", "type", "backend", "driver"];
    let mut table = Table::new(&columns.map(|name| (name, Align::Left)));
    for a in adapters {
        let (backend, driver) = (a.backend.clone(), a.driver.clone());
        table.row([a.device.clone(), a.name.clone(), a.kind.to_string(), backend, driver]);
    }
    let threads = format!("{} thread{}", cpu.threads, if cpu.threads == 1 { "" } else { "s" });
    table.row([
        cpu.device.to_string(),
        threads,
        "cpu".to_string(),
        "ours".to_string(),
        "none needed".to_string(),
    ]);
    table
}

/// Limits and features, in words.
fn details(a: &AdapterReport) -> String {
    let features = if a.features.is_empty() { "none".to_string() } else { a.features.join(", ") };
    format!(
        "binds {} at most, buffers of {} at most; workgroups of {} invocations share {}; features: {features}",
        units::bytes(a.max_binding),
        units::bytes(a.max_buffer),
        a.invocations,
        units::bytes(a.workgroup_memory.into()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(device: &str, kind: &'static str) -> AdapterReport {
        AdapterReport {
            device: device.to_string(),
            name: format!("the {kind} one"),
            kind,
            backend: "Vulkan".to_string(),
            driver: "made up".to_string(),
            max_binding: 128 << 20,
            max_buffer: 256 << 20,
            workgroup_memory: 16_384,
            invocations: 256,
            features: vec!["f16"],
        }
    }

    #[test]
    fn auto_takes_a_real_gpu_and_never_a_software_one() {
        let both = [adapter("gpu:0", "integrated"), adapter("gpu:1", "software")];
        let taken = auto(&both);
        assert_eq!(taken.device, "gpu:0");
        assert!(taken.why.contains("the integrated one"), "{}", taken.why);
        assert_eq!(auto(&both[1..]).device, "cpu");
        assert_eq!(auto(&[]).device, "cpu");
    }

    #[test]
    fn limits_are_in_units_that_people_read() {
        let text = details(&adapter("gpu:0", "discrete"));
        assert!(text.contains("binds 128.0 MiB") && text.contains("share 16.0 KiB"), "{text}");
        assert!(text.ends_with("features: f16"), "{text}");
    }
}
