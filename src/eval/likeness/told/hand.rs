//! The model's hand beside the writer's, in words.

use crate::base::units::counted;
use crate::eval::likeness::bootstrap::Interval;
use crate::eval::likeness::drift::Drift;
use crate::eval::likeness::hand::{Habits, Invented, TakenFor};
use crate::eval::likeness::keyness::Key;
use crate::eval::likeness::mirror::{Leaning, Mirror};
use crate::eval::likeness::report::{Mood, Report};
use crate::eval::likeness::style::{Apart, Habit, Measure};
use crate::eval::likeness::told::part::{Part, Rows, Section, percent};

/// Words that are listed, and inventions.
const LISTED: [usize; 2] = [12, 10];

/// Figures in which it is nearer to another that are listed.
const SHOWN: usize = 6;

/// More than this much of what it wrote, over what the writer did, is told: repeated, or in another language.
const TOLD: f64 = 0.05;

/// How far its pages lie, figures of style that are off, whom it would be taken for, how texts begin and end.
pub fn style(report: &Report) -> Section {
    let measures = &report.style;
    let mut off: Vec<&Measure> = measures.iter().filter(|m| m.is_off()).collect();
    off.sort_by(|a, b| b.z.unwrap_or(0.0).abs().total_cmp(&a.z.unwrap_or(0.0).abs()));
    let alike = measures.iter().filter(|m| m.z.is_some()).count() - off.len();
    let figure = |x: Option<f64>| x.map_or("–".into(), |x| format!("{x:.2}"));
    let mut rows = Rows::new(&["figure", "#it", "#you", "#off, in your own entries' spread", "95%"]);
    // The distances are always told.
    for m in report.distance.iter().chain(off) {
        let range = |of: Interval| format!("{:+.1} to {:+.1}", of.low, of.high);
        rows.row([
            m.name.into(),
            figure(m.generated),
            figure(m.own),
            m.z.map_or(String::new(), |z| format!("{z:+.1}")),
            m.interval.map_or(String::new(), range),
        ]);
    }
    let mut rest = match alike {
        1 => "1 figure of style is as yours.".to_string(),
        _ => format!("{} of style are as yours.", counted(alike as u64, "figure", "figures")),
    };
    if report.distance.is_empty() && report.held_out.entries > 0 {
        rest += " How far its pages lie from yours is not told: that takes two pages of 500 words of what it wrote, and of what was held out.";
    }
    let mut parts = vec![Part::Table(rows), Part::Words(rest)];
    parts.push(Part::List(report.taken_for.iter().map(taken_for).chain(habits(&report.habits)).collect()));
    Section::new("Its hand", parts)
}

fn taken_for(taken: &TakenFor) -> String {
    let share =
        |of: &Interval| format!("{:.0}% ({:.0}–{:.0}%)", 100.0 * of.value, 100.0 * of.low, 100.0 * of.high);
    format!(
        "Of {} of what it wrote, beside {}: by the words {} are nearer to you, by the letters {}.{}",
        counted(taken.pieces as u64, "page", "pages"),
        taken.other,
        share(&taken.by_words),
        share(&taken.by_letters),
        by_style(&taken.by_style)
    )
}

/// Whom it is nearer to in the figures that tell two writers apart.
fn by_style(figures: &[Apart]) -> String {
    let count = |nearer: Option<bool>| figures.iter().filter(|apart| apart.is_nearer == nearer).count();
    let (nearer, unknown) = (count(Some(true)), count(None));
    let are = |n: usize| if n == 1 { "is" } else { "are" };
    let mut told = match figures.len() {
        0 => return String::new(),
        1 => format!(
            " Of the one figure of style that tells you from them, {nearer} {} nearer to you",
            are(nearer)
        ),
        n => format!(
            " Of the {n} figures of style that tell you from them, {nearer} {} nearer to you",
            are(nearer)
        ),
    };
    let one = |of: &Apart| {
        let it = of.generated.map_or("–".into(), |x| format!("{x:.2}"));
        format!("{} (it {it}, you {:.2}, they {:.2})", of.name, of.own, of.other)
    };
    let theirs = figures.iter().filter(|apart| apart.is_nearer == Some(false)).take(SHOWN);
    let theirs: Vec<String> = theirs.map(one).collect();
    if !theirs.is_empty() {
        told += &format!("; to them, {}", theirs.join(", "));
    }
    if unknown > 0 {
        told += &format!("; {unknown} {} in nothing that it wrote", are(unknown));
    }
    told + "."
}

