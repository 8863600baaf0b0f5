//! Whether bytes are UTF-16, as they go by.

/// The units that are not text in a file of UTF-16 are this rare: one in so many.
const RARE: u64 = 50;

/// What bytes look like as UTF-16, in both orders of bytes.
#[derive(Default)]
pub struct Wide {
    little: Reading,
    big: Reading,
    /// The first half of a unit whose second half is to come.
    half: Option<u8>,
}

/// UTF-16 in one order of bytes.
#[derive(Default)]
struct Reading {
    units: u64,
    /// ASCII's letters, digits, marks and spaces.
    ascii: u64,
    /// What no text holds: half pairs, controls, characters without a meaning.
    odd: u64,
    /// The first half of a pair has gone by.
    open: bool,
}

impl Wide {
    /// `skip`: the file's bytes before these are odd in number, so the first of these ends a unit.
    pub fn starting(skip: bool) -> Wide {
        Wide { half: skip.then_some(b' '), ..Wide::default() }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let (Some(half), [first, rest @ ..]) = (self.half, bytes) {
            self.unit([half, *first]);
            (self.half, bytes) = (None, rest);
        }
        let (units, rest) = bytes.as_chunks::<2>();
        units.iter().for_each(|unit| self.unit(*unit));
        self.half = self.half.or(rest.first().copied());
    }

    fn unit(&mut self, unit: [u8; 2]) {
        self.little.unit(u16::from_le_bytes(unit));
        self.big.unit(u16::from_be_bytes(unit));
    }

    /// Whether it is text in either order; `None`: in neither.
    pub fn is_big(&self) -> Option<bool> {
        let rank = |reading: &Reading| (reading.odd * RARE / reading.units.max(1), u64::MAX - reading.ascii);
        let big = rank(&self.big) < rank(&self.little);
        self.is_text(big).then_some(big)
    }

    /// Whether it is text in this order.
    pub fn is_text(&self, big: bool) -> bool {
        let reading = if big { &self.big } else { &self.little };
        reading.odd * RARE <= reading.units
    }
}

impl Reading {
    fn unit(&mut self, unit: u16) {
        self.units += 1;
        self.ascii += u64::from(matches!(unit, 0x20..=0x7E | 0x09 | 0x0A | 0x0D));
        self.odd += u64::from(match unit {
            0xDC00..=0xDFFF => !self.open,
            _ => self.open || is_odd(unit),
        });
        self.open = matches!(unit, 0xD800..=0xDBFF);
    }
}

fn is_odd(unit: u16) -> bool {
    matches!(unit, 0..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F..=0x84 | 0x86..=0x9F)
        || matches!(unit, 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFFE..)
}
