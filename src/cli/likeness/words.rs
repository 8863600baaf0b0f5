//! What was measured, as a person reads it: each table with a sentence of what it says.

use crate::base::units::{counted, thousands};
use crate::cli::table::{Align, Table};
use crate::eval::likeness::copied::{Copied, Share};
use crate::eval::likeness::copying::Verdict;
use crate::eval::likeness::hand::{Invented, Mirror, TakenFor};
use crate::eval::likeness::keyness::Key;
use crate::eval::likeness::report::{Amount, BASE, OWN, Report, Row, THIS};
use crate::eval::likeness::style::Measure;

const L: Align = Align::Left;
const R: Align = Align::Right;

/// How often its own chance a figure of style has to be off to be told: entries of one writer are up to four times as far apart.
const OFF: f64 = 4.0;

/// The whole report.
pub fn told(report: &Report) -> String {
    let amount = |a: &Amount| {
        format!("{}, {} words", counted(a.entries as u64, "entry", "entries"), thousands(a.words as u64))
    };
    let mut parts = vec![
        format!("trained on {}; held out {}", amount(&report.trained), amount(&report.held_out)),
        prediction(&report.prediction, report.n_gram).to_string(),
    ];
    parts.extend(findings(report).iter().map(|finding| format!("- {finding}")).reduce(|a, b| a + "\n" + &b));
    parts.push(style(&report.style));
    parts.extend(report.taken_for.iter().map(taken_for));
    parts.push(mirror(&report.mirror));
    parts.push(invented(&report.invented));
    parts.push(copied(&report.copied));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn prediction(rows: &[Row], n_gram: Option<f64>) -> Table {
    let mut table = Table::new(&[
        ("how well it predicts", L),
        ("", L),
        ("words", R),
        ("bits a character", R),
        ("95%", L),
        ("perplexity a word", R),
    ]);
    for row in rows {
        table.row([
            row.model.clone(),
            row.text.clone(),
            thousands(row.amount.words as u64),
            format!("{:.3}", row.prediction.bits_per_character),
            format!("{:.3}–{:.3}", row.interval.low, row.interval.high),
            perplexity(row.prediction.perplexity_per_word),
        ]);
    }
    if let Some(bits) = n_gram {
        table.row(["counting six letters".into(), OWN.into(), String::new(), format!("{bits:.3}")]);
    }
    table
}

/// `96.3`, `12,345`, and no more digits than anyone reads.
fn perplexity(p: f64) -> String {
    match p {
        p if p < 1000.0 => format!("{p:.1}"),
        p if p < 1e9 => thousands(p.round() as u64),
        _ => "over a billion".into(),
    }
}

/// What the figures of prediction say, a sentence each.
fn findings(report: &Report) -> Vec<String> {
    let of =
        |model: &str, text: &str| report.prediction.iter().find(|row| row.model == model && row.text == text);
    let Some(own) = of(THIS, OWN) else { return Vec::new() };
    let bits = |row: &Row| row.prediction.bits_per_character;
    let mut found = Vec::new();
    if let Some(base) = of(BASE, OWN) {
        let gained = bits(base) - bits(own);
        found.push(match (own.interval.high < base.interval.low, gained > 0.0) {
            (true, _) => format!("It has learned you: what you wrote and it never saw costs it {gained:.2} bits a character less than {BASE}."),
            (false, true) => format!("It knows you hardly better than {BASE}: by {gained:.2} bits a character, no more than other entries might have shown."),
            (false, false) => format!("It knows you no better than {BASE}."),
        });
    }
    if let Some(n_gram) = report.n_gram
        && own.interval.low > n_gram
    {
        found.push(match report.copied.verdict {
            Verdict::Copies => "It predicts you worse than counting which letters follow which: it knows your entries, and not you.".into(),
            _ => "It predicts you worse than counting which letters follow which: it has learned little yet. Train on.".into(),
        });
    }
    for other in report.prediction.iter().filter(|row| row.model == THIS && row.text != OWN) {
        let harder = bits(other) - bits(own);
        found.push(match (own.interval.high < other.interval.low, harder > 0.0) {
            (true, _) => {
                format!("It prefers you to {}, which costs it {harder:.2} bits a character more.", other.text)
            }
            (false, true) => format!(
                "It hardly tells you from {}: {harder:.2} bits a character, within what chance gives.",
                other.text
            ),
            (false, false) => {
                format!("It finds {} no harder than you: it has not learned what is yours.", other.text)
            }
        });
    }
    let general = [THIS, BASE].map(|model| of(model, "general text"));
    if let [Some(now), Some(before)] = general {
        let lost = bits(now) - bits(before);
        if now.interval.low > before.interval.high {
            found.push(format!("It has forgotten some of what {BASE} knew: general text costs it {lost:.2} bits a character more."));
        }
    }
    found
}

fn style(measures: &[Measure]) -> String {
    let off = |m: &Measure| m.z.zip(m.noise).map_or(0.0, |(z, noise)| z.abs() / noise.max(f64::MIN_POSITIVE));
    let mut told: Vec<&Measure> = measures.iter().filter(|m| off(m) >= OFF).collect();
    told.sort_by(|a, b| b.z.unwrap_or(0.0).abs().total_cmp(&a.z.unwrap_or(0.0).abs()));
    let alike = measures.iter().filter(|m| m.z.is_some()).count() - told.len();
    let figure = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.2}"));
    let mut table =
        Table::new(&[("its hand", L), ("it", R), ("you", R), ("off, in your own entries' spread", R)]);
    for m in &told {
        let z = m.z.map_or(String::new(), |z| format!("{z:+.1}"));
        table.row([m.name.into(), figure(m.generated), figure(m.own), z]);
    }
    let rest = format!("{} of style are as yours.", counted(alike as u64, "figure", "figures"));
    if told.is_empty() { rest } else { format!("{table}\n{rest}") }
}

