//! How tokenizer files spell bytes: GPT-2's way, one printable character for each, so that a token is a word of them.

use std::sync::LazyLock;

/// The characters by which GPT-2's files name the 256 bytes, none of them white space or control. A printable byte of
/// Latin-1 names itself; the others, in order, are U+0100, U+0101 and so on (a space is `Ġ`).
pub fn byte_chars() -> [char; 256] {
    let mut moved = 0x100..;
    std::array::from_fn(|b| {
        let code = match b {
            0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => b as u32,
            _ => moved.next().expect("68 bytes are moved"),
        };
        char::from_u32(code).expect("codes are under U+0144")
    })
}

/// The byte that each character up to the last of them names.
static BYTES: LazyLock<[Option<u8>; 0x144]> = LazyLock::new(|| {
    let mut bytes = [None; 0x144];
    byte_chars().into_iter().zip(0..=255).for_each(|(c, byte)| bytes[c as usize] = Some(byte));
    bytes
});

/// Bytes as they stand in the files.
pub fn spelling(bytes: &[u8]) -> String {
    static CHARS: LazyLock<[char; 256]> = LazyLock::new(byte_chars);
    bytes.iter().map(|&b| CHARS[usize::from(b)]).collect()
}

/// The bytes that a word of the files stands for; none where it is spelled with other characters, or with none at all.
pub fn bytes_of(spelling: &str) -> Option<Vec<u8>> {
    let byte = |c: char| BYTES.get(c as usize).copied().flatten();
    Some(spelling.chars().map(byte).collect::<Option<Vec<u8>>>()?).filter(|bytes| !bytes.is_empty())
}

/// A token of a stranger's file for a message.
pub(super) fn shown(token: &str) -> String {
    match token.char_indices().nth(40) {
        Some((end, _)) => format!("{:?}…", &token[..end]),
        None => format!("{token:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let all: Vec<u8> = (0..=255).collect();
        let spelled = spelling(&all);
        assert_eq!((spelled.chars().count(), bytes_of(&spelled).unwrap()), (256, all));
        assert!(!spelled.contains(char::is_whitespace) && !spelled.contains(char::is_control));
        assert_eq!(spelling(" a\n\u{e9}".as_bytes()), "ĠaĊÃ©");
        assert_eq!(
            (bytes_of("a b"), bytes_of("日"), bytes_of("\u{144}"), bytes_of("")),
            (None, None, None, None)
        );
    }
}
