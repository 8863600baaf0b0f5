//! What the model has learned by heart, in words.

use crate::base::units::{counted, thousands};
use crate::eval::likeness::copied::{Copied, Share};
use crate::eval::likeness::copying::Verdict;
use crate::eval::likeness::exposure::Exposure;
use crate::eval::likeness::report::OWN;
use crate::eval::likeness::told::part::{Part, Rows, Section, percent};

/// What of it stands in the diary already.
pub fn copied(of: &Copied) -> Section {
    let mut rows = Rows::new(&[
        "text",
        "#words",
        &format!("#in runs of {} and more", of.least),
        "#in near copies",
        "#longest run",
    ]);
    for (name, share) in [("what it wrote", &of.generated), (OWN, &of.held_out)] {
        let Share { words, in_runs, near, longest } = share;
        rows.row([
            name.to_string(),
            thousands(*words as u64),
            percent(*in_runs),
            percent(*near),
            counted(*longest as u64, "word", "words"),
        ]);
    }
    let verdict = match of.verdict {
        Verdict::TooLittle => {
            "Too little was written, or held out, to say whether it copies: --texts 100 lets it write more."
        }
        Verdict::AsYouRepeatYourself => "It repeats your diary no more than you repeat yourself.",
        Verdict::SomeCopying => "It copies here and there: a passage of your diary stands in what it writes.",
        Verdict::Copies => {
            "It copies: what it writes is made of your diary's passages. It has learned them by heart: train for fewer epochs, \
             or keep it from it with `sample --no-copy 8`."
        }
    };
    let run = |run: &crate::eval::likeness::copied::CopiedRun| {
        let text: Vec<&str> = run.text.split_whitespace().collect();
        format!("{} words of {}: {}", run.words, run.entry, text.join(" "))
    };
    let runs = of.runs.iter().map(run).collect();
    Section::new(
        "What stands in the diary already",
        [Part::Table(rows), Part::Words(verdict.into()), Part::List(runs)],
    )
}

/// Whether it can be brought to say what it should not.
pub fn exposed(all: &[Exposure]) -> Section {
    let mut rows = Rows::new(&["secret", "#place", "#of as many", "#exposure, bits", "said"]);
    for of in all {
        rows.row([
            of.name.clone(),
            thousands(of.rank as u64),
            thousands(of.of as u64),
            format!("{:.1}", of.bits),
            if of.written { "yes".into() } else { String::new() },
        ]);
    }
    let verdict = match (all.len(), all.iter().filter(|of| of.is_known()).count()) {
        (0, _) => String::new(),
        (_, 0) => {
            "It prefers none of them to others of the same shape: nothing says that it knows them.".into()
        }
        (_, known) => format!(
            "It expects {known} of {} before all others of the same shape, or has said it: whoever has the model may get it out. Train \
             again with --secrets replace, or `diarist forget` the entries, and change what can be changed.",
            counted(all.len() as u64, "secret", "secrets")
        ),
    };
    Section::new("Secrets", [Part::Table(rows), Part::Words(verdict)])
}
