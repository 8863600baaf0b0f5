use std::borrow::Cow;

use super::*;
use crate::eval::likeness::style::marks::{Marks, marks};
use crate::eval::likeness::style::richness::{mattr, yule_k};
use crate::eval::likeness::testing as real;

/// A figure of a text by its name.
fn figure(text: &str, name: &str) -> Option<f64> {
    figures(text).iter().find(|figure| figure.name == name).unwrap().value
}

fn keys(text: &str) -> Vec<Cow<'_, str>> {
    words(text).map(|word| word.key()).collect()
}

#[test]
fn marks_by_hand() {
    let found =
        marks("“Well, well,” said L⸺; 'good' men's dogs' ’tis—no - yes--and... 7.30 1,000 [x]… Why?! a: b.");
    let expected = Marks {
        comma: 2,
        full_stop: 1,
        semicolon: 1,
        colon: 1,
        dash: 3,
        ellipsis: 2,
        question: 1,
        exclamation: 1,
        quotation: 4,
        bracket: 2,
        apostrophe: 3,
        blanked: 1,
        straight: 4,
        curly: 3,
    };
    assert_eq!(found, expected);
    assert_eq!(marks("- an item\n- another"), Marks::default());
    assert_eq!(marks("‘Yes, it’s his,’ ‘no’").quotation, 4);
    assert_eq!(marks(""), Marks::default());
}

#[test]
fn figures_by_hand() {
    // Three sentences of 4, 2 and 3 words: mean 3, sd √((1+1+0)/2) = 1. 9 words.
    let text = "I saw my OWL. he slept. Then i'm 12!";
    assert_eq!(figure(text, "words a sentence"), Some(3.0));
    assert_eq!(figure(text, "words a sentence, standard deviation"), Some(1.0));
    // I saw my OWL he slept Then i'm 12: 1+3+2+3+2+5+4+3+2 = 25.
    assert_eq!(figure(text, "characters a word"), Some(25.0 / 9.0));
    let in_1000 = |name: &str| figure(text, &format!("{name} in 1,000 words")).unwrap() * 9.0 / 1000.0;
    for (name, count) in [
        ("full stops", 2.0),
        ("exclamation marks", 1.0),
        ("apostrophes", 1.0),
        ("words all in capitals", 1.0),
        ("numbers in digits", 1.0),
        ("first persons (I, me, my)", 3.0),
        ("commas", 0.0),
    ] {
        assert!((in_1000(name) - count).abs() < 1e-12, "{name}");
    }
    assert_eq!(figure(text, "sentences that begin with a capital, share"), Some(2.0 / 3.0));
    assert_eq!(figure(text, "I in lower case, share"), Some(0.5));
    assert_eq!(figure(text, "curly quotes and apostrophes, share"), Some(0.0));
    assert_eq!(figure("no quotes here", "curly quotes and apostrophes, share"), None);
    // A family joined of three, a flag of two halves, a heart with its variation.
    let emoji = "a \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} b \u{1f1e9}\u{1f1ea} c \u{2764}\u{fe0f} d";
    assert_eq!(figure(emoji, "emoji in 1,000 words"), Some(750.0));
}

#[test]
fn richness_by_hand() {
    // Windows of 3 of a b a a c: aba 2, baa 2, aac 2: 6 of 9.
    assert_eq!(mattr(&keys("a b a a c"), 3), Some(6.0 / 9.0));
    assert_eq!(mattr(&keys("a b"), 3), None);
    // f = 3, 1, 1; N = 5: 10⁴·(11 − 5)/25 = 2400.
    assert_eq!(yule_k(&keys("a b a a c")), Some(2400.0));
    assert_eq!(yule_k(&keys("a")), None);
}

#[test]
fn mattr_is_as_a_naive_one() {
    let texts = real::barbellion();
    let text = texts.iter().find(|text| words(text).count() > 500).map_or("", String::as_str);
    let keys = keys(text);
    let shares =
        keys.windows(100).map(|w| w.iter().collect::<std::collections::BTreeSet<_>>().len() as f64 / 100.0);
    let (n, sum) = shares.fold((0, 0.0), |(n, sum), share| (n + 1, sum + share));
    if n > 0 {
        assert!((mattr(&keys, 100).unwrap() - sum / f64::from(n)).abs() < 1e-9);
    }
}

#[test]
fn z_by_hand() {
    // Own entries of 1, 2 and 4 words (logarithms 0, ln 2, 2·ln 2: mean ln 2, sd ln 2), generated ones of 8: z = 2.
    let measures = compare(&["a b c d e f g h"], &["a", "a b", "a b c d"], None);
    let entry = &measures[0];
    assert_eq!(entry.name, "words an entry");
    assert!((entry.generated.unwrap() - 8.0).abs() < 1e-9 && (entry.own.unwrap() - 2.0).abs() < 1e-9);
    assert!(
        (entry.z.unwrap() - 2.0).abs() < 1e-9 && (entry.noise.unwrap() - (4.0_f64 / 3.0).sqrt()).abs() < 1e-9
    );
}

