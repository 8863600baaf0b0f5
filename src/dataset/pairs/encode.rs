//! Pairs to tokens, as entries are: the question in the place of a header, the answer in that of the text.

use std::io::{BufWriter, Write};

use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::dataset::heldout::{Held, HeldOut};
use crate::dataset::index;
use crate::dataset::pairs::form::Form;
use crate::dataset::pairs::pair::Pair;
use crate::dataset::pairs::split::{groups, held};
use crate::dataset::tokenised::{Item, Tokenised};
use crate::journal::{Place, Report, spool};
use crate::tokens::Tokenizer;

/// Encodes pairs in a form.
///
/// # Errors
/// A full disk.
pub fn encode(pairs: &[Pair], form: Form, tokenizer: &Tokenizer) -> Result<Tokenised> {
    let folder = spool::folder();
    let failed = Error::io("write", &folder);
    let file = tempfile::tempfile_in(&folder).map_err(Error::io("write", &folder))?;
    let mut group_of = vec![0; pairs.len()];
    for (number, group) in groups(pairs).iter().enumerate() {
        group.iter().for_each(|&pair| group_of[pair] = number as u32);
    }
    let (mut entries, mut sources) = (Vec::new(), Vec::<String>::new());
    let (mut report, mut bytes) = (Report::default(), Vec::new());
    for (pair, group) in pairs.iter().zip(group_of) {
        let source = shown(&pair.place.file);
        let at = sources.iter().position(|known| *known == source);
        let source = at.unwrap_or_else(|| {
            sources.push(source);
            sources.len() - 1
        });
        let written = form.write(pair, tokenizer);
        tokenizer.width().put(&written.question, &mut bytes);
        tokenizer.width().put(&written.answer, &mut bytes);
        report.count(None, pair.response.split_whitespace().count() as u32, "pairs");
        entries.push(Item {
            tokens: (written.question.len() + written.answer.len()) as u32,
            header: written.question.len() as u32,
            pair: true,
            group,
            source: source as u32,
            place: Place::Number(pair.place.number),
            day: None,
            hash: index::hash(&format!("{}\n{}", pair.asked(), pair.response)),
        });
    }
    report.files = sources.len();
    let mut out = BufWriter::new(&file);
    out.write_all(&bytes).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    Ok(Tokenised { report, entries, sources, file, width: tokenizer.width() })
}

/// Which of the pairs are held out, in the form of entries.
pub fn held_out(pairs: &[Pair], fraction: f64, seed: u64) -> HeldOut {
    let entries: Vec<Held> = held(pairs, fraction, seed)
        .into_iter()
        .map(|held| if held { Held::Whole } else { Held::Not })
        .collect();
    let all = entries.iter().all(|held| *held == Held::Not) && fraction > 0.0;
    HeldOut { entries, nothing: all.then_some("there are too few pairs that are not much alike") }
}
