//! Pairs, whatever the marks, the days and the lengths.

use std::fmt::Write;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

type Case = (Option<Date>, String);

fn pairs_by(rank: &[u32], cases: &[Case]) -> Vec<Pair> {
    let mut finder = Finder::default();
    for (day, text) in cases {
        finder.add(*day, text);
    }
    finder.pairs(rank, &mut |entry| Ok(cases[entry].1.clone())).unwrap()
}

fn pairs(cases: &[Case]) -> Vec<Pair> {
    let rank: Vec<u32> = (0..cases.len() as u32).collect();
    pairs_by(&rank, cases)
}

fn on(day: i8, text: &str) -> Case {
    (Some(date(2024, 3, day)), text.to_owned())
}

/// `count` words that no other `seed` has.
fn prose(seed: u64, count: u64) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        write!(text, "w{:x} ", mix(seed << 20 | i)).unwrap();
        text
    })
}

fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word));
    words
}

#[test]
fn an_entry_takes_80_bytes() {
    assert_eq!(size_of::<Entry>(), 80);
}

#[test]
fn marks_case_and_quotes_do_not_count() {
    assert_eq!(words("**Don’t**  _stop_,\n\n# NOW"), words("don't stop now"));
    assert_eq!(words("ﬁne cafe\u{301} ＡＢ"), words("Fine café ab"));
    assert_eq!(words("ÄRGER"), words("ärger"));
    assert_eq!(words("雨が 降る").len(), 4);
    assert_eq!(words("❤\u{fe0f} … 😀").len(), 0);
    assert_ne!(words("हिन्दी"), words("हिनदी"));
}

#[test]
fn a_short_entry_is_dropped_on_its_own_day_only() {
    assert_eq!(pairs(&[on(1, "Toothache."), on(2, "Toothache."), on(3, "Toothache.")]), []);
    assert_eq!(pairs(&[(None, "Toothache.".into()), (None, "Toothache.".into())]), []);
    let found = pairs(&[on(1, "Toothache."), on(1, "*toothache*")]);
    assert_eq!(found, [Pair { kept: 0, dropped: 1, likeness: 1.0 }]);
}

#[test]
fn entries_without_words_are_kept() {
    assert_eq!(pairs(&[on(1, "😀"), on(1, "😢"), on(1, ""), on(1, "")]), []);
}

#[test]
fn a_long_entry_is_dropped_on_any_day() {
    for (count, dropped) in [(39, 0), (40, 1)] {
        let text = prose(1, count);
        assert_eq!(pairs(&[on(1, &text), (None, text.clone())]).len(), dropped, "{count} words");
    }
}

#[test]
fn near_needs_eight_words() {
    assert_eq!(pairs(&[on(1, "ha ha ha ha ha ha"), on(1, "ha ha ha ha ha ha ha")]), []);
    let found = pairs(&[on(1, &"ha ".repeat(8)), on(1, &"ha ".repeat(9))]);
    assert!(found.len() == 1 && found[0].likeness < 1.0, "{found:?}");
}

#[test]
fn the_earlier_by_rank_stays() {
    let text = prose(1, 50);
    let cases = [on(1, &text), on(1, &format!("{text} more")), on(1, &text)];
    let found = pairs_by(&[2, 1, 0], &cases);
    assert_eq!(found.iter().map(|pair| (pair.kept, pair.dropped)).collect::<Vec<_>>(), [(2, 1), (2, 0)]);
    assert!(found[0].likeness < 1.0 && found[1].likeness == 1.0);
}

#[test]
fn entries_just_over_the_threshold_are_found() {
    // 92 of 112 shingles in common: 0.82.
    let cases: Vec<Case> = (0..400)
        .flat_map(|i| {
            let shared = prose(i, 94);
            [on(1, &(shared.clone() + &prose(1000 + i, 10))), on(1, &(shared + &prose(2000 + i, 10)))]
        })
        .collect();
    assert!(pairs(&cases).len() >= 398);
    // 92 of 122: 0.75.
    let cases = [on(1, &(prose(1, 94) + &prose(2, 15))), on(1, &(prose(1, 94) + &prose(3, 15)))];
    assert_eq!(pairs(&cases), []);
}

#[test]
fn a_template_in_thousands_is_read_a_bounded_number_of_times() {
    let template = prose(1, 60);
    let cases: Vec<Case> =
        (0..2000).map(|i| on((i % 28) as i8 + 1, &(template.clone() + &prose(2 + i, 30)))).collect();
    let mut finder = Finder::default();
    for (day, text) in &cases {
        finder.add(*day, text);
    }
    let mut fetched = 0;
    let rank: Vec<u32> = (0..2000).collect();
    let found = finder.pairs(&rank, &mut |entry| {
        fetched += 1;
        Ok(cases[entry].1.clone())
    });
    assert_eq!(found.unwrap(), []);
    assert!(fetched < 2000 * 40, "{fetched}");
}

proptest! {
    #[test]
    fn pairs_are_sound(
        cases in prop::collection::vec((0i8..3, "([abé’]{1,2} ){0,12}"), 0..30),
        turn in 0usize..30,
    ) {
        let cases: Vec<Case> = cases
            .into_iter()
            .map(|(day, text)| ((day > 0).then(|| date(2024, 1, day)), text))
            .collect();
        let mut rank: Vec<u32> = (0..cases.len() as u32).collect();
        rank.rotate_left(turn % cases.len().max(1));
        let found = pairs_by(&rank, &cases);
        prop_assert_eq!(&found, &pairs_by(&rank, &cases));
        prop_assert!(found.is_sorted_by(|one, other| rank[one.dropped] < rank[other.dropped]));
        for pair in &found {
            prop_assert!(rank[pair.kept] < rank[pair.dropped]);
            prop_assert!(found.iter().all(|other| other.dropped != pair.kept));
            prop_assert!(cases[pair.kept].0.is_some() && cases[pair.kept].0 == cases[pair.dropped].0);
            let same = words(&cases[pair.kept].1) == words(&cases[pair.dropped].1);
            prop_assert_eq!(same, pair.likeness == 1.0);
        }
        for (i, one) in cases.iter().enumerate() {
            let twin = |other: &Case| one.0.is_some() && one.0 == other.0 && words(&one.1) == words(&other.1);
            let earlier = (0..cases.len()).any(|j| rank[j] < rank[i] && twin(&cases[j]));
            if earlier && !words(&one.1).is_empty() {
                prop_assert!(found.iter().any(|pair| pair.dropped == i));
            }
        }
    }
}
