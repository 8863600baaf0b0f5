use std::path::{Path, PathBuf};

use super::testing::{bare, full_forms, made, talk_forms};
use super::*;
use crate::base::rng::Rng;

fn read_as(name: &str, text: &str) -> Reading {
    read_text(Path::new(name), text)
}

fn told(reading: &Reading) -> Vec<(usize, String)> {
    reading.problems.iter().map(|problem| (problem.place.number, problem.what.clone())).collect()
}

/// Pairs with all that is hard: quotation marks, line breaks, dividers, scripts, turns.
fn hard() -> Vec<Pair> {
    let pair = |instruction: &str, response: &str| Pair {
        instruction: instruction.into(),
        response: response.into(),
        context: vec!["a.md".into(), "“One”, \"two\";\tthree\n\n```\nfour".into()],
        kind: Some("pushback".into()),
        theme: Some("work, life".into()),
        ..Pair::default()
    };
    vec![
        pair(
            "Why \"so\"?\n\nBecause; it | is, {\"a\": [1]}",
            "今日は。\n- one\n- two, \"three\"\n```json\n[1]\n```",
        ),
        Pair { context: vec!["[not a list".into()], ..pair("Naïve?", "Ça va; \\ \u{1f600} \u{2028} end") },
        pair("What = what?", ""),
    ]
}

#[test]
fn every_form_gives_the_same_pairs() {
    let mut sets = vec![hard()];
    sets.extend(Some(made()).filter(|made| !made.is_empty()));
    for pairs in sets {
        for (name, text) in full_forms(&pairs) {
            let reading = read_as(name, &text);
            assert_eq!(told(&reading), [], "{name}");
            assert!(bare(&reading.pairs) == pairs, "{name}: {:#?}", bare(&reading.pairs).first());
        }
    }
}

#[test]
fn every_form_of_conversations_gives_the_same_pairs() {
    let mut pairs: Vec<Pair> = [hard(), made()].concat();
    for (i, pair) in pairs.iter_mut().enumerate() {
        (pair.context, pair.kind, pair.theme) = (Vec::new(), None, None);
        pair.system = (i % 2 == 1).then(|| "You are P.".to_string());
        if i % 3 == 2 {
            pair.turns = vec![(Role::User, "Good day.".into()), (Role::Assistant, format!("Good day, {i}."))];
        }
    }
    for (name, text) in talk_forms(&pairs) {
        let reading = read_as(name, &text);
        assert_eq!(told(&reading), [], "{name}");
        assert!(bare(&reading.pairs) == pairs, "{name}: {:#?}", bare(&reading.pairs)[..3].to_vec());
    }
}

#[test]
fn what_is_written_is_read_again_to_the_byte() {
    let mut pairs = [hard(), made()].concat();
    pairs[0].turns = vec![(Role::User, "a".into()), (Role::Assistant, "b".into())];
    pairs[1].system = Some("S".into());
    let own = own_jsonl(&pairs);
    let again = read_as("own.jsonl", &own);
    assert!(bare(&again.pairs) == pairs && own_jsonl(&again.pairs) == own);
    let messages = messages_jsonl(&pairs, None);
    assert_eq!(messages_jsonl(&read_as("m.jsonl", &messages).pairs, None), messages);
    let line = messages_jsonl(&pairs[2..3], Some("You are I."));
    assert_eq!(
        line,
        "{\"messages\":[{\"role\":\"system\",\"content\":\"You are I.\"},{\"role\":\"user\",\"content\":\"What = what?\"},\
         {\"role\":\"assistant\",\"content\":\"\"}]}\n"
    );
}

