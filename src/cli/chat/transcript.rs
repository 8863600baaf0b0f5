//! A conversation in Markdown.

use std::ops::Range;

use crate::cli::chat::speaker::Passage;
use crate::cli::chat::turns::{Take, Turn};
use crate::cli::chat::visible::visible;
use crate::serve::job::Finish;

/// A passage as it is named: its day, then its entry where that says more.
pub fn named(passage: &Passage) -> String {
    match &passage.date {
        Some(date) if passage.name.contains(date.as_str()) => passage.name.clone(),
        Some(date) => format!("{date}, {}", passage.name),
        None => passage.name.clone(),
    }
}

/// Pieces of an answer, cut where its ranges say; none where one does not lie in it.
pub fn cut<'a>(text: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
    ranges.iter().filter_map(|range| text.get(range.clone())).collect()
}

/// Passages quoted as they stand, under their names.
pub fn sources(passages: &[Passage]) -> String {
    let mut all = Vec::with_capacity(passages.len());
    for passage in passages {
        let mut quoted = named(passage);
        for line in passage.text.lines() {
            quoted += if line.is_empty() { "\n>" } else { "\n> " };
            quoted += line;
        }
        all.push(quoted);
    }
    all.join("\n\n")
}

/// The conversation with `model`: how it was drawn, what stood before it, its turns.
pub fn write(model: &str, settings: &str, head: &[(&str, &str)], turns: &[Turn]) -> String {
    let mut parts = vec![format!("# A conversation with {model}"), settings.to_string()];
    for (name, text) in head.iter().filter(|(_, text)| !text.is_empty()) {
        parts.push(format!("## {name}"));
        parts.push(text.trim_end().to_string());
    }
    for turn in turns {
        if !turn.said.is_empty() {
            parts.push("## You".into());
            parts.push(turn.said.clone());
        }
        if let Some(take) = turn.take() {
            parts.push("## The model".into());
            parts.push(take.text.trim_matches('\n').to_string());
            parts.push(format!("*{}*", about(take)));
            if let Some(when) = &take.when {
                parts.push(format!("*when: {when}*"));
            }
            let quoted = cut(&take.text, &take.unsupported);
            if !quoted.is_empty() {
                parts.push("### In quotation marks, and in none of your entries that it stood on".into());
                let line = |one: &&str| format!("- {}", one.split_whitespace().collect::<Vec<_>>().join(" "));
                parts.push(quoted.iter().map(line).collect::<Vec<_>>().join("\n"));
            }
            if !take.passages.is_empty() {
                parts.push("### Your entries that it stood on".into());
                parts.push(sources(&take.passages));
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    visible(&(parts.join("\n\n") + "\n")).into_owned()
}

/// How an answer came to be.
fn about(take: &Take) -> String {
    let end = match take.finish {
        Some(Finish::Stop) => "",
        Some(Finish::Length) => "; cut at the most tokens",
        None => "; stopped",
    };
    format!("seed {}{end}", take.seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(name: &str, date: Option<&str>, text: &str) -> Passage {
        Passage { name: name.into(), date: date.map(Into::into), text: text.into() }
    }

    #[test]
    fn sources_are_quoted_line_by_line_under_their_days() {
        let passages = [
            passage("1919-05-03.md", Some("1919-05-03"), "One.\n\nTwo “three”."),
            passage("a.md", Some("1920-01-01"), "Four."),
            passage("b.md", None, "Five."),
        ];
        assert_eq!(
            sources(&passages),
            "1919-05-03.md\n> One.\n>\n> Two “three”.\n\n1920-01-01, a.md\n> Four.\n\nb.md\n> Five."
        );
    }

    #[test]
    fn quotations_that_no_source_has_are_named_below_the_turn() {
        let text =
            "You wrote “I never\nslept at all”, and “I was well”, and “one two three”, “four five six”.";
        let places = ["I never\nslept at all", "I was well", "one two three", "four five six"];
        let unsupported = places.map(|one| text.find(one).map(|at| at..at + one.len()).unwrap()).to_vec();
        let take = Take { text: text.into(), unsupported, ..Take::default() };
        let written = write("m", "", &[], &[Turn { said: "When?".into(), takes: vec![take] }]);
        let named = "*seed 0; stopped*\n\n### In quotation marks, and in none of your entries that it stood on\n\n\
                     - I never slept at all\n- I was well\n- one two three\n- four five six\n";
        assert!(written.ends_with(named), "{written}");
    }

    #[test]
    fn all_that_was_said_is_written() {
        let take = Take {
            text: "An answer\u{1b}[2J.\n".into(),
            seed: 7,
            finish: None,
            when: Some("May 1919".into()),
            passages: vec![passage("a.md", None, "One.")],
            unsupported: vec![],
        };
        let turns = [
            Turn { said: "A question".into(), takes: vec![take] },
            Turn { said: "Unanswered".into(), takes: vec![] },
        ];
        let written = write("m", "temperature 1", &[("Voice", ""), ("Prompt", "Be kind.\n")], &turns);
        assert_eq!(
            written,
            "# A conversation with m\n\ntemperature 1\n\n## Prompt\n\nBe kind.\n\n## You\n\nA question\n\n## The model\n\n\
             An answer\\u{1b}[2J.\n\n*seed 7; stopped*\n\n*when: May 1919*\n\n### Your entries that it stood on\n\na.md\n> One.\n\n\
             ## You\n\nUnanswered\n"
        );
    }
}
