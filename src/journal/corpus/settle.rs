//! What is settled once all is read: duplicates, boilerplate and the order of the days.

use super::beginnings;
use super::dedup::{self, THRESHOLD};
use super::report::{self, Duplicate};
use super::store::Corpus;
use crate::base::Result;
use crate::base::units::shown;
use crate::journal::options::Options;
use crate::journal::text::style::Boilerplate;
use crate::journal::watch::{Change, Observer};

/// Finds duplicates and boilerplate, puts the days in order and counts what stays.
pub fn settle(
    corpus: &mut Corpus,
    finder: dedup::Finder,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<()> {
    let order = corpus.order();
    let mut rank = vec![0; order.len()];
    (0..).zip(&order).for_each(|(place, &i)| rank[i as usize] = place);
    let pairs = finder.pairs(&rank, &mut |i| Ok(corpus.entry(i)?.whole().into_owned()))?;
    let mut stays = vec![true; order.len()];
    let cuts = if options.keep_duplicates { Default::default() } else { beginnings::find(corpus)? };
    // Alike only by way of a third entry, two entries are held out together, but no word of either goes. Nor does a text
    // go for its own beginning.
    let is_dropped = |pair: &dedup::Pair| {
        !options.keep_duplicates && pair.likeness >= THRESHOLD && !cuts.contains_key(&pair.kept)
    };
    for pair in &pairs {
        // A pair's first was judged before: its group is settled.
        corpus.index[pair.dropped].group = corpus.index[pair.kept].group;
        stays[pair.dropped] = !is_dropped(pair);
    }
    if !options.keep_duplicates {
        corpus.report.duplicates = stays.iter().filter(|stays| !**stays).count();
        for (cut, whole) in &cuts {
            if stays[*whole] && std::mem::replace(&mut stays[*cut], false) {
                *corpus.report.left_out.entry(beginnings::WHAT.into()).or_default() += 1;
            }
        }
        let named =
            |corpus: &Corpus, i: usize| format!("{}{}", shown(corpus.origin(i).0), corpus.index[i].place);
        let shown = pairs.iter().filter(|pair| is_dropped(pair)).take(report::MOST_PAIRS);
        corpus.report.pairs = shown
            .map(|pair| Duplicate {
                kept: named(corpus, pair.kept),
                dropped: named(corpus, pair.dropped),
                likeness: pair.likeness,
            })
            .collect();
    }
    corpus.arrange(order.into_iter().filter(|&i| stays[i as usize]));
    if options.style.drop_boilerplate {
        drop_boilerplate(corpus, observer)?;
    }
    for i in 0..corpus.len() {
        let (day, words, format) = (corpus.day(i), corpus.words(i), corpus.origin(i).1);
        corpus.report.count(day, words, format);
    }
    Ok(())
}

/// Leaves out the paragraphs that stand in very many entries, and with them the entries that are nothing else.
fn drop_boilerplate(corpus: &mut Corpus, observer: &mut dyn Observer) -> Result<()> {
    let mut counted = Boilerplate::default();
    for i in 0..corpus.len() {
        counted.add(&corpus.entry(i)?.text);
    }
    let mut common = counted.common();
    if common.is_empty() {
        return Ok(());
    }
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        if let Some(rest) = common.without(&entry.text) {
            if observer.wants_changes() {
                let (source, place, what) = (&entry.source, Some(entry.place), "boilerplate dropped");
                observer.changed(&Change { source, place, what, before: &entry.text, after: &rest });
            }
            corpus.replace_text(i, &rest)?;
        }
    }
    let before = corpus.len();
    corpus.index.retain(|stored| stored.words > 0);
    corpus.report.empty_entries += before - corpus.len();
    corpus.report.boilerplate = common.removed();
    Ok(())
}
