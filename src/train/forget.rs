//! How a run forgets: it is trained again from where it began, on all its text but the entries that are to go, and both models are
//! measured on those. Nothing is subtracted from a model that has learned a text: the new one has never seen it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::arch::Recompute;
use crate::base::units::{counted, shown};
use crate::base::{Error, Result, shell};
use crate::dataset::index::{Line, Side, spelled};
use crate::dataset::listed::{List, Names};
use crate::dataset::{Text, Wanted};
use crate::device::select::Device;
use crate::eval::score;
use crate::run::record::{Continues, Settings};
use crate::run::runs::runs;
use crate::run::{read_run, refuse_inside};
use crate::sample::{At, Model, Reads};
use crate::train::base;
use crate::train::earlier::{Known, entries};
use crate::train::engine::Engine;
use crate::train::fit::Begin;
use crate::train::pieces::in_pieces_of;
use crate::train::ready::{About, Ready, open_device};
use crate::train::{Observer, Options, Outcome, Stop};
use crate::weights;

/// What is forgotten, of what, and where the new run goes.
#[derive(Debug, Clone, Copy)]
pub struct Forget<'a> {
    /// The run.
    pub run: &'a Path,
    /// A file that lists the entries.
    pub list: &'a Path,
    /// The new run's folder.
    pub out: Option<&'a Path>,
    /// A smaller one needs less memory for the same sequences a step.
    pub batch: Option<usize>,
    /// How much is computed a second time instead of kept, where that is to be otherwise: less memory for the same bits.
    pub recompute: Option<Recompute>,
    /// As `--device` takes it.
    pub device: &'a str,
    /// Threads of the CPU; 0 for all.
    pub threads: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Forgotten {
    /// The new run.
    pub outcome: Outcome,
    /// Losses of both models; none where the training was interrupted.
    pub proof: Option<Proof>,
    /// The other runs beside it that have one of the entries.
    pub others: Vec<PathBuf>,
}

/// Mean losses in nats a token, of the run before and of the new one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proof {
    /// On the text that is forgotten.
    pub forgotten: [f64; 2],
    /// On the text that is held out, which neither was trained on; none where none is.
    pub unseen: Option<[f64; 2]>,
    /// Tokens scored of the one and the other.
    pub tokens: [usize; 2],
}

/// Trains a run again without some entries, in a new folder, and measures both models.
///
/// # Errors
/// A run without an index, or whose files were changed; a line that names none of its entries; entries that it was not trained on,
/// or that the run knew which it continues; whatever keeps it from training.
pub fn forget(wanted: Forget, observer: &mut dyn Observer, stop: &Stop) -> Result<Forgotten> {
    let mut known = Known::open(wanted.run)?;
    if let Some(batch) = wanted.batch.filter(|&batch| batch != known.run.settings.batch) {
        in_pieces_of(batch, &mut known.run.settings, observer)?;
    }
    known.run.settings.recompute = wanted.recompute.unwrap_or(known.run.settings.recompute);
    let gone = named(&known, wanted.list, observer)?;
    let (going, staying): (Vec<Line>, Vec<Line>) =
        known.index.iter().cloned().partition(|line| gone.contains(&line.hash));
    check(&known, &going, &staying, wanted.list)?;
    let out = known.out(wanted.out)?;
    let journals: Vec<PathBuf> = known.run.data.paths.iter().map(PathBuf::from).collect();
    refuse_inside(&out, &journals.into_iter().filter(|path| path.exists()).collect::<Vec<_>>())?;
    let ready = ready(&known, &going, staying, out)?;
    let held_out: Vec<Line> = ready
        .text
        .earlier
        .iter()
        .flat_map(|text| &text.lines)
        .filter(|l| l.side == Side::Val)
        .cloned()
        .collect();
    let others = others(&known, &gone);
    let device = open_device(wanted.device, wanted.threads, observer)?;
    let outcome = ready.go(device, |engine| begin(&known, engine), observer, stop)?;
    if outcome.interrupted {
        return Ok(Forgotten { outcome, proof: None, others });
    }
    observer.doing("measuring both models");
    let device = Device::open(wanted.device, wanted.threads)?;
    let trained: Vec<Line> = going.into_iter().filter(|line| line.side != Side::Val).collect();
    let texts = [ids(&known, &trained)?, ids(&known, &held_out)?];
    let scored = |dir: &Path| losses(&device, dir, &known.run.settings, &texts);
    let (before, after) = (scored(&known.dir)?, scored(&outcome.dir)?);
    let unseen = (texts[1].len() > 1).then_some([before[1], after[1]]);
    let tokens = texts.map(|ids| ids.len().saturating_sub(1));
    let proof = Proof { forgotten: [before[0], after[0]], unseen, tokens };
    Ok(Forgotten { outcome, proof: Some(proof), others })
}

