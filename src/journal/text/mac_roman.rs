//! Windows-1252 or Mac Roman: which of the two a file's bytes were written in, by how well each byte above
//! ASCII sits between its neighbours in either reading.
//!
//! Both put letters and typographic marks above 0x7F, in different places: 0xD5 is `’` or `Õ`, 0x8E is `é` or
//! `Ž`. In `don?t` and `caf?` only one of them is likely. No encoding detector at hand knows Mac Roman.

use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

/// What the bytes from 0x80 mean in an encoding of one byte a character.
pub type Upper = [char; 128];

/// Windows-1252; its five bytes without a meaning are C1 controls.
pub static WESTERN: LazyLock<Upper> = LazyLock::new(|| upper(WINDOWS_1252));

/// Mac Roman.
pub static MAC: LazyLock<Upper> = LazyLock::new(|| upper(MACINTOSH));

fn upper(encoding: &'static Encoding) -> Upper {
    let bytes: Vec<u8> = (0x80..=0xFF).collect();
    let (text, _) = encoding.decode_without_bom_handling(&bytes);
    let mut characters = text.chars();
    std::array::from_fn(|_| characters.next().expect("each byte is one character in both"))
}

/// What a byte means in a reading.
pub fn character(byte: u8, reading: &Upper) -> char {
    if byte < 0x80 { byte as char } else { reading[usize::from(byte - 0x80)] }
}

/// The two readings of a file, weighed as its bytes go by.
pub struct Scales {
    western: i64,
    mac: i64,
    /// Bytes from 0x80, and those of them that are at home in an English, French, German, Spanish or Nordic
    /// text.
    high: u64,
    at_home: u64,
    /// Signs beside a digit, or by themselves: `£7`, `¶ 3`.
    signs: u64,
    returns: u64,
    newlines: u64,
    before: u8,
    here: u8,
}

impl Scales {
    pub fn new() -> Scales {
        let (before, here) = (b'\n', b'\n');
        Scales { western: 0, mac: 0, high: 0, at_home: 0, signs: 0, returns: 0, newlines: 0, before, here }
    }

    /// Weighs the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &after in bytes {
            match after {
                b'\r' => self.returns += 1,
                b'\n' => self.newlines += 1,
                _ => {}
            }
            if self.here >= 0x80 {
                self.weigh(after);
            }
            (self.before, self.here) = (self.here, after);
        }
    }

    fn weigh(&mut self, after: u8) {
        let western = plausibility(self.before, self.here, after, &WESTERN);
        self.western += western;
        self.mac += plausibility(self.before, self.here, after, &MAC);
        self.high += 1;
        let here = character(self.here, &WESTERN);
        let common = !here.is_alphabetic() || is_common(here) || matches!(here, 'µ' | 'ª' | 'º');
        self.at_home += u64::from(western >= 0 && common);
        let beside = [self.before, after];
        let counts = beside.iter().any(u8::is_ascii_digit);
        let alone = beside.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic());
        let is_sign = !here.is_alphabetic() || here == 'µ';
        self.signs += u64::from(western > 0 && (counts || alone) && is_sign);
    }

    /// The last byte has come.
    pub fn finish(&mut self) {
        self.feed(b"\n");
        self.newlines -= 1;
    }

    /// Whether the bytes make sense in Mac Roman and clearly less in windows-1252. Lines that end in CR alone
    /// are a Mac's; without them Mac Roman needs a lead.
    pub fn is_mac(&self) -> bool {
        let lead = if self.returns > 0 && self.newlines == 0 { 0 } else { 2 };
        let makes_sense = self.mac > 0 && self.mac as u64 >= self.high;
        makes_sense && self.mac > self.western + lead
    }

    /// Whether every byte is at home in windows-1252, and they are few, as they are in English or German:
    /// other languages' letters, which another encoding puts on the same bytes, would be more than one in
    /// forty, and would not all stand beside digits or by themselves.
    pub fn is_plainly_western(&self, length: u64) -> bool {
        self.signs == self.high || (self.at_home == self.high && self.high * 40 <= length)
    }

    /// Whether every byte is at home in windows-1252, and they are rarer than the letters of Baltic languages.
    pub fn may_be_western(&self, length: u64) -> bool {
        self.at_home == self.high && self.high * 10 <= length
    }
}

/// How likely a byte is between its neighbours in a reading: above 0 where it is at home, below where it is
/// not.
pub fn plausibility(before: u8, byte: u8, after: u8, reading: &Upper) -> i64 {
    let [before, here, after] = [before, byte, after].map(|byte| character(byte, reading));
    let starts = !before.is_alphanumeric() && after.is_alphanumeric();
    let ends = !before.is_whitespace() && !after.is_alphanumeric();
    let yes = |likely: bool, points: i64| if likely { points } else { -2 };
    match here {
        '’' if before.is_alphabetic() && after.is_alphabetic() => 3,
        '’' => yes(ends || starts, 2),
        '“' | '‘' | '„' => yes(starts || (!before.is_alphanumeric() && is_mark(after)), 3),
        '”' => yes(ends, 3),
        '«' | '»' | '‹' | '›' => {
            yes(starts || ends || before.is_whitespace() || after.is_whitespace(), 1)
        }
        // Between words, after one, and before one: so a line of dialogue begins.
        '–' | '—' => 2,
        '…' => yes(!before.is_whitespace() && !after.is_alphanumeric() || before.is_whitespace(), 2),
        '\u{a0}' => yes(!before.is_alphabetic() || !after.is_alphabetic(), 1),
        '•' => yes(before.is_whitespace() && after.is_whitespace(), 2),
        '£' | '€' | '¥' | '¢' => yes(before.is_numeric() || after.is_numeric(), 2),
        '°' | '½' | '¼' | '¾' | '²' | '³' => yes(!before.is_alphabetic() || ends, 1),
        '¿' | '¡' => yes(starts, 2),
        '©' | '®' | '™' | '§' => yes(!before.is_lowercase() || !after.is_lowercase(), 1),
        '±' | '×' | '÷' | 'µ' | '‰' => yes(!before.is_alphabetic(), 1),
        '¶' | '†' => yes(!before.is_alphanumeric() || !after.is_alphanumeric(), 1),
        '·' => 1,
        'ª' | 'º' => yes(ends && (before == 'n' || !before.is_lowercase()), 1),
        '´' => yes(before.is_alphabetic(), 1),
        // `Ñ` or `Ð`, with which hardly a word begins, on a byte that is a dash in Mac Roman.
        _ if starts && matches!(byte, 0xD0 | 0xD1) => 0,
        c if c.is_lowercase() => letter(in_word(before, after), c),
        c if c.is_uppercase() => letter(in_capitals(before, after), c),
        _ => -3,
    }
}