#[test]
fn files_are_read_in_every_encoding_and_folders_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let pairs = hard();
    let text = own_jsonl(&pairs).replace('\n', "\r\n");
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    write("1.jsonl", format!("\u{feff}{text}").as_bytes());
    write("2.jsonl", &wide(u16::to_le_bytes));
    write("3.json", &wide(u16::to_be_bytes));
    std::fs::create_dir(folder.path().join("4")).unwrap();
    write("4/a.csv", full_forms(&pairs)[11].1.as_bytes());
    write("5.parquet", b"PAR1");
    write("6.txt", b"A letter.\n");
    write(".hidden.json", b"{");
    let whole = folder.path().to_path_buf();
    let reading = read(&[whole.join("2.jsonl"), whole.clone()]).unwrap();
    assert_eq!(reading.pairs.len(), 4 * pairs.len());
    for (i, of_file) in reading.pairs.chunks(pairs.len()).enumerate() {
        assert_eq!(bare(of_file), pairs, "{i}");
    }
    let named: Vec<_> =
        reading.problems.iter().map(|p| p.place.file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(named, ["5.parquet", "6.txt"]);
    assert_eq!(reading.pairs[0].place.to_string(), format!("{}:1", whole.join("2.jsonl").display()));
    assert_eq!(
        reading.files.iter().map(|file| file.format).collect::<Vec<_>>(),
        ["JSONL", "JSONL", "JSONL", "a table"]
    );
}

#[test]
fn paths_without_a_pair_are_an_error_that_says_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&[folder.path().join("pears.json")]).unwrap_err().to_string();
    assert!(missing.contains("check the spelling"), "{missing}");
    std::fs::write(folder.path().join("a.json"), "[{\"title\": \"x\"}]").unwrap();
    let none = read(&[folder.path().to_path_buf()]).unwrap_err().to_string();
    assert!(
        none.contains("a.json:1: neither an instruction nor a response") && none.contains("next: give"),
        "{none}"
    );
    assert!(read(&[PathBuf::from(folder.path())]).is_err());
}

#[test]
fn a_truncated_end_loses_nothing_that_is_whole() {
    let pairs = hard();
    for (name, text) in full_forms(&pairs).into_iter().chain(talk_forms(&pairs)) {
        if name.starts_with("table") {
            continue;
        }
        // Within the last pair's response or the like, wherever that is.
        let cut = text.rfind("What = what?").unwrap() + 5;
        let reading = read_as(name, &text[..cut]);
        assert_eq!(reading.pairs.len(), 2, "{name} {:?}", told(&reading));
        let [problem] = &reading.problems[..] else { panic!("{name}: {:?}", told(&reading)) };
        assert!(problem.what.contains("breaks off"), "{name}: {}", problem.what);
        assert_eq!(problem.place.number, 3, "{name}");
    }
    let open = read_as("a.json", "[{\"q\": \"a\", \"a\": \"b\"},\n{\"q\": \"c\", \"a\": \"d\"}");
    assert_eq!((open.pairs.len(), told(&open).len()), (2, 1));
    assert!(told(&open)[0].1.contains("has no end"));
}

