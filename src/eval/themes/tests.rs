//! Themes of made-up documents, and of two diaries where they are at hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::*;

/// Documents about three things, in a few sentences each.
fn made_up() -> Vec<(String, String)> {
    let things = [
        "ship captain sea harbour sail anchor wind deck sailor storm",
        "play theatre actor stage scene music curtain comedy tragedy audience",
        "garden rose seed spade soil apple tree bee weed blossom",
    ];
    let mut rng = Rng::new(1, "documents");
    let documents = (0..90).map(|i| {
        let words: Vec<&str> = things[i % 3].split(' ').collect();
        let text: Vec<String> = (0..20)
            .map(|_| format!("I went to see the {} again", words[rng.below(words.len() as u64) as usize]))
            .collect();
        (format!("day {i}"), text.join(". "))
    });
    documents.collect()
}

pub fn journals() -> Option<PathBuf> {
    [Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals"), "/work/shared/journals".into()]
        .into_iter()
        .find(|folder| folder.is_dir())
}

/// Barbellion's entries: one a file, below its front matter.
fn barbellion() -> Option<Vec<(String, String)>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(journals()?.join("barbellion")).ok()?.map(|file| file.unwrap().path()).collect();
    files.sort();
    let entry = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let body = text.strip_prefix("---").and_then(|rest| rest.split_once("\n---")).map(|(_, body)| body);
        (file.file_stem().unwrap().to_string_lossy().into_owned(), body.unwrap_or(&text).to_string())
    };
    Some(files.iter().map(entry).collect())
}

/// Pepys's days of the plague and the fire, or all where they are to be read: below a line that is a date.
fn pepys() -> Option<Vec<(String, String)>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(journals()?.join("pepys")).ok()?.map(|file| file.unwrap().path()).collect();
    // All of them take a minute without the optimiser.
    let of =
        |year: &str, file: &PathBuf| file.file_name().is_some_and(|n| n.to_string_lossy().starts_with(year));
    if std::env::var_os("DIARIST_SHOW").is_none() {
        files.retain(|file| of("1665", file) || of("1666", file));
    }
    files.sort();
    let mut days: Vec<(String, String)> = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            if line.len() == 10 && line.chars().all(|c| c.is_ascii_digit() || c == '-') {
                days.push((line.to_string(), String::new()));
            } else if let Some((_, text)) = days.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Some(days)
}

#[test]
fn documents_of_three_subjects_make_three_themes() {
    let documents = made_up();
    let found = themes(&documents, Some(3), 7);
    assert_eq!(found.len(), 3);
    for theme in &found {
        let subjects: BTreeSet<usize> = theme.documents.iter().map(|i| i % 3).collect();
        assert_eq!(subjects.len(), 1, "{theme:?}");
        assert!(theme.documents.contains(&theme.centre));
        assert!((3..=4).contains(&theme.name.split(", ").count()), "{}", theme.name);
    }
}

#[test]
fn every_document_is_in_one_theme_whatever_is_wanted() {
    let mut documents = made_up();
    documents.extend(["", "Toothache.", "2024 !!", "日記"].map(|text| ("odd".to_string(), text.to_string())));
    for wanted in [None, Some(0), Some(1), Some(7), Some(1000)] {
        for n in [1, 2, 3, 5, 20, documents.len()] {
            // From the end, where the odd ones are.
            let some = &documents[documents.len() - n..];
            let mut seen: Vec<usize> =
                themes(some, wanted, 3).into_iter().flat_map(|theme| theme.documents).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>(), "{wanted:?} of {n}");
        }
    }
    assert!(themes(&[], None, 0).is_empty());
}

#[test]
fn the_same_seed_gives_the_same_themes() {
    let documents = made_up();
    assert_eq!(themes(&documents, None, 5), themes(&documents, None, 5));
    // More are wanted than there are subjects, so that it depends on the beginning which is split.
    let names = |seed| themes(&documents, Some(7), seed).into_iter().map(|theme| theme.documents).collect();
    let all: BTreeSet<Vec<Vec<usize>>> = (0..5).map(names).collect();
    assert!(all.len() > 1);
}

#[test]
fn a_name_shows_words_as_they_are_most_often_written() {
    let mut documents = made_up();
    for (i, (_, text)) in documents.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
        text.push_str(" Sandwich sailed. Sandwich, Sandwich’s.");
        text.push_str(if i == 0 { " SANDWICH" } else { " the ships, the ships" });
    }
    let found = themes(&documents, Some(3), 7);
    let ships = found.iter().find(|theme| theme.documents.contains(&0)).unwrap();
    assert!(ships.words.contains(&"Sandwich".to_string()), "{:?}", ships.words);
    assert!(ships.words.contains(&"ships".to_string()), "{:?}", ships.words);
    assert!(!found.iter().flat_map(|theme| &theme.words).any(|word| word == "went" || word == "again"));
}

#[test]
fn stop_words_are_those_of_the_language_that_is_spoken() {
    let german = "Ich habe die Rosen im Garten geschnitten und dann den Hund gewaschen, weil er nass war";
    let text = |i: usize| format!("{german}. Der {} war nicht da.", ["Bäcker", "Müller"][i % 2]);
    let documents: Vec<(String, String)> = (0..6).map(|i| (i.to_string(), text(i))).collect();
    let words: Vec<String> =
        themes(&documents, Some(2), 1).into_iter().flat_map(|theme| theme.words).collect();
    assert!(words.contains(&"Bäcker".to_string()) && words.contains(&"Müller".to_string()), "{words:?}");
    assert!(!words.iter().any(|word| ["die", "und", "habe", "nicht"].contains(&word.as_str())), "{words:?}");
}

#[test]
fn no_theme_of_a_diary_is_tiny_and_what_it_is_full_of_is_found() {
    // Pairs of words that belong together for whoever has read the diary.
    let known = [
        [["Symphony", "beethoven"], ["Journal", "Essay"], ["death", "die"]],
        [["plague", "Cocke"], ["fleet", "Dutch"], ["fire", "burned"]],
    ];
    for (documents, known) in [barbellion(), pepys()].into_iter().zip(known) {
        let Some(documents) = documents else { return };
        let documents = cut_long(&documents);
        let begun = Instant::now();
        let found = themes(&documents, None, 1);
        let took = begun.elapsed();
        assert!((FEWEST..=MOST).contains(&found.len()));
        for theme in &found {
            assert!(theme.documents.len() * 50 >= documents.len() - 50, "{}", theme.name);
            assert!(theme.words.len() >= 4);
        }
        // For reading, with DIARIST_SHOW set: a file in the folder for temporary ones.
        if std::env::var_os("DIARIST_SHOW").is_some() {
            let lines = found.iter().map(|theme| {
                let centre = &documents[theme.centre];
                format!("{:4}  {}\n      {}\n", theme.documents.len(), theme.words.join(" "), centre.0)
            });
            let shown = format!("{} documents in {took:?}\n{}", documents.len(), lines.collect::<String>());
            std::fs::write(std::env::temp_dir().join(format!("themes-{}.txt", documents.len())), shown)
                .unwrap();
            continue;
        }
        for pair in known {
            let has = |theme: &Theme| pair.iter().all(|word| theme.words.iter().any(|own| own == word));
            assert!(found.iter().any(has), "{pair:?}");
        }
    }
}
