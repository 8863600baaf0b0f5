//! Controlled questions: the same words, put to the writer's model, to others, and to the model that it began with, once as it is and
//! once told whom it is to be, on the same draws. What is left between the last two is what training gave.

use serde::Serialize;

use crate::base::units::thousands;
use crate::base::{Error, Result};
use crate::eval::likeness::diary::Diary;
use crate::eval::likeness::style::figures;
use crate::eval::likeness::words::words;

/// Examples that stand in a describing prompt, at most, and the words of each.
const EXAMPLES: usize = 3;
const EXAMPLE: std::ops::RangeInclusive<usize> = 40..=120;

/// The questions of a file, a line each; empty lines and those of a `#` are left out, and `\n` in one is an end of line.
///
/// # Errors
/// None in it.
pub fn read(path: &std::path::Path, text: &str) -> Result<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let questions: Vec<String> = lines.map(|line| line.replace("\\n", "\n")).collect();
    match questions.is_empty() {
        true => Err(Error::file(
            path,
            "it asks nothing",
            "write a question a line, or the words that an entry begins with",
        )),
        false => Ok(questions),
    }
}

/// One question and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The question.
    pub question: String,
    /// Of each model.
    pub answers: Vec<Answer>,
}

/// What one model said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whose.
    pub model: String,
    /// What it went on with.
    pub text: String,
}

impl Asked {
    /// Of each question, the answers of each model: `(its name, its answers in the order of the questions)`.
    pub fn all(questions: &[String], models: &[(String, Vec<String>)]) -> Vec<Asked> {
        let answers = |i: usize| {
            models.iter().map(move |(model, texts)| Answer { model: model.clone(), text: texts[i].clone() })
        };
        let one = |(i, question): (usize, &String)| Asked {
            question: question.clone(),
            answers: answers(i).collect(),
        };
        questions.iter().enumerate().map(one).collect()
    }
}

/// What tells a model that knows nothing of the writer whom it is to be: a few figures of their hand, and entries of theirs of about
/// `most` words in all.
pub fn describing(diary: &Diary, most: usize) -> String {
    let all: Vec<&str> = diary.train.iter().map(|entry| &entry.text[..]).collect();
    let whole = all.join("\n\n");
    let figure = |name: &str| figures(&whole).into_iter().find(|f| f.name == name).and_then(|f| f.value);
    let mut told = "What follows is from the diary of one person".to_string();
    let days: Vec<_> = diary.train.iter().filter_map(|entry| entry.day).collect();
    if let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) {
        told += &match first.year() == last.year() {
            true => format!(", of {}", first.year()),
            false => format!(", of {} to {}", first.year(), last.year()),
        };
    }
    told += &format!(", who wrote {} entries", thousands(diary.train.len() as u64));
    if let Some(words) = figure("words a sentence") {
        told += &format!(", in sentences of about {words:.0} words");
    }
    told += ". Go on as that person, in the same voice.\n\n";
    let mut left = most;
    let of_length: Vec<&&str> = all.iter().filter(|text| EXAMPLE.contains(&words(text).count())).collect();
    for i in 0..EXAMPLES.min(of_length.len()) {
        let text = of_length[i * of_length.len() / EXAMPLES.min(of_length.len())].trim();
        let Some(rest) = left.checked_sub(words(text).count()) else { break };
        left = rest;
        told += text;
        told += "\n\n";
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question() {
        let path = std::path::Path::new("questions.txt");
        let read = |text| read(path, text);
        assert_eq!(read("# mine\n\n Who am I?\\n \r\nToday I").unwrap(), ["Who am I?\n", "Today I"]);
        let error = read("# nothing\n").unwrap_err().to_string();
        assert!(error.contains("questions.txt") && error.contains("a question a line"), "{error}");
    }

    #[test]
    fn answers_stand_under_their_question() {
        let questions = ["a".to_string(), "b".to_string()];
        let models = [
            ("me".to_string(), vec!["1".into(), "2".into()]),
            ("you".to_string(), vec!["3".into(), "4".into()]),
        ];
        let asked = Asked::all(&questions, &models);
        let texts: Vec<Vec<&str>> =
            asked.iter().map(|a| a.answers.iter().map(|a| &a.text[..]).collect()).collect();
        assert_eq!(texts, [["1", "3"], ["2", "4"]]);
    }
}
