//! Rich Text's code pages, its table of fonts, and its words for single characters.

use std::collections::HashMap;

use encoding_rs::*;

use crate::journal::syntax::office::symbols::Symbols;

/// A code page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Known(&'static Encoding),
    /// One that cannot be read, by its number; its accents are guessed.
    Unknown(u32),
}

impl Page {
    /// What to read it with.
    pub fn encoding(self) -> &'static Encoding {
        match self {
            Page::Known(encoding) => encoding,
            Page::Unknown(_) => WINDOWS_1252,
        }
    }
}

/// A code page by the number that `\ansicpg` and `\cpg` give: Microsoft's.
pub fn of_number(number: u32) -> Page {
    Page::Known(match number {
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        1252 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        866 => IBM866,
        874 => WINDOWS_874,
        932 | 10001 => SHIFT_JIS,
        936 | 10008 => GBK,
        949 | 10003 => EUC_KR,
        950 | 10002 => BIG5,
        10000 => MACINTOSH,
        10007 => X_MAC_CYRILLIC,
        54936 => GB18030,
        65001 => UTF_8,
        _ => return Page::Unknown(number),
    })
}

/// The code page of a font's `\fcharset`; none where it is the file's own, or a font of symbols.
pub fn of_charset(charset: i32) -> Option<Page> {
    Some(of_number(match charset {
        0 => 1252,
        77 => 10000,
        78 => 10001,
        79 => 10003,
        80 => 10008,
        81 => 10002,
        83 => 10005,
        84 => 10004,
        85 => 10006,
        86 => 10081,
        87 => 10021,
        88 => 10029,
        89 => 10007,
        128 => 932,
        129 => 949,
        130 => 1361,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        254 => 437,
        255 => 850,
        _ => return None,
    }))
}

/// The character that a control word stands for.
pub fn sign_of_word(word: &str) -> Option<char> {
    Some(match word {
        "tab" => '\t',
        "emdash" => '—',
        "endash" => '–',
        "lquote" => '‘',
        "rquote" => '’',
        "ldblquote" => '“',
        "rdblquote" => '”',
        "bullet" => '•',
        "emspace" => '\u{2003}',
        "enspace" => '\u{2002}',
        "qmspace" => '\u{2005}',
        "ltrmark" => '\u{200e}',
        "rtlmark" => '\u{200f}',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "zwbo" => '\u{200b}',
        "zwnbo" => '\u{2060}',
        _ => return None,
    })
}

/// What the table of fonts says of a font's bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Font {
    /// None where it is the file's own.
    pub page: Option<Page>,
    /// Its letters are signs.
    pub symbols: Option<Symbols>,
}

/// The table of fonts.
#[derive(Debug, Default)]
pub struct Fonts {
    fonts: HashMap<i32, Font>,
    /// The font that is being described, and its name so far.
    current: i32,
    name: String,
}

/// No font with a longer name is one of symbols.
const LONGEST_NAME: usize = 64;

impl Fonts {
    /// A font by its number.
    pub fn get(&self, number: i32) -> Font {
        self.fonts.get(&number).copied().unwrap_or_default()
    }

    /// A control word in the table.
    pub fn word(&mut self, word: &str, value: i32) {
        match word {
            "f" => {
                self.current = value;
                self.name.clear();
            }
            "fcharset" => self.font().page = of_charset(value),
            "cpg" => self.font().page = Some(of_number(value.unsigned_abs())),
            _ => {}
        }
    }

    /// A letter of a font's name, which a semicolon ends.
    pub fn letter(&mut self, byte: u8) {
        if byte == b';' {
            let symbols = Symbols::named(&std::mem::take(&mut self.name));
            self.font().symbols = symbols;
        } else if self.name.len() < LONGEST_NAME {
            self.name.push(char::from(byte));
        }
    }

    fn font(&mut self) -> &mut Font {
        self.fonts.entry(self.current).or_default()
    }
}
