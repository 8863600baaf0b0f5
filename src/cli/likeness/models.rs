//! The models that are asked: what each predicts, writes, and says.

use std::path::{Path, PathBuf};

use crate::base::Result;
use crate::base::units::shown;
use crate::cli::bar::Bar;
use crate::cli::opening::Opening;
use crate::dataset::pairs::Role;
use crate::eval::likeness::attribution::{self, Attribution, LENGTHS};
use crate::eval::likeness::diary::Diary;
use crate::eval::likeness::exposure::{self, Exposure, Secret};
use crate::eval::likeness::given::Given;
use crate::eval::likeness::prediction::{Passage, Predicted, Prediction, positions, predict, predict_alone};
use crate::eval::likeness::report::{Row, Set};
use crate::eval::likeness::writing;
use crate::model::Shape;
use crate::run::Run;
use crate::sample::talk::{Ends, Manner, Message, ends};
use crate::sample::{Choice, Model, Reads};
use crate::serve::manner;
use crate::tokens::Tokenizer;

/// Texts that are written at once, at most.
const AT_ONCE: usize = 8;

/// A model that reads and writes text.
pub struct Asked {
    model: Model,
    tokenizer: Tokenizer,
    /// What says how it is spoken to.
    spoken: PathBuf,
}

impl Asked {
    /// Opens a model to predict, and to write so many texts.
    pub fn open(opening: &Opening, dir: &Path, texts: usize) -> Result<Asked> {
        let program = |shape: &Shape| {
            let mut recordings = if texts > 0 { shape.writing()? } else { Vec::new() };
            recordings.push(shape.losses()?);
            Ok(recordings)
        };
        let model = opening.open(dir, (Reads::Text, texts.clamp(1, AT_ONCE)), |_| Ok(None), program)?;
        Ok(Asked::of(opening.spoken(dir), model))
    }

    /// Opens a model to predict some passages alone, with as many positions as they take.
    fn for_passages(opening: &Opening, dir: &Path, passages: &[Passage]) -> Result<Asked> {
        let most =
            |tokenizer: Option<&Tokenizer>| Ok(tokenizer.map(|tokenizer| positions(passages, tokenizer)));
        let model = opening.again().open(dir, (Reads::Text, 1), most, |shape| Ok(vec![shape.losses()?]))?;
        Ok(Asked::of(opening.spoken(dir), model))
    }

    fn of(spoken: &Path, mut model: Model) -> Asked {
        let tokenizer = model.tokenizer.take().expect("it was opened to read text");
        Asked { model, tokenizer, spoken: spoken.to_path_buf() }
    }

    /// Tokens that it sees at once.
    pub fn positions(&self) -> usize {
        self.model.positions
    }

    /// What it makes of each set.
    pub fn rows(&mut self, name: &str, sets: &[Set], seed: u64, bar: &Bar) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for set in sets {
            let words = format!("{name}: {}", set.name);
            let predicted =
                predict(&mut self.model, &self.tokenizer, &set.passages(), |done| told(bar, done, &words));
            rows.push(Row::new(name, &set.name, &predicted.map_err(|e| self.model.told(e))?, seed));
        }
        Ok(rows)
    }

    /// What it goes on with, behind each of some headers or questions, and the words that stand below them.
    pub fn write(
        &mut self,
        openings: &[(&Given, &str)],
        how: (usize, &Choice, u64),
        bar: &Bar,
        what: &str,
    ) -> Result<Vec<String>> {
        let ids = openings.iter().map(|(given, text)| given.ids(text, &self.tokenizer).0);
        let form = openings.iter().find_map(|(given, _)| match given {
            Given::Question(form, _) => Some(Manner::Pairs(*form)),
            _ => None,
        });
        let ends = ends(&form.unwrap_or(Manner::Diary), &self.tokenizer);
        self.go_on((&ids.collect::<Vec<_>>(), &ends), how, bar, what)
    }

    /// What it says to each of some questions, below a text that tells it whom it is to be: each put in the form that it knows.
    pub fn answer(
        &mut self,
        (system, questions): (Option<&str>, &[String]),
        how: (usize, &Choice, u64),
        bar: &Bar,
        what: &str,
    ) -> Result<Vec<String>> {
        let manner = manner::of(&self.spoken, &self.tokenizer)?;
        let said = |question: &String| {
            let system = system.map(|text| Message::new(Role::System, text));
            let all: Vec<Message> = system.into_iter().chain([Message::new(Role::User, question)]).collect();
            manner.ids(&all, &self.tokenizer)
        };
        let ids: Vec<Vec<u32>> = questions.iter().map(said).collect::<Result<_>>()?;
        self.go_on((&ids, &ends(&manner, &self.tokenizer)), how, bar, what)
    }

    fn go_on(
        &mut self,
        openings: (&[Vec<u32>], &Ends),
        how: (usize, &Choice, u64),
        bar: &Bar,
        what: &str,
    ) -> Result<Vec<String>> {
        let written =
            writing::write(&mut self.model, &self.tokenizer, openings, how, |done| told(bar, done, what));
        written.map_err(|e| self.model.told(e))
    }

    fn alone(&mut self, passages: &[Passage], bar: &Bar, what: &str) -> Result<Vec<Predicted>> {
        let predicted =
            predict_alone(&mut self.model, &self.tokenizer, passages, |done| told(bar, done, what));
        predicted.map_err(|e| self.model.told(e))
    }
}

