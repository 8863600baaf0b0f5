//! Texts cut into pieces of one length, so that what is counted in them can be compared: a rate in 20 words scatters
//! more than a rate in 500, and the variety of a vocabulary falls with length.

use crate::eval::likeness::words::{paragraphs, sentences, words};

/// The texts, in order, as pieces of whole sentences: a piece ends with the sentence that fills it to `length` words.
/// Sentences longer than that are cut at a word, so that a piece has `length` to `2·length` words. Short texts are joined, as
/// paragraphs; the rest at the end is left out, unless it is all there is.
pub fn pieces(texts: &[&str], length: usize) -> Vec<String> {
    let length = length.max(1);
    let (mut pieces, mut piece, mut counted) = (Vec::new(), String::new(), 0);
    for paragraph in texts.iter().flat_map(|text| paragraphs(text)) {
        let mut gap = "\n\n";
        for stretch in sentences(paragraph).flat_map(|sentence| stretches(sentence, length)) {
            if !piece.is_empty() {
                piece.push_str(gap);
            }
            piece.push_str(stretch);
            gap = " ";
            counted += words(stretch).count();
            if counted >= length {
                pieces.push(std::mem::take(&mut piece));
                counted = 0;
            }
        }
    }
    if pieces.is_empty() && counted > 0 {
        pieces.push(piece);
    }
    pieces
}

/// At most so many of all, evenly from first to last.
pub fn evenly<T>(all: &[T], most: usize) -> Vec<&T> {
    let n = all.len().min(most);
    (0..n).map(|i| &all[i * all.len() / n]).collect()
}

/// A sentence cut before every `length`-th word: nearly always the sentence itself.
fn stretches(sentence: &str, length: usize) -> Vec<&str> {
    let mut cuts: Vec<usize> = words(sentence).step_by(length).skip(1).map(|word| word.at).collect();
    cuts.push(sentence.len());
    let mut start = 0;
    let mut stretches = Vec::with_capacity(cuts.len());
    for cut in cuts {
        stretches.push(sentence[start..cut].trim_end());
        start = cut;
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_sentences() {
        let texts = ["One two. Three four five.\n\nSix.", "Seven.", "Eight nine ten. Eleven"];
        let found = pieces(&texts, 4);
        assert_eq!(found, ["One two. Three four five.", "Six.\n\nSeven.\n\nEight nine ten."]);
        assert_eq!(
            pieces(&texts, 100),
            ["One two. Three four five.\n\nSix.\n\nSeven.\n\nEight nine ten. Eleven"]
        );
        assert!(pieces(&["", " … "], 5).is_empty());
    }

    #[test]
    fn some_are_taken_evenly() {
        assert_eq!(evenly(&[0, 1, 2, 3, 4, 5, 6], 3), [&0, &2, &4]);
        assert_eq!(evenly(&[0, 1], 3), [&0, &1]);
        assert!(evenly(&[0, 1], 0).is_empty());
    }

    #[test]
    fn a_sentence_without_end_is_cut_at_words() {
        assert_eq!(pieces(&["a b c, d e f g"], 3), ["a b c,", "d e f"]);
        let long = "word ".repeat(1000);
        assert!(pieces(&[&long], 70).iter().all(|piece| words(piece).count() == 70));
    }
}
