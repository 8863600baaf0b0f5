//! Pairs made by rule from the real diaries, and their files in the forms that others write. Where the diaries are not at hand there is
//! nothing to check.

use std::path::Path;

use serde_json::{Value, json};

use crate::dataset::pairs::pair::{Pair, Place};
use crate::dataset::pairs::write::{messages_jsonl, to_messages, to_own};
use crate::tokens::{AddedToken, Additions, Tokenizer};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// GPT-2's tokenizer with ChatML's two tokens, whose texts end as GPT-2's do.
pub fn chatml() -> Tokenizer {
    let names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
    let tokens = (50256..).zip(names).map(|(id, name)| AddedToken::special(id, name)).collect();
    let end = 50256;
    let additions =
        Additions { tokens, names: Vec::new(), pad: None, end_of_text: end, stops: vec![end], start: end };
    Tokenizer::gpt2().with(Some(additions))
}

/// One of the diaries' entries: the day and the text of each.
pub fn entries(diary: &str) -> Vec<(String, String)> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        ["../shared/journals", "../../shared/journals"].into_iter().map(|up| home.join(up).join(diary));
    let Some(folder) = folder.into_iter().find(|folder| folder.is_dir()) else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let is_day = |line: &str| line.len() == 10 && line.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let mut entries: Vec<(String, String)> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|suffix| suffix == "md") {
            entries.push((path.file_stem().unwrap().to_string_lossy().into_owned(), text.trim().to_string()));
            continue;
        }
        for line in text.lines() {
            match entries.last_mut() {
                _ if is_day(line) => entries.push((line.to_string(), String::new())),
                Some((_, entry)) => entry.extend([line, "\n"]),
                None => {}
            }
        }
    }
    entries.into_iter().map(|(day, text)| (day, text.trim().to_string())).collect()
}

/// The documents that the pairs are of, and the rest of the first diary: `barbellion/1912-06-03.md`, `pepys/1660-01-11.md`.
pub fn documents(pairs: &[Pair]) -> Vec<(String, String)> {
    let used: std::collections::BTreeSet<&String> = pairs.iter().flat_map(|pair| &pair.context).collect();
    let named = |diary: &str| {
        let of = entries(diary).into_iter().map(|(day, text)| (format!("{diary}/{day}.md"), text));
        of.filter(|(name, text)| diary == "barbellion" || used.contains(name) || used.contains(text))
            .collect::<Vec<_>>()
    };
    [named("barbellion"), named("pepys")].concat()
}

/// Where a sentence ends, more carefully than by its mark alone: "Mr. Crew", "etc., showing".
pub fn whole_sentences(text: &str) -> Vec<String> {
    const SHORT: [&str; 12] =
        ["Mr.", "Mrs.", "Dr.", "St.", "etc.", "Sir.", "Capt.", "Col.", "Lt.", "viz.", "No.", "Rev."];
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for paragraph in text.split("\n\n") {
        open = false;
        for part in paragraph.split_inclusive(['.', '!', '?']) {
            let starts = part.trim_start().starts_with(|c: char| c.is_uppercase() || c == '“');
            match found.last_mut() {
                Some(last) if open && !starts => *last += part,
                Some(last)
                    if open && (SHORT.iter().any(|short| last.ends_with(short)) || is_initial(last)) =>
                {
                    *last += part;
                }
                _ => found.push(part.trim_start().to_string()),
            }
            open = true;
        }
    }
    let _ = open;
    found.retain(|sentence| sentence.split_whitespace().count() >= 8 && sentence.ends_with(['.', '!', '?']));
    found
}

/// Whether a text ends with an initial: "Sir W."
fn is_initial(text: &str) -> bool {
    let last = text.rsplit([' ', '.']).nth(1).unwrap_or_default();
    last.chars().count() == 1 && last != "I" && last.starts_with(char::is_uppercase)
}

fn day(date: &str) -> (String, &'static str) {
    let part = |i: usize| date.split('-').nth(i).unwrap().parse::<usize>().unwrap();
    let end = match part(2) {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    let month = MONTHS[part(1) - 1];
    (format!("the {}{end} of {month} {}", part(2), part(0)), month)
}

/// 364 pairs, two of each of 182 entries, half of them of each diary. Their context is the entry, in every fourth by name.
pub fn made() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for diary in ["barbellion", "pepys"] {
        let all = entries(diary);
        let long: Vec<(&String, &String, Vec<String>)> = all
            .iter()
            .map(|(date, text)| (date, text, whole_sentences(text)))
            .filter(|(_, text, sentences)| sentences.len() >= 5 && !text.contains("***"))
            .collect();
        if long.is_empty() {
            return Vec::new();
        }
        for n in 0..91 {
            let (date, text, sentences) = &long[n * long.len() / 91];
            let (day, month) = day(date);
            let (first, second) = (sentences[..2].join(" "), sentences[2..4].join(" "));
            let name = format!("{diary}/{date}.md");
            let context = if n % 4 == 3 { name } else { (*text).clone() };
            let asked = if n % 2 == 0 {
                [
                    ("genuine", format!("What did you do on {day}?"), first),
                    (
                        "contrastive",
                        format!("And what else is there to tell of {day}, beside the first of it?"),
                        second,
                    ),
                ]
            } else {
                [
                    (
                        "scenario",
                        format!("A friend calls in the evening of {day}. What do you tell of it?"),
                        first,
                    ),
                    ("pushback", format!("I do not believe that you wrote anything more on {day}."), second),
                ]
            };
            for (kind, instruction, response) in asked {
                pairs.push(Pair {
                    instruction,
                    response,
                    context: vec![context.clone()],
                    kind: Some(kind.into()),
                    theme: Some(month.into()),
                    ..Pair::default()
                });
            }
        }
    }
    pairs
}

