//! The classes of characters that BERT's tokenizer tells apart, by the Unicode tables that the project's other tokenizers use.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// A set of characters.
pub struct Set(Vec<(char, char)>);

impl Set {
    fn of(pattern: &str) -> Set {
        let parsed = regex_syntax::parse(pattern).expect("the pattern is one class");
        let HirKind::Class(Class::Unicode(set)) = parsed.kind() else {
            unreachable!("the pattern is one class")
        };
        Set(set.iter().map(|range| (range.start(), range.end())).collect())
    }

    /// Whether a character is in it.
    pub fn has(&self, c: char) -> bool {
        let place = self.0.partition_point(|(_, end)| *end < c);
        self.0.get(place).is_some_and(|(start, _)| *start <= c)
    }
}

/// What a text is cleaned of: controls, formats and characters for private use.
pub static OTHER: LazyLock<Set> = LazyLock::new(|| Set::of(r"[\p{Cc}\p{Cf}\p{Co}]"));
/// What is an accent.
pub static MARK: LazyLock<Set> = LazyLock::new(|| Set::of(r"\p{Mn}"));
/// What is a word by itself.
pub static PUNCTUATION: LazyLock<Set> = LazyLock::new(|| Set::of(r"[\p{P}[:punct:]]"));

/// Whether a character is one of those that Chinese and Japanese share, which are words each.
pub fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_in_their_classes() {
        assert!(['.', '$', '~', '“', '—', '¿', '、'].into_iter().all(|c| PUNCTUATION.has(c)));
        assert!(['a', ' ', '€', '1', '日'].into_iter().all(|c| !PUNCTUATION.has(c)));
        assert!(MARK.has('\u{301}') && !MARK.has('\u{903}'));
        assert!(OTHER.has('\u{200d}') && OTHER.has('\0') && OTHER.has('\u{e000}') && !OTHER.has(' '));
        assert!(is_ideograph('日') && !is_ideograph('か'));
    }
}
