//! A text that is no longer than a model can see: of one that is, its heading and its end.

use crate::sample::{kept, opening};
use crate::serve::job::{Cut, Kind, Refusal};
use crate::tokens::Tokenizer;

/// What of a prompt the model reads.
#[derive(Debug)]
pub(super) struct Kept {
    /// One token or more.
    pub ids: Vec<u32>,
    /// What was left out.
    pub cut: Option<Cut>,
}

/// Tokens that leave room in `positions` for `most` of answer, or for half of them where that is less: of more the last ones.
pub(super) fn of_ids(ids: &[u32], tokenizer: &Tokenizer, [positions, most]: [usize; 2]) -> Kept {
    let last = kept(ids, positions, most);
    let tokens = ids.len() - last.len();
    Kept { ids: opening(last, tokenizer), cut: (tokens > 0).then_some(Cut { tokens, from: None }) }
}

/// The same of a text below a heading, of which all stays.
///
/// # Errors
/// The heading leaves no room for the text.
pub(super) fn of_text(
    (heading, text): (&str, &str),
    tokenizer: &Tokenizer,
    [positions, most]: [usize; 2],
) -> Result<Kept, Refusal> {
    let encoded = |text: &str| if text.is_empty() { Vec::new() } else { tokenizer.encode_prompt(text) };
    // As training has them: the heading's tokens are the same whatever follows.
    let mut ids = encoded(heading);
    let whole = [&ids[..], &encoded(text)].concat();
    let room = kept(&whole, positions, most).len();
    if room == whole.len() {
        return Ok(Kept { ids: opening(&whole, tokenizer), cut: None });
    }
    if ids.len() >= room {
        let message = format!(
            "the heading has {} tokens, and there is room for {room} with the text: shorten it, or ask for fewer \
             tokens of answer",
            ids.len()
        );
        return Err(Refusal { kind: Kind::TooLong, message, param: Some("heading") });
    }
    let end = &whole[whole.len() - (room - ids.len())..];
    ids.extend(end);
    let units = |text: &str| text.encode_utf16().count();
    // A token may begin within a character, which is not read then.
    let read = tokenizer.decode(end);
    let read = units(read.trim_start_matches(char::REPLACEMENT_CHARACTER));
    let from = Some(units(text).saturating_sub(read));
    Ok(Kept { ids, cut: Some(Cut { tokens: whole.len() - room, from }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_text_that_is_too_long_the_heading_stays_and_the_end() {
        let tokenizer = Tokenizer::bytes();
        let of = |heading: &str, text: &str, most| of_text((heading, text), &tokenizer, [32, most]);
        let read = |kept: &Kept| String::from_utf8_lossy(&tokenizer.decode_bytes(&kept.ids)).into_owned();
        let short = of("# 5 May\n", "It rained.", 14).unwrap();
        assert_eq!((read(&short), short.cut), ("# 5 May\nIt rained.".into(), None));
        let long = of("# 5 May\n", "In the morning it rained.", 14).unwrap();
        assert_eq!(read(&long), "# 5 May\nit rained.");
        assert_eq!(long.cut, Some(Cut { tokens: 15, from: Some(15) }));
        let refused = of("# The 5th of May, towards evening\n", "It rained.", 14).unwrap_err();
        assert_eq!((refused.kind, refused.param), (Kind::TooLong, Some("heading")));
        let gpt2 = Tokenizer::gpt2();
        let apart = of_text(("# 5 May\n\n", "It rained."), &gpt2, [32, 14]).unwrap();
        assert_eq!(apart.ids, [gpt2.encode("# 5 May\n\n"), gpt2.encode("It rained.")].concat());
        assert_ne!(apart.ids, gpt2.encode("# 5 May\n\nIt rained."), "in one they are others");
        let ids: Vec<u32> = (0..40).collect();
        let last = of_ids(&ids, &tokenizer, [32, 14]);
        assert_eq!((&last.ids[..], last.cut), (&ids[22..], Some(Cut { tokens: 22, from: None })));
    }

    #[test]
    fn a_character_that_is_cut_is_not_read() {
        let tokenizer = Tokenizer::bytes();
        let kept = of_text(("", "a😀b"), &tokenizer, [4, 1]).unwrap();
        assert_eq!(kept.cut, Some(Cut { tokens: 3, from: Some(3) }));
    }
}