fn taken_for(taken: &TakenFor) -> String {
    let share = |of: &crate::eval::likeness::bootstrap::Interval| {
        format!("{:.0}% ({:.0}–{:.0}%)", 100.0 * of.value, 100.0 * of.low, 100.0 * of.high)
    };
    format!(
        "Of {} of what it wrote, beside {}: by the words {} are nearer to you, by the letters {}.",
        counted(taken.pieces as u64, "page", "pages"),
        taken.other,
        share(&taken.by_words),
        share(&taken.by_letters)
    )
}

fn mirror(mirror: &Mirror) -> String {
    let list = |keys: &[Key]| {
        let one = |key: &Key| {
            let [it, you] = [key.in_generated.per_10_000, key.in_own.per_10_000];
            format!("  {} ({it:.0} in 10,000 words, you {you:.0}): {}", key.word, key.example)
        };
        keys.iter().take(12).map(one).collect::<Vec<_>>().join("\n")
    };
    let mut parts = Vec::new();
    if !mirror.overused.is_empty() {
        parts.push(format!("What it says more often than you:\n{}", list(&mirror.overused)));
    }
    if !mirror.forgotten.is_empty() {
        parts.push(format!("What it forgets:\n{}", list(&mirror.forgotten)));
    }
    match parts.is_empty() {
        true => "No word stands out that it uses more or less than you.".into(),
        false => parts.join("\n"),
    }
}

fn invented(of: &Invented) -> String {
    let examples: Vec<&str> = of.examples.iter().take(10).map(|e| &e.text[..]).collect();
    let shown = if examples.is_empty() { String::new() } else { format!(": {}", examples.join(", ")) };
    format!(
        "Names, dates, numbers and quotations that stand in no entry: {:.0} in a thousand of its words, {:.0} in your own held-out ones{shown}",
        of.generated, of.own
    )
}

fn copied(of: &Copied) -> String {
    let mut table = Table::new(&[
        ("what stands in the diary already", L),
        ("words", R),
        (&format!("in runs of {} and more", of.least), R),
        ("in near copies", R),
        ("longest run", R),
    ]);
    for (name, share) in [("what it wrote", &of.generated), (OWN, &of.held_out)] {
        let Share { words, in_runs, near, longest } = share;
        table.row([
            name.to_string(),
            thousands(*words as u64),
            format!("{:.1}%", 100.0 * in_runs),
            format!("{:.1}%", 100.0 * near),
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
            "It copies: what it writes is made of your diary's passages. It has learned them by heart: train for fewer epochs."
        }
    };
    let runs = of.runs.iter().map(|run| {
        let text: Vec<&str> = run.text.split_whitespace().collect();
        format!("\n  {} words of {}: {}", run.words, run.entry, text.join(" "))
    });
    format!("{table}\n{verdict}{}", runs.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perplexity_has_the_digits_that_anyone_reads() {
        assert_eq!([96.34, 12_345.6, 1e12].map(perplexity), ["96.3", "12,346", "over a billion"]);
    }
}
