//! A kernel's text, as it is built for a model.

use std::fmt::Write;

use serde_json::json;

use crate::base::{Error, units};
use crate::cli::explain::report::constants;
use crate::cli::out;
use crate::device::{Dispatch, Recording};
use crate::model::Shape;

/// Prints every text that a kernel is built to for this model: one for each set of constants.
pub(super) fn print(
    name: &str,
    shape: &Shape,
    mut recordings: Vec<Recording>,
    json: bool,
) -> anyhow::Result<()> {
    recordings.extend([shape.evaluate()?, shape.prefill()?, shape.decode()?]);
    let all = || recordings.iter().flat_map(|r| r.dispatches.iter().map(move |d| (r.name, d)));
    let mut built: Vec<(&Dispatch, Vec<String>)> = Vec::new();
    for (recording, d) in all().filter(|(_, d)| d.kernel.name == name) {
        let user = format!("{recording}: {}", d.label);
        match built.iter_mut().find(|(first, _)| first.consts == d.consts) {
            Some((_, users)) => users.push(user),
            None => built.push((d, vec![user])),
        }
    }
    if built.is_empty() {
        let known: std::collections::BTreeSet<&str> = all().map(|(_, d)| d.kernel.name).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Error::setting(
            format!("this model's recordings have no kernel {name}"),
            format!("use one of {}", known.join(", ")),
        )
        .into());
    }
    let mut reports = Vec::new();
    for (d, users) in &built {
        let wgsl = d.kernel.wgsl(&d.consts)?;
        if json {
            reports.push(json!({ "constants": constants(&d.consts), "used_by": users, "wgsl": wgsl }));
            continue;
        }
        let mut head = format!("// {name}, as {} has it", users[0]);
        if users.len() > 1 {
            write!(head, ", and {} more", units::thousands(users.len() as u64 - 1))?;
        }
        out::line(format!("{head}\n// with {}\n\n{wgsl}", constants(&d.consts)))?;
    }
    if json { out::json(&json!({ "kernel": name, "built": reports })) } else { Ok(()) }
}