fn told(bar: &Bar, done: f64, what: &str) {
    bar.message((done * 1000.0) as u64, 1000, what);
}

/// Where the model is that a run began with; none of a run from scratch, or whose model has gone since.
pub fn base(run: &Run) -> Option<&Path> {
    let path = run.base.as_ref().map_or(Path::new(&run.from), |base| &base.path);
    (run.from != "scratch" && path.exists()).then_some(path)
}

/// To which of several authors each held-out passage goes, by a model of each: `(its run's name, where it is, what it never saw)`.
pub fn attribute(
    opening: &Opening,
    authors: &[(String, PathBuf, Vec<&str>)],
    bar: &Bar,
) -> Result<Vec<Attribution>> {
    let runs: Vec<String> = authors.iter().map(|(name, ..)| name.clone()).collect();
    let mut all = Vec::new();
    for words in LENGTHS {
        let (mut truth, mut texts) = (Vec::new(), Vec::new());
        for (author, (.., held_out)) in authors.iter().enumerate() {
            let passages = attribution::passages(held_out, words);
            truth.extend(std::iter::repeat_n(author, passages.len()));
            texts.extend(passages);
        }
        let passages: Vec<Passage> =
            texts.iter().map(|text| Passage { given: Given::NOTHING, text }).collect();
        let mut bits = Vec::new();
        for (name, dir, _) in authors {
            let mut model = Asked::for_passages(opening, dir, &passages)?;
            let what = format!("passages of {words} words, by the model of {name}");
            let predicted = model.alone(&passages, bar, &what)?;
            bits.push(predicted.iter().map(|one| Prediction::of([one]).bits_per_character).collect());
        }
        all.push(Attribution::of(words, &runs, &truth, &bits));
    }
    Ok(all)
}

/// How exposed secrets of a diary are in a model that wrote some texts.
pub fn expose(
    opening: &Opening,
    (dir, diary): (&Path, &Diary),
    (secrets, written): (&[Secret], &[String]),
    bar: &Bar,
) -> Result<Vec<Exposure>> {
    if secrets.is_empty() {
        return Ok(Vec::new());
    }
    let passages: Vec<Vec<Passage>> = secrets.iter().map(Secret::passages).collect();
    let asked = |model: &mut Asked, whose: &str| -> Result<Vec<Vec<Predicted>>> {
        let each = passages.iter().enumerate().map(|(i, passages)| {
            model.alone(passages, bar, &format!("secret {} of {}, by {whose}", i + 1, secrets.len()))
        });
        each.collect()
    };
    let predicted = asked(&mut Asked::for_passages(opening, dir, &passages.concat())?, "the model")?;
    let reference: Vec<Vec<f64>> = match base(&diary.run) {
        Some(base) => {
            let mut model = Asked::for_passages(&opening.without_adapters(), base, &passages.concat())?;
            let of_base = asked(&mut model, "the one that it began with")?;
            of_base.iter().map(|of| of.iter().map(|one| one.nats).collect()).collect()
        }
        None => exposure::by_letters(secrets, &diary.train),
    };
    let each = secrets.iter().zip(predicted.iter().zip(&reference));
    Ok(each.map(|(secret, (of, reference))| Exposure::of(secret, of, reference, written)).collect())
}

/// What a run is called beside others.
pub fn name(dir: &Path) -> String {
    shown(dir).trim_end_matches('/').to_string()
}
