//! An entry that is larger than what is to be held out is divided at its paragraphs: a stretch of it is held out, the rest
//! is trained on, and the paragraphs next to the stretch stand on neither side, since a text goes on where it stopped.

use std::ops::Range;

use crate::base::rng::Rng;
use crate::tokens::Tokenizer;

/// Where the stretch that is held out lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Anywhere, as the seed draws it.
    Drawn(u64),
    /// At the end: what was written last.
    End,
}

/// How an entry is divided: ranges of its text's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Held out.
    pub held: Range<usize>,
    /// Trained on: before it and behind it, neither of them empty.
    pub kept: Vec<Range<usize>>,
}

/// A stretch is as long as was asked for, or off by so much of that.
const OFF: f64 = 0.5;

/// Divides a text's tokens so that a stretch near to `wanted` tokens is held out. None where its paragraphs are too few or
/// too long for that.
pub fn divide(tokens: &[u32], tokenizer: &Tokenizer, wanted: f64, place: Place) -> Option<Division> {
    let starts = paragraphs(tokens, tokenizer);
    let last = starts.len() - 1;
    // For each paragraph that a stretch may begin with, the end that comes nearest.
    let stretches = (0..last).filter_map(|first| {
        let target = starts[first] as f64 + wanted;
        let after = starts.partition_point(|start| (*start as f64) < target).clamp(first + 1, last);
        let near = |end: &usize| (starts[*end] as f64 - target).abs();
        let end = [after - 1, after]
            .into_iter()
            .filter(|end| *end > first)
            .min_by(|a, b| near(a).total_cmp(&near(b)))?;
        // One paragraph on either side stands between.
        let kept = [0..starts[first.saturating_sub(1)], starts[(end + 1).min(last)]..starts[last]];
        let kept: Vec<Range<usize>> = kept.into_iter().filter(|range| !range.is_empty()).collect();
        let fits = near(&end) <= OFF * wanted && !kept.is_empty();
        fits.then(|| Division { held: starts[first]..starts[end], kept })
    });
    match place {
        Place::Drawn(seed) => {
            let mut all: Vec<Division> = stretches.collect();
            let drawn = Rng::new(seed, "divide").below(all.len().max(1) as u64) as usize;
            (drawn < all.len()).then(|| all.swap_remove(drawn))
        }
        Place::End => {
            let off = |division: &Division| (division.held.len() as f64 - wanted).abs();
            let end = tokens.len();
            stretches.filter(|d| d.held.end == end).min_by(|a, b| off(a).total_cmp(&off(b)))
        }
    }
}

/// Where paragraphs begin, in tokens, and at last where the text ends. Blank lines divide paragraphs; where there are none
/// every line is one, unless the lines look like those of one that was wrapped.
fn paragraphs(tokens: &[u32], tokenizer: &Tokenizer) -> Vec<usize> {
    let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(tokens.len()));
    for &id in tokens {
        text.extend_from_slice(tokenizer.token_bytes(id));
        ends.push(text.len());
    }
    let mut found = starts(&text, 2);
    if found.is_empty() && !is_wrapped(&text) {
        found = starts(&text, 1);
    }
    // A paragraph that begins inside a token goes on from the one before.
    let mut all = vec![0];
    all.extend(found.into_iter().filter_map(|start| ends.binary_search(&start).ok()).map(|token| token + 1));
    all.push(tokens.len());
    all.dedup();
    all
}

/// The bytes at which something begins behind so many line feeds.
fn starts(text: &[u8], feeds: usize) -> Vec<usize> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let white = text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let run = &text[at..at + white];
        if at > 0 && at + white < text.len() && run.iter().filter(|byte| **byte == b'\n').count() >= feeds {
            // White space behind the last feed belongs to the paragraph that it indents.
            let last = run.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            found.push(at + last);
        }
        at += white.max(1);
    }
    found
}