#[test]
fn a_broken_item_is_named_and_those_around_it_are_kept() {
    let text = "[\n {\"instruction\": \"a\", \"response\": \"b\"},\n {\"instruction\": \"she said \"no\" to me\", \"response\": \
                \"c\"},\n {\"instruction\": \"d\",\n  \"response\": \"e\"}\n]";
    let reading = read_as("a.json", text);
    assert_eq!(reading.pairs.iter().map(|p| p.response.as_str()).collect::<Vec<_>>(), ["b", "e"]);
    assert_eq!(reading.pairs[1].place.number, 3);
    let problems = told(&reading);
    assert!(problems.len() == 1 && problems[0].0 == 2 && problems[0].1.contains("line 3"), "{problems:?}");
    let lines = "{\"q\": \"a\", \"a\": \"b\"}\n\n{\"q\": 1\nnonsense\n{\"q\": \"c\", \"a\": \"d\"}\n{\"q\": \"e\", \"a\": \"f\"}\n";
    let reading = read_as("a.jsonl", lines);
    assert_eq!(reading.pairs.iter().map(|p| p.place.number).collect::<Vec<_>>(), [1, 5, 6]);
    assert_eq!(told(&reading).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn what_is_no_pair_is_named_with_its_number() {
    let text = "[{\"instruction\": \"a\"}, {\"output\": \"b\"}, 7, {\"prompt\": \"c\", \"output\": null}, \
                {\"prompt\": \"c\", \"output\": {\"x\": 1}}, {\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}, \
                {\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"tool\", \"content\": \"y\"}]}, \
                {\"instruction\": \"x\", \"sources\": [{\"file\": \"a.md\"}]}]";
    let reading = read_as("a.json", text);
    assert_eq!(reading.pairs, []);
    let problems = told(&reading);
    assert_eq!(
        problems.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7, 8],
        "{problems:#?}"
    );
    assert!(problems[6].1.contains("\"tool\""), "{problems:?}");
}

#[test]
fn rows_that_cannot_be_trusted_are_named() {
    let text = "question,answer,source\na,b,c\nd,e, f, g\nh\ni,\"j\nk\",l\nm,\"n,o\np,q,r\n";
    let reading = read_as("a.csv", text);
    assert_eq!(reading.pairs.iter().map(|p| p.place.number).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(reading.pairs[1].response, "j\nk");
    assert_eq!(told(&reading).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [3, 4, 7]);
}

#[test]
fn each_answer_of_a_conversation_is_a_pair_after_its_turns() {
    let text = r#"{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "1"},
        {"role": "user", "content": "2"}, {"role": "assistant", "content": "3"}, {"role": "user", "content": "4"},
        {"role": "assistant", "content": "5"}, {"role": "user", "content": "6"}], "theme": "t", "context": ["c"]}"#;
    let reading = read_as("a.json", text);
    let [first, second] = &reading.pairs[..] else { panic!("{reading:?}") };
    assert_eq!((first.instruction.as_str(), first.response.as_str(), first.turns.len()), ("1\n\n2", "3", 0));
    assert_eq!(second.turns, [(Role::User, "1\n\n2".to_string()), (Role::Assistant, "3".to_string())]);
    assert!(
        second.system.as_deref() == Some("S")
            && second.theme.as_deref() == Some("t")
            && second.context == ["c"]
    );
    assert_eq!(told(&reading).len(), 1);
}

#[test]
fn what_stands_around_pairs_holds_for_them() {
    let text = r#"{"theme": "work", "system": "S", "genuine": [{"q": "a", "a": "b"}],
        "push-back": [{"q": "c", "a": "d", "theme": "own"}, {"q": "e", "a": "f", "kind": "other"}]}"#;
    let reading = read_as("a.json", text);
    let found: Vec<_> =
        reading.pairs.iter().map(|p| (p.kind.as_deref().unwrap(), p.theme.as_deref().unwrap())).collect();
    assert_eq!(found, [("genuine", "work"), ("pushback", "own"), ("other", "work")]);
    assert!(reading.pairs.iter().all(|pair| pair.system.as_deref() == Some("S")));
}

