//! Rich Text's characters: bytes in the code pages of their fonts, units of UTF-16, signs.

use super::codes::Page as CodePage;
use super::{Group, Reader, Target};
use crate::journal::syntax::office::symbols::Symbols;

/// The longest list mark and the longest field's instruction that are looked at, in bytes.
const MOST_MARK: usize = 64;
const MOST_INSTRUCTION: usize = 256;

/// Text is decoded in pieces of this size.
const PIECE: usize = 64 << 10;

/// The character that stands for a picture of TextEdit's, behind the picture.
const STAND_IN_FOR_PICTURE: u8 = 0xAC;

impl Reader {
    /// A byte of text, in the code page of its font.
    pub fn byte(&mut self, byte: u8) {
        self.starred = false;
        let Group { target, font, .. } = *self.group();
        match target {
            Target::Nowhere | Target::Twice => return,
            Target::Fonts => return self.fonts.letter(byte),
            _ if std::mem::take(&mut self.after_picture) && byte == STAND_IN_FOR_PICTURE => return,
            _ => {}
        }
        let font = self.fonts.get(font);
        if let Some(symbols) = font.symbols {
            return self.symbol(symbols, u32::from(byte));
        }
        let page = font.page.unwrap_or(self.default_page);
        if let (CodePage::Unknown(number), 0x80..) = (page, byte) {
            self.unknown_page = Some(number);
        }
        // A character of several bytes does not go on in another encoding, nor past a space.
        if page.encoding() != self.encoding || (byte == b' ' && self.pending.len() >= PIECE) {
            self.flush();
            self.encoding = page.encoding();
        }
        self.pending.push(byte);
    }

    /// `\u`: a unit of UTF-16, below zero where it is above 32,767; some apps write a whole character.
    pub fn unicode(&mut self, number: i64) {
        self.flush();
        self.starred = false;
        let Group { target, font, stand_ins, .. } = *self.group();
        self.skip = stand_ins;
        if !matches!(target, Target::Text | Target::Mark | Target::Instruction) {
            return;
        }
        let code = if number < 0 { number + 0x1_0000 } else { number };
        let code = u32::try_from(code).unwrap_or(u32::MAX);
        match (self.fonts.get(font).symbols, code) {
            (Some(symbols), 0xF000..=0xF0FF) => self.symbol(symbols, code),
            (_, 0xD800..=0xDBFF) => {
                self.flush_surrogate();
                self.high_surrogate = Some(code);
            }
            (_, 0xDC00..=0xDFFF) => {
                let pair = self
                    .high_surrogate
                    .take()
                    .map(|high| 0x1_0000 + ((high - 0xD800) << 10) + (code - 0xDC00));
                self.put(pair.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => self.character(
                char::from_u32(code).filter(|c| *c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER),
            ),
        }
    }

    pub fn symbol(&mut self, font: Symbols, code: u32) {
        match font.sign(code) {
            Some(sign) => self.character(sign),
            None => self.body.left_out.one("symbols"),
        }
    }

    /// A character behind all that was read before it.
    pub fn character(&mut self, c: char) {
        self.flush();
        self.flush_surrogate();
        self.put(c);
    }

    pub fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.flush_surrogate();
            let bytes = std::mem::take(&mut self.pending);
            let (text, _) = self.encoding.decode_without_bom_handling(&bytes);
            text.chars().for_each(|c| self.put(c));
        }
    }

    /// Half a character whose other half never came.
    pub fn flush_surrogate(&mut self) {
        if self.high_surrogate.take().is_some() {
            self.put(char::REPLACEMENT_CHARACTER);
        }
    }

    pub fn put(&mut self, c: char) {
        if !self.is_shown() {
            return;
        }
        let target = self.group().target;
        let mark = &mut self.body.paragraph().mark;
        match target {
            Target::Mark if mark.len() < MOST_MARK => mark.push(c),
            Target::Instruction if self.instruction.len() < MOST_INSTRUCTION => self.instruction.push(c),
            Target::Text => {
                self.body.paragraph().text.push(c);
                self.written += c.len_utf8();
            }
            _ => {}
        }
    }
}
