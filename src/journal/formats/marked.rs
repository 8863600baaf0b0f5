//! A file of texts made for another trainer: [marks](crate::journal::syntax::markers) around each, or between them. Each text
//! is an entry, or several where it has dates. One of questions and answers, made for an assistant, is refused: the half of
//! it is nobody's diary.

use crate::base::shell;
use crate::journal::format::{Format, Input, Options, Sink};
use crate::journal::syntax::by_dates::split_by_dates;
use crate::journal::syntax::markers;

/// Texts with another trainer's marks.
pub struct Marked;

impl Format for Marked {
    fn name(&self) -> &'static str {
        "marked texts"
    }

    fn is(&self, input: &Input) -> bool {
        let extension = input.extension();
        if !matches!(extension.as_str(), "" | "txt" | "text" | "md" | "markdown" | "log") {
            return false;
        }
        let head = input.head();
        // What is seen of a long file may end in the middle of a line.
        let whole = match head.rfind('\n') {
            Some(end) if (head.len() as u64) < input.len() => &head[..end],
            _ => head,
        };
        (markers::is_dialogue(whole) && !input.is_all_mine()) || markers::texts(whole).is_some()
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        if markers::is_dialogue(&text) && !input.is_all_mine() {
            return Err(format!(
                "questions and answers, made to train an assistant: keep what you wrote yourself in a file of its own, \
                 without the marks; if all of it is your own: --mine {}",
                shell::path(input.path())
            ));
        }
        // The end may be without marks where the beginning, by which the file was told, has some.
        let Some((texts, marks)) = markers::texts(&text) else {
            split_by_dates(&text, 1, input, options, sink);
            return Ok(());
        };
        sink.left_out("marks of another trainer", marks);
        let (mut line, mut counted) = (1, 0);
        for range in texts {
            let piece = &text[range.clone()];
            let start = range.start + piece.len() - piece.trim_start().len();
            line += text[counted..start].matches('\n').count();
            counted = start;
            split_by_dates(piece.trim(), line, input, options, sink);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::format::Place;
    use crate::journal::testing::{read, texts};

    #[test]
    fn each_text_is_an_entry_and_dates_still_count() {
        let file =
            "<|startoftext|>\n5 March 2024\nOne.\n<|endoftext|>\n<|startoftext|>Two\nlines.<|endoftext|>\n";
        let found = read("corpus.txt", file.as_bytes(), &Options::default());
        assert_eq!(texts(&found), ["One.", "Two\nlines."]);
        assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-03-05");
        assert_eq!(found.entries[1].place, Place::Line(5));
        assert_eq!(found.left_out, [("marks of another trainer", 4)]);
    }

    #[test]
    fn a_long_file_is_told_by_what_is_seen_of_it() {
        let file = "<|startoftext|>A line of some words.\nAnd another.<|endoftext|>\n".repeat(3000);
        let found = read("corpus.txt", file.as_bytes(), &Options::default());
        assert_eq!(found.entries.len(), 3000);
    }

    #[test]
    fn an_assistants_dialogues_are_refused() {
        let file = "<|im_start|>user\nWhat now?<|im_end|>\n<|im_start|>assistant\nTea.<|im_end|>";
        let found = read("chat.txt", file.as_bytes(), &Options::default());
        assert!(found.entries.is_empty() && found.failed.unwrap().contains("assistant"));
    }
}
