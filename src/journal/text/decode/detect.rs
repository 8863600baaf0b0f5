//! Which encoding a file is in, told in one pass over its bytes.
//!
//! In this order: a byte order mark; UTF-8 without fault; UTF-16 by its NULs; UTF-8 with faults, where it has
//! many more characters of several bytes than faults; what an HTML or XML file declares; Mac Roman, where its
//! bytes make more sense so than as windows-1252; windows-1252, where its few bytes above ASCII are all at
//! home there; where its bytes above ASCII are very few, what the files beside it are in; what chardetng takes
//! it for, but for a Baltic encoding only where there are enough of them.

use std::io::{BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use super::encoding::{Encoding, Kind};
use super::wide::Wide;
use crate::journal::text::mac_roman::{Scales, WESTERN, character, plausibility};

/// How much is looked at once.
const PIECE: usize = 64 << 10;

/// Where a declaration of the encoding may stand.
const DECLARED_WITHIN: usize = 2048;

/// Up to so many bytes above ASCII, what chardetng takes a file for is a guess.
const FEW: u64 = 4;

/// Reads a file through and tells its encoding.
///
/// # Errors
/// What the system says; what is no text; as a phrase.
pub fn detect(reader: impl BufRead) -> Result<Encoding, String> {
    detect_beside(reader, None)
}

/// The same; where it could only be guessed, it is what the files beside it are in.
///
/// # Errors
/// As [`detect`].
pub fn detect_beside(mut reader: impl BufRead, neighbours: Option<Encoding>) -> Result<Encoding, String> {
    let mut survey = Survey { neighbours, ..Survey::default() };
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        let room = (PIECE - piece.len()) as u64;
        reader.by_ref().take(room).read_to_end(&mut piece).map_err(|e| e.to_string())?;
        if piece.len() < PIECE {
            survey.feed(&piece);
            return survey.finish();
        }
        let whole = piece.len() - incomplete(&piece);
        survey.feed(&piece[..whole]);
        if survey.is_hopeless() {
            return survey.finish();
        }
        piece.drain(..whole);
    }
}

/// The encoding of a file, as far as its first bytes tell it.
pub fn of_head(bytes: &[u8]) -> Result<Encoding, String> {
    let mut survey = Survey::default();
    survey.feed(&bytes[..bytes.len() - incomplete(bytes)]);
    survey.finish()
}

/// How many bytes at the end are the start of a UTF-8 character whose rest is to come.
pub fn incomplete(bytes: &[u8]) -> usize {
    let length = |lead: u8| match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 0,
    };
    let lead = bytes.iter().rev().take(3).position(|&b| !matches!(b, 0x80..=0xBF));
    lead.map(|at| at + 1).filter(|&there| there < length(bytes[bytes.len() - there])).unwrap_or(0)
}

/// What the bytes so far have shown.
#[derive(Default)]
struct Survey {
    length: u64,
    neighbours: Option<Encoding>,
    marked: Option<Encoding>,
    declared: Option<Encoding>,
    /// Where the first NUL is.
    first_nul: Option<u64>,
    nuls: u64,
    /// How many of them stand at the end, in a row: what a crash leaves of a file that was being written.
    last_nuls: u64,
    controls: u64,
    high: u64,
    /// Characters of two bytes in UTF-8, and of three or four.
    pairs: u64,
    longer: u64,
    /// Places that are not UTF-8, those of them that may be windows-1252, those that can hardly be anything else, and
    /// those that are as likely half a letter: `©t©`.
    faults: u64,
    western_faults: u64,
    surely_western: u64,
    halves: u64,
    /// As UTF-16, from the first piece with a NUL.
    wide: Option<Wide>,
    /// As anything else, from the first piece that is not UTF-8.
    other: Option<Box<Other>>,
}

struct Other {
    detector: EncodingDetector,
    scales: Scales,
}

impl Survey {
    fn feed(&mut self, bytes: &[u8]) {
        if self.length == 0 {
            self.marked = by_mark(bytes);
            self.declared = declared(&bytes[..bytes.len().min(DECLARED_WITHIN)]);
        }
        let last_nuls = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        self.last_nuls = last_nuls as u64 + if last_nuls == bytes.len() { self.last_nuls } else { 0 };
        if count(bytes, is_control) > 0 {
            self.feed_controls(bytes);
        }
        if let Some(wide) = &mut self.wide {
            wide.feed(bytes);
        }
        if !bytes.is_ascii() {
            self.feed_utf8(bytes);
        }
        if let Some(other) = &mut self.other {
            other.detector.feed(bytes, false);
            other.scales.feed(bytes);
        }
        self.length += bytes.len() as u64;
    }

