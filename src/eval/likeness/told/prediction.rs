//! How well models predict, in words.

use crate::base::units::thousands;
use crate::eval::likeness::attribution::Attribution;
use crate::eval::likeness::copying::Verdict;
use crate::eval::likeness::report::{BASE, GENERAL, LETTERS, OWN, Report, Row, THIS};
use crate::eval::likeness::told::part::{Part, Rows, Section};

/// The figures of prediction, and what they say.
pub fn prediction(report: &Report) -> Section {
    let mut rows = Rows::new(&["model", "text", "#words", "#bits a character", "95%", "#perplexity a word"]);
    for row in &report.prediction {
        rows.row([
            row.model.clone(),
            row.text.clone(),
            thousands(row.amount.words as u64),
            format!("{:.3}", row.prediction.bits_per_character),
            format!("{:.3}–{:.3}", row.interval.low, row.interval.high),
            perplexity(row.prediction.perplexity_per_word),
        ]);
    }
    Section::new("How well it predicts", [Part::Table(rows), Part::List(findings(report))])
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
    let mut found: Vec<String> = of(BASE, OWN).map(|base| learned(own, base)).into_iter().collect();
    if of(LETTERS, OWN).is_some_and(|letters| own.interval.low > bits(letters)) {
        found.push(match report.copied.verdict {
            Verdict::Copies => "It predicts you worse than counting which letters follow which: it knows your entries, and not you.".into(),
            _ => "It predicts you worse than counting which letters follow which: it has learned little yet. Train on.".into(),
        });
    }
    let others = report.prediction.iter().filter(|row| row.model == THIS && row.text != OWN);
    let gained = |row: &Row| Some(bits(of(BASE, &row.text)?) - bits(row));
    found.extend(others.map(|other| match (gained(own), gained(other)) {
        // An author may be easier to any model than the writer is: then what counts is what it gained on each.
        (Some(mine), Some(theirs)) if own.interval.high >= other.interval.low => {
            came_nearer(other, mine, theirs)
        }
        _ => preferred(own, other),
    }));
    if let (Some(now), Some(before)) = (of(THIS, GENERAL), of(BASE, GENERAL))
        && now.interval.low > before.interval.high
    {
        let lost = bits(now) - bits(before);
        found.push(format!("It has forgotten some of what {BASE} knew: general text costs it {lost:.2} bits a character more."));
    }
    found
}

fn bits(row: &Row) -> f64 {
    row.prediction.bits_per_character
}

/// What it gained over the model it began with.
fn learned(own: &Row, base: &Row) -> String {
    let gained = bits(base) - bits(own);
    match (own.interval.high < base.interval.low, gained > 0.0) {
        (true, _) => format!(
            "It has learned you: what you wrote and it never saw costs it {gained:.2} bits a character less than {BASE}."
        ),
        (false, true) => format!(
            "It knows you hardly better than {BASE}: by {gained:.2} bits a character, no more than other entries might have shown."
        ),
        (false, false) => format!("It knows you no better than {BASE}."),
    }
}

/// Whether it gained more on its writer than on a text that is no harder to it, in bits a character over the model it began with.
fn came_nearer(other: &Row, mine: f64, theirs: f64) -> String {
    let text = &other.text;
    match mine > theirs {
        true => format!(
            "It finds {text} no harder than you, and so did {BASE}; but on you it has gained {mine:.2} bits a character, and there {theirs:.2}."
        ),
        false => format!(
            "It finds {text} no harder than you, and has gained no more on you: it has not learned what is yours."
        ),
    }
}

/// Whether it prefers its writer to another.
fn preferred(own: &Row, other: &Row) -> String {
    let harder = bits(other) - bits(own);
    match (own.interval.high < other.interval.low, harder > 0.0) {
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
    }
}

/// How often passages go to their author.
pub fn attribution(all: &[Attribution]) -> Section {
    let mut rows =
        Rows::new(&["words of a passage", "#passages", "#given to their author", "95%", "by author"]);
    for of in all {
        let authors = of.authors.iter().map(|a| format!("{} {} of {}", a.run, a.right, a.passages));
        rows.row([
            format!("about {}", of.words),
            of.authors.iter().map(|a| a.passages).sum::<usize>().to_string(),
            format!("{:.0}%", 100.0 * of.right.value),
            format!("{:.0}–{:.0}%", 100.0 * of.right.low, 100.0 * of.right.high),
            authors.collect::<Vec<_>>().join(", "),
        ]);
    }
    let chance = all.first().map_or(String::new(), |of| {
        format!(
            "Each held-out passage goes to the model that expects it best; chance gives {:.0}%.",
            100.0 / of.authors.len().max(1) as f64
        )
    });
    Section::new("Whose is it?", [Part::Table(rows), Part::Words(chance)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perplexity_has_the_digits_that_anyone_reads() {
        assert_eq!([96.34, 12_345.6, 1e12].map(perplexity), ["96.3", "12,346", "over a billion"]);
    }
}
