//! Text from bytes that arrive a few at a time.

/// A streaming decoder of UTF-8: a model writes tokens, and a token may end inside a character.
///
/// All that it returns, joined, is what `String::from_utf8_lossy` makes of all the bytes.
///
/// ```
/// # use diarist::tokens::Utf8Stream;
/// let mut stream = Utf8Stream::default();
/// assert_eq!(stream.push(b"caf\xc3"), "caf"); // half an é is held back
/// assert_eq!(stream.push(b"\xa9!"), "é!");
/// assert_eq!(stream.finish(), "");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Utf8Stream {
    /// The beginning of a character; three bytes at most.
    held: Vec<u8>,
}

impl Utf8Stream {
    /// The text that these bytes complete. The beginning of a character is held back; bytes that can belong to none
    /// become U+FFFD at once.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.held.len());
        let mut rest = self.held.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    rest = after;
                    // No length means that the bytes end too early, not that they are wrong.
                    let Some(wrong) = error.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[wrong..];
                }
            }
        }
        self.held = rest.to_vec();
        text
    }

    /// What was held back, now that nothing can complete it: U+FFFD, or nothing.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.held).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Characters whole and in part, and bytes that begin none.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let piece = prop_oneof![
            any::<char>().prop_map(|c| c.to_string().into_bytes()),
            (any::<char>(), 0_usize..4).prop_map(|(c, n)| c.to_string().bytes().take(n).collect()),
            prop::collection::vec(any::<u8>(), 0..6),
        ];
        prop::collection::vec(piece, 0..20)
    }

    proptest! {
        #[test]
        fn joined_it_is_the_lossy_text_of_all_bytes(pieces in pieces(), step in 1_usize..5) {
            let bytes = pieces.concat();
            let expected = String::from_utf8_lossy(&bytes);
            let mut stream = Utf8Stream::default();
            let mut text = String::new();
            for chunk in bytes.chunks(step) {
                text.push_str(&stream.push(chunk));
                // What is held back is the beginning of a character, so nothing whole ever waits.
                prop_assert!(stream.held.len() <= 3);
            }
            text.push_str(&stream.finish());
            prop_assert_eq!(text, expected);
        }
    }

    #[test]
    fn wrong_bytes_do_not_wait() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xff"), "a\u{fffd}");
        assert_eq!(stream.push(b"\xf0\x9f\x98"), "");
        assert_eq!(stream.push(b"b"), "\u{fffd}b");
        assert_eq!(stream.push(b"\xf0\x9f"), "");
        assert_eq!(stream.finish(), "\u{fffd}");
    }
}
