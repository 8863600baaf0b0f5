//! How a run is continued: the journals are read again, and what is new in them is trained on, with old text among it. What a model
//! learns last it keeps best, and old text that is shown again keeps the rest from fading (replay: Robins 1995; of language models
//! Ibrahim et al. 2024, arXiv:2403.08763).

use std::collections::HashSet;
use std::path::Path;

use crate::base::rng::Rng;
use crate::base::units::{counted, shown, thousands};
use crate::base::{Error, Result, shell};
use crate::dataset::index::{Line, Side};
use crate::dataset::new::{self, New};
use crate::dataset::{Sides, Split, Text, Tokenised, Wanted};
use crate::run::record::{Continues, Settings};
use crate::run::refuse_inside;
use crate::tokens::fit_context;
use crate::tokens::windows::Epochs;
use crate::train::defaults::intervals;
use crate::train::earlier::{Known, entries};
use crate::train::fit::Begin;
use crate::train::pieces::in_pieces_of;
use crate::train::read::describe_data;
use crate::train::ready::{About, Ready, open_device};
use crate::train::strict::not_whole;
use crate::train::{Observer, Options, Outcome, Stop};

/// Passes over the new text and the old among it, unless others are asked for.
pub const EPOCHS: f32 = 3.0;
/// So much of the run's learning rate, unless another is asked for: a trained model must not be shaken.
pub const LOWER: f32 = 0.25;

/// What of a continued run is another than of the run before it.
#[derive(Debug, Clone)]
pub struct Again<'a> {
    /// The run.
    pub run: &'a Path,
    /// The share of old text in what is trained on.
    pub mix: f64,
    /// Where the model is now that its adapter stands beside.
    pub base: Option<&'a Path>,
    /// Where its journals are, where it goes, how long and on what it is trained: the rest of these is the run's.
    pub options: &'a Options,
}

/// Continues a run in a new folder. Nothing is done, and nothing returned, where nothing is new.
///
/// # Errors
/// A run without an index, or whose files were changed; whatever keeps it from training.
pub fn again(again: &Again, observer: &mut dyn Observer, stop: &Stop) -> Result<Option<Outcome>> {
    let Some((known, ready)) = plan(again, observer)? else { return Ok(None) };
    let device = open_device(&again.options.device, again.options.threads, observer)?;
    observer.say(&steps(&ready));
    ready.go(device, |engine| known.load(engine), observer, stop).map(Some)
}

/// Says what continuing a run would be: how many entries are new, and what is trained on. Nothing is written.
///
/// # Errors
/// As [`again`], before the first step.
pub fn look_again(again: &Again, observer: &mut dyn Observer) -> Result<Vec<String>> {
    let options = Options { cache: false, ..again.options.clone() };
    let plan = plan(&Again { options: &options, ..again.clone() }, observer)?;
    Ok(plan.map_or(Vec::new(), |(_, ready)| {
        vec![steps(&ready), format!("goes to  {}; nothing was written", shown(&ready.out))]
    }))
}

fn steps(ready: &Ready) -> String {
    let Settings { steps, batch, accumulate, context, lr, .. } = &ready.settings;
    format!(
        "steps    {} of {batch} × {accumulate} sequences of {context} tokens, at a rate of {lr:e} at most",
        thousands(*steps)
    )
}

/// Reads, and decides what the run is to be; none where nothing is new.
fn plan(again: &Again, observer: &mut dyn Observer) -> Result<Option<(Known, Ready)>> {
    let known = open(again, observer)?;
    let options = read_as(&known, again.options)?;
    let out = known.out(options.out.as_deref())?;
    refuse_inside(&out, &options.paths)?;
    observer.doing("reading");
    let (header, tokenizer) = (options.template()?, known.tokenizer.clone());
    let wanted =
        Wanted { paths: &options.paths, options: &options.journal, header: header.as_ref(), tokenizer };
    let read = wanted.prepare(options.cache, observer)?;
    describe_data(&read.report, observer);
    if options.strict && !read.report.is_whole() {
        return Err(not_whole());
    }
    // Where other paths are given, what is not in them need not be gone.
    let whole = again.options.paths.is_empty();
    let new = new::of(&read, &known.index, whole);
    if new.iter().all(|new| *new == New::No) {
        observer.say(&nothing_new(&known, &read));
        return Ok(None);
    }
    if whole && new.iter().all(|new| *new != New::No) {
        let problem = "not one of the entries there is one that the run knows: another journal";
        let next = format!(
            "name the journal: {} train --continue {} PATH…",
            shell::program(),
            shell::path(&known.dir)
        );
        return Err(Error::file(&options.paths[0], problem, next));
    }
    let words = words(&known, &read, &new)?;
    let told = [("journal", read.report.to_string())].into_iter().chain(read.report.brief());
    let mut brief: Vec<(String, String)> = told.map(|(what, line)| (what.to_string(), line)).collect();
    let (text, lines) = mixed(&known, read, &new, (again.mix, whole))?;
    lines.iter().for_each(|(what, line)| observer.say(&format!("{what:8} {line}")));
    brief.extend(lines);
    let settings = settings(&known, &options, &text, observer)?;
    let dir = std::path::absolute(again.run).map_err(Error::io("find", again.run))?;
    let about = About {
        paths: if whole { known.run.data.paths.clone() } else { joined(&known, &options) },
        entries: entries(&text.index()),
        words: known.run.data.words + words,
        brief,
        header: options.header,
        mask_header: options.mask_header,
        split: options.split,
        reading: options.journal,
        pairs: None,
        continues: Some(Continues {
            run: dir.clone(),
            mix: again.mix as f32,
            held_out: text.held_out_before() as u64,
        }),
    };
    let ready = Ready {
        out,
        config: known.run.model,
        settings,
        preset: known.run.preset.clone(),
        tokenizer: known.tokenizer.clone(),
        from: dir.display().to_string(),
        what: format!("from {}", shown(again.run)),
        base: known.run.base.clone(),
        begin: Begin::Resume,
        text,
        about,
        tune: again.options.tune,
    };
    Ok(Some((known, ready)))
}

