//! Runs beside each other: where they differ, how far each came, and what each wrote from the same draws.

use std::path::Path;

use serde::Serialize;

use crate::base::Result;
use crate::base::units::thousands;
use crate::run::record::Evaluation;
use crate::run::report::chart::{Chart, Ink, Line, RUN_INKS};
use crate::run::report::curves::{Point, reach, settled, thinned};
use crate::run::report::html;
use crate::run::report::settings::differences;
use crate::run::report::text::{Side, sides};
use crate::run::report::told::Told;

/// A loss of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Loss {
    /// After this many steps.
    pub step: u64,
    /// In its own tokens.
    pub nats_per_token: f64,
    /// By which runs of different tokenizers can be compared.
    pub nats_per_byte: Option<f64>,
}

/// What a run wrote at a step; none where it has no sample.
pub type Voice<'a> = Option<(u64, &'a str)>;

/// Two or more runs.
#[derive(Debug)]
pub struct Beside {
    /// As they were named.
    pub runs: Vec<Told>,
    /// What each trains on and holds out; none where its `tokens.bin` cannot be read any more, and why.
    pub sides: Vec<std::result::Result<[Side; 2], String>>,
}

impl Beside {
    /// Reads the runs.
    ///
    /// # Errors
    /// A folder that is no run's.
    pub fn read(folders: &[impl AsRef<Path>]) -> Result<Beside> {
        let runs = folders.iter().map(|folder| Told::read(folder.as_ref())).collect::<Result<Vec<_>>>()?;
        let of = |(told, folder): (&Told, _)| -> std::result::Result<[Side; 2], String> {
            let folder: &Path = AsRef::as_ref(folder);
            sides(folder, &told.run).map_err(|e| e.to_string())
        };
        let sides = runs.iter().zip(folders).map(of).collect();
        Ok(Beside { runs, sides })
    }

    /// What the runs are called here: their folders' names, or their folders where names are the same.
    pub fn names(&self) -> Vec<String> {
        let all: Vec<&String> = self.runs.iter().map(|told| &told.name).collect();
        let twice = (1..all.len()).any(|i| all[..i].contains(&all[i]));
        self.runs.iter().map(|told| if twice { told.folder.clone() } else { told.name.clone() }).collect()
    }

    /// Whether all have one tokenizer.
    pub fn one_tokenizer(&self) -> bool {
        let of = |told: &Told| {
            (told.run.tokenizer.clone(), told.run.tokenizer_file.clone(), told.run.model.vocab_size())
        };
        self.runs.windows(2).all(|two| of(&two[0]) == of(&two[1]))
    }

    /// Why the losses cannot be held against each other, where they cannot.
    pub fn why_not(&self) -> Option<String> {
        if self.runs.iter().any(|told| told.run.data.val[0] == told.run.data.val[1]) {
            return Some("a run holds nothing out: there is no validation loss of it".into());
        }
        let mut hashes = Vec::new();
        for (side, name) in self.sides.iter().zip(self.names()) {
            match side {
                Ok([_, val]) => hashes.push(&val.hash),
                Err(e) => {
                    return Some(format!(
                        "what {name} holds out cannot be read: {}",
                        e.replace("\n  next: ", "; ")
                    ));
                }
            }
        }
        let same = hashes.windows(2).all(|two| two[0] == two[1]);
        (!same).then(|| {
            "the runs hold out different texts, and one may be easier than the other; `diarist eval` measures both on one text".into()
        })
    }

    fn loss(&self, run: usize, evaluation: Option<Evaluation>) -> Option<Loss> {
        let Evaluation { step, val_loss, .. } = evaluation?;
        let tokens_per_byte = self.sides[run].as_ref().ok().and_then(|[_, val]| val.tokens_per_byte());
        let nats_per_token = f64::from(val_loss);
        Some(Loss {
            step,
            nats_per_token,
            nats_per_byte: tokens_per_byte.map(|share| share * nats_per_token),
        })
    }

    /// The lowest validation loss of a run.
    pub fn best(&self, run: usize) -> Option<Loss> {
        self.loss(run, self.runs[run].run.best_eval)
    }

    /// The last validation loss of a run.
    pub fn last(&self, run: usize) -> Option<Loss> {
        self.loss(run, self.runs[run].run.last_eval)
    }

    /// Rows about the losses, a value a run. Losses a byte are there where they are needed.
    pub fn losses(&self) -> Vec<(String, Vec<String>)> {
        let per_byte = !self.one_tokenizer();
        let row = |what: &str, of: &dyn Fn(usize) -> Option<String>| {
            (what.to_string(), (0..self.runs.len()).map(|run| of(run).unwrap_or("–".into())).collect())
        };
        let said =
            |loss: Option<Loss>| loss.map(|l| format!("{:.4}, step {}", l.nats_per_token, thousands(l.step)));
        let byte = |loss: Option<Loss>| loss?.nats_per_byte.map(|loss| format!("{loss:.4}"));
        let mut rows = vec![
            row("progress", &|run| Some(self.runs[run].progress())),
            row("validation loss, lowest (nats/token)", &|run| said(self.best(run))),
            row("validation loss, last (nats/token)", &|run| said(self.last(run))),
        ];
        if per_byte {
            rows.push(row("lowest, nats/byte", &|run| byte(self.best(run))));
            rows.push(row("last, nats/byte", &|run| byte(self.last(run))));
        }
        rows.push(row("training loss, smoothed (nats/token)", &|run| {
            self.runs[run]
                .training()
                .last()
                .map(|(step, loss)| format!("{loss:.4}, step {}", thousands(*step as u64)))
        }));
        rows
    }