/// The hashes of the entries that a file lists. The journals are read only where a line names a source, of which the run's own index
/// says nothing.
fn named(known: &Known, list: &Path, observer: &mut dyn Observer) -> Result<HashSet<u64>> {
    let lines = List::read(list)?;
    let (mut names, mut number_of, mut hashes) = (Names::default(), HashMap::new(), Vec::new());
    for line in &known.index {
        let number = *number_of.entry(line.hash).or_insert_with(|| {
            hashes.push(line.hash);
            hashes.len() - 1
        });
        names.add_day(line.date, number);
        names.add(spelled(line.hash), number);
    }
    if !lines.all_in(&names)
        && let Ok(paths) = known.paths()
    {
        observer.doing("reading the journals, for the sources");
        let data = &known.run.data;
        let header =
            Options { header: data.header.clone(), journal: data.reading.clone(), ..Options::default() }
                .template()?;
        let (options, tokenizer) = (&data.reading, known.tokenizer.clone());
        let read =
            Wanted { paths: &paths, options, header: header.as_ref(), tokenizer }.prepare(false, observer)?;
        for (n, entry) in read.entries.iter().enumerate() {
            if let Some(number) = number_of.get(&entry.hash) {
                names.add_entry(&read, n, *number);
            }
        }
    }
    Ok(lines.find(&names)?.into_iter().map(|number| hashes[number]).collect())
}

/// Whether it can be forgotten so.
fn check(known: &Known, going: &[Line], staying: &[Line], list: &Path) -> Result<()> {
    let trained = |lines: &[Line]| lines.iter().filter(|line| line.side != Side::Val).count();
    if trained(going) == 0 {
        return Err(Error::file(
            list,
            "this run was not trained on any of these entries: they are held out, and its model never saw them",
            "leave the run as it is; its tokens.bin holds them, as it holds the rest of the diary",
        ));
    }
    if trained(staying) == 0 {
        let next = "remove the run's folder instead, or leave some to train on";
        return Err(Error::file(list, "it lists all that this run was trained on", next));
    }
    let Some(Continues { run: before, .. }) = &known.run.data.continues else { return Ok(()) };
    let older = Known::open(before)?;
    let learned = |line: &&Line| line.side != Side::Val && going.iter().any(|gone| gone.hash == line.hash);
    match older.index.iter().find(learned) {
        None => Ok(()),
        Some(line) => Err(Error::file(
            before,
            format!(
                "this run continues that one, which was trained on {} already: begun from it again, it would know it still",
                line.date.map_or_else(|| spelled(line.hash), |day| format!("the entry of {day}"))
            ),
            format!(
                "forget it there, and continue what comes of that: {0} forget {1} --entries {2}, then {0} train --continue",
                shell::program(),
                shell::path(before),
                shell::path(list)
            ),
        )),
    }
}

