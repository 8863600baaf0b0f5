//! Control characters, which no writer types and no reader sees: what terminals, word processors and crashes leave in a
//! text. Those that end a line or a page become line feeds, windows-1252's signs that were read as Latin-1 become
//! themselves, and the rest goes.

use std::sync::LazyLock;

use regex::Regex;

use crate::journal::text::mac_roman::{WESTERN, character};

/// Bytes looked at together.
const BLOCK: usize = 64;

/// Whether there may be some: a quick look, many bytes at a time.
pub fn are_in(text: &str) -> bool {
    text.as_bytes().chunks(BLOCK).any(holds_one)
}

/// The text without control characters, and how many there were; none where there is none.
pub fn without(text: &str) -> Option<(String, usize)> {
    if !are_in(text) {
        return None;
    }
    // What a terminal is told, as in a session that was recorded: colours, titles, movements.
    static TERMINAL: LazyLock<Regex> = LazyLock::new(|| {
        let sequence = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]";
        Regex::new(sequence).expect("a sound pattern")
    });
    let mut count = TERMINAL.find_iter(text).count();
    let text = TERMINAL.replace_all(text, "");
    let mut better = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !c.is_control() || matches!(c, '\n' | '\t') {
            better.push(c);
            continue;
        }
        count += 1;
        match c {
            // A line's end within a paragraph, a page's end, and the end of a line on other machines.
            '\u{b}' | '\u{c}' | '\r' | '\u{85}' => {
                let ends = !better.ends_with('\n') && rest.peek().is_some_and(|next| *next != '\n');
                better.extend(ends.then_some('\n'));
            }
            '\u{80}'..='\u{9f}' => {
                let sign = u8::try_from(u32::from(c)).map(|byte| character(byte, &WESTERN));
                better.extend(sign.ok().filter(|sign| !sign.is_control()));
            }
            _ => {}
        }
    }
    (count > 0).then_some((better, count))
}

/// Whether a block may hold one. Without branches, so that the compiler takes many bytes at a time.
fn holds_one(block: &[u8]) -> bool {
    // 0xC2 leads U+0080 to U+009F, and some signs that are looked at more closely.
    block.iter().fold(false, |any, &byte| {
        any | ((byte < b' ') & (byte != b'\n') & (byte != b'\t')) | (byte == 0x7f) | (byte == 0xC2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_them_stays_and_nothing_else_goes() {
        for (text, clean) in [
            ("a\u{b}b\u{c}c", "a\nb\nc"),
            ("page one\n\u{c}page two\u{c}", "page one\npage two"),
            ("\u{1b}[31mred\u{1b}[0m and \u{1b}]0;title\u{7}plain", "red and plain"),
            ("don\u{92}t \u{93}go\u{94} \u{81}", "don’t “go” "),
            ("a\0\u{1}\u{7f}b\u{85}c", "ab\nc"),
            ("old\rMac", "old\nMac"),
        ] {
            assert_eq!(without(text).unwrap().0, clean, "{text:?}");
            assert_eq!(without(clean), None);
        }
        // U+00A0 and U+00AB share their first byte with control characters.
        assert_eq!(without("«\u{a0}tab\there\u{a0}»\n"), None);
    }
}
