//! What was measured, as data: `diarist likeness --json` prints it, and [the words](crate::cli) are made of it.

use jiff::civil::Date;
use serde::Serialize;

use crate::base::rng::Rng;
use crate::eval::likeness::attribution::Attribution;
use crate::eval::likeness::bootstrap::{Interval, ROUNDS, interval};
use crate::eval::likeness::copied::Copied;
use crate::eval::likeness::diary::{Diary, Entry};
use crate::eval::likeness::drift::Drift;
use crate::eval::likeness::exposure::{Exposure, Sought};
use crate::eval::likeness::given::Given;
use crate::eval::likeness::hand::{Habits, Invented, TakenFor};
use crate::eval::likeness::mirror::Mirror;
use crate::eval::likeness::mood::{Span, beside};
use crate::eval::likeness::ngram::{CharModel, LONGEST};
use crate::eval::likeness::prediction::{Passage, Predicted, Prediction};
use crate::eval::likeness::questions::Asked;
use crate::eval::likeness::style::{Measure, Seen, compare, distances};
use crate::eval::likeness::words::words;

/// Stretches of time that a mood is told of, at most.
const SPANS: usize = 12;

/// What the run's model is called.
pub const THIS: &str = "this model";
/// What the model that the run began with is called.
pub const BASE: &str = "the model it began with";
/// What counting letters is called: the memory without the understanding.
pub const LETTERS: &str = "counting letters";
/// What the text that comes with the program is called.
pub const GENERAL: &str = "general text";
/// What the writer's held-out entries are called.
pub const OWN: &str = "your held-out entries";

/// So much text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Entries, or texts.
    pub entries: usize,
    /// Words in them.
    pub words: usize,
}

impl Amount {
    /// Of some texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Amount {
        texts.into_iter().fold(Amount { entries: 0, words: 0 }, |sum, text| Amount {
            entries: sum.entries + 1,
            words: sum.words + words(text).count(),
        })
    }
}

/// How well one model predicts one set of texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Whose prediction: "this model", "the model it began with".
    pub model: String,
    /// Of what: "your held-out entries", a path, "general text".
    pub text: String,
    /// How much that is.
    pub amount: Amount,
    /// How well.
    #[serde(flatten)]
    pub prediction: Prediction,
    /// 95% of the bits a character, were other entries of the same kind held out.
    pub interval: Interval,
}

impl Row {
    /// A row of what was predicted, a [`Predicted`] a text.
    pub fn new(model: &str, text: &str, predicted: &[Predicted], seed: u64) -> Row {
        let mut rng = Rng::new(seed, &format!("{model}: {text}"));
        let bits = |of: &[usize]| Prediction::of(of.iter().map(|&i| &predicted[i])).bits_per_character;
        Row {
            model: model.into(),
            text: text.into(),
            amount: Amount { entries: predicted.len(), words: predicted.iter().map(|one| one.words).sum() },
            prediction: Prediction::of(predicted),
            interval: interval(predicted.len(), ROUNDS, &mut || rng.next_u64(), bits),
        }
    }
}

/// A set of texts that models are asked to predict.
#[derive(Debug, Clone)]
pub struct Set {
    /// What it is called.
    pub name: String,
    /// Its texts, each with what stands before it.
    pub texts: Vec<(Given, String)>,
}

impl Row {
    /// The rows of counting: what a table of which letter follows which five in some texts makes of each set.
    pub fn of_letters(trained: &[Entry], sets: &[Set], seed: u64) -> Vec<Row> {
        let model = CharModel::train(&views(trained), LONGEST);
        let one = |text: &str| {
            let (bits, characters) = model.bits_per_character(text);
            let nats = bits * std::f64::consts::LN_2;
            Predicted { nats, tokens: characters, words: words(text).count(), characters }
        };
        let row = |set: &Set| {
            let predicted: Vec<Predicted> = set.texts.iter().map(|(_, text)| one(text)).collect();
            Row::new(LETTERS, &set.name, &predicted, seed)
        };
        sets.iter().map(row).collect()
    }
}

