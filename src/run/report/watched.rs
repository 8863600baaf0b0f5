//! What a run watched of itself: steps that stood out, where its gradients were, units that do nothing; and of one that continues
//! another, what became of the old text and of the new.

use std::collections::BTreeMap;

use crate::base::units::{counted, thousands};
use crate::run::record::Evaluation;
use crate::run::report::curves::{Curves, chosen};
use crate::run::report::html;
use crate::run::report::told::Told;

/// The most evaluations that have a column, and the most steps that are named.
const COLUMNS: usize = 6;
const STEPS: usize = 40;

/// The losses on the old text and on the new, at the evaluations that a record keeps.
pub fn apart(told: &Told) -> String {
    let run = &told.run;
    let row = |what: &str, evaluation: Option<Evaluation>| {
        let evaluation = evaluation?;
        let apart = evaluation.apart?;
        let loss = |loss: Option<f32>| loss.map_or("–".into(), |loss| format!("{loss:.4}"));
        let at = format!("{what}, step {}", thousands(evaluation.step));
        Some(vec![at, loss(apart.old), loss(apart.new)])
    };
    let last = run.last_eval.filter(|last| Some(*last) != run.best_eval);
    let kept =
        [("the version before", run.first_eval), ("the best since", run.best_eval), ("the last", last)];
    let rows: Vec<Vec<String>> = kept.into_iter().filter_map(|(what, e)| row(what, e)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let headings = ["held out, nats/token", "old text", "new text"].map(String::from);
    html::table(&headings, &rows)
}

/// What was watched.
pub fn watched(told: &Told) -> String {
    let Curves { steps, spikes, norms, health, .. } = &told.curves;
    if steps.is_empty() {
        return String::new();
    }
    let mut out = html::paragraph("note", &spiked(spikes));
    if !norms.is_empty() {
        let of = |norm: &f32| format!("{norm:.2e}");
        out += &unfolded("The gradient's norm by block, before clipping", &by_block("block", norms, of));
    }
    if !health.is_empty() {
        let of = |units: &crate::run::log::Units| {
            format!("{} dead, {} always on, of {}", units.dead, units.saturated, units.units)
        };
        out += &unfolded("Units of the MLPs, over a batch", &by_block("block", health, of));
    }
    out
}

fn spiked(spikes: &[(u64, String)]) -> String {
    if spikes.is_empty() {
        return "No step's loss or gradient norm stood far above those before it.".into();
    }
    let named: Vec<String> = spikes.iter().take(STEPS).map(|(step, _)| thousands(*step)).collect();
    let more = if spikes.len() > STEPS { " …" } else { "" };
    let done = match spikes[0].1.as_str() {
        "skip" => "; such steps were skipped",
        "lower" => "; the learning rate was halved each time",
        _ => "",
    };
    format!(
        "{} a loss or a gradient norm far above those before{done}: {}{more}.",
        counted(spikes.len() as u64, "step had", "steps had"),
        named.join(", ")
    )
}

fn unfolded(summary: &str, inner: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n{inner}</details>\n", html::escaped(summary))
}

/// A row a block, a column an evaluation.
fn by_block<T>(
    heading: &str,
    evaluations: &[(u64, BTreeMap<String, T>)],
    text: impl Fn(&T) -> String,
) -> String {
    let columns = chosen(evaluations, COLUMNS);
    let step = |(step, _): &&(u64, BTreeMap<String, T>)| format!("step {}", thousands(*step));
    let headings: Vec<String> = [heading.to_string()].into_iter().chain(columns.iter().map(step)).collect();
    let mut names: Vec<&String> = columns[0].1.keys().collect();
    names.sort_by_key(|name| place(name));
    let cell =
        |name: &String, column: &(u64, BTreeMap<String, T>)| column.1.get(name).map_or("–".into(), &text);
    let row = |name: &String| {
        let cells = columns.iter().map(|column| cell(name, column));
        [name.clone()].into_iter().chain(cells).collect()
    };
    html::table(&headings, &names.into_iter().map(row).collect::<Vec<_>>())
}

/// Blocks by their number, behind what has none.
fn place(name: &str) -> (Option<u64>, &str) {
    (name.split('.').find_map(|part| part.parse().ok()), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_stand_in_their_order() {
        let norms = ["h.10", "wte", "h.2", "ln_f"].map(|name| (name.to_string(), 0.5)).into();
        let table = by_block("block", &[(100, norms)], |norm: &f32| norm.to_string());
        let at = |name: &str| table.find(&format!(">{name}<")).unwrap();
        assert!(at("wte") < at("h.2") && at("ln_f") < at("h.2") && at("h.2") < at("h.10"), "{table}");
        assert!(table.contains("step 100"));
    }

    #[test]
    fn spikes_are_named() {
        assert!(spiked(&[]).starts_with("No step"));
        let two = spiked(&[(120, "skip".into()), (1340, "skip".into())]);
        assert_eq!(
            two,
            "2 steps had a loss or a gradient norm far above those before; such steps were skipped: 120, 1,340."
        );
    }
}
