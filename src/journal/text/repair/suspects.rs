//! Where a text may hold damage: a quick look, many bytes at a time.

/// Bytes looked at together.
const BLOCK: usize = 64;

/// The longest look from one byte.
const AHEAD: usize = 3;

/// The first place from `from` where a repair may have something to do. A place that is none is passed over
/// only for certain; many that are told turn out to be sound.
pub fn next(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        let end = bytes.len().min(at + BLOCK);
        let whole = at + BLOCK + AHEAD <= bytes.len();
        if whole && !any(&bytes[at..at + BLOCK + AHEAD]) {
            at = end;
            continue;
        }
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        if let Some(found) = (at..end).find(|&i| is_suspect(byte(i), byte(i + 1), byte(i + 2), byte(i + 3))) {
            return Some(found);
        }
        at = end;
    }
    None
}

/// Whether a block holds a suspect. Without branches, so that the compiler takes many bytes at a time.
fn any(block: &[u8]) -> bool {
    if block.is_ascii() {
        return false;
    }
    let ahead = block[1..].iter().zip(&block[2..]).zip(&block[3..]);
    block.iter().zip(ahead).fold(false, |any, (&a, ((&b, &c), &d))| any | is_suspect(a, b, c, d))
}

#[inline(always)]
fn is_suspect(a: u8, b: u8, c: u8, d: u8) -> bool {
    // The first bytes of the characters that bytes 0x80 to 0xBF become in windows-1252 and Mac Roman.
    let goes_on = |byte: u8| {
        (byte == 0xC2)
            | (byte == 0xC3)
            | (byte == 0xC5)
            | (byte == 0xC6)
            | (byte == 0xCB)
            | (byte == 0xCE)
            | (byte == 0xCF)
            | (byte == 0xE2)
    };
    let sign = (b == 0xAC) | (b == 0xB7); // ¬ ·
    let two = (a == 0xC3) | (a == 0xC5) | (a == 0xC6) | ((a == 0xC2) & sign);
    // ‘ ’ ” … go before letters in any text, and of the alphabets begin Armenian only.
    let quote = (b == 0x80) & ((c == 0x98) | (c == 0x99) | (c == 0x9D) | (c == 0xA6));
    let three = ((a == 0xE2) & !quote) | ((a == 0xEF) & (b == 0xA3));
    let lone = ((a == 0xC2) & ((b == 0xBF) | (b == 0xAD))) // ¿, U+00AD
        | ((a == 0xE2) & (((b == 0x80) & (c == 0x8B)) | ((b == 0x81) & (c == 0xA0)))) // U+200B, U+2060
        | ((a == 0xEF) & (b == 0xBB) & (c == 0xBF))
        | ((a == 0xEF) & (b == 0xBF) & (c == 0xBD)); // U+FEFF, U+FFFD
    (two & goes_on(c)) | (three & goes_on(d)) | lone
}
