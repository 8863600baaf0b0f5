//! Runs and near copies, against searches that try everything, and in real text.

use super::*;
use crate::eval::likeness::testing::{draws, files};
use crate::eval::likeness::words::words;

fn source(entries: &[&str]) -> Source {
    Source::new(entries.iter().enumerate().map(|(i, text)| (format!("1914-03-{i:02}"), (*text).to_string())))
}

fn keys(text: &str) -> Vec<String> {
    words(text).map(|word| word.key().into_owned()).collect()
}

/// Words of an alphabet of `symbols`, at random.
fn scrawl(draw: &mut impl FnMut() -> u64, length: u64, symbols: u64) -> String {
    (0..length).map(|_| format!("w{} ", draw() % symbols)).collect()
}

/// For each start the longest run that stands in one entry, by looking everywhere.
fn longest_from(text: &[String], entries: &[Vec<String>]) -> Vec<usize> {
    let common = |a: &[String], b: &[String]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let best = |at: usize| {
        entries.iter().flat_map(|e| (0..e.len()).map(move |i| &e[i..])).map(|e| common(&text[at..], e)).max()
    };
    (0..text.len()).map(|at| best(at).unwrap_or(0)).collect()
}

/// Longest first, from the definition: the runs' starts and lengths.
fn naive_runs(lengths: &[usize], least: usize) -> Vec<(usize, usize)> {
    let (mut free, mut runs) = (vec![true; lengths.len()], Vec::new());
    loop {
        let free_from = |at: usize| free[at..].iter().take(lengths[at]).take_while(|free| **free).count();
        let best = (0..lengths.len()).rev().max_by_key(|&at| free_from(at));
        let Some((at, length)) = best.map(|at| (at, free_from(at))).filter(|run| run.1 >= least) else {
            break;
        };
        free[at..at + length].fill(false);
        runs.push((at, length));
    }
    runs.sort_unstable();
    runs
}

#[test]
fn runs_are_those_of_a_search_everywhere() {
    let mut draw = draws(1);
    for trial in 0..600 {
        let symbols = 2 + trial % 5;
        let entries: Vec<String> = (0..1 + draw() % 4)
            .map(|_| {
                let n = draw() % 30;
                scrawl(&mut draw, n, symbols)
            })
            .collect();
        let length = draw() % 40;
        let text = scrawl(&mut draw, length, symbols + 1);
        let source = source(&entries.iter().map(String::as_str).collect::<Vec<_>>());
        let (mine, theirs) = (keys(&text), entries.iter().map(|e| keys(e)).collect::<Vec<_>>());
        let lengths = longest_from(&mine, &theirs);
        let least = 1 + (draw() % 5) as usize;

        let runs = source.verbatim(&text, least);
        let at = |run: &Run| words(&text).position(|word| word.at == run.text_bytes.start).unwrap();
        let found: Vec<(usize, usize)> = runs.iter().map(|run| (at(run), run.words)).collect();
        assert_eq!(found, naive_runs(&lengths, least), "{text} | {entries:?}");
        for run in &runs {
            let (here, there) = (&text[run.text_bytes.clone()], &entries[run.entry][run.entry_bytes.clone()]);
            assert_eq!((keys(here), keys(here).len()), (keys(there), run.words));
            // The first entry that has it, and there the first place.
            let first = theirs.iter().position(|e| e.windows(run.words).any(|w| w == keys(here))).unwrap();
            let place = theirs[first].windows(run.words).position(|w| w == keys(here)).unwrap();
            let byte = words(&entries[first]).nth(place).unwrap().at;
            assert_eq!((run.entry, run.entry_bytes.start), (first, byte));
        }

        let longest = lengths.iter().copied().max().filter(|&length| length > 0);
        assert_eq!(source.longest(&text).map(|run| run.words), longest);
        let covered =
            (0..mine.len()).filter(|&w| (0..=w).any(|at| lengths[at] >= least && at + lengths[at] > w));
        let copying = measure(&source, &[&text], least);
        assert_eq!(copying.by_text[0].in_runs, covered.count());
    }
}

