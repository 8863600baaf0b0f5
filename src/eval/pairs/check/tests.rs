use super::*;
use crate::base::rng::Rng;
use crate::dataset::pairs::testing::{documents, made, whole_sentences};
use crate::eval::likeness::words::sentences;
use crate::eval::pairs::check::support::{Index, Said};

fn pair(instruction: &str, response: &str, context: &[&str]) -> Pair {
    Pair {
        instruction: instruction.into(),
        response: response.into(),
        context: context.iter().map(|c| (*c).to_string()).collect(),
        ..Pair::default()
    }
}

/// Sentences of Barbellion's, each told in other words by hand, with the day of the entry.
fn told_by_hand() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("told_by_hand.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" | ")).collect()
}

/// A sentence told in other words by rule: common words by others, every seventh left out, halves about a comma exchanged.
fn told_by_rule(sentence: &str) -> String {
    const OTHERS: [(&str, &str); 20] = [
        ("little", "small"),
        ("great", "big"),
        ("began", "started"),
        ("old", "aged"),
        ("walked", "went on foot"),
        ("house", "home"),
        ("money", "cash"),
        ("afraid", "scared"),
        ("saw", "noticed"),
        ("think", "believe"),
        ("man", "fellow"),
        ("morning", "forenoon"),
        ("night", "evening"),
        ("beautiful", "lovely"),
        ("said", "told me"),
        ("found", "discovered"),
        ("large", "huge"),
        ("went", "travelled"),
        ("people", "folk"),
        ("every", "each"),
    ];
    let words = sentence
        .split(' ')
        .enumerate()
        .filter(|(i, _)| i % 7 != 4)
        .map(|(_, word)| OTHERS.iter().find(|(from, _)| *from == word).map_or(word, |(_, to)| to));
    let told = words.collect::<Vec<_>>().join(" ");
    match told.trim_end_matches(['.', '!', '?']).split_once(", ") {
        Some((first, second)) => format!("{second}, {first}."),
        None => told,
    }
}

/// The supports of sentences as they are, told by rule, told by hand, and of other entries, each in one entry.
fn supports() -> Option<[Vec<f64>; 4]> {
    let entries = crate::dataset::pairs::testing::entries("barbellion");
    let texts: Vec<&str> = entries.iter().map(|(_, text)| text.as_str()).collect();
    if texts.is_empty() {
        return None;
    }
    let index = Index::new(&texts);
    let mut found = [const { Vec::new() }; 4];
    let mut measure = |side: usize, sentence: &str, entry: usize| {
        let said = index.said(sentence);
        if said.words() >= Limits::default().content_words {
            let best = index.support(&said, Some(&[entry]), &Said::default());
            found[side].push(best.map_or(0.0, |best| best.share));
        }
    };
    let mut rng = Rng::new(5, "support");
    for (entry, text) in texts.iter().enumerate() {
        for sentence in whole_sentences(text).iter().take(4) {
            measure(0, sentence, entry);
            measure(1, &told_by_rule(sentence), entry);
            measure(3, sentence, (entry + 1 + rng.below(texts.len() as u64 - 1) as usize) % texts.len());
        }
    }
    for (day, told) in told_by_hand() {
        let entry = entries.iter().position(|(date, _)| date == day).unwrap();
        for sentence in sentences(told) {
            measure(2, sentence, entry);
        }
    }
    Some(found)
}

fn share_below(supports: &[f64], limit: f64) -> f64 {
    supports.iter().filter(|support| **support < limit).count() as f64 / supports.len() as f64
}

#[test]
fn the_limit_of_support_stands_between_what_is_told_and_what_is_not() {
    let Some(supports) = supports() else { return };
    if std::env::var("SHOW").is_ok() {
        for limit in [0.25, 0.3, 0.34, 0.36, 0.38, 0.4, 0.42, 0.45, 0.5] {
            let shares: Vec<String> =
                supports.iter().map(|s| format!("{:.3}", share_below(s, limit))).collect();
            std::fs::write(
                "/dev/stderr",
                format!("{limit}: {shares:?} {:?}\n", supports.each_ref().map(Vec::len)),
            )
            .unwrap();
        }
    }
    let limit = Limits::default().support;
    let [same, by_rule, by_hand, others] = supports.each_ref().map(|supports| share_below(supports, limit));
    assert!(same == 0.0, "{same}");
    assert!(by_rule < 0.02, "{by_rule}");
    assert!(by_hand < 0.2, "{by_hand}");
    assert!(others > 0.9, "{others}");
}