/// Opens the run, with what is asked of it otherwise.
fn open(again: &Again, observer: &mut dyn Observer) -> Result<Known> {
    let Again { run, base, options, .. } = again;
    options.check()?;
    let mut known = Known::open(run)?;
    match (base, &mut known.run.base) {
        (Some(path), Some(base)) => base.path = std::path::absolute(path).map_err(Error::io("find", path))?,
        (Some(_), None) => {
            let next = "leave --base out";
            return Err(Error::usage(
                "--base, but this run trained no adapter: it has its whole model",
                next,
            ));
        }
        (None, _) => {}
    }
    if let Some(batch) = options.batch.filter(|&batch| batch != known.run.settings.batch) {
        in_pieces_of(batch, &mut known.run.settings, observer)?;
    }
    Ok(known)
}

/// The options with which the run's journals are read again: the run's own, but for days, and for paths where some are given.
fn read_as(known: &Known, options: &Options) -> Result<Options> {
    let data = &known.run.data;
    let mut journal = data.reading.clone();
    journal.since = options.journal.since.or(journal.since);
    journal.until = options.journal.until.or(journal.until);
    Ok(Options {
        paths: if options.paths.is_empty() { known.paths()? } else { options.paths.clone() },
        header: data.header.clone(),
        mask_header: data.masked.is_some(),
        split: data.split.clone(),
        journal,
        ..options.clone()
    })
}

/// The paths of a run and those that were given beside it.
fn joined(known: &Known, options: &Options) -> Vec<String> {
    let mut paths = known.run.data.paths.clone();
    let given = options.paths.iter().map(|path| path.display().to_string());
    paths.extend(given.filter(|path| !known.run.data.paths.contains(path)));
    paths
}

fn nothing_new(known: &Known, read: &Tokenised) -> String {
    let all = counted(read.entries.len() as u64, "entry", "entries");
    let mut line =
        format!("nothing  is new: {} knows all of the {all} read; nothing is done", shown(&known.dir));
    if let Some(until) = known.run.data.reading.until {
        line += &format!(" (it reads until {until}; a later --until reads on)");
    }
    line
}

/// Words of the new entries.
fn words(known: &Known, read: &Tokenised, new: &[New]) -> Result<u64> {
    let mut words = 0;
    for ((entry, item), _) in read.read().zip(&read.entries).zip(new).filter(|(_, new)| **new != New::No) {
        let text = known.tokenizer.decode(&entry?[item.header as usize..]);
        words += text.split_whitespace().count() as u64;
    }
    Ok(words)
}

/// The new entries with old ones among them, and lines that tell of it.
fn mixed(
    known: &Known,
    read: Tokenised,
    new: &[New],
    (mix, whole): (f64, bool),
) -> Result<(Text, Vec<(String, String)>)> {
    let Settings { seed, val_fraction, context, .. } = known.run.settings;
    let dated = read.entries.iter().zip(new).any(|(entry, new)| *new == New::Free && entry.day.is_some());
    // A list names entries that the run knows; of the new ones it says nothing.
    let split = match Split::parse(&known.run.data.split) {
        Split::Latest if dated => Split::Latest,
        _ => Split::Random,
    };
    let sides = Sides::of_new(&read, &known.tokenizer, &split, (val_fraction.into(), seed), new)?;
    let (train, val) = (sides.train_tokens(), sides.val_tokens());
    let count = new.iter().filter(|new| **new != New::No).count() as u64;
    if train == 0 {
        return Err(Error::setting(
            format!(
                "{} new, and all of it held out: it is, or may be, another wording of what was held out before",
                counted(count, "entry is", "entries are")
            ),
            "write more, and continue then",
        ));
    }
    let here: HashSet<u64> = read.entries.iter().map(|entry| entry.hash).collect();
    let may = |line: &Line| !whole || here.contains(&line.hash);
    // Less than a window is no text to train on.
    let wanted = (train as f64 * mix / (1.0 - mix)).ceil() as usize;
    let wanted = if mix > 0.0 { wanted.max((context + 1).saturating_sub(train)) } else { 0 };
    let lines = replayed(&known.index, wanted, seed, may);
    let earlier = known.text(lines)?;
    let (old, kept) = (earlier.tokens_of(Side::Train), earlier.tokens_of(Side::Val));
    let of = thousands(read.entries.len() as u64);
    let share = 100.0 * old as f64 / (old + train) as f64;
    let mut told = vec![
        ("new", format!("{count} of {of} entries: {}", sides.line())),
        ("mix", format!("{} of old text among them ({share:.0}%)", counted(old as u64, "token", "tokens"))),
    ];
    if old < wanted {
        told[1].1 += ", which is all there is";
    }
    told.push((
        "held out",
        match kept {
            0 => "nothing of the old text, as before: what is forgotten cannot be measured".into(),
            _ => format!(
                "{} of old text, as before; of the new {}",
                thousands(kept as u64),
                thousands(val as u64)
            ),
        },
    ));
    let (end_of_text, width) = (known.tokenizer.end_of_text(), known.run.data.width);
    let text = Text { earlier: Some(earlier), read: Some((read, sides)), end_of_text, width };
    Ok((text, told.into_iter().map(|(what, line)| (what.to_string(), line)).collect()))
}

