use super::*;
use crate::eval::likeness::testing as real;

#[test]
fn log_odds_by_hand() {
    // 3 of 10 against 1 of 10, a prior of 5 words of which 5·4/20 = 1 are this one:
    // odds 4/(10+5−3−1) = 4/11 and 2/(10+5−1−1) = 2/13; δ = ln(52/22) = 0.860201; variance 1/4 + 1/2.
    let (delta, z) = log_odds([3.0, 1.0], [10.0, 10.0], 5.0).unwrap();
    assert!(
        (delta - 0.860_201).abs() < 1e-6 && (z - 0.860_201 / 0.75_f64.sqrt()).abs() < 1e-6,
        "{delta} {z}"
    );
    // What `PRIOR` says: α = 10,000·5/120,000 = 0.41667; ln(5.41667/0.41667) + ln(110/30) over √(1/5.41667 + 1/0.41667).
    for (count, z) in [(5.0, 2.4), (50.0, 7.6)] {
        let found = log_odds([count, 0.0], [20_000.0, 100_000.0], PRIOR).unwrap();
        assert!((found.1 - z).abs() < 0.05, "{found:?}");
    }
    assert_eq!(log_odds([4.0, 4.0], [4.0, 4.0], 5.0), None);
}

#[test]
fn sides_and_order() {
    // x is 3 of 10 on the left in two texts, 1 of 10 on the right; y the other way round; the rest once each.
    let generated = ["x x a b c", "d x e f y"];
    let own = ["y x g h y", "y k l m n"];
    let keys = keyness(&generated, &own, Unit::Word, 5.0);
    let found: Vec<(&str, usize, usize, usize)> = keys
        .iter()
        .map(|key| (key.word.as_str(), key.in_generated.count, key.in_own.count, key.in_generated.texts))
        .collect();
    assert_eq!(found, [("x", 3, 1, 2), ("y", 1, 3, 1)]);
    assert!((keys[0].z - 0.993_275).abs() < 1e-5 && (keys[1].z + 0.993_275).abs() < 1e-5, "{keys:?}");
    assert_eq!(keys[0].in_generated.per_10_000, 3000.0);
    assert_eq!((keys[0].example.as_str(), keys[1].example.as_str()), ("x x a b c", "y x g h y"));
}

#[test]
fn one_rambling_text_does_not_count() {
    let rambling = "tick ".repeat(50);
    let own = ["a b c", "a b d"];
    let has = |keys: &[Key]| keys.iter().any(|key| key.word == "tick");
    assert!(!has(&keyness(&[&rambling, "a b"], &own, Unit::Word, PRIOR)));
    assert!(has(&keyness(&[&rambling, "a tick"], &own, Unit::Word, PRIOR)));
    // A side of one text has nothing else.
    assert!(has(&keyness(&[&rambling], &own, Unit::Word, PRIOR)));
}

#[test]
fn runs_do_not_cross_marks_and_names_are_as_written() {
    let generated =
        ["So to bed. So to bed, I said to Will Hewer.", "So to\nbed with Will Hewer", "to Will Hewer"];
    let of = |unit| -> Vec<(String, usize)> {
        let keys = keyness(&generated, &["rain", "sun"], unit, 10.0);
        keys.into_iter().map(|key| (key.word, key.in_generated.count)).collect()
    };
    assert_eq!(of(Unit::Trigram), [("so to bed".to_string(), 3)]);
    assert_eq!(of(Unit::Name), [("Will Hewer".to_string(), 3)]);
    let bigrams = of(Unit::Bigram);
    assert!(bigrams.contains(&("to bed".into(), 3)) && bigrams.contains(&("so to".into(), 3)), "{bigrams:?}");
    assert!(!bigrams.iter().any(|(words, _)| words == "bed so" || words == "bed i"));
}

#[test]
fn examples_are_short_and_of_whole_words() {
    let text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen\tword \
                seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four";
    let at = text.find("word").unwrap();
    let found = example(text, at..at + 4);
    assert!(found.chars().count() <= 90 && found.contains("sixteen word seventeen"), "{found}");
    assert!(text.replace('\t', " ").split(' ').collect::<Vec<_>>().join(" ").contains(&found));
    assert!(found.split(' ').all(|word| text.split_whitespace().any(|whole| whole == word)), "{found}");
    assert_eq!(example("“short”", 3..8), "“short”");
    let long = "ä".repeat(1000);
    assert_eq!(example(&long, 0..long.len()).chars().count(), 90);
}

#[test]
fn counts_are_as_naive_ones_on_real_text() {
    let texts = real::barbellion();
    let views = real::views(&texts);
    let (a, b) = views.split_at(views.len() / 2);
    let keys = keyness(a, b, Unit::Word, PRIOR);
    assert!(keys.windows(2).all(|pair| pair[0].z >= pair[1].z));
    for key in keys.iter().take(8).chain(keys.iter().rev().take(8)) {
        for (side, used) in [(a, key.in_generated), (b, key.in_own)] {
            let count = |text: &&str| {
                crate::eval::likeness::words::words(text).filter(|word| word.key() == key.word).count()
            };
            assert_eq!(side.iter().map(count).sum::<usize>(), used.count, "{}", key.word);
            assert_eq!(side.iter().filter(|text| count(text) > 0).count(), used.texts, "{}", key.word);
        }
        assert!(key.example.chars().count() <= 90);
    }
}