impl Set {
    /// Entries of a diary.
    pub fn of(name: &str, entries: &[Entry]) -> Set {
        let texts = entries.iter().map(|e| (e.header.clone(), e.text.clone())).collect();
        Set { name: name.into(), texts }
    }

    /// The text that comes with the program, which is nobody's diary: seven passages of the eighteenth and nineteenth centuries.
    pub fn general() -> Set {
        let passages =
            include_str!("general.txt").split("\n\n").map(|p| (Given::NOTHING, p.trim().to_string()));
        Set { name: GENERAL.into(), texts: passages.collect() }
    }

    /// At most so many words of it: whole texts, taken evenly from its beginning to its end.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Set {
        let all = Amount::of(self.texts.iter().map(|(_, text)| &text[..])).words;
        if all > most && most > 0 {
            let (mut taken, mut seen) = (0, 0);
            self.texts.retain(|(_, text)| {
                let words = words(text).count();
                // The share that is taken follows the share that is wanted of what was seen.
                let wanted = (seen + words) * most / all;
                seen += words;
                let take = taken + words / 2 < wanted;
                taken += if take { words } else { 0 };
                take
            });
        }
        self
    }

    /// As what a model is asked for.
    pub fn passages(&self) -> Vec<Passage<'_>> {
        self.texts.iter().map(|(given, text)| Passage { given: given.clone(), text }).collect()
    }
}

/// The mood of a stretch of time: the valence of a hundred words, as [`mood`](crate::eval::likeness::mood) has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mood {
    /// `1912`, `1912 Q3`, `Jul 1912`.
    pub label: String,
    /// The writer's.
    pub own: Interval,
    /// What the model wrote under headers of the same stretch; none where that is too little.
    pub generated: Option<Interval>,
}

impl Mood {
    /// Whether the two are further apart than chance.
    pub fn is_apart(&self) -> bool {
        self.generated.is_some_and(|it| it.high < self.own.low || self.own.high < it.low)
    }

    /// Of stretches of the writer's time, [`SPANS`] at most.
    fn over_time(own: &[(Date, &str)], generated: &[(Date, &str)]) -> Vec<Mood> {
        let one = |(span, other): (Span, Option<Span>)| Mood {
            label: span.label,
            own: span.interval,
            generated: other.map(|other| other.interval),
        };
        beside(own, generated, SPANS).into_iter().map(one).collect()
    }
}

/// What models made of a diary and of others' text.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// How well texts are predicted.
    pub prediction: Vec<Row>,
    /// To which author passages go.
    pub attribution: Vec<Attribution>,
    /// What the model wrote, below the headers that it was given.
    pub texts: Vec<String>,
    /// How exposed secrets are.
    pub exposure: Vec<Exposure>,
    /// How many secrets there are.
    pub secrets: Sought,
    /// What several models said to the same questions.
    pub questions: Vec<Asked>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The run's folder.
    pub run: String,
    /// The model that was measured.
    pub model: String,
    /// All draws are of this seed.
    pub seed: u64,
    /// What the model was trained on.
    pub trained: Amount,
    /// What was kept from it.
    pub held_out: Amount,
    /// How well texts are predicted.
    pub prediction: Vec<Row>,
    /// To which author passages go, with a model an author.
    pub attribution: Vec<Attribution>,
    /// How far its pages lie from what it was trained on, by words and by letters, beside those that were held out; none where either
    /// are too few.
    pub distance: Vec<Measure>,
    /// The model's hand beside the writer's.
    pub style: Vec<Measure>,
    /// How texts begin and end.
    pub habits: Habits,
    /// For whom else its pages could be taken.
    pub taken_for: Vec<TakenFor>,
    /// What it overuses and forgets.
    pub mirror: Mirror,
    /// Its mood beside the writer's, over time.
    pub mood: Vec<Mood>,
    /// What it makes up.
    pub invented: Invented,
    /// What of it stands in what it was trained on.
    pub copied: Copied,
    /// How exposed secrets are.
    pub exposure: Vec<Exposure>,
    /// How many secrets there are.
    pub secrets: Sought,
    /// Whether it goes round in circles, or leaves its language.
    pub drift: Drift,
    /// What several models said to the same questions.
    pub questions: Vec<Asked>,
    /// What the model wrote, each the continuation of a held-out entry's header.
    pub texts: Vec<String>,
}

