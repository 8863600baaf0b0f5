//! Characters that, as bytes, would be one character in UTF-8, and how sure it is that they once were.
//! `mojibake.rs` states the rule.

use crate::journal::text::mac_roman::{MAC, WESTERN};

/// How UTF-8 was misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misreading {
    /// As windows-1252 or Latin-1.
    Western,
    Mac,
}

/// How sure it is that a sequence is mojibake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Certain,
    /// With other mojibake in the text.
    Likely,
    /// A control, which only a further misreading makes sense of.
    Layer,
    /// In a run of the same alphabet.
    Run(u8),
    No,
}

/// Characters that would be the bytes of one.
pub struct Sequence {
    pub misreading: Misreading,
    bytes: [u8; 4],
    count: usize,
    pub character: char,
    /// How much of the text it takes.
    pub length: usize,
    /// What follows it.
    after: Option<char>,
    /// All but its first character are punctuation.
    pub marks: bool,
}

impl Sequence {
    /// The ways to read what stands at a place, the longest first.
    pub fn at(text: &str, at: usize) -> impl Iterator<Item = Sequence> {
        let western = Sequence::read(text, at, Misreading::Western);
        let mac = Sequence::read(text, at, Misreading::Mac);
        let count = |sequence: &Option<Sequence>| sequence.as_ref().map_or(0, |sequence| sequence.count);
        let both = if count(&mac) > count(&western) { [mac, western] } else { [western, mac] };
        both.into_iter().flatten()
    }

    pub fn read(text: &str, at: usize, misreading: Misreading) -> Option<Sequence> {
        let mut characters = text[at..].chars();
        let lead = misreading.byte(characters.next()?)?;
        let count = match lead {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return None,
        };
        let (mut bytes, mut marks) = ([lead, 0, 0, 0], true);
        for byte in &mut bytes[1..count] {
            let character = characters.next()?;
            marks &= is_mark(character);
            *byte = misreading.byte(character).filter(|byte| matches!(byte, 0x80..=0xBF))?;
        }
        let character = std::str::from_utf8(&bytes[..count]).ok()?.chars().next()?;
        let length = text.len() - at - characters.as_str().len();
        Some(Sequence { misreading, bytes, count, character, length, after: characters.next(), marks })
    }

    /// Whether it is itself the second or a later character of a sequence, as right after another in text
    /// garbled twice.
    pub fn goes_on(&self) -> bool {
        self.count == 2 && self.misreading.byte(self.character).is_some_and(|byte| byte < 0xC0)
    }

    pub fn verdict(&self, before: Option<char>) -> Verdict {
        match self.misreading {
            Misreading::Western => self.western_verdict(before),
            Misreading::Mac => self.mac_verdict(before),
        }
    }

    fn western_verdict(&self, before: Option<char>) -> Verdict {
        let [lead, second, ..] = self.bytes;
        let before_small = self.after.is_some_and(char::is_lowercase);
        let before_letter = self.after.is_some_and(char::is_alphabetic);
        let starts = !before.is_some_and(char::is_alphanumeric);
        let among_small = before_small && before.is_some_and(char::is_lowercase);
        let after_capital = before.is_some_and(|c| c.is_uppercase() || "«“„‘‹".contains(c));
        // Latin letters and accents; Vietnamese ơ and ư, Romanian ș and ț.
        let is_latin = matches!(lead, 0xC3..=0xC5 | 0xCC | 0xCD)
            || matches!((lead, second), (0xC6, 0xA0 | 0xA1 | 0xAF | 0xB0) | (0xC8, 0x98..=0x9B));
        match (self.count, lead) {
            (3.., _) if self.marks && self.character != '\u{feff}' => Verdict::Likely,
            (3.., _) => Verdict::Certain,
            (_, 0xC2) if second < 0xA0 => Verdict::Layer,
            (_, 0xC2 | 0xC3) if second >= 0xA0 && self.marks && after_capital && !before_small => {
                Verdict::Likely
            }
            (_, 0xC2 | 0xC3) if second >= 0xA0 => Verdict::Certain,
            // A control's mojibake follows: this is one of two layers.
            (_, 0xC3) if self.after == Some('Â') => Verdict::Certain,
            _ if is_latin && matches!(second, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D) => Verdict::Certain,
            _ if is_latin && among_small => Verdict::Certain,
            // `Ãœber`, `Ã–l`, `Ãˆ`: no word begins with Ã and a sign. `Å“uvre`.
            (_, 0xC3) if starts && (!self.marks || before_letter) => Verdict::Certain,
            (_, 0xC5) if starts && second == 0x93 && before_small => Verdict::Certain,
            _ if is_latin => Verdict::Likely,
            _ => Verdict::Run(group(lead)),
        }
    }