/// The edits between two rows of words (Wagner and Fischer 1974).
fn levenshtein(one: &[String], other: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

/// The most words of a stretch that begins and ends in a match and has few enough edits, by looking everywhere.
fn naive_near(text: &[String], entry: &[String], least: usize, edits: f64) -> usize {
    let mut best = 0;
    for a in 0..text.len() {
        for c in (0..entry.len()).filter(|&c| entry[c] == text[a]) {
            let mut row: Vec<usize> = (0..=entry.len() - c).collect();
            for (b, word) in text.iter().enumerate().skip(a) {
                let mut corner = std::mem::replace(&mut row[0], b - a + 1);
                for d in c..entry.len() {
                    let equal = *word == entry[d];
                    let before = corner;
                    corner = row[d - c + 1];
                    row[d - c + 1] = (before + usize::from(!equal)).min(corner + 1).min(row[d - c] + 1);
                    let length = b - a + 1;
                    if equal && length >= least && before as f64 <= edits * length as f64 + 1e-9 {
                        best = best.max(length);
                    }
                }
            }
        }
    }
    best
}

/// Some words with `edits` of them replaced, left out or put in, all new words.
fn edited(draw: &mut impl FnMut() -> u64, original: &[String], edits: usize) -> Vec<String> {
    let mut copy = original.to_vec();
    for i in 0..edits {
        let at = 1 + (draw() % (copy.len() as u64 - 2)) as usize;
        match draw() % 3 {
            0 => copy[at] = format!("zz{i}"),
            1 => drop(copy.remove(at)),
            _ => copy.insert(at, format!("zz{i}")),
        }
    }
    copy
}

#[test]
fn the_longest_near_copy_is_that_of_a_search_everywhere() {
    let mut draw = draws(2);
    let mut found = 0;
    for trial in 0..40 {
        let entries = [scrawl(&mut draw, 50, 9), scrawl(&mut draw, 40, 9)];
        let theirs = entries.iter().map(|e| keys(e)).collect::<Vec<_>>();
        let copy = edited(&mut draw, &theirs[trial % 2][8..36], trial % 6);
        let text = [scrawl(&mut draw, 9, 9), copy.join(" "), scrawl(&mut draw, 9, 9)].join(" ");
        let near = source(&[&entries[0], &entries[1]]).near(&text, 20, 0.1);
        let naive = theirs.iter().map(|entry| naive_near(&keys(&text), entry, 20, 0.1)).max().unwrap();
        assert_eq!(near.iter().map(|near| near.run.words).max().unwrap_or(0), naive, "{text} | {entries:?}");
        for Near { run, edits, distance } in &near {
            let here = keys(&text[run.text_bytes.clone()]);
            let there = keys(&entries[run.entry][run.entry_bytes.clone()]);
            assert_eq!((here.len(), levenshtein(&here, &there)), (run.words, *edits));
            assert!(*distance == *edits as f64 / run.words as f64 && *distance <= 0.1);
            found += 1;
        }
    }
    assert!((20..40).contains(&found), "some are within the edits allowed and some are not: {found}");
}

#[test]
fn places_are_bytes_and_marks_do_not_count() {
    let source = source(&["Rain. “Don’t — GO,” said Émile; I went to bed.", "", "I stayed."]);
    let text = "And: don't go said émile! I stayed";
    let runs = source.verbatim(text, 2);
    assert_eq!(&text[runs[0].text_bytes.clone()], "don't go said émile! I");
    assert_eq!((runs.len(), runs[0].entry, runs[0].words), (1, 0, 5));
    let (name, entry) = source.entry(0).unwrap();
    assert_eq!((name, &entry[runs[0].entry_bytes.clone()]), ("1914-03-00", "Don’t — GO,” said Émile; I"));
    // "bed" and "I stayed" are of two entries.
    assert_eq!(source.longest("to bed I stayed").unwrap().words, 2);
    assert_eq!(source.longest("nothing known"), None);
    assert_eq!(source.longest("…"), None);
}

#[test]
fn neither_runs_nor_near_copies_cross_entries() {
    let mut draw = draws(6);
    let [one, other] = [0, 1].map(|_| scrawl(&mut draw, 15, 1_000_000));
    let text = format!("{one} {other}");
    let apart = source(&[&one, &other]);
    assert_eq!(apart.near(&text, 16, 0.2), []);
    assert_eq!(apart.verbatim(&text, 1).iter().map(|run| run.words).collect::<Vec<_>>(), [15, 15]);
    assert_eq!(source(&[&format!("{one} zz {other}")]).near(&text, 16, 0.2)[0].edits, 1);
}

#[test]
fn nothing_is_found_in_nothing() {
    let empty = source(&[]);
    assert_eq!((empty.verbatim("a b c", 0), empty.near("a b c d e", 0, 0.5)), (vec![], vec![]));
    let copying = measure(&source(&["a b"]), &[], 8);
    assert_eq!((copying.words, copying.share_in_runs, copying.longest), (0, 0.0, None));
    assert_eq!(measure(&empty, &["", "a"], 8).by_text[1].words, 1);
}

#[test]
fn one_word_for_ever_is_searched_in_time() {
    let ha = "ha ".repeat(20_000);
    let source = source(&[&ha, "he"]);
    let text = "ha ".repeat(3_000);
    let near = source.near(&text, 20, 0.1);
    assert_eq!((near.len(), near[0].run.words, near[0].edits), (1, 3_000, 0));
    assert_eq!(source.verbatim(&text, 8)[0].words, 3_000);
}

#[test]
fn shares_are_counted_by_hand() {
    let entry = "one two three four five six seven eight nine ten";
    let source = source(&[entry, "seven eight nine ten eleven twelve thirteen fourteen fifteen"]);
    // The two runs overlap by four words: of 17, all but two stand in one or the other.
    let across =
        "x one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen y";
    let copying = measure(&source, &["x y z", across], 8);
    assert_eq!(copying.by_text[1], TextCopying { words: 17, longest: 10, in_runs: 15, in_near: 0 });
    assert_eq!((copying.texts, copying.words, copying.least), (2, 20, 8));
    assert_eq!((copying.share_in_runs, copying.near_share), (0.75, 0.0));
    let (text, run) = copying.longest.unwrap();
    assert_eq!((text, run.words, run.text_bytes), (1, 10, 2..2 + entry.len()));
    // Longest first: what is left of the second is five words.
    let runs: Vec<usize> = source.verbatim(across, 5).iter().map(|run| run.words).collect();
    assert_eq!(runs, [10, 5]);
}

fn copying(by_text: Vec<TextCopying>) -> Copying {
    let sum = |count: fn(&TextCopying) -> usize| by_text.iter().map(count).sum::<usize>();
    let words = sum(|text| text.words);
    let longest = by_text.iter().map(|text| text.longest).max().unwrap_or(0);
    let run = Run { text_bytes: 0..0, words: longest, entry: 0, entry_bytes: 0..0 };
    Copying {
        texts: by_text.len(),
        words,
        least: 8,
        longest: Some((0, run)),
        share_in_runs: share(sum(|text| text.in_runs), words),
        near_share: share(sum(|text| text.in_near), words),
        by_text,
    }
}

/// Texts of 200 words, of which some have words in runs and a longest run.
fn texts(count: usize, with: usize, in_runs: usize, longest: usize) -> Copying {
    let text = |i| {
        let (in_runs, longest) = if i < with { (in_runs, longest) } else { (0, 5) };
        TextCopying { words: 200, longest, in_runs, in_near: in_runs }
    };
    copying((0..count).map(text).collect())
}

#[test]
fn the_verdict_is_by_what_exceeds_the_writer() {
    let yours = texts(100, 20, 9, 9);
    assert_eq!(verdict(&texts(9, 9, 200, 200), &yours), Verdict::TooLittle);
    assert_eq!(verdict(&yours, &texts(9, 0, 0, 0)), Verdict::TooLittle);
    // Half of all words are said of four own texts too, an eighth of them is not, and nothing beside nothing.
    assert_eq!(verdict(&texts(100, 100, 100, 40), &texts(4, 0, 0, 0)), Verdict::Copies);
    assert_eq!(verdict(&texts(100, 100, 25, 25), &texts(4, 0, 0, 0)), Verdict::TooLittle);
    assert_eq!(verdict(&texts(100, 100, 100, 40), &texts(0, 0, 0, 0)), Verdict::TooLittle);
    assert_eq!(verdict(&yours, &yours), Verdict::AsYouRepeatYourself);
    // 1% more: 30 texts of 100 with 13 words are 1.95%, against 0.9%.
    assert_eq!(verdict(&texts(100, 30, 13, 13), &yours), Verdict::SomeCopying);
    // 100 of 100 texts with 12 words in runs: 6% against 0.9%.
    assert_eq!(verdict(&texts(100, 100, 12, 12), &yours), Verdict::Copies);
    // A tenth of the texts from beginning to end.
    assert_eq!(verdict(&texts(100, 10, 200, 200), &yours), Verdict::Copies);
    // One text of 100 is no share to speak of, but a passage: if it is twice the writer's longest.
    assert_eq!(verdict(&texts(100, 1, 20, 20), &yours), Verdict::SomeCopying);
    assert_eq!(verdict(&texts(100, 1, 20, 20), &texts(100, 20, 10, 10)), Verdict::AsYouRepeatYourself);
    // A writer of templates may be repeated.
    assert_eq!(verdict(&texts(100, 50, 80, 40), &texts(100, 50, 80, 40)), Verdict::AsYouRepeatYourself);
}

#[test]
fn the_standard_error_is_that_of_the_texts() {
    // Shares 0.1, 0.3 of 100 and 300 words: 100 of 400; residuals −15 and 15; 450 · 2 / 400².
    let of = |words, in_runs| TextCopying { words, longest: 0, in_runs, in_near: 0 };
    let (share, variance) = ratio(&copying(vec![of(100, 10), of(300, 90)]), |text| text.in_runs);
    assert_eq!(share, 0.25);
    assert!((variance - 900.0 / 160_000.0).abs() < 1e-15);
}

#[test]
fn a_new_text_is_kept_under_a_limit() {
    let entry = "a b c d e f g h a b x";
    let source = source(&[entry, "d e q"]);
    let text = "a b c d e q zz f g h a b c";
    let ends: Vec<bool> = words(text).map(|word| source.runs_on(&text[..word.range().end], 3)).collect();
    let (t, f) = (true, false);
    //                 a  b  c  d  e  q  zz f  g  h  a  b  c
    assert_eq!(ends, [f, f, f, t, t, f, f, f, f, f, t, t, f]);
    // Against every run of N + 1 words, for all N.
    let mut draw = draws(4);
    let entries = [scrawl(&mut draw, 60, 4), scrawl(&mut draw, 60, 4)];
    let source = self::source(&[&entries[0], &entries[1]]);
    let text = scrawl(&mut draw, 300, 5);
    let (mine, theirs) = (keys(&text), entries.iter().map(|e| keys(e)).collect::<Vec<_>>());
    let stands = |run: &[String]| theirs.iter().any(|e| e.windows(run.len()).any(|w| w == run));
    for most in 0..8 {
        for i in 0..mine.len() {
            let naive = i >= most && stands(&mine[i - most..=i]);
            assert_eq!(source.runs_on(&mine[..=i].join(" "), most), naive, "{most} {i}");
        }
    }
}

#[test]
fn planted_copies_are_found_in_their_entry() {
    let entries = files("barbellion");
    let source = Source::new(entries.clone());
    let mut draw = draws(5);
    let long: Vec<usize> = (0..entries.len()).filter(|&i| words(&entries[i].1).count() >= 90).collect();
    for trial in 0..300.min(long.len()) {
        let entry = long[trial * 7 % long.len()];
        let theirs = keys(&entries[entry].1);
        let from = (draw() % (theirs.len() as u64 - 80)) as usize;
        let length = [24, 40, 80][trial % 3];
        // Up to 10%: of 24 words 2, of 40 words 3 and of 80 words 7, as some may be left out.
        let edits = (draw() % [3, 4, 8][trial % 3]) as usize;
        let copy = edited(&mut draw, &theirs[from..from + length], edits);
        let text = ["qq rr ss tt uu", &copy.join(" "), "vv ww xx yy zz"].join("\n");
        let near = source.near(&text, 20, 0.1);
        let [found] = &near[..] else { panic!("{} near copies of {text}", near.len()) };
        assert_eq!(found.run.words, copy.len());
        let there = keys(&entries[found.run.entry].1[found.run.entry_bytes.clone()]);
        let here = keys(&text[found.run.text_bytes.clone()]);
        assert_eq!(levenshtein(&here, &there), found.edits);
        assert!(found.edits <= edits, "{} for {edits}", found.edits);
        assert_eq!(found.run.entry, entry, "{}", entries[entry].0);
    }
}

#[test]
fn another_writer_is_no_copy() {
    let source = Source::new(files("barbellion"));
    for (month, text) in files("pepys").iter().step_by(12) {
        assert_eq!(source.near(text, 20, 0.1), [], "{month}");
    }
}