/// What is found in the single pairs, without what is copied: the pairs by rule are.
fn found(report: &Report) -> Vec<&Found> {
    report.found.iter().filter(|found| !matches!(found.finding, Finding::Copied { .. })).collect()
}

fn show(found: &[&Found]) {
    if std::env::var("SHOW").is_ok() {
        let lines: Vec<String> =
            found.iter().map(|f| format!("{:3} {}", f.pair, f.finding.sentence())).collect();
        std::fs::write("/dev/stderr", lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn little_is_found_in_pairs_that_are_sound() {
    let pairs = made();
    let documents = documents(&pairs);
    if pairs.is_empty() {
        return;
    }
    assert_eq!(pairs.len(), 364);
    let report = check(&pairs, &documents, &Limits::default(), None);
    let found = found(&report);
    show(&found);
    let alarmed: std::collections::BTreeSet<usize> = found.iter().map(|found| found.pair).collect();
    assert!(alarmed.len() <= 4, "{} of 364", alarmed.len());
    assert!(report.whole.kinds.values().all(|n| (90..=92).contains(n)) && report.whole.kinds.len() == 4);
    assert_eq!(
        (report.whole.coverage.used, report.whole.themes.len()),
        (182, 12),
        "{:?}",
        report.whole.themes
    );
    assert_eq!(report.whole.remarks.len(), 1, "{:?}", report.whole.remarks);
    let own = Limits { copied: 0, ..Limits::default() };
    let without = check(&pairs, &[], &own, None);
    assert_eq!(without.whole.coverage.share, None);
    serde_json::to_string(&report).unwrap();
}

#[test]
fn what_is_planted_is_found() {
    let mut pairs = made();
    let documents = documents(&pairs);
    if pairs.is_empty() {
        return;
    }
    let is = |what: usize, finding: &Finding| match what {
        0 | 1 => matches!(finding, Finding::Unsupported { .. } | Finding::Invented { .. }),
        2 => matches!(finding, Finding::Double { part: Part::Answer, .. }),
        3 => matches!(finding, Finding::Manner { .. }),
        4 => matches!(finding, Finding::TooShort { .. }),
        _ => matches!(finding, Finding::CutOff { .. }),
    };
    let before = check(&pairs, &documents, &Limits::default(), None);
    let planted = plant(&mut pairs);
    assert_eq!(planted.len(), 40);
    let report = check(&pairs, &documents, &Limits::default(), None);
    let missed: Vec<_> = planted
        .iter()
        .filter(|(at, what)| !report.found.iter().any(|f| f.pair == *at && is(*what, &f.finding)))
        .map(|(at, what)| (*what, pairs[*at].response.clone()))
        .collect();
    let others = |report: &Report| -> std::collections::BTreeSet<usize> {
        let found = found(report).into_iter().map(|found| found.pair);
        found.filter(|i| planted.iter().all(|(at, _)| at != i)).collect()
    };
    if std::env::var("SHOW").is_ok() {
        let (old, new) = (others(&before).len(), others(&report).len());
        let said = format!("missed {missed:#?}\nalarms among the other 324: {new}, before {old}\n");
        std::fs::write("/dev/stderr", said).unwrap();
    }
    assert!(missed.len() <= 2, "{missed:#?}");
    assert!(others(&report).is_subset(&others(&before)), "the others were not touched");
}

/// Plants 40 faults, one a pair: eight sentences of others, eight answers exchanged, six doubled, six with manners, six too short, six cut off.
fn plant(pairs: &mut [Pair]) -> Vec<(usize, usize)> {
    const STRANGE: [&str; 8] = [
        "In the afternoon I flew over the harbour in a balloon with my cousin.",
        "My brother has bought a red bicycle and rides it to the office.",
        "The lecture on volcanoes was dull, and I left before the slides were shown.",
        "We ate oysters by candlelight and played chess until the candles failed.",
        "I planted forty tulips along the southern wall.",
        "Our neighbour's goat ate the washing and half a hat.",
        "It snowed so heavily that the trams stopped, and I walked across the frozen canal.",
        "The dentist pulled two teeth, and I fainted on his carpet.",
    ];
    const MANNERS: [(&str, &str); 6] = [
        ("Great question! ", ""),
        ("", " I hope this helps!"),
        ("As an AI, I cannot be sure. ", ""),
        ("", " In conclusion, it was a day like others."),
        ("It's important to note that much was left out. ", ""),
        ("", "\n\n- **Work:** much of it\n- **Rest:** little of it"),
    ];
    let mut planted = Vec::new();
    let mut at = (0..40).map(|n| n * 9);
    let mut next = || at.next().expect("there are 40 places");
    for strange in STRANGE {
        let i = next();
        pairs[i].response.extend([" ", strange]);
        planted.push((i, 0));
    }
    for _ in 0..4 {
        let (a, b) = (next(), next());
        let of_a = std::mem::take(&mut pairs[a].response);
        let of_b = std::mem::replace(&mut pairs[b].response, of_a);
        pairs[a].response = of_b;
        planted.extend([(a, 1), (b, 1)]);
    }
    for n in 0..6 {
        let i = next();
        // The pair before this one's is untouched; a word less is still nearly the same.
        let other = pairs[i - 4].response.clone();
        let mut words: Vec<&str> = other.split(' ').collect();
        if n % 2 == 1 {
            words.remove(0);
        }
        pairs[i].response = words.join(" ");
        planted.push((i, 2));
    }
    for (before, after) in MANNERS {
        let i = next();
        pairs[i].response = format!("{before}{}{after}", pairs[i].response);
        planted.push((i, 3));
    }
    for short in ["Nothing.", "I walked.", "It rained again.", "Home early.", "As ever.", "Not much, really."]
    {
        let i = next();
        pairs[i].response = short.to_string();
        planted.push((i, 4));
    }
    for n in 0..6 {
        let i = next();
        let response = &pairs[i].response;
        let words: Vec<&str> = response.split(' ').collect();
        pairs[i].response = words[..words.len() - 4 - n]
            .join(" ")
            .trim_end_matches(['.', '!', '?', '”', '’', ';', ':'])
            .to_string();
        planted.push((i, 5));
    }
    planted
}

#[test]
fn facts_are_sought_in_the_pairs_own_sources_and_the_question() {
    let documents = [
        (
            "a/1912-06-03.md".to_string(),
            "Went with Harry to Exeter House and paid £60 for the carriage.".to_string(),
        ),
        (
            "b.md".to_string(),
            "Tea with Tom and his mother at Ilfracombe, and then a swim in the cold sea.".to_string(),
        ),
    ];
    let pairs = [
        pair(
            "Who was with you?",
            "On 3 June 1912 I went with Harry to Exeter House, and it cost £60.",
            &["1912-06-03"],
        ),
        pair(
            "Who was with you?",
            "Tom went with Harry to Exeter House in 1913, and it cost £70.",
            &["1912-06-03.md"],
        ),
        pair(
            "Did you meet Percy?",
            "Percy I did not meet; I went to Exeter House with Harry.",
            &[&documents[0].1],
        ),
        pair("Where did you swim?", "I swam in the cold sea after tea with Tom at Ilfracombe.", &[]),
        pair(
            "Where did you swim?",
            "I swam in the cold sea after tea with Tom at Ilfracombe.",
            &["1913-06-03"],
        ),
    ];
    let report = check(&pairs, &documents, &Limits::default(), None);
    let of = |i: usize| -> Vec<String> {
        let found = report.found.iter().filter(|found| found.pair == i);
        found
            .map(|found| match &found.finding {
                Finding::Invented { text, elsewhere, .. } => format!("{text} {elsewhere}"),
                other => serde_json::to_value(other).unwrap()["what"].as_str().unwrap().to_string(),
            })
            .collect()
    };
    assert_eq!(of(0), [""; 0]);
    assert_eq!(of(1), ["Tom true", "1913 false", "70 false", "double"]);
    assert_eq!(of(2), [""; 0]);
    assert_eq!(of(3), [""; 0]);
    assert_eq!(of(4), ["unknown_source", "double", "double"]);
    assert_eq!(report.whole.coverage.unused, [""; 0]);
}

#[test]
fn what_is_wrong_with_an_answer_is_said() {
    let voice = |text: &str| text.contains("synergy").then_some(3.0);
    let run = "one two three four five six seven eight nine ten";
    let pairs = [
        pair("", "I went home early and slept.", &[]),
        pair("Why?", " ", &[]),
        pair("Why?", "We seek synergy in all we do.", &[]),
        pair("What did you do at home in May?", "What did you do at home in May? I slept there.", &[]),
        pair("What?", &format!("I count: {run}, and so on."), &[]),
    ];
    let limits = Limits { copied: 10, voice: 2.0, support: 0.0, ..Limits::default() };
    let documents = [("n.md".to_string(), run.to_string())];
    let report = check(&pairs, &documents, &limits, Some(&voice));
    let sentences: Vec<String> = report
        .found
        .iter()
        .filter(|f| !matches!(f.finding, Finding::Invented { .. } | Finding::Double { .. }))
        .map(|f| f.finding.sentence())
        .collect();
    assert_eq!(
        sentences,
        [
            "The question is empty: fill it in, or leave the pair out.",
            "The answer is empty: fill it in, or leave the pair out.",
            "The answer is not in the writer's voice: its distance is 3.00, and 2.00 is the most.",
            "The answer begins by saying the question again.",
            "10 words in a row are copied from n.md: “one two three four five six seven eight nine ten”.",
        ]
    );
    let remarks: Vec<String> = report.whole.remarks.iter().map(Remark::sentence).collect();
    assert_eq!(
        remarks[0],
        "No pair says of what kind it is (genuine, scenario, pushback, contrastive): is the mix as you want it?"
    );
    assert_eq!(report.whole.lengths, Lengths { tenth: 0, median: 7, ninetieth: 15 });
}

#[test]
fn nothing_makes_nothing() {
    let report = check(&[], &[], &Limits::default(), None);
    assert!(
        report.found.is_empty() && report.whole.remarks.is_empty() && report.whole.coverage.share.is_none()
    );
    let odd = ["", "\u{200d}", "。。。", "🙂", "’s", "''", "- -", "日本語のテキスト。", "a\u{301}\u{301}"];
    let pairs: Vec<Pair> = odd.iter().map(|text| pair(text, text, &[text, text])).collect();
    let documents: Vec<(String, String)> =
        odd.iter().map(|text| ((*text).to_string(), (*text).to_string())).collect();
    assert!(check(&pairs, &documents, &Limits::default(), None).found.len() > 5);
}

#[test]
fn rare_kinds_are_asked_for() {
    let mut pairs: Vec<Pair> = (0..40)
        .map(|i| Pair { kind: Some("genuine".into()), ..pair(&format!("Q {i}?"), "x", &[]) })
        .collect();
    pairs[0].kind = Some("pushback".into());
    pairs[1].kind = None;
    let report = check(&pairs, &[], &Limits::default(), None);
    let kinds: Vec<String> = report.whole.remarks.iter().map(Remark::sentence).collect();
    assert_eq!(
        kinds,
        [
            "Of 40 pairs 0 are scenario: do you want more of them?",
            "Of 40 pairs 1 is pushback: do you want more of them?",
            "Of 40 pairs 0 are contrastive: do you want more of them?",
        ]
    );
}

#[test]
#[ignore = "a measurement: both diaries whole, 1.28 million words"]
fn a_million_words_are_checked_in_seconds() {
    let pairs = made();
    let whole = |diary| crate::dataset::pairs::testing::entries(diary);
    let documents = [whole("barbellion"), whole("pepys")].concat();
    let start = std::time::Instant::now();
    let report = check(&pairs, &documents, &Limits::default(), None);
    let told = format!("{} pairs, {} documents: {:?}\n", report.pairs, documents.len(), start.elapsed());
    std::fs::write("/dev/stderr", told).unwrap();
}
