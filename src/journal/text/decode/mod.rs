//! From bytes to text: which encoding a file is in, and its text as UTF-8 with lines ending in LF.
//!
//! A file is read twice, each time piece by piece: once to tell its encoding, once to decode it.

use std::io::{BufRead, Read};

use encoding::Kind;

use super::mac_roman::{WESTERN, character};

mod detect;
mod encoding;
mod neighbours;
#[cfg(test)]
mod tests;
mod wide;

pub use detect::{detect, detect_beside};
pub use encoding::Encoding;
pub use neighbours::Neighbours;

/// How much is decoded at once.
const PIECE: usize = 32 << 10;

/// The byte order mark in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The text of a file's first bytes, for a look; what is no text reads as U+FFFD.
pub fn head(bytes: &[u8]) -> String {
    decoded(bytes, detect::of_head(bytes).unwrap_or(Encoding::UTF_8))
}

/// The text of some bytes in the encoding that `evidence`, of which they are a part, is in; what is no text reads as
/// U+FFFD.
pub fn text(bytes: &[u8], evidence: &[u8]) -> String {
    decoded(bytes, detect(evidence).unwrap_or(Encoding::UTF_8))
}

fn decoded(bytes: &[u8], encoding: Encoding) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    Decoder::new(bytes, encoding).read_to_end(&mut text).expect("bytes in memory can be read");
    String::from_utf8(text).expect("a decoder gives UTF-8")
}

/// A file's bytes as UTF-8 with lines ending in LF, without a byte order mark. What cannot be decoded is
/// U+FFFD.
pub struct Decoder<R> {
    from: R,
    machine: Machine,
    /// Decoded text, given away up to `given`.
    out: Vec<u8>,
    given: usize,
    /// The text so far ended in CR, given as LF: an LF that follows is its second half.
    after_return: bool,
    started: bool,
    ended: bool,
}

enum Machine {
    Listed(Box<encoding_rs::Decoder>),
    /// The other kinds, with bytes that wait for the rest of their character.
    Own(Kind, Vec<u8>),
}

impl<R: BufRead> Decoder<R> {
    /// Decodes what `from` reads.
    pub fn new(from: R, encoding: Encoding) -> Self {
        let machine = match encoding.0 {
            Kind::Listed(listed) => Machine::Listed(Box::new(listed.new_decoder_with_bom_removal())),
            kind => Machine::Own(kind, Vec::new()),
        };
        Decoder {
            from,
            machine,
            out: Vec::new(),
            given: 0,
            after_return: false,
            started: false,
            ended: false,
        }
    }

    /// Decodes the next piece.
    fn refill(&mut self) -> std::io::Result<()> {
        let bytes = self.from.fill_buf()?;
        let last = bytes.is_empty();
        self.given = 0;
        let read = match &mut self.machine {
            Machine::Listed(decoder) => {
                self.out.resize(PIECE, 0);
                let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut self.out, last);
                self.out.truncate(written);
                self.ended = last && result == encoding_rs::CoderResult::InputEmpty;
                read
            }
            Machine::Own(kind, waiting) => {
                let read = bytes.len().min(PIECE / 4);
                waiting.extend(&bytes[..read]);
                self.out.clear();
                let used = match kind {
                    Kind::Mixed => from_mixed(waiting, last, &mut self.out),
                    kind => from_utf32(waiting, *kind == Kind::Utf32Be, last, &mut self.out),
                };
                waiting.drain(..used);
                if !self.started && self.out.starts_with(MARK) {
                    self.out.drain(..MARK.len());
                }
                self.started |= used > 0;
                self.ended = last;
                read
            }
        };
        self.from.consume(read);
        lines_in_lf(&mut self.out, &mut self.after_return);
        Ok(())
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.given == self.out.len() && !self.ended && !buffer.is_empty() {
            self.refill()?;
        }
        let count = buffer.len().min(self.out.len() - self.given);
        buffer[..count].copy_from_slice(&self.out[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Turns CRLF and CR into LF, in place.
fn lines_in_lf(text: &mut Vec<u8>, after_return: &mut bool) {
    if *after_return && text.first() == Some(&b'\n') {
        text.remove(0);
        *after_return = false;
    }
    *after_return &= text.is_empty();
    let find = |bytes: &[u8], from: usize| bytes[from..].iter().position(|&b| b == b'\r').map(|at| from + at);
    // `contains` is fast, and most files hold no CR.
    if !text.contains(&b'\r') {
        return;
    }
    let (mut read, mut written) = (0, 0);
    while let Some(at) = find(text, read) {
        text[at] = b'\n';
        text.copy_within(read..=at, written);
        written += at + 1 - read;
        read = at + 1;
        match text.get(read) {
            Some(b'\n') => read += 1,
            Some(_) => {}
            None => *after_return = true,
        }
    }
    text.copy_within(read.., written);
    text.truncate(written + text.len() - read);
}

/// Decodes UTF-32, and tells how many bytes it used.
fn from_utf32(bytes: &[u8], big: bool, last: bool, out: &mut Vec<u8>) -> usize {
    let (units, rest) = bytes.as_chunks::<4>();
    for unit in units {
        let value = if big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        push(out, char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if last && !rest.is_empty() {
        push(out, char::REPLACEMENT_CHARACTER);
        return bytes.len();
    }
    bytes.len() - rest.len()
}

/// Decodes UTF-8, its invalid bytes as windows-1252, and tells how many bytes it used.
fn from_mixed(bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
    let used = bytes.len() - if last { 0 } else { detect::incomplete(bytes) };
    for chunk in bytes[..used].utf8_chunks() {
        out.extend(chunk.valid().as_bytes());
        chunk.invalid().iter().for_each(|&byte| push(out, character(byte, &WESTERN)));
    }
    used
}

fn push(out: &mut Vec<u8>, character: char) {
    out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
}
