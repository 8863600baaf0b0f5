//! "Can you tell?": a page that shows a reader, blind, how a writer's entry goes on beside how a model goes on, and asks which is the
//! diary's. One file that asks for no other: its content policy lets it run its own script and style, known by their hashes, and nothing
//! else; a browser opens it from a disk as well as from anywhere.
//!
//! Where readers who know the writer do no better than a coin, the model writes like them. The page gives Wilson's interval with the
//! score, and lets the reader save the answers, and which text of each pair was the better one, as preferences to train on. The browser
//! keeps the choices, and no text, under the quiz's name: who opens the page again finds the score.

use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::base::rng::Rng;
use crate::run::report::html::escaped;

#[cfg(test)]
mod tests;

const PAGE: &str = include_str!("quiz.html");
const STYLE: &str = include_str!("quiz.css");
const SCRIPT: &str = include_str!("quiz.js");

/// A pair of passages that follow the same opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What both follow, as it is shown; may be empty.
    pub opening: String,
    /// What the model was given, to the letter: the entry's header and the opening.
    pub prompt: String,
    /// How the held-out entry goes on; the page shows that neither ends there.
    pub diary: String,
    /// How the model does.
    pub model: String,
    /// The entry's date, as it is to be shown.
    pub date: Option<String>,
}

/// What a page asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiz {
    /// What stands over the page.
    pub title: String,
    /// The run that the model is of.
    pub run: String,
    /// When the page was made, as it is to be shown.
    pub made: String,
    /// In the order in which they are asked.
    pub questions: Vec<Question>,
}

/// What the page's script reads.
#[derive(Serialize)]
struct Data<'a> {
    hash: &'a str,
    title: String,
    run: String,
    made: String,
    questions: Vec<Asked>,
}

/// A question as the page holds it: nothing in it is called the diary's.
#[derive(Serialize)]
struct Asked {
    date: Option<String>,
    opening: String,
    prompt: String,
    one: String,
    two: String,
    mark: u32,
}

/// The page of a quiz, as HTML. The same quiz and seed give the same bytes; on as many questions the diary's passage stands on the left as
/// on the right, or on one more of one.
pub fn page(quiz: &Quiz, seed: u64) -> String {
    let mut rng = Rng::new(seed, "quiz");
    let rights = sides(quiz.questions.len(), &mut rng);
    let questions: Vec<Asked> =
        quiz.questions.iter().zip(rights).map(|(question, right)| asked(question, right, &mut rng)).collect();
    let hash = name(&questions);
    let [title, run, made] = [&quiz.title, &quiz.run, &quiz.made].map(|text| shown(text));
    let data = Data { hash: &hash, title, run, made, questions };
    let data = inert(&serde_json::to_string(&data).expect("strings and numbers are JSON"));
    filled(
        PAGE,
        &[
            ("title", &escaped(&quiz.title)),
            ("run", &escaped(&quiz.run)),
            ("made", &escaped(&quiz.made)),
            ("hash", &hash),
            ("style", STYLE),
            ("style-hash", &source_hash(STYLE)),
            ("script", SCRIPT),
            ("script-hash", &source_hash(SCRIPT)),
            ("data", &data),
        ],
    )
}

/// For each question whether the diary's passage stands on the right: half of them, in random order.
fn sides(n: usize, rng: &mut Rng) -> Vec<bool> {
    let odd = usize::from(rng.below(2) == 1);
    let mut rights: Vec<bool> = (0..n).map(|i| (i + odd) % 2 == 1).collect();
    rng.shuffle(&mut rights);
    rights
}

fn asked(question: &Question, right: bool, rng: &mut Rng) -> Asked {
    // What stands before the first word belongs to the preferences, which go on from the prompt; the page does not show it.
    let [diary, model] = [&question.diary, &question.model].map(|text| shown(text).trim_end().to_string());
    let (one, two) = if right { (model, diary) } else { (diary, model) };
    Asked {
        date: question.date.as_ref().map(|date| shown(date)),
        opening: shown(&question.opening).trim().to_string(),
        prompt: shown(&question.prompt),
        one,
        two,
        mark: mark(right, rng),
    }
}

/// A number that has an odd count of ones where the diary's passage stands on the right. This is no secrecy: whoever reads the script
/// can read the marks. It only keeps a look at the page's source from answering the questions.
fn mark(right: bool, rng: &mut Rng) -> u32 {
    let mark = (rng.next_u64() >> 32) as u32;
    if (mark.count_ones() % 2 == 1) == right { mark } else { mark ^ 1 }
}

/// A text as the page shows it: with plain line ends, and U+FFFD for what no page may hold, such as a zero byte.
fn shown(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// JSON that can end no element, and whose source reads in the order in which it stands: what opens a tag, ends a line for some reader of
/// JavaScript or turns the direction of a text is escaped.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<'
            | '>'
            | '&'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes what is written");
            }
            c => out.push(c),
        }
    }
    out
}

/// A template with each `{{name}}` replaced, once over: what is filled in is not looked at again. A name that is not there stays.
fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out =
        String::with_capacity(template.len() + parts.iter().map(|(_, part)| part.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out += before;
        let part = after.split_once("}}").and_then(|(name, after)| {
            parts.iter().find(|(known, _)| *known == name).map(|(_, part)| (*part, after))
        });
        if let Some((part, after)) = part {
            out += part;
            rest = after;
        } else {
            out += "{{";
            rest = after;
        }
    }
    out + rest
}

/// The quiz's own name: the first half of a hash of its questions and their sides. Under it a browser keeps the answers.
fn name(questions: &[Asked]) -> String {
    let mut hash = Sha256::new();
    for question in questions {
        let parts = [&question.opening, &question.one, &question.two];
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(question.mark.to_le_bytes());
    }
    hash.finalize().iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The source expression by which a content policy knows an element's text (CSP level 3, section 2.3.1).
fn source_hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * i) & 63) as usize]);
            out.push(if i <= three.len() { letter } else { '=' });
        }
    }
    out
}
