//! Where a text that is too long begins anew: its end stays, since the writing goes on from there.

use crate::tokens::Tokenizer;

/// A word is no longer than so many bytes, or else the text is cut in its midst.
const WORD: usize = 32;

/// At most so great a share of what is kept is given up, for it to begin with a line.
const LINE: usize = 8;

/// Where the last `room` tokens of a text begin, in bytes, or a little behind that: with a line or a word, where one is near.
pub(super) fn newest(text: &str, room: usize, tokenizer: &Tokenizer) -> usize {
    if room == 0 {
        return text.len();
    }
    // Few tokens are longer than this on average; what is far before the end is not read.
    let mut bytes = 8 * room;
    loop {
        let start = text.floor_char_boundary(text.len().saturating_sub(bytes));
        let ids = tokenizer.encode(&text[start..]);
        if start == 0 && ids.len() <= room {
            return 0;
        }
        if ids.len() >= room {
            let over = &ids[..ids.len() - room];
            let over: usize = over.iter().map(|id| tokenizer.token_bytes(*id).len()).sum();
            return border(text, text.ceil_char_boundary((start + over).min(text.len())));
        }
        bytes *= 2;
    }
}

/// The first byte from `at` on with which a line begins, or a word, where one is near; `at` itself where none is.
fn border(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let begins_behind = |is_before: fn(char) -> bool, reach: usize| {
        let begins = |(i, c): &(usize, char)| {
            !c.is_whitespace() && text[..at + i].chars().next_back().is_none_or(is_before)
        };
        rest.char_indices().take_while(|(i, _)| *i <= reach).find(begins).map(|(i, _)| at + i)
    };
    begins_behind(|c| c == '\n', rest.len() / LINE)
        .or_else(|| begins_behind(char::is_whitespace, WORD.min(rest.len() / 2)))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_begins_anew_with_a_line_or_a_word_where_one_is_near() {
        let bytes = Tokenizer::bytes();
        let kept = |text: &'static str, room: usize| &text[newest(text, room, &bytes)..];
        assert_eq!(kept("It rained all day.", 18), "It rained all day.");
        assert_eq!(kept("It rained all day.", 17), "rained all day.");
        assert_eq!(kept("It rained all day.", 15), "rained all day.", "that is a border already");
        assert_eq!(kept("It rained\nall day and all night.", 23), "all day and all night.");
        assert_eq!(kept("It rained all\nday.", 15), "rained all\nday.", "a line that is far is let go");
        assert_eq!(kept("日本の日記", 7), "日記", "where there is no border, it is a letter");
        assert_eq!(kept("It rained", 0), "");
    }

    #[test]
    fn no_more_tokens_are_kept_than_there_is_room_for_and_not_many_fewer() {
        let tokenizer = Tokenizer::gpt2();
        let text = "It rained, and I stayed within doors; 日記 was read.\n\n".repeat(200);
        for room in [1, 2, 10, 100, 724] {
            let kept = tokenizer.encode(&text[newest(&text, room, &tokenizer)..]).len();
            // A word that is cut off takes its tokens with it, a line an eighth.
            assert!(kept <= room + 1 && kept + 16 + room / LINE >= room, "{kept} of {room}");
        }
        // Long tokens, of which there are too few in what is looked at first: a token of these is up to 128 dashes.
        let dashes = "-".repeat(4000);
        let kept = tokenizer.encode(&dashes[newest(&dashes, 10, &tokenizer)..]).len();
        assert!((8..=10).contains(&kept), "{kept}");
    }
}