    fn feed_controls(&mut self, bytes: &[u8]) {
        let nuls = count(bytes, |b| b == 0);
        self.nuls += nuls;
        self.controls += count(bytes, |b| is_control(b) && b != 0x1B) - nuls;
        let wide = nuls > 0 || self.marked.is_some_and(|marked| !marked.is_utf8());
        if wide && self.wide.is_none() {
            self.wide = Some(Wide::starting(self.length % 2 == 1));
        }
        if let Some(at) = bytes.iter().position(|&b| b == 0).filter(|_| self.first_nul.is_none()) {
            self.first_nul = Some(self.length + at as u64);
        }
        // ISO-2022-JP is ASCII with these sequences.
        if bytes.windows(3).any(|bytes| matches!(bytes, [0x1B, b'$', b'@' | b'B'])) {
            self.other.get_or_insert_with(Other::new);
        }
    }

    fn feed_utf8(&mut self, bytes: &[u8]) {
        self.high += count(bytes, |b| b >= 0x80);
        if std::str::from_utf8(bytes).is_ok() {
            self.count_characters(bytes);
            return;
        }
        self.other.get_or_insert_with(Other::new);
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            self.count_characters(chunk.valid().as_bytes());
            at += chunk.valid().len();
            if let [byte, rest @ ..] = chunk.invalid() {
                let neighbour = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied().unwrap_or(b'\n');
                let (before, after) = (neighbour(at.checked_sub(1)), neighbour(Some(at + 1)));
                let points = plausibility(before, *byte, after, &WESTERN);
                self.faults += 1;
                let lone_word = points == 0 && "àèéóöåÀÈÉÓÖÅ".contains(character(*byte, &WESTERN));
                // A no-break space may be the rest of `à`.
                let sure = (points > 0 && *byte != 0xA0) || lone_word;
                let half = sure && may_be_half(before, *byte, after, points);
                self.western_faults += u64::from(rest.is_empty() && points >= 0);
                self.surely_western += u64::from(rest.is_empty() && sure && !half);
                self.halves += u64::from(rest.is_empty() && half);
            }
            at += chunk.invalid().len();
        }
    }

    fn count_characters(&mut self, bytes: &[u8]) {
        self.pairs += count(bytes, |b| matches!(b, 0xC2..=0xDF));
        self.longer += count(bytes, |b| b >= 0xE0);
    }

    /// Whether the rest of the file can change nothing: its NULs are not UTF-16's.
    fn is_hopeless(&self) -> bool {
        let is_wide = self.marked.is_some_and(|marked| !marked.is_utf8());
        let fails = self.wide.as_ref().is_some_and(|wide| wide.is_big().is_none());
        fails && !is_wide && self.nuls < self.length && !self.has_stray_nuls()
    }

    /// Whether it is text but for a NUL here and there, and at its end: damage, which is repaired where the text is read.
    fn has_stray_nuls(&self) -> bool {
        self.nuls < self.length && (self.nuls - self.last_nuls) * 100 <= self.length
    }

    fn finish(mut self) -> Result<Encoding, String> {
        match self.marked {
            _ if self.length == 0 => {
                return Err("empty (0 bytes): if it is a cloud placeholder, download the file first".into());
            }
            Some(marked) if !marked.is_utf8() => return self.marked_wide(marked),
            _ if self.nuls > 0 => match self.unmarked_wide() {
                Err(_) if self.has_stray_nuls() => {}
                wide => return wide,
            },
            _ => {}
        }
        if self.controls > 2 + self.length / 30 {
            return Err("not text but a program's data: many control characters".into());
        }
        Ok(self.utf8().or(self.declared).unwrap_or_else(|| self.other()))
    }

    fn marked_wide(&self, marked: Encoding) -> Result<Encoding, String> {
        let is_text = match &self.wide {
            Some(wide) if marked == Encoding::UTF_16LE => wide.is_text(false),
            Some(wide) if marked == Encoding::UTF_16BE => wide.is_text(true),
            // UTF-32 has NULs in every character, and UTF-16 without any control is Chinese or the like.
            _ => true,
        };
        if is_text { Ok(marked) } else { Err(self.not_text()) }
    }

    /// UTF-16 without a mark. Beyond reading well it must look like nothing else: ASCII with a stray NUL
    /// reads as Chinese.
    fn unmarked_wide(&self) -> Result<Encoding, String> {
        let high = if self.faults == 0 { 0 } else { self.high };
        let foreign = self.length >= 32 && (self.controls * 10 >= self.length || high * 10 >= self.length);
        let is_like_wide = self.length.is_multiple_of(2) && (self.nuls * 3 >= self.length || foreign);
        match self.wide.as_ref().and_then(Wide::is_big).filter(|_| is_like_wide) {
            Some(true) => Ok(Encoding::UTF_16BE),
            Some(false) => Ok(Encoding::UTF_16LE),
            None => Err(self.not_text()),
        }
    }

    fn not_text(&self) -> String {
        match self.first_nul {
            _ if self.nuls == self.length => {
                "not text: NUL bytes and nothing else, as after a crash or a failed copy".to_string()
            }
            Some(at) if self.nuls * 10 < self.length => {
                format!(
                    "not text, or damaged: NUL bytes in it, the first at byte {at} (tr -d '\\000' takes them out)"
                )
            }
            _ => "not text but a program's data (NUL bytes)".to_string(),
        }
    }

    /// UTF-8, whole or with faults. Faults that all read well, or most of many, are another year's windows-1252;
    /// a few others are damage.
    fn utf8(&self) -> Option<Encoding> {
        let characters = self.pairs + self.longer;
        if self.faults == 0 {
            let japanese = self.other.is_some() && self.high == 0;
            return (!japanese).then_some(Encoding::UTF_8);
        }
        if self.marked.is_none() && self.pairs + 4 * self.longer < 4 * self.faults {
            return None;
        }
        let few = self.faults <= 2 || self.faults * 20 <= characters;
        let sure = self.surely_western > 0 && self.surely_western + self.halves == self.faults;
        let mixed = sure || (!few && self.western_faults * 10 >= self.faults * 9);
        Some(if mixed { Encoding(Kind::Mixed) } else { Encoding::UTF_8 })
    }

    fn other(&mut self) -> Encoding {
        let Some(other) = &mut self.other else { return Encoding::UTF_8 };
        other.detector.feed(&[], true);
        other.scales.finish();
        let guess = Encoding(Kind::Listed(other.detector.guess(None, Utf8Detection::Deny)));
        if self.high == 0 {
            return if guess.name() == "ISO-2022-JP" { guess } else { Encoding::UTF_8 };
        }
        match () {
            () if other.scales.is_mac() => Encoding::MAC_ROMAN,
            () if other.scales.is_plainly_western(self.length) => Encoding::WINDOWS_1252,
            () if self.high > FEW => guess,
            () => self.neighbours.unwrap_or_else(|| match guess.name() {
                // `naïve` and `Tromsø` look Lithuanian to chardetng.
                "windows-1257" | "ISO-8859-4" | "ISO-8859-13" if other.scales.may_be_western(self.length) => {
                    Encoding::WINDOWS_1252
                }
                _ => guess,
            }),
        }
    }
}