impl Report {
    /// All that needs no model but what one wrote, below the headers of `openings`, and what models measured, with the seed; `others` are
    /// others' texts, by name.
    pub fn of(
        (run, model, seed): (String, String, u64),
        diary: &Diary,
        openings: &[&Entry],
        measured: Measured,
        others: &[Set],
    ) -> Report {
        let [trained, held_out] = [&diary.train, &diary.held_out].map(|of| views(of));
        let texts = measured.texts;
        let generated: Vec<&str> = texts.iter().map(|text| &text[..]).collect();
        // A writer's hand is what they wrote and the model has not seen; where that is nothing, what it has.
        let own = if held_out.is_empty() { &trained } else { &held_out };
        let all: Vec<&str> = trained.iter().chain(&held_out).copied().collect();
        // In what it has seen nothing is unknown.
        let seen = (!held_out.is_empty()).then(|| Seen::new(&trained));
        let taken_for = |other: &Set| {
            let texts: Vec<&str> = other.texts.iter().map(|(_, text)| &text[..]).collect();
            TakenFor::of(&generated, (&trained, own), (&other.name, &texts))
        };
        let entries = diary.train.iter().chain(&diary.held_out);
        let days: Vec<(Date, &str)> =
            entries.filter_map(|entry| Some((entry.day?, &entry.text[..]))).collect();
        let written = openings.iter().zip(&generated);
        let written: Vec<(Date, &str)> =
            written.filter_map(|(opening, text)| Some((opening.day?, *text))).collect();
        Report {
            run,
            model,
            seed,
            trained: Amount::of(trained.iter().copied()),
            held_out: Amount::of(held_out.iter().copied()),
            prediction: measured.prediction,
            attribution: measured.attribution,
            distance: distances(&generated, &held_out, &trained),
            style: compare(&generated, own, seen.as_ref()),
            habits: Habits::of(&generated, own),
            taken_for: others.iter().filter_map(taken_for).collect(),
            mirror: Mirror::of(&generated, &all, seed),
            mood: Mood::over_time(&days, &written),
            invented: Invented::of(&generated, &held_out, &trained),
            copied: Copied::of(diary, &texts, seed),
            exposure: measured.exposure,
            secrets: measured.secrets,
            drift: Drift::of(&generated, own),
            questions: measured.questions,
            texts,
        }
    }
}

/// The texts of entries.
fn views(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| &entry.text[..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_set_is_of_all_of_it() {
        let texts = (0..100).map(|i| (Given::NOTHING, format!("entry {i} of ten words and a few more here")));
        let set = Set { name: "all".into(), texts: texts.collect() };
        let some = set.clone().at_most(200);
        assert_eq!(some.texts.len(), 20);
        assert!(
            some.texts[0].1.starts_with("entry 4 ") || some.texts[0].1.starts_with("entry 2 "),
            "{some:?}"
        );
        assert!(some.texts[19].1.starts_with("entry 9"));
        assert_eq!(set.clone().at_most(5000).texts.len(), 100);
    }

    #[test]
    fn the_general_text_is_of_several_hands() {
        let set = Set::general();
        assert_eq!(set.texts.len(), 7);
        assert!(set.texts.iter().all(|(_, text)| words(text).count() > 100));
    }

    #[test]
    fn an_interval_is_about_what_was_measured() {
        let predicted: Vec<Predicted> = (0..50)
            .map(|i| Predicted { nats: 100.0 + i as f64, tokens: 40, words: 30, characters: 150 })
            .collect();
        let row = Row::new("m", "t", &predicted, 7);
        assert_eq!(row, Row::new("m", "t", &predicted, 7));
        let (low, bits, high) = (row.interval.low, row.prediction.bits_per_character, row.interval.high);
        assert!(low < bits && bits < high && high - low < 0.1 * bits, "{low} {bits} {high}");
        assert_eq!(row.amount, Amount { entries: 50, words: 1500 });
    }
}