#[test]
fn no_bytes_make_a_reader_fail() {
    let mut rng = Rng::new(11, "fuzz of pairs");
    let folder = tempfile::tempdir().unwrap();
    let mut seeds: Vec<Vec<u8>> =
        full_forms(&hard()).into_iter().map(|(_, text)| text.into_bytes()).collect();
    seeds.extend(talk_forms(&hard()).into_iter().map(|(_, text)| text.into_bytes()));
    let marks = b"{}[]\",:\\`\n\r;\t| \xef\xbb\xbf\xff0a";
    for round in 0..6000_usize {
        let mut bytes = seeds[round % seeds.len()].clone();
        if round % 7 == 0 {
            bytes = (0..rng.below(400)).map(|_| marks[rng.below(marks.len() as u64) as usize]).collect();
        }
        for _ in 0..rng.below(6) {
            let at = rng.below(bytes.len() as u64 + 1) as usize;
            match rng.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, marks[rng.below(marks.len() as u64) as usize]),
                2 => bytes.insert(at, rng.below(256) as u8),
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        let reading = if round % 8 == 0 {
            let path = folder.path().join("x");
            std::fs::write(&path, &bytes).unwrap();
            read(&[path]).unwrap_or_default()
        } else {
            read_as("x", &String::from_utf8_lossy(&bytes))
        };
        if round % 8 != 0 {
            assert!(
                !reading.pairs.is_empty() || !reading.problems.is_empty(),
                "{:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
    for deep in [
        "[",
        "{\"a\":",
        "[{\"a\":[",
        "{\"messages\":[{\"role\":",
        "{\"instruction\":{",
        "```\n[",
        "{\"q\":\"x\",\"a\":[",
    ] {
        assert_eq!(read_as("x", &deep.repeat(20_000)).pairs.len(), 0);
    }
}

#[test]
fn a_division_is_the_same_each_time_and_near_the_share_in_each_theme() {
    let pairs = made();
    if pairs.is_empty() {
        return;
    }
    let (train, held) = split(pairs.clone(), 0.1, 7);
    assert_eq!((train.clone(), held.clone()), split(pairs.clone(), 0.1, 7));
    assert_ne!(held, split(pairs.clone(), 0.1, 8).1);
    assert!((34..=39).contains(&held.len()), "{}", held.len());
    let count =
        |of: &[Pair], theme: &str| of.iter().filter(|p| p.theme.as_deref() == Some(theme)).count() as f64;
    for pair in &pairs {
        let theme = pair.theme.as_deref().unwrap();
        let off = count(&held, theme) - 0.1 * count(&pairs, theme);
        assert!(off.abs() <= 2.0, "{theme}: {off}");
    }
    assert!(held.iter().all(|pair| train.iter().all(|other| other.context != pair.context)));
    assert_eq!(split(pairs.clone(), 0.0, 7).1.len(), 0);
    assert_eq!(split(pairs.clone(), f64::NAN, 7).1.len(), 0);
    assert_eq!(split(pairs.clone(), 1.0, 7).0.len(), 0);
    assert_eq!(split(Vec::new(), 0.5, 7), (Vec::new(), Vec::new()));
}

#[test]
fn what_belongs_together_is_never_divided() {
    let pair = |instruction: &str, theme: &str, context: &str, number: usize| Pair {
        instruction: instruction.into(),
        response: "x".into(),
        context: vec![context.into()],
        theme: Some(theme.into()),
        place: Place { file: "a".into(), number },
        ..Pair::default()
    };
    let long = "What was it like to sit in the garden in the evening with a book and a pipe";
    let mut pairs = vec![
        pair("Why did you go?", "a", "1", 1),
        pair("WHY did you go", "b", "2", 2),
        pair(long, "c", "3", 3),
        pair(&format!("{long}?"), "d", "4", 4),
        pair(&long.replace("pipe", "pipes"), "e", "5", 5),
        pair("One side?", "f", "6", 6),
        pair("The other side?", "f", "6", 7),
        pair("First turn?", "g", "7", 8),
        pair("Second turn?", "h", "8", 8),
    ];
    pairs.extend((0..40).map(|i| pair(&format!("Question {i}?"), "z", "diary.md", 100 + i)));
    assert_eq!(split::groups(&pairs).len(), 4 + 40);
    for seed in 0..40 {
        let (_, held) = split(pairs.clone(), 0.3, seed);
        let out = |i: usize| held.iter().any(|pair| *pair == pairs[i]);
        for (a, b) in [(0, 1), (2, 3), (2, 4), (5, 6), (7, 8)] {
            assert_eq!(out(a), out(b), "{seed}: {a} {b}");
        }
    }
}