/// An index in which old entries of so many tokens are to be trained on again, drawn by the seed from those that may be. What was
/// held out stays held out.
fn replayed(index: &[Line], wanted: usize, seed: u64, may: impl Fn(&Line) -> bool) -> Vec<Line> {
    let mut lines: Vec<Line> = index.to_vec();
    lines.iter_mut().filter(|line| line.side == Side::Train).for_each(|line| line.side = Side::Before);
    let drawable = |(_, line): &(usize, &Line)| line.side == Side::Before && may(line);
    let mut order: Vec<usize> = lines.iter().enumerate().filter(drawable).map(|(n, _)| n).collect();
    Rng::new(seed, "mix").shuffle(&mut order);
    let mut tokens = 0;
    for n in order {
        if tokens >= wanted {
            break;
        }
        lines[n].side = Side::Train;
        tokens += lines[n].range().len();
    }
    lines
}

/// The run's settings, for fewer steps at a lower rate.
fn settings(known: &Known, options: &Options, text: &Text, observer: &mut dyn Observer) -> Result<Settings> {
    let before = known.run.settings.clone();
    let train = text.train_tokens();
    let context = fit_context(train, before.context);
    if context < before.context {
        observer.say(&format!(
            "context  {context} tokens instead of {}: there are only {} to train on",
            before.context,
            thousands(train as u64)
        ));
    }
    let windows = Epochs::new(0..train, context, before.seed)?.rows_in_epoch(0);
    let sequences = before.batch * before.accumulate;
    let of_epochs = |e: f32| ((f64::from(e) * windows as f64) / sequences as f64).ceil().max(1.0) as u64;
    let steps = match (options.steps, options.epochs) {
        (Some(steps), _) => steps,
        (None, Some(epochs)) => of_epochs(epochs),
        (None, None) => of_epochs(EPOCHS).min(before.steps),
    };
    let lr = options.lr.unwrap_or(before.lr * LOWER);
    let usual = intervals(steps, sequences * context, text.val_tokens());
    Ok(Settings {
        steps,
        epochs: options.epochs.filter(|_| options.steps.is_none()),
        context,
        lr,
        min_lr: lr / 10.0,
        lr_floor: None,
        warmup: steps.div_ceil(20).min(100),
        recompute: options.recompute.unwrap_or(before.recompute),
        eval_every: usual.eval_every,
        sample_every: usual.sample_every,
        save_every: usual.save_every,
        patience: options.patience.unwrap_or(before.patience),
        threads: (options.threads > 0).then_some(options.threads),
        ..before
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_text_is_drawn_and_what_was_held_out_is_not() {
        let line = |n: usize, side| Line {
            hash: n as u64,
            date: None,
            side,
            pair: false,
            header: 0,
            start: 10 * n,
            end: 10 * n + 10,
        };
        let mut index: Vec<Line> = (0..20).map(|n| line(n, Side::Train)).collect();
        index[0].side = Side::Before;
        index.extend((20..25).map(|n| line(n, Side::Val)));
        let drawn = |wanted, seed| -> Vec<u64> {
            let lines = replayed(&index, wanted, seed, |line| line.hash != 7);
            assert!(lines.iter().all(|line| (line.hash >= 20) == (line.side == Side::Val)));
            lines.iter().filter(|line| line.side == Side::Train).map(|line| line.hash).collect()
        };
        assert!(drawn(0, 1).is_empty());
        assert_eq!(drawn(45, 1).len(), 5);
        assert_eq!(drawn(45, 1), drawn(45, 1));
        assert_ne!(drawn(45, 1), drawn(45, 2));
        // All but the one that may not be, the one from before the version before too.
        assert_eq!(drawn(1000, 1).len(), 19);
        assert!(drawn(1000, 1).contains(&0) && !drawn(1000, 1).contains(&7));
    }
}