fn letter(points: i64, letter: char) -> i64 {
    if points > 1 && !is_common(letter) { points - 1 } else { points }
}

/// A small letter: in a word of small letters, or a word by itself (`à`).
fn in_word(before: char, after: char) -> i64 {
    match (before.is_alphabetic(), after.is_alphabetic()) {
        (true, true) if before.is_uppercase() && after.is_uppercase() => -2,
        (true, _) | (_, true) => 2,
        _ if before.is_whitespace() && after.is_whitespace() => 0,
        _ => -1,
    }
}

/// A capital: at a word's start, or among capitals.
fn in_capitals(before: char, after: char) -> i64 {
    match (before, after) {
        (b, _) if b.is_lowercase() => -3,
        (b, a) if a.is_lowercase() => {
            if b.is_alphabetic() {
                0
            } else {
                2
            }
        }
        (b, a) if b.is_uppercase() || a.is_uppercase() => 2,
        (b, a) if b.is_whitespace() && a.is_whitespace() => 0,
        _ => -1,
    }
}

fn is_common(letter: char) -> bool {
    "àáâäåæçèéêëíîïñóôöøùûúüßœÀÁÂÄÅÆÇÈÉÊËÍÎÏÑÓÔÖØÙÛÚÜŒ".contains(letter)
}

fn is_mark(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | '(' | '[' | '…' | '‘' | '“' | '¿' | '¡' | '-' | '—' | '–')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_mac(bytes: &[u8]) -> bool {
        let mut scales = Scales::new();
        scales.feed(bytes);
        scales.finish();
        scales.is_mac()
    }

    fn in_mac(text: &str) -> Vec<u8> {
        text.chars().map(|c| MAC.iter().position(|&m| m == c).map_or(c as u8, |at| at as u8 + 0x80)).collect()
    }

    const SENTENCES: [&str; 15] = [
        "I don’t know.",
        "She said “no” and left… I’m not sure why.",
        "We met at the café.",
        "Noël à Paris, où l’été n’est jamais loin — déjà vu.",
        "« Ça va ? » demanda-t-elle. École fermée, à demain.",
        "Schöne Grüße aus Köln: die Straße, das Mädchen, „gut“.",
        "El corazón del niño, mañana en Málaga. ¿Qué más? ¡Sí!",
        "São Paulo não é longe; coração, amanhã.",
        "CAFÉ FERMÉ À NOËL",
        "word—word and – well – so on",
        "It cost £5 and it was 30° outside.",
        "L’ÉTÉ EST LÀ",
        "Smørrebrød på Ærø, også i Århus",
        "ÇA SUFFIT",
        "La 1ª vez, el nº 3: mañana, ¿qué más? Ñuñoa.",
    ];

    #[test]
    fn sentences_are_told_apart() {
        for sentence in SENTENCES {
            let (western, _, lost) = WINDOWS_1252.encode(sentence);
            assert!(!lost && !is_mac(&western), "windows-1252: {sentence}");
            // The brief ones that read well both ways go to windows-1252.
            let both = ["ÇA SUFFIT", "word—word and – well – so on", "It cost £5 and it was 30° outside."];
            assert!(is_mac(&in_mac(sentence)) || both.contains(&sentence), "Mac Roman: {sentence}");
        }
    }

    #[test]
    fn dashes_of_dialogue() {
        for lines in [
            "—Yes, I said. Then tea.\n—No, said he.\n",
            "I said —and meant it— that we go.",
            "—Sí —dijo.",
            "–Well. –So.",
        ] {
            assert!(is_mac(&in_mac(lines)), "{lines}");
            assert!(!is_mac(&WINDOWS_1252.encode(lines).0), "{lines}");
        }
    }

    #[test]
    fn other_alphabets_are_not_a_macs() {
        for (label, text) in [
            ("windows-1251", "Сегодня я ходил в лес и видел лису, она была рыжая."),
            ("koi8-r", "Сегодня я ходил в лес и видел лису, она была рыжая."),
            ("windows-1253", "Σήμερα πήγα στο δάσος και είδα μια αλεπού."),
            ("windows-1250", "Dziś poszedłem do lasu i widziałem lisa, był rudy."),
            ("shift_jis", "今日は森へ行って狐を見ました。"),
            ("gbk", "今天我去了森林，看见一只狐狸。"),
        ] {
            let (bytes, ..) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!is_mac(&bytes), "{label}");
        }
    }
}