/// Whether lines are those of a paragraph that an editor wrapped: none is longer than a page is wide, most are nearly so.
fn is_wrapped(text: &[u8]) -> bool {
    let mut lengths: Vec<usize> = text.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
    lengths.sort_unstable();
    let (middle, longest) = (lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
    lengths.len() > 1 && longest <= 120 && middle >= 50
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, range: &Range<usize>) -> String {
        Tokenizer::bytes().decode(&Tokenizer::bytes().encode(text)[range.clone()])
    }

    #[test]
    fn whole_paragraphs_with_one_between() {
        let text: String = (0..40).map(|i| format!("Paragraph {i:02} has words.\n\n")).collect();
        let text = text.trim_end();
        let tokens = Tokenizer::gpt2().encode(text);
        let kept = |division: &Division| division.kept.iter().map(Range::len).sum::<usize>();
        for seed in 0..20 {
            let wanted = tokens.len() as f64 / 10.0;
            let division = divide(&tokens, &Tokenizer::gpt2(), wanted, Place::Drawn(seed)).unwrap();
            let held = Tokenizer::gpt2().decode(&tokens[division.held.clone()]);
            assert!(held.starts_with("Paragraph") && held.trim_end().ends_with("words."), "{held:?}");
            assert_eq!(held.matches("Paragraph").count(), 4);
            let paragraph = tokens.len() / 40;
            let gone = tokens.len() - division.held.len() - kept(&division);
            assert!((paragraph - 1..=2 * paragraph + 2).contains(&gone), "{gone}");
        }
        let end = divide(&tokens, &Tokenizer::gpt2(), tokens.len() as f64 / 10.0, Place::End).unwrap();
        assert_eq!((end.held.end, end.kept.len(), end.kept[0].start), (tokens.len(), 1, 0));
        // The seed draws other stretches.
        let of = |seed| divide(&tokens, &Tokenizer::gpt2(), 40.0, Place::Drawn(seed)).unwrap().held;
        assert_eq!(of(1), of(1));
        assert!((0..9).any(|seed| of(seed) != of(9)));
    }

    #[test]
    fn never_inside_a_paragraph() {
        let bytes = Tokenizer::bytes();
        let try_it =
            |text: &str| divide(&bytes.encode(text), &bytes, text.len() as f64 / 10.0, Place::Drawn(1));
        assert_eq!(try_it(&"one paragraph, as it was dictated ".repeat(200)), None);
        let wrapped = "a line of seventy characters and more, as an editor wraps them all here\n".repeat(50);
        assert_eq!(try_it(&wrapped), None);
        let lines = "A line of its own, which is a paragraph and is by far longer than any page of any book is wide, so that nobody wrapped \
            it there at all.\n"
            .repeat(50);
        let found = try_it(&lines).unwrap();
        assert!(shown(&lines, &found.held).starts_with("A line"));
        // Two paragraphs have none to spare between them.
        assert_eq!(try_it(&format!("{}\n\n{}", "a ".repeat(90), "b ".repeat(10))), None);
    }

    proptest! {
        #[test]
        fn every_token_is_on_one_side_or_between(
            paragraphs in prop::collection::vec("[a-z .\n]{0,60}", 0..40), share in 0.01f64..0.6, seed: u64,
        ) {
            let text = paragraphs.join("\n\n");
            for tokenizer in [Tokenizer::bytes(), Tokenizer::gpt2()] {
                let tokens = tokenizer.encode(&text);
                for place in [Place::Drawn(seed), Place::End] {
                    let wanted = share * tokens.len() as f64;
                    let Some(found) = divide(&tokens, &tokenizer, wanted, place) else { continue };
                    prop_assert!(!found.held.is_empty() && (found.held.len() as f64 - wanted).abs() <= OFF * wanted);
                    let mut sides = found.kept.clone();
                    sides.push(found.held.clone());
                    sides.sort_by_key(|range| range.start);
                    prop_assert!(sides.windows(2).all(|two| two[0].end < two[1].start), "a gap between: {sides:?}");
                    prop_assert!(sides.iter().all(|range| range.end <= tokens.len()));
                    prop_assert!(place != Place::End || found.held.end == tokens.len());
                }
            }
        }
    }
}