#[test]
fn a_mark_never_made_has_the_spread_of_one() {
    // Four own pieces of 100 words without an exclamation mark: s = 10, n = 4, so the floor is 10/√4 = 5. The generated
    // piece has two marks in 100 words, 20 in 1,000: z = 4.
    let plain = "word ".repeat(100);
    let shout = format!("{}! no!", "word ".repeat(99));
    let measures = compare(&[&shout], &[plain.as_str(); 4], None);
    let found = measures.iter().find(|m| m.name.starts_with("exclamation")).unwrap();
    assert_eq!((found.generated, found.own, found.sd_of_own), (Some(20.0), Some(0.0), Some(0.0)));
    assert!((found.z.unwrap() - 4.0).abs() < 1e-9);
    // Without a count there is no floor, and no z; where nothing differs it is 0.
    let of = |name: &str| measures.iter().find(|m| m.name.starts_with(name)).unwrap().z;
    assert_eq!(of("characters"), None);
    assert_eq!(of("semicolons"), Some(0.0));
}

#[test]
fn openings_and_endings_by_hand() {
    let texts = ["Up early. To bed.", "Up early, and “so to bed!”", "Up late. Bed.", "", "Up.", "Then to"];
    let habit = |words: &str, count| Habit { words: words.to_string(), count };
    assert_eq!(openings(&texts, 1, 9), [habit("up", 4), habit("then", 1)]);
    assert_eq!(openings(&texts, 2, 9), [habit("up early", 2), habit("then to", 1), habit("up late", 1)]);
    assert_eq!(endings(&texts, 2, 1), [habit("to bed", 2)]);
    assert_eq!(endings(&texts, 1, 9), [habit("bed", 3), habit("up", 1)]);
    // The last was cut: it has no ending.
    assert!(openings(&texts, 0, 9).is_empty() && endings(&["Then to bed"], 2, 9).is_empty());
}

#[test]
fn a_writer_is_near_themselves_and_far_from_another() {
    let (barbellion, pepys) = (real::barbellion(), real::pepys());
    let (barbellion, pepys) = (real::views(&barbellion), real::views(&pepys));
    if barbellion.is_empty() || pepys.is_empty() {
        return;
    }
    let half = |odd: usize| -> Vec<&str> { barbellion.iter().skip(odd).step_by(2).copied().collect() };
    let own = half(0);
    let worst = |measures: &[Measure]| {
        let z = measures.iter().filter_map(|m| Some(m.z?.abs() / m.noise?));
        z.fold(0.0, f64::max)
    };
    let (same, other) = (compare(&half(1), &own, None), compare(&pepys[..200], &own, None));
    // Within a writer the figures lie within a few times what chance would do; between writers they do not.
    assert!(worst(&same) < 4.5, "{same:#?}");
    assert!(worst(&other) > 15.0, "{other:#?}");
}

/// Every tenth entry from the `of`th on.
fn tenth<'a>(texts: &[&'a str], of: usize) -> Vec<&'a str> {
    texts.iter().skip(of).step_by(10).copied().collect()
}

#[test]
fn anothers_pages_are_far_from_a_writer_and_their_own_are_not() {
    let (barbellion, pepys) = (real::barbellion(), real::pepys());
    let (barbellion, pepys) = (real::views(&barbellion), real::views(&pepys));
    if barbellion.is_empty() || pepys.is_empty() {
        return;
    }
    for (writer, other) in [(&barbellion, &pepys), (&pepys[..800].to_vec(), &barbellion)] {
        let trained: Vec<&str> = (0..8).flat_map(|i| tenth(writer, i)).collect();
        let (held_out, fresh) = (tenth(writer, 8), tenth(writer, 9));
        let far = distances(&other[100..150], &held_out, &trained);
        let near = distances(&fresh[..fresh.len().min(50)], &held_out, &trained);
        assert_eq!((far.len(), near.len()), (2, 2));
        assert!(far.iter().all(|of| of.is_off() && of.z > Some(1.5)), "{far:#?}");
        assert!(near.iter().all(|of| !of.is_off() && of.z < Some(1.0)), "{near:#?}");
    }
    // Too little to say.
    assert!(distances(&pepys[..1], &barbellion, &barbellion).is_empty());
}

#[test]
fn beginnings_endings_and_turns_are_a_writers_own() {
    let (barbellion, pepys) = (real::barbellion(), real::pepys());
    let (barbellion, pepys) = (real::views(&barbellion), real::views(&pepys));
    if barbellion.is_empty() || pepys.is_empty() {
        return;
    }
    let of = |writer: &[&str], it: &[&str], name: &str| {
        let trained: Vec<&str> = (0..8).flat_map(|i| tenth(writer, i)).collect();
        let measures = compare(it, &tenth(writer, 8), Some(&Seen::new(&trained)));
        measures.into_iter().find(|m| m.name.starts_with(name)).unwrap()
    };
    for name in ["begun", "ended", "three-word turns"] {
        let writer = &pepys[..2000];
        assert!(of(writer, &barbellion[..100], name).is_off(), "{name}");
        assert!(!of(writer, &tenth(writer, 9), name).is_off(), "{name}");
    }
    // Pepys's turns come back far more often than Barbellion's do; Barbellion never ends twice alike.
    assert!(of(&barbellion, &pepys[..50], "three-word turns").z > Some(4.0));
    assert_eq!(of(&barbellion, &pepys[..50], "ended").own, Some(0.0));
}

#[test]
fn anything_can_be_compared() {
    for (a, b) in
        [(&[][..], &[][..]), (&[""][..], &["\u{0}…\n\n"][..]), (&["日記。今日"][..], &["’ - -- ."][..])]
    {
        assert!(compare(a, b, Some(&Seen::new(b))).iter().all(|m| m.z.is_none_or(f64::is_finite)));
    }
}