fn habits(habits: &Habits) -> Vec<String> {
    let list = |of: &[Habit]| {
        of.iter().take(5).map(|h| format!("“{}” {}", h.words, h.count)).collect::<Vec<_>>().join(", ")
    };
    let line = |what: &str, it: &[Habit], you: &[Habit]| {
        let told = |of: &[Habit]| if of.is_empty() { "never twice the same".to_string() } else { list(of) };
        (!it.is_empty() || !you.is_empty()).then(|| format!("{what}: it, {}; you, {}.", told(it), told(you)))
    };
    [
        line("How entries begin", &habits.openings, &habits.own_openings),
        line("How they end", &habits.endings, &habits.own_endings),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What it says more often, and what it forgets.
pub fn mirror(mirror: &Mirror) -> Section {
    let list = |keys: &[Key]| {
        let one = |key: &Key| {
            let [it, you] = [key.in_generated.per_10_000, key.in_own.per_10_000];
            format!("{} ({it:.0} in 10,000 words, you {you:.0}): {}", key.word, key.example)
        };
        Part::List(keys.iter().take(LISTED[0]).map(one).collect())
    };
    let headed = |heading: &str, keys: &[Key]| match keys.is_empty() {
        true => [Part::Words(String::new()), Part::List(Vec::new())],
        false => [Part::Words(heading.into()), list(keys)],
    };
    let mut parts = [
        headed("What it says more often than you:", &mirror.overused),
        headed("What it forgets:", &mirror.forgotten),
    ]
    .concat();
    if !mirror.themes.is_empty() {
        let themes = mirror.themes.iter().map(leaning).collect();
        parts
            .extend([Part::Words("What it comes back to, and what it does not:".into()), Part::List(themes)]);
    }
    if mirror.is_empty() {
        parts = vec![Part::Words(
            "No word and no theme stands out that it comes to more or less than you.".into(),
        )];
    }
    Section::new("The funhouse mirror", parts)
}

fn leaning(of: &Leaning) -> String {
    let Leaning { theme, generated, own, example, .. } = of;
    format!("{theme} ({:.0}% of its texts, {:.0}% of yours): {example}", 100.0 * generated, 100.0 * own)
}

/// Its mood beside the writer's, over time.
pub fn mood(spans: &[Mood]) -> Section {
    let shown = |of: Interval| [format!("{:+.2}", of.value), format!("{:+.2} to {:+.2}", of.low, of.high)];
    let mut rows = Rows::new(&["when", "#you", "95%", "#it, under the same days", "95%"]);
    for span in spans {
        let [you, yours] = shown(span.own);
        let [it, its] = span.generated.map_or(["–".into(), String::new()], shown);
        rows.row([span.label.clone(), you, yours, it, its]);
    }
    let apart = spans.iter().filter(|span| span.is_apart()).map(|span| {
        let brighter = span.generated.is_some_and(|it| it.value > span.own.value);
        format!("In {} it is {} than you were.", span.label, if brighter { "brighter" } else { "darker" })
    });
    Section::new("Mood, by its words", [Part::List(apart.collect()), Part::Table(rows)])
}

/// What it makes up.
pub fn invented(of: &Invented) -> Section {
    let examples: Vec<&str> = of.found.iter().flatten().take(LISTED[1]).map(|e| &e.text[..]).collect();
    let shown = if examples.is_empty() { String::new() } else { format!(": {}", examples.join(", ")) };
    let mut told = vec![Part::Words(format!(
        "Names, dates, numbers and quotations that stand in none of your entries: {:.0} in a thousand of its words{shown}",
        of.generated
    ))];
    if let Some(own) = of.own {
        told.push(Part::Words(format!(
            "In none that it was trained on: {:.0} in a thousand of its words, {own:.0} in your own held-out ones.",
            of.unseen
        )));
    }
    Section::new("What it makes up", told)
}

/// Whether it goes round in circles, or leaves its language.
pub fn drift(of: &Drift) -> Section {
    let [it, you] = of.repeated;
    let mut told = vec![format!(
        "Of its sequences of four words, {} stood in the same text already; of yours, {}.{}",
        percent(it),
        percent(you),
        if it > you + TOLD { " It goes round in circles." } else { "" }
    )];
    let [it, you] = of.elsewhere;
    if it > you + TOLD {
        let language = of.language.as_deref().unwrap_or("yours");
        told.push(format!(
            "{} of what it wrote is in another language than {language}; of yours, {}.",
            percent(it),
            percent(you)
        ));
    }
    Section::new("Whether it holds together", [Part::List(told)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_that_tells_two_apart_is_counted() {
        let apart = |name, generated: Option<f64>, is_nearer| Apart {
            name,
            generated,
            own: 1.0,
            other: 3.0,
            is_nearer,
        };
        let near = apart("commas", Some(1.5), Some(true));
        let far = apart("colons", Some(2.5), Some(false));
        let none = apart("curly quotes", None, None);
        assert_eq!(by_style(&[]), "");
        assert_eq!(
            by_style(std::slice::from_ref(&near)),
            " Of the one figure of style that tells you from them, 1 is nearer to you."
        );
        assert_eq!(
            by_style(&[near.clone(), near, far.clone(), none]),
            " Of the 4 figures of style that tell you from them, 2 are nearer to you; to them, colons (it 2.50, you 1.00, they 3.00); 1 is in nothing that it wrote."
        );
        assert!(by_style(&[far]).contains("that tells you from them, 0 are nearer to you; to them, colons"));
    }
}
