//! An author's profile: who writes, and how. It is drafted from figures, and a person makes it true.

use std::fmt::Write;

use crate::base::units::thousands;

/// Lines that begin with this are for the person who edits the file, and are not sent.
const NOTE: &str = "//";

/// Who the answers are by, in words that a model is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// What stands in the prompt.
    pub text: String,
}

impl Author {
    /// The profile in a file that began as [`draft_profile`]: all but its notes (lines that begin with `//`) and what of white space they leave.
    pub fn from_file(file: &str) -> Author {
        let mut text = String::new();
        for line in file.lines().filter(|line| !line.trim_start().starts_with(NOTE)) {
            // Of several empty lines one is enough.
            if !line.trim().is_empty() || !(text.is_empty() || text.ends_with("\n\n")) {
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        Author { text: text.trim_end().to_string() }
    }
}

/// What has been counted of an author, as plain data: whoever has counted it fills it in, and what is empty is not spoken of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfileFigures {
    /// Words in all.
    pub words: u64,
    /// Entries in all.
    pub entries: u64,
    /// The first day, as it is to be read.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
    /// Words a sentence, on average.
    pub sentence_length: Option<f64>,
    /// How entries or sentences begin more often than others' do: "Up betimes, and", the most frequent first.
    pub openings: Vec<String>,
    /// Turns of phrase that the author is known by.
    pub tics: Vec<String>,
    /// Habits of punctuation, each as a phrase: "dashes where others have full stops".
    pub punctuation: Vec<String>,
    /// Different words among a hundred running ones, on average (MATTR times 100).
    pub richness: Option<f64>,
    /// Words that the author uses far more than other writers.
    pub typical_words: Vec<String>,
}

/// The draft of a profile: what the figures say in sentences, and notes to the person on what only they can say. [`Author::from_file`] reads it.
pub fn draft_profile(style: &ProfileFigures) -> String {
    let mut out = String::from(
        "// This is what a model is told about you before it writes in your name. Change it as you like: it is yours.\n\
         // Lines that begin with // are notes to you; they are never sent. What you do not want told, delete.\n\n\
         # Who writes\n\n\
         // In two to five sentences of your own: who you are, what you do, whom you live with and what you call them, what\n\
         // matters to you, what you never talk about. A model cannot count that.\n\n",
    );
    out += &extent(style);
    out += "\n# How the author writes\n\n";
    for line in manner(style) {
        // Writing into a string cannot fail.
        let _ = writeln!(out, "- {line}");
    }
    out += "\n// Strike out what is not so, and add what the figures missed: how you joke, how you are angry, what you leave unsaid.\n";
    out
}

fn extent(style: &ProfileFigures) -> String {
    let mut out = String::new();
    if style.words > 0 {
        let entries = if style.entries == 1 { "entry" } else { "entries" };
        let _ = write!(
            out,
            "The author keeps a journal: {} {entries}, {} words",
            thousands(style.entries),
            thousands(style.words)
        );
        let _ = match (&style.from, &style.to) {
            (Some(from), Some(to)) if from != to => write!(out, ", from {} to {}", line(from), line(to)),
            (Some(day), _) | (None, Some(day)) => write!(out, ", of {}", line(day)),
            (None, None) => Ok(()),
        };
        out.push_str(".\n");
        if style.entries > 1 {
            let mean = style.words as f64 / style.entries as f64;
            let _ = writeln!(out, "An entry has {mean:.0} words on average.");
        }
    }
    out
}

fn manner(style: &ProfileFigures) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(words) = style.sentence_length.filter(|words| words.is_finite() && *words > 0.0) {
        let kind = match words {
            ..10.0 => "short sentences",
            10.0..18.0 => "sentences of a common length",
            18.0..28.0 => "long sentences",
            _ => "very long sentences, clause upon clause",
        };
        lines.push(format!("Writes {kind}: {words:.0} words on average."));
    }
    if let Some(of_hundred) = style.richness.filter(|richness| richness.is_finite() && *richness > 0.0) {
        let kind = match of_hundred {
            ..62.0 => "comes back to the same words",
            62.0..72.0 => "varies words about as much as most who write",
            _ => "seldom uses a word twice in a passage",
        };
        lines.push(format!(
            "The author {kind}: of a hundred words in a row, {of_hundred:.0} are different ones."
        ));
    }
    let lists = [
        ("Often begins with", &style.openings, true),
        ("Turns of phrase", &style.tics, true),
        ("Punctuation", &style.punctuation, false),
        ("Words more frequent here than with other writers", &style.typical_words, false),
    ];
    for (what, items, quoted) in lists {
        let items: Vec<String> =
            items.iter().map(|item| line(item)).filter(|item| !item.is_empty()).collect();
        if !items.is_empty() {
            let listed = if quoted { format!("“{}”", items.join("”, “")) } else { items.join(", ") };
            lines.push(format!("{what}: {listed}."));
        }
    }
    lines
}

/// A text on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pepys() -> ProfileFigures {
        ProfileFigures {
            words: 1_250_000,
            entries: 3_400,
            from: Some("1 January 1660".into()),
            to: Some("31 May 1669".into()),
            sentence_length: Some(31.4),
            openings: vec!["Up betimes,\n and".into(), "Lay long".into()],
            tics: vec!["and so to bed".into()],
            punctuation: vec!["semicolons between whole stories".into()],
            richness: Some(66.0),
            typical_words: vec!["betimes".into(), "mightily".into()],
        }
    }

    #[test]
    fn a_draft_says_every_figure_once_and_its_notes_are_not_sent() {
        let draft = draft_profile(&pepys());
        let sent = Author::from_file(&draft).text;
        for said in [
            "3,400 entries, 1,250,000 words, from 1 January 1660 to 31 May 1669",
            "368 words on average",
            "31 words",
            "“Up betimes, and”, “Lay long”",
            "“and so to bed”",
            "semicolons between whole stories",
            "66 are different",
            "betimes, mightily",
        ] {
            assert_eq!(sent.matches(said).count(), 1, "{said}: {sent}");
        }
        assert!(draft.contains("// ") && !sent.contains("//") && !sent.contains("\n\n\n"), "{sent}");
    }

    #[test]
    fn what_is_not_known_is_not_spoken_of() {
        let sent = Author::from_file(&draft_profile(&ProfileFigures::default())).text;
        assert_eq!(sent, "# Who writes\n\n# How the author writes");
        let odd =
            ProfileFigures { sentence_length: Some(f64::NAN), richness: Some(0.0), ..Default::default() };
        assert!(!draft_profile(&odd).contains("NaN"));
    }
}