/// Whether a sign may be the second byte of a letter in UTF-8 whose first is lost: whether `é` is likelier in its place
/// than `©`.
fn may_be_half(before: u8, byte: u8, after: u8, points: i64) -> bool {
    let beside_digit = before.is_ascii_digit() || after.is_ascii_digit();
    let quotes = matches!(byte, 0xAB | 0xBB);
    byte < 0xC0 && !beside_digit && !quotes && plausibility(before, byte + 0x40, after, &WESTERN) > points
}

impl Other {
    fn new() -> Box<Other> {
        Box::new(Other { detector: EncodingDetector::new(Iso2022JpDetection::Allow), scales: Scales::new() })
    }
}

/// Counts the bytes that are so. Sums of one byte let the compiler take many bytes at a time.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    bytes.chunks(255).map(|few| u64::from(few.iter().fold(0_u8, |sum, &b| sum + u8::from(is(b))))).sum()
}

fn is_control(byte: u8) -> bool {
    byte < 0x09 || (0x0E..0x20).contains(&byte) || byte == 0x7F
}

/// The encoding that a byte order mark tells.
fn by_mark(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] => Some(Encoding(Kind::Utf32Le)),
        [0, 0, 0xFE, 0xFF, ..] => Some(Encoding(Kind::Utf32Be)),
        [0xFF, 0xFE, ..] => Some(Encoding::UTF_16LE),
        [0xFE, 0xFF, ..] => Some(Encoding::UTF_16BE),
        [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::UTF_8),
        _ => None,
    }
}

/// The encoding that `<?xml encoding="…"?>` or `<meta charset="…">` names, if it is not a kind of Unicode:
/// what is not that by its bytes is not that by its word.
fn declared(head: &[u8]) -> Option<Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let in_xml = head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let metas = head.split("<meta").skip(1).filter_map(|rest| rest.split('>').next());
    let xml = in_xml.and_then(|xml| xml.split_once("encoding")).map(|(_, rest)| rest);
    let mut named = xml.into_iter().chain(metas.filter_map(|meta| Some(meta.split_once("charset")?.1)));
    named.find_map(|rest| {
        let value = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let label = value.split(|c: char| c.is_whitespace() || "\"';/>".contains(c)).next()?;
        let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?;
        (encoding.output_encoding() != encoding_rs::UTF_8).then_some(Encoding(Kind::Listed(encoding)))
    })
}