/// The pairs without their places, to compare them.
pub fn bare(pairs: &[Pair]) -> Vec<Pair> {
    pairs.iter().map(|pair| Pair { place: Place::default(), ..pair.clone() }).collect()
}

/// A name for a file, and its text.
pub type Form = (&'static str, String);

/// The pairs in the forms that keep instruction, response, context, kind and theme.
pub fn full_forms(pairs: &[Pair]) -> Vec<Form> {
    let own: Vec<Value> = pairs.iter().map(to_own).collect();
    let array = serde_json::to_string_pretty(&own).unwrap();
    let renamed = |names: [&str; 4]| -> Vec<Value> {
        let to = |p: &Pair| json!({names[0]: p.instruction, names[1]: p.response, names[2]: p.context, names[3]: p.kind, "topic": p.theme});
        pairs.iter().map(to).collect()
    };
    let lines = |values: &[Value]| values.iter().map(|v| v.to_string() + "\n").collect::<String>();
    vec![
        ("array.json", array.clone()),
        ("array.txt", array.replace('\n', "\r\n")),
        ("own.jsonl", lines(&own)),
        ("pairs.json", json!({"made": "2026-01-01", "tags": ["a"], "pairs": own}).to_string()),
        ("data.json", serde_json::to_string_pretty(&json!({"data": own, "version": 1})).unwrap()),
        ("fenced.md", format!("Here are your pairs:\n\n```json\n{array}\n```\n\nI hope this helps [1]!\n")),
        (
            "prose.txt",
            format!("Sure [1] {{ok}}! Here are the pairs:\n{array}\nLet me know if {{you}} want more."),
        ),
        ("questions.json", json!(renamed(["question", "answer", "sources", "type"])).to_string()),
        ("prompts.jsonl", lines(&renamed(["Prompt", "Completion", "Grounding", "Kind"]))),
        ("dolly.jsonl", lines(&renamed(["instruction", "response", "context", "category"]))),
        (
            "rows.json",
            json!({"rows": own.iter().map(|v| json!({"row_idx": 1, "row": v})).collect::<Vec<_>>()})
                .to_string(),
        ),
        ("table.csv", table(pairs, b',')),
        ("table.tsv", table(pairs, b'\t')),
        ("table.txt", format!("sep=;\r\n{}", table(pairs, b';'))),
    ]
}

fn table(pairs: &[Pair], divider: u8) -> String {
    let mut table =
        csv::WriterBuilder::new().delimiter(divider).terminator(csv::Terminator::CRLF).from_writer(vec![]);
    table.write_record(["Question", "Answer", "Context", "Kind", "Theme"]).unwrap();
    for pair in pairs {
        let context = match &pair.context[..] {
            [one] if !one.starts_with('[') => one.clone(),
            more => json!(more).to_string(),
        };
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        table
            .write_record([
                &pair.instruction,
                &pair.response,
                &context,
                &optional(&pair.kind),
                &optional(&pair.theme),
            ])
            .unwrap();
    }
    String::from_utf8(table.into_inner().unwrap()).unwrap()
}

/// The pairs in forms that keep what is said, the system prompt and the turns alone.
pub fn talk_forms(pairs: &[Pair]) -> Vec<Form> {
    let shared = |pair: &Pair| {
        let name = |role: &str| match role {
            "user" => "human".to_string(),
            "assistant" => "gpt".to_string(),
            other => other.to_string(),
        };
        let messages = to_messages(pair, None);
        let turns = messages["messages"].as_array().unwrap().iter().map(|m| {
            json!({"from": name(m["role"].as_str().unwrap()), "value": m["content"], "weight": m.get("weight")})
        });
        json!({"id": "x", "conversations": turns.collect::<Vec<_>>()})
    };
    let parts = |pair: &Pair| {
        let mut value = to_messages(pair, None);
        for message in value["messages"].as_array_mut().unwrap() {
            message["content"] = json!([{"type": "text", "text": message["content"]}]);
        }
        value
    };
    let alpaca: Vec<Value> = pairs
        .iter()
        .map(|p| {
            let (asked, input) = p.instruction.split_once("\n\n").unwrap_or((&p.instruction, ""));
            let turns: Vec<[&String; 2]> = p.turns.chunks(2).map(|two| [&two[0].1, &two[1].1]).collect();
            json!({"instruction": asked, "input": input, "output": p.response, "system": p.system, "history": turns})
        })
        .collect();
    vec![
        ("messages.jsonl", messages_jsonl(pairs, None)),
        (
            "sharegpt.json",
            serde_json::to_string_pretty(&pairs.iter().map(shared).collect::<Vec<_>>()).unwrap(),
        ),
        ("parts.jsonl", pairs.iter().map(|pair| parts(pair).to_string() + "\n").collect()),
        ("alpaca.json", json!(alpaca).to_string()),
    ]
}
