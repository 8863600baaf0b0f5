//! A long text in passages: cut between paragraphs where that can be, else between sentences, else between words.

use crate::eval::likeness::words::{paragraphs, sentences, words};

/// A document of more words than this says too many things to have one theme.
pub const LONG: usize = 1_500;
/// The words of a passage of one.
pub const PASSAGE: usize = 700;

/// The passages of a text, of at most so many words each (at least one) and of much the same length; in their order, with all that is not
/// white space. A text that is short enough is one passage.
pub fn passages(text: &str, most: usize) -> Vec<&str> {
    let most = most.max(1);
    let whole = words(text).count();
    if whole <= most {
        return Some(text.trim()).filter(|text| !text.is_empty()).into_iter().collect();
    }
    let mut cuts = vec![0];
    let (mut left, mut held) = (whole, 0);
    for piece in pieces(text, most) {
        // What is left, in as few passages as hold it, each as long as the next.
        let fair = left.div_ceil(left.div_ceil(most).max(1));
        // A paragraph's beginning is worth a passage that is a quarter shorter than it would be.
        let good = if piece.opens { fair - fair / 4 } else { fair };
        if held > 0 && (held + piece.words > most || held >= good) {
            cuts.push(piece.at);
            left = left.saturating_sub(held);
            held = 0;
        }
        held += piece.words;
    }
    cuts.push(text.len());
    let parts = cuts.windows(2).map(|ends| text[ends[0]..ends[1]].trim());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The documents with those of more than [`LONG`] words cut into passages, each under its document's name.
pub fn cut_long(documents: &[(String, String)]) -> Vec<(String, String)> {
    let cut = |(name, text): &(String, String)| -> Vec<(String, String)> {
        if words(text).nth(LONG).is_none() {
            return vec![(name.clone(), text.clone())];
        }
        passages(text, PASSAGE).into_iter().map(|part| (name.clone(), part.to_string())).collect()
    };
    documents.iter().flat_map(cut).collect()
}

/// What stays together: a sentence, or of an endless one so many words.
struct Piece {
    at: usize,
    words: usize,
    /// Whether a paragraph begins here.
    opens: bool,
}

fn pieces(text: &str, most: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for paragraph in paragraphs(text) {
        let mut opens = true;
        for sentence in sentences(paragraph) {
            // Both are slices of the text, in its order: the next that reads so is the one.
            let at = text[from..].find(sentence).map_or(from, |found| from + found);
            let starts: Vec<usize> = words(sentence).map(|word| word.at).collect();
            for (i, chunk) in starts.chunks(most).enumerate() {
                // What stands before the first word, a quotation mark say, goes with it.
                let start = if i == 0 { at } else { at + chunk.first().copied().unwrap_or(0) };
                pieces.push(Piece { at: start, words: chunk.len(), opens });
                opens = false;
            }
            from = at + sentence.len();
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn nothing_is_lost_and_no_passage_is_too_long() {
        let sentence = "“Up betimes,” and to the office—where we sat; é日. ";
        let texts = [
            sentence.repeat(97),
            format!("{}\n\n{}", sentence.repeat(30), sentence.repeat(50)),
            "word ".repeat(1000),
            "日".repeat(333),
            "…\n\n!!! \n\n".to_string() + &sentence.repeat(20),
            String::new(),
            " \n".into(),
        ];
        for text in &texts {
            for most in [0, 1, 7, 50, 10_000] {
                let parts = passages(text, most);
                assert_eq!(squeezed(&parts.concat()), squeezed(text), "{most}");
                assert!(parts.iter().all(|part| words(part).count() <= most.max(1)), "{most}");
            }
        }
        assert!(passages("", 10).is_empty());
        assert_eq!(passages(" One day. ", 10), ["One day."]);
    }

    #[test]
    fn a_cut_falls_between_paragraphs_where_one_ends_in_time() {
        let text = format!("{}\n\n{}", "Rain all day. ".repeat(45), "Sun at last. ".repeat(49));
        let parts = passages(&text, 150);
        assert_eq!(parts.len(), 2);
        assert!(parts[1].starts_with("Sun") && !parts[0].contains("Sun"));
    }

    #[test]
    fn only_long_documents_are_cut_and_their_passages_keep_the_name() {
        let documents =
            [("short".to_string(), "A day. ".repeat(700)), ("long".to_string(), "A day. ".repeat(900))];
        let cut = cut_long(&documents);
        let names: Vec<&str> = cut.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["short", "long", "long", "long"]);
    }
}
