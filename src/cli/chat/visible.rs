//! Text for a terminal: what would steer it is written out.

use std::borrow::Cow;

/// Text without control characters: line breaks and tabs stay, others read `\u{1b}` or `\r`.
pub fn visible(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// The first `most` characters of a text on one line, `…` behind them where there are more.
pub fn first_words(text: &str, most: usize) -> String {
    let mut words = String::new();
    let mut count = 0;
    for word in text.split_whitespace() {
        if count > 0 {
            words.push(' ');
        }
        for c in word.chars() {
            if count >= most {
                return visible(&words).into_owned() + "…";
            }
            words.push(c);
            count += 1;
        }
        count += 1;
    }
    visible(&words).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(visible("a\tb\nc é 日"), "a\tb\nc é 日");
        assert_eq!(
            visible("\u{1b}[2J\u{7}\r\u{9b}31m\u{7f}\0"),
            "\\u{1b}[2J\\u{7}\\r\\u{9b}31m\\u{7f}\\u{0}"
        );
        for c in (0..0x100).filter_map(char::from_u32) {
            let shown = visible(&c.to_string()).into_owned();
            assert!(shown.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{shown:?}");
        }
    }

    #[test]
    fn first_words_stand_on_one_line() {
        assert_eq!(first_words("  a\n\tb c ", 10), "a b c");
        assert_eq!(first_words("häuser und", 4), "häus…");
        assert_eq!(first_words("", 4), "");
        assert_eq!(first_words("\u{1b}x", 9), "\\u{1b}x");
    }
}
