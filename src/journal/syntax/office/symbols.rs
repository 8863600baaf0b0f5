//! Fonts whose letters are signs, as signs.

/// The Symbol font from 0x20 on, and from 0xA0 on.
const SYMBOL_LOW: &str =
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼";
const SYMBOL_HIGH: &str = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑";

/// What of Wingdings is written: Word makes faces and arrows of `:)` and `-->`.
const WINGDINGS: &[(u8, char)] = &[
    (0x20, ' '),
    (0x22, '✂'),
    (0x28, '☎'),
    (0x2A, '✉'),
    (0x43, '👍'),
    (0x44, '👎'),
    (0x46, '☞'),
    (0x4A, '☺'),
    (0x4B, '😐'),
    (0x4C, '☹'),
    (0x52, '☼'),
    (0x54, '❄'),
    (0x59, '✡'),
    (0x6C, '●'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x71, '❑'),
    (0x76, '❖'),
    (0x9F, '•'),
    (0xA7, '▪'),
    (0xA8, '◻'),
    (0xAB, '★'),
    (0xD8, '➢'),
    (0xDF, '←'),
    (0xE0, '→'),
    (0xE1, '↑'),
    (0xE2, '↓'),
    (0xE7, '⬅'),
    (0xE8, '➔'),
    (0xF3, '⇔'),
    (0xFB, '✗'),
    (0xFC, '✓'),
    (0xFD, '☒'),
    (0xFE, '☑'),
];

/// A font whose letters are signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbols {
    /// Greek and mathematics.
    Symbol,
    /// Faces, arrows, boxes.
    Wingdings,
    /// A font that nobody here knows: Webdings, Wingdings 2.
    Other,
}

impl Symbols {
    /// By the font's name.
    pub fn named(font: &str) -> Option<Symbols> {
        match font.trim().to_lowercase().as_str() {
            "symbol" | "standard symbols l" | "opensymbol" => Some(Symbols::Symbol),
            "wingdings" => Some(Symbols::Wingdings),
            "wingdings 2" | "wingdings 3" | "webdings" | "marlett" | "zapf dingbats" => Some(Symbols::Other),
            _ => None,
        }
    }

    /// The sign under a code, which may lie in the private area U+F000.
    pub fn sign(self, code: u32) -> Option<char> {
        let code = match code {
            0..=0xFF => code as u8,
            0xF000..=0xF0FF => (code - 0xF000) as u8,
            _ => return char::from_u32(code),
        };
        match (self, code) {
            (Symbols::Symbol, 0x20..=0x7E) => SYMBOL_LOW.chars().nth(usize::from(code - 0x20)),
            (Symbols::Symbol, 0xA0..) => SYMBOL_HIGH.chars().nth(usize::from(code - 0xA0)),
            (Symbols::Wingdings, _) => WINGDINGS.iter().find(|(at, _)| *at == code).map(|(_, sign)| *sign),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_symbol_fonts() {
        assert_eq!(SYMBOL_LOW.chars().count(), 0x7F - 0x20);
        assert_eq!(SYMBOL_HIGH.chars().count(), 0xE6 - 0xA0);
        assert_eq!(Symbols::Symbol.sign(0xF061), Some('α'));
        assert_eq!(Symbols::Symbol.sign(0xB7), Some('•'));
        assert_eq!(Symbols::named("Wingdings").unwrap().sign(0x4A), Some('☺'));
        assert_eq!(Symbols::Wingdings.sign(0xF000), None);
        assert_eq!(Symbols::Other.sign(0x4A), None);
        assert_eq!(Symbols::Symbol.sign(0x2192), Some('→'));
    }
}
