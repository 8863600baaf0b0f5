use super::*;
use crate::eval::likeness::bootstrap::wilson;
use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::testing as real;

fn near(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 1e-9)
}

#[test]
fn delta_by_hand() {
    // Shares of (a, the, x): A ½ ½ 0, B ¼ ¼ ½; each word's mean is 3/8 3/8 ¼, its sd ⅛ ⅛ ¼. So the z-scores are
    // A: 1, 1, −1, B: −1, −1, 1, and of the text "a x" (½ 0 ½): 1, −3, 1.
    let (a, b) = ("the a the a", "the a x x");
    let burrows = Delta::fit(&[&[a], &[b]], Unit::Words, Metric::Burrows);
    let cosine = Delta::fit(&[&[a], &[b]], Unit::Words, Metric::Cosine);
    assert!(near(burrows.distance(a, b), 2.0) && near(cosine.distance(a, b), 2.0));
    // To A: (0 + 4 + 2)/3 = 2; to B: (2 + 2 + 0)/3 = 4/3.
    let found = burrows.distances("a x");
    assert!(near(found[0], 2.0) && near(found[1], 4.0 / 3.0), "{found:?}");
    // To A: (1 − 3 − 1)/(√3·√11) = −0.5222; to B 0.5222.
    let found = cosine.distances("a x");
    let angle = 3.0 / 33.0_f64.sqrt();
    assert!(near(found[0], 1.0 + angle) && near(found[1], 1.0 - angle), "{found:?}");
    assert_eq!((burrows.nearest("a x"), cosine.nearest("a x")), (Some(1), Some(1)));
}

#[test]
fn authors_count_the_same() {
    // Twice the pieces of B change nothing: the means are over authors.
    let (a, b) = ("the a the a", "the a x x");
    let once = Delta::fit(&[&[a], &[b]], Unit::Words, Metric::Burrows);
    assert_eq!(
        once.distances("a x"),
        Delta::fit(&[&[a], &[b, b]], Unit::Words, Metric::Burrows).distances("a x")
    );
    // A word of the same share everywhere does not scatter, and is left out.
    assert!(!Delta::fit(&[&["a b"], &["a c"]], Unit::Words, Metric::Burrows).known.contains_key("a"));
}

#[test]
fn trigrams_by_hand() {
    // " ab " has " ab" and "ab ", " ac " has " ac" and "ac "; each is in one of two pieces: the weights are all alike.
    let fit = Trigrams::fit(&[&["ab"], &["ac"]]);
    assert!(near(fit.distance("ab", "AB!"), 0.0) && near(fit.distance("ab", "ac"), 1.0));
    // "ab ac" has " ab" "ab " "b a" " ac" "ac ": of those four are known, each a fifth: the cosine is 1/√2 to both.
    assert!(near(fit.distance("ab", "ab ac"), 1.0 - 0.5_f64.sqrt()));
    assert_eq!(fit.nearest("ac ab ac"), Some(1));
    // In both of two pieces: ln(3/3) + 1; in one: ln(3/2) + 1.
    let fit = Trigrams::fit(&[&["ab"], &["ab ac"]]);
    assert_eq!(fit.idf[fit.grams.binary_search(&[' ', 'a', 'b']).unwrap()], 1.0);
    assert!(
        (fit.idf[fit.grams.binary_search(&[' ', 'a', 'c']).unwrap()] - (1.5_f64.ln() + 1.0)).abs() < 1e-12
    );
}

#[test]
fn what_has_no_words_is_of_nobody() {
    for delta in [
        Delta::fit(&[], Unit::Words, Metric::Cosine),
        Delta::fit(&[&[], &["…", ""]], Unit::Words, Metric::Burrows),
    ] {
        assert_eq!((delta.nearest("a"), delta.nearest("")), (None, None));
    }
    let fit = Trigrams::fit(&[&[], &["a b"]]);
    assert_eq!((fit.nearest("a"), fit.nearest("…")), (Some(1), None));
    assert_eq!(Delta::fit(&[&[], &["a b"]], Unit::Words, Metric::Cosine).nearest("a"), Some(1));
}

type Judge<'a> = &'a dyn Fn(&str) -> Option<usize>;

#[test]
fn pepys_is_told_from_barbellion() {
    let diaries = [real::barbellion(), real::pepys()];
    if diaries.iter().any(Vec::is_empty) {
        return;
    }
    for length in [200, 500] {
        let [mut train, mut test] = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
        for (author, diary) in diaries.iter().enumerate() {
            // The first half of the entries to learn, the second to be judged; of Pepys's,
            // which are far more, 300 of each half.
            let middle = diary.len() / 2;
            let views = real::views(diary);
            train[author] =
                pieces(&views[..middle.min(300)], length).into_iter().take(50_000 / length).collect();
            test[author] = pieces(&views[middle..views.len().min(middle + 300)], length)
                .into_iter()
                .take(50_000 / length)
                .collect();
        }
        let [a, b] = [&train[0], &train[1]].map(|author| real::views(author));
        let reference = [&a[..], &b[..]];
        let burrows = Delta::fit(&reference, Unit::Words, Metric::Burrows);
        let cosine = Delta::fit(&reference, Unit::Words, Metric::Cosine);
        let trigrams = Trigrams::fit(&reference);
        let judges: [(&str, Judge); 3] = [
            ("Burrows", &|text| burrows.nearest(text)),
            ("cosine", &|text| cosine.nearest(text)),
            ("3-grams", &|text| trigrams.nearest(text)),
        ];
        for (name, judge) in judges {
            let all = test.iter().map(Vec::len).sum();
            let right =
                |author: usize| test[author].iter().filter(|text| judge(text) == Some(author)).count();
            let share = wilson(right(0) + right(1), all);
            // Burrows's own is known to need more words than 200 (`Metric::Burrows`).
            let least = match (name, length) {
                ("Burrows", 200) => 0.7,
                ("Burrows", _) => 0.85,
                _ => 0.95,
            };
            assert!(share.low > least, "{length} words, {name}: {share:?}");
        }
    }
}
