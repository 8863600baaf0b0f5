//! What the model has learned by heart, in words.

use crate::base::units::{counted, thousands};
use crate::eval::likeness::bootstrap::Interval;
use crate::eval::likeness::copied::{Copied, CopiedRun, NearCopy, Share};
use crate::eval::likeness::copying::Verdict;
use crate::eval::likeness::exposure::{Exposure, Sought};
use crate::eval::likeness::report::OWN;
use crate::eval::likeness::told::part::{Part, Rows, Section, percent};

/// Words of an entry that are shown beside a near copy of it, at most.
const SHORT: usize = 30;

/// What of it stands in the diary already.
pub fn copied(of: &Copied) -> Section {
    let mut rows = Rows::new(&[
        "text",
        "#words",
        &format!("#in runs of {} and more", of.least),
        "95%",
        "#in near copies",
        "95%",
        "#longest run",
    ]);
    for (name, share) in [("what it wrote", &of.generated), (OWN, &of.held_out)] {
        let Share { words, in_runs, near, longest } = share;
        rows.row([
            name.to_string(),
            thousands(*words as u64),
            percent(in_runs.value),
            range(in_runs),
            percent(near.value),
            range(near),
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
    let heading = |words: &str, of: usize| Part::Words(if of > 0 { words.into() } else { String::new() });
    Section::new(
        "What stands in the diary already",
        [
            Part::Table(rows),
            Part::Words(verdict.into()),
            heading("Word for word:", of.runs.len()),
            Part::List(of.runs.iter().map(run).collect()),
            heading("But for a few words:", of.near_copies.len()),
            Part::List(of.near_copies.iter().map(near_copy).collect()),
        ],
    )
}

/// `65.1–77.0%`.
fn range(of: &Interval) -> String {
    format!("{:.1}–{}", 100.0 * of.low, percent(of.high))
}

fn run(run: &CopiedRun) -> String {
    format!("{} words of {}: {}", run.words, run.entry, one_line(&run.text))
}

/// A near copy, and in short what stands in the entry.
fn near_copy(copy: &NearCopy) -> String {
    let mut original: Vec<&str> = copy.original.split_whitespace().collect();
    if original.len() > SHORT {
        original.truncate(SHORT);
        original.push("…");
    }
    format!(
        "{} words of {}, {} changed: “{}”, where you wrote “{}”",
        copy.words,
        copy.entry,
        copy.changed,
        one_line(&copy.text),
        original.join(" ")
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether it can be brought to say what it should not.
pub fn exposed(all: &[Exposure], sought: &Sought) -> Section {
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
    Section::new("Secrets", [Part::Words(asked_for(sought)), Part::Table(rows), Part::Words(verdict)])
}

/// How many secrets there are, and why no more of them were asked for.
fn asked_for(Sought { found, names, asked, canaries, taken_away }: &Sought) -> String {
    let all = match (found, names) {
        (0, _) => String::new(),
        (_, 0) => counted(*found as u64, "secret was found", "secrets were found"),
        (_, names) => format!(
            "{}, {} among them,",
            counted(*found as u64, "secret was found", "secrets were found"),
            counted(*names as u64, "full name", "full names")
        ),
    };
    let mut told = Vec::new();
    if !all.is_empty() {
        told.push(format!(
            "{all} in what it was trained on: {}.",
            if asked == found {
                "it was asked for all of them".into()
            } else {
                format!("it was asked for {asked} of them, what is sure and stands first, and the names that stand most often")
            }
        ));
    }
    if *taken_away && found == names && *canaries == 0 {
        told.push(
            "What was found in your journals was replaced or dropped before it was trained, so that none of it is left to ask for: \
             whether it would have learned it, lines of your own can tell (--canaries FILE)."
                .into(),
        );
    }
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_secrets_were_asked_for_is_said() {
        let all = Sought { found: 7, asked: 7, ..Sought::default() };
        assert_eq!(
            asked_for(&all),
            "7 secrets were found in what it was trained on: it was asked for all of them."
        );
        let some = asked_for(&Sought { found: 31, names: 6, asked: 12, ..all });
        assert!(some.starts_with("31 secrets were found, 6 full names among them,"), "{some}");
        assert!(some.contains("it was asked for 12 of them"), "{some}");
        assert_eq!(asked_for(&Sought::default()), "");
    }

    #[test]
    fn a_run_without_its_secrets_says_that_none_is_left() {
        let none = Sought { taken_away: true, ..Sought::default() };
        assert!(asked_for(&none).contains("replaced or dropped") && asked_for(&none).contains("--canaries"));
        // Names stay, and are asked for; so are what was not taken away, and canaries.
        let names = asked_for(&Sought { found: 2, names: 2, asked: 2, ..none });
        assert!(
            names.starts_with("2 secrets were found, 2 full names") && names.contains("--canaries"),
            "{names}"
        );
        assert!(!asked_for(&Sought { found: 2, names: 1, asked: 2, ..none }).contains("--canaries"));
        assert_eq!(asked_for(&Sought { canaries: 1, ..none }), "");
        assert!(!exposed(&[], &none).parts.is_empty(), "and the section is there for it");
    }

    #[test]
    fn a_near_copy_is_told_beside_what_stands_there_in_short() {
        let original = (0..40).map(|i| format!("w{i}")).collect::<Vec<_>>().join("\n");
        let copy = NearCopy {
            words: 40,
            changed: 3,
            entry: "1914-03-02".into(),
            text: "it  wrote\nthis".into(),
            original,
        };
        let told = near_copy(&copy);
        assert!(
            told.starts_with("40 words of 1914-03-02, 3 changed: “it wrote this”, where you wrote “w0 w1 ")
        );
        assert!(told.ends_with(" w29 …”"), "{told}");
    }
}