    /// What the runs were given otherwise, a value a run.
    pub fn differences(&self) -> Vec<(String, Vec<String>)> {
        differences(&self.runs.iter().map(|told| &told.run).collect::<Vec<_>>())
    }

    /// What each wrote: at its last step, and where its validation loss was lowest if that is another sample. A step and a text.
    pub fn samples(&self) -> Vec<(&'static str, Vec<Voice<'_>>)> {
        let near = |step: &dyn Fn(&Told) -> Option<u64>| -> Vec<Voice<'_>> {
            let of =
                |told| Told::sample_near(told, step(told)?).map(|sample| (sample.step, sample.text.as_str()));
            self.runs.iter().map(of).collect()
        };
        let last = near(&|told| told.samples.last().map(|sample| sample.step));
        let best = near(&|told| told.run.best_eval.map(|best| best.step));
        let mut rows = vec![("at the last step", last)];
        if best != rows[0].1 {
            rows.push(("nearest to the lowest validation loss", best));
        }
        rows.retain(|(_, texts)| texts.iter().any(Option::is_some));
        rows
    }

    /// All of it as a page.
    pub fn page(&self) -> String {
        let names = self.names();
        let headings: Vec<String> = [String::new()].into_iter().chain(names.iter().cloned()).collect();
        let rows = |rows: Vec<(String, Vec<String>)>| -> Vec<Vec<String>> {
            rows.into_iter().map(|(what, values)| [vec![what], values].concat()).collect()
        };
        let mut head = format!("<h1>{}</h1>\n", html::escaped(&names.join(", ")));
        head += &html::paragraph("when", &format!("{} runs side by side", self.runs.len()));
        if let Some(why) = self.why_not() {
            head += &html::paragraph("lead", &format!("Their losses cannot be compared: {why}."));
        }
        let differences = match rows(self.differences()) {
            none if none.is_empty() => html::paragraph("note", "Nothing: the runs were given the same."),
            some => html::table(&headings, &some),
        };
        let body = [
            head,
            html::section(
                "How they learned",
                &[self.figure(), html::table(&headings, &rows(self.losses()))].concat(),
            ),
            html::section("What differs", &differences),
            html::section("What they wrote", &self.voices(&names)),
            "<footer>This page quotes what a diary taught models: keep it as you keep the diary.</footer>\n"
                .into(),
        ];
        html::page(&names.join(", "), &body.concat())
    }

    /// The runs' losses in one drawing: validation, with training behind it.
    pub fn figure(&self) -> String {
        let per_byte = !self.one_tokenizer();
        let share = |run: usize, side: usize| match (per_byte, &self.sides[run]) {
            (false, _) => Some(1.0),
            (true, Ok(sides)) => sides[side].tokens_per_byte(),
            (true, Err(_)) => None,
        };
        let scaled = |points: Vec<Point>, by: Option<f64>| -> Vec<Point> {
            by.map_or(Vec::new(), |by| points.into_iter().map(|(x, y)| (x, y * by)).collect())
        };
        let of = |(run, told): (usize, &Told)| {
            [scaled(told.training(), share(run, 0)), scaled(told.curves.validation(), share(run, 1))]
        };
        let curves: Vec<[Vec<Point>; 2]> = self.runs.iter().enumerate().map(of).collect();
        let (_, high) =
            reach(curves.iter().flat_map(|[training, validation]| [settled(training), validation]));
        let ink = |run: usize| Ink::Run((run % usize::from(RUN_INKS)) as u8);
        let drawn = |size, most: usize| {
            let of = |(run, [training, validation]): (usize, &[Vec<Point>; 2])| {
                let seen = training.iter().position(|point| point.1 <= high).unwrap_or(0);
                let validation = thinned(validation, most);
                let line = if validation.len() <= 40 { Line::dotted } else { Line::new };
                [Line::behind(ink(run), thinned(&training[seen..], most)), line(ink(run), validation)]
            };
            let lines = curves.iter().enumerate().flat_map(of).collect();
            Chart { about: "Losses of the runs over steps", size, from_zero: false, lines }.svg()
        };
        let drawings: Vec<String> =
            [drawn((960, 400), 500), drawn((360, 300), 150)].into_iter().flatten().collect();
        if drawings.is_empty() {
            return String::new();
        }
        let names = self.names();
        let keys: String =
            names.iter().enumerate().map(|(run, name)| html::key(&ink(run).name(), name)).collect();
        let below =
            "Thick: validation. Thin: training, smoothed, without the first steps where those lie far above.";
        html::figure("Loss", if per_byte { "nats/byte" } else { "nats/token" }, &keys, &drawings, below)
    }

    fn voices(&self, names: &[String]) -> String {
        let mut out = String::new();
        for (when, texts) in self.samples() {
            out += &html::paragraph("note", &format!("The samples {when}, from the same random draws."));
            out += "<div class=\"beside\">\n";
            for (name, text) in names.iter().zip(texts) {
                let (step, voice) = match text {
                    Some((step, text)) => (format!(", step {}", thousands(step)), html::voice(text)),
                    None => (String::new(), html::paragraph("note", "no sample")),
                };
                out += &format!("<div><h3>{}{step}</h3>\n{voice}</div>\n", html::escaped(name));
            }
            out += "</div>\n";
        }
        out
    }
}