/// The run over again, on the lines that stay.
fn ready(known: &Known, going: &[Line], staying: Vec<Line>, out: PathBuf) -> Result<Ready> {
    let run = &known.run;
    let words = |lines: &[Line]| -> Result<u64> {
        let text = known.tokenizer.decode(&ids(known, lines)?);
        Ok(text.split_whitespace().count() as u64)
    };
    let forgotten = counted(entries(going), "entry", "entries");
    let mut brief = run.data.brief.clone();
    brief.push(("forgot".into(), format!("{forgotten} of {}", shown(&known.dir))));
    let tokens = |of: &dyn Fn(&Line) -> bool| -> usize {
        staying.iter().filter(|line| of(line)).map(|line| line.range().len()).sum()
    };
    let continues = run.data.continues.as_ref().map(|continues| {
        let old = |line: &Line| line.side != Side::Val || line.end as u64 <= continues.held_out;
        Continues { held_out: tokens(&old) as u64, ..continues.clone() }
    });
    let about = About {
        paths: run.data.paths.clone(),
        entries: entries(&staying),
        words: run.data.words.saturating_sub(words(going)?),
        brief,
        header: run.data.header.clone(),
        mask_header: run.data.masked.is_some(),
        split: run.data.split.clone(),
        reading: run.data.reading.clone(),
        pairs: None,
        continues,
    };
    let text = Text {
        earlier: Some(known.text(staying)?),
        read: None,
        end_of_text: known.tokenizer.end_of_text(),
        width: run.data.width,
    };
    Ok(Ready {
        out,
        config: run.model,
        settings: run.settings.clone(),
        preset: run.preset.clone(),
        tokenizer: known.tokenizer.clone(),
        from: run.from.clone(),
        what: format!("as {} began", shown(&known.dir)),
        base: run.base.clone(),
        begin: Begin::Resume,
        text,
        about,
        tune: None,
    })
}

/// Gives a model the weights that the run began with.
fn begin(known: &Known, engine: &mut Engine) -> Result<()> {
    let run = &known.run;
    match (&run.data.continues, &run.base) {
        (Some(continues), _) => Known::open(&continues.run)?.load(engine),
        (None, Some(base)) => engine.load(&mut base::open(base, &run.model, &known.dir)?, None),
        (None, None) if run.from == "scratch" => engine.initialise(),
        (None, None) => {
            let mut checkpoint = weights::open(Path::new(&run.from))?;
            if *checkpoint.config() != run.model {
                let problem = "not the model that the run began with: its shape is another";
                return Err(Error::file(&run.from, problem, "put that model back there"));
            }
            engine.load(&mut checkpoint, None)
        }
    }
}

/// The tokens of some lines, each with its end of text.
fn ids(known: &Known, lines: &[Line]) -> Result<Vec<u32>> {
    let text = known.text(Vec::new())?;
    let each: Vec<Vec<u32>> =
        lines.iter().map(|line| text.tokens.read(line.range())).collect::<Result<_>>()?;
    Ok(each.concat())
}

/// A run's losses on the texts, in windows as it was validated; 0 of one that has no target.
fn losses(device: &Device, dir: &Path, settings: &Settings, texts: &[Vec<u32>; 2]) -> Result<[f64; 2]> {
    let at = At { weights: settings.weights, context: Some(settings.context), streams: 1 };
    let program = |shape: &crate::model::Shape| Ok(vec![shape.losses()?].into());
    let mut model = Model::open(weights::open(dir)?, device, at, Reads::Ids, |_| Ok(None), program)?;
    let t = model.positions;
    let mut losses = [0.0; 2];
    for (loss, ids) in losses.iter_mut().zip(texts).filter(|(_, ids)| ids.len() > 1) {
        *loss = score(model.exec.as_mut(), [1, t], ids, t, |_| ())?.loss;
    }
    Ok(losses)
}

/// The runs beside this one that have one of the entries, by their indexes.
fn others(known: &Known, gone: &HashSet<u64>) -> Vec<PathBuf> {
    let beside = known.dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let this = known.dir.canonicalize().ok();
    let has = |path: &PathBuf| {
        let open = |run: crate::run::Run| {
            crate::dataset::index::read(path, run.data.index.as_deref(), run.data.val[1] as usize).ok()
        };
        let index = read_run(path).ok().and_then(open);
        path.canonicalize().ok() != this
            && index.is_some_and(|all| all.iter().any(|l| gone.contains(&l.hash)))
    };
    runs(beside).into_iter().filter(has).collect()
}