    fn mac_verdict(&self, before: Option<char>) -> Verdict {
        let [lead, second, ..] = self.bytes;
        let after_small = before.is_some_and(char::is_lowercase);
        let before_small = self.after.is_some_and(char::is_lowercase);
        // `√π` is mathematics.
        let mathematical = matches!(second, 0xAD | 0xB0..=0xB3 | 0xB6..=0xBA | 0xBD);
        match lead {
            0xE2 | 0xF0 => Verdict::Certain,
            _ if matches!(self.character, '\u{fe0f}' | '\u{feff}') => Verdict::Certain,
            0xE1 if matches!(second, 0xBA | 0xBB) => Verdict::Certain,
            0xC2 if second < 0xA0 => Verdict::Layer,
            0xC2 if !MAC[usize::from(second) - 0x80].is_alphabetic() => Verdict::Certain,
            0xC3 if after_small && before_small => Verdict::Certain,
            0xC3 if !mathematical && (after_small || before_small) => Verdict::Certain,
            0xC4 | 0xC5 | 0xCC | 0xCD if after_small && before_small => Verdict::Certain,
            0xC2..=0xC5 | 0xCC | 0xCD => Verdict::Likely,
            0xC6 if matches!(second, 0xA0 | 0xA1 | 0xAF | 0xB0) => Verdict::Likely,
            // « » … and the no-break space go before letters in any text.
            0xC6..=0xCB | 0xDC..=0xDF | 0xEE | 0xF1..=0xF4 => Verdict::No,
            _ => Verdict::Run(group(lead)),
        }
    }
}

impl Misreading {
    /// The byte that a character was.
    fn byte(self, character: char) -> Option<u8> {
        let in_table = |table: &[char]| table.iter().position(|&c| c == character).map(|at| at as u8 + 0x80);
        match (self, character) {
            (_, '\0'..='\x7f') => None,
            (Misreading::Western, '\u{80}'..='\u{ff}') => Some(character as u8),
            (Misreading::Western, _) => in_table(&WESTERN[..0x20]),
            (Misreading::Mac, _) => in_table(&MAC[..]),
        }
    }
}

/// The alphabet, or a few of them, whose characters begin with this byte.
fn group(lead: u8) -> u8 {
    match lead {
        0xC6..=0xCB => 0,
        0xCE | 0xCF => 1,
        0xD0..=0xD3 => 2,
        0xD4 | 0xD5 => 3,
        0xD6 | 0xD7 => 4,
        0xD8..=0xDB => 5,
        0xDC..=0xDF => 6,
        0xE0 => 7,
        0xE1 => 8,
        _ => 9,
    }
}

/// What a writer puts right after a letter.
fn is_mark(c: char) -> bool {
    is_own_mark(c) || matches!(c, '\u{a0}' | '¿' | '¡' | '¹' | '²' | '³')
}

/// Punctuation that, outside any sequence, shows that the text has some that was never garbled.
pub fn is_own_mark(c: char) -> bool {
    matches!(c, '‘' | '’' | '‚' | '“' | '”' | '„' | '…' | '–' | '—' | '‹' | '›' | '«' | '»')
}
