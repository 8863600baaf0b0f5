//! What was measured, as a person reads it: each figure with a sentence of what it says.

mod hand;
mod memory;
pub mod part;
mod prediction;

use crate::base::units::{counted, thousands};
use crate::eval::likeness::report::{Amount, Report};
use part::{Part, Section};

/// The whole report, section by section; those of nothing are left out.
pub fn told(report: &Report) -> Vec<Section> {
    let amount = |a: &Amount| {
        format!("{}, {} words", counted(a.entries as u64, "entry", "entries"), thousands(a.words as u64))
    };
    let model = match report.model == report.run {
        true => String::new(),
        false => format!("{}, on the diary of {}: ", report.model, report.run),
    };
    let [trained, held_out] = [&report.trained, &report.held_out].map(amount);
    let read = format!("{model}trained on {trained}; held out {held_out}");
    let mut sections = vec![
        Section::new("What was read", [Part::Words(read)]),
        prediction::prediction(report),
        prediction::attribution(&report.attribution),
        hand::style(report),
        hand::mirror(&report.mirror),
        hand::mood(&report.mood),
        hand::invented(&report.invented),
        memory::copied(&report.copied),
        memory::exposed(&report.exposure, &report.secrets),
        hand::drift(&report.drift),
        questions(report),
    ];
    sections.retain(|section| !section.parts.is_empty());
    sections
}

/// What each model said to each question.
fn questions(report: &Report) -> Section {
    let one = |asked: &crate::eval::likeness::questions::Asked| {
        let answers = asked.answers.iter().map(|a| (a.model.clone(), a.text.trim().to_string()));
        Part::Beside(asked.question.trim().to_string(), answers.collect())
    };
    Section::new("The same questions", report.questions.iter().map(one))
}
