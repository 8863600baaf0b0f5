//! Questions and answers that a run is to learn: read, and told of.

use crate::base::units::{counted, thousands};
use crate::base::{Error, Result};
use crate::dataset::Data;
use crate::dataset::pairs::{self, Pair, Problem, Reading};
use crate::journal::{Guard, Report};
use crate::train::strict::not_whole;
use crate::train::{Observer, Options};

/// Problems that are named, and questions that are shown.
const SHOWN: usize = 3;

/// Reads the pairs that have a question and an answer, and says what could not be read, and what should not be learned; that is treated as
/// it is in journals.
///
/// # Errors
/// Files without a pair; with `--strict`, any that could not be read.
pub(super) fn read(options: &Options, observer: &mut dyn Observer) -> Result<Vec<Pair>> {
    if options.header.is_some() && options.beside.is_empty() {
        let next = "leave it out, or name a journal with --beside";
        return Err(Error::usage("--header with pairs alone, which have no entries to stand above", next));
    }
    let Reading { pairs, problems, .. } = pairs::read(&options.paths)?;
    for Problem { place, what } in problems.iter().take(SHOWN) {
        observer.warn(&format!("pairs    {place}: {what}"));
    }
    if problems.len() > SHOWN {
        let more = thousands((problems.len() - SHOWN) as u64);
        observer.warn(&format!(
            "pairs    and {more} more that could not be read: `diarist pairs check` names them"
        ));
    }
    if options.strict && !problems.is_empty() {
        return Err(not_whole());
    }
    let whole = |pair: &Pair| !pair.instruction.trim().is_empty() && !pair.response.trim().is_empty();
    let (mut pairs, empty): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(whole);
    if let Some(first) = empty.first() {
        let n = counted(empty.len() as u64, "pair has", "pairs have");
        observer.warn(&format!(
            "pairs    {n} no question or no answer, and is left out; the first is {}",
            first.place
        ));
    }
    if pairs.is_empty() {
        let problem = "no question with its answer";
        return Err(Error::file(&options.paths[0], problem, "see `diarist pairs check`"));
    }
    let words: usize = pairs.iter().map(|pair| pair.response.split_whitespace().count()).sum();
    observer.say(&format!(
        "pairs    {}, answers of {} words",
        counted(pairs.len() as u64, "pair", "pairs"),
        thousands(words as u64)
    ));
    guarded(&mut pairs, options, observer)?;
    Ok(pairs)
}

/// Looks for what should not be learned, and does with it what was asked for.
fn guarded(pairs: &mut [Pair], options: &Options, observer: &mut dyn Observer) -> Result<()> {
    let mut guard = Guard::new(&options.journal.secrets)?;
    for pair in pairs {
        let name = pair.place.to_string();
        let texts = [&mut pair.instruction, &mut pair.response].into_iter().chain(&mut pair.system);
        for text in texts.chain(pair.turns.iter_mut().map(|(_, said)| said)) {
            if let Some(after) = guard.take(&name, text) {
                *text = after;
            }
        }
    }
    let mut report = Report::default();
    guard.tell(&mut report);
    for (what, line) in report.secret_lines() {
        observer.say(&format!("{what:8} {line}"));
    }
    Ok(())
}

/// The first questions that are held out, or else the first of all: how they are answered is shown while it trains.
pub(super) fn questions(data: &Data, pairs: &[Pair]) -> Vec<String> {
    let alone = |i: &usize| pairs.get(*i).filter(|pair| pair.turns.is_empty());
    let held = data.held_out().filter_map(|i| alone(&i)).take(SHOWN);
    let held: Vec<String> = held.map(|pair| pair.instruction.clone()).collect();
    match held.is_empty() {
        true => {
            (0..pairs.len()).filter_map(|i| alone(&i)).take(SHOWN).map(|p| p.instruction.clone()).collect()
        }
        false => held,
    }
}
