//! UTF-8 that was read as windows-1252, Latin-1 or Mac Roman, put right sequence by sequence.
//!
//! Where characters, taken as the bytes they stand for in the old encoding, make up one UTF-8 character, they
//! are either its mojibake or themselves. The rule, in windows-1252 and Latin-1:
//!
//! - Three or four characters (`â€™`, `ðŸ˜€`) are mojibake: nobody writes a letter and two or three signs
//!   like these. But a letter and punctuation (`é»…`) may be the writer's.
//! - Two are mojibake where `Ã` or `Â` goes before a sign (`Ã©`, `Â£`), except before punctuation and after a
//!   capital (`IRMÃ»`): a word may end so.
//! - Two where `Ã`, `Ä`, `Å` and the like go before what windows-1252 has at 0x80 to 0x9F (`Ã‰`, `Ã”`) may be
//!   a word in capitals with its punctuation. Between small letters they are mojibake (`StraÃŸe`), and so are those
//!   with `Ã` that begin a word (`Ãœber`).
//! - What may be the writer's is put right only with *evidence*: other mojibake in the text that is certain.
//!   And what holds only punctuation not even then, if the text has such punctuation of its own.
//! - Two of other alphabets (`Ñ‚`, `É”`) are mojibake in a run of three (`ÐŸÑ€Ð¸`), and where the text has
//!   such a run of the same alphabet.
//! - In text garbled twice, what comes right after another sequence and would go on with it is put right with
//!   it (`Ã¢â‚¬Å“`).
//! - `â€` alone where a closing quotation mark would stand was `”`: its last byte, 0x9D, has no meaning in
//!   windows-1252 and is often dropped. Other characters that lost a byte stay.
//!
//! In Mac Roman the first character is the telling one (`‚Ä`, `√`), and what follows are mostly letters.
//! Where it is a mark that goes before letters in any text (`»ô`, `’…`), the sequence stays: Romanian ș and
//! ț, Armenian.

use super::sequence::{Misreading, Sequence, Verdict, is_own_mark};
use super::suspects;

/// What the whole text tells about its doubtful places.
#[derive(Default)]
struct Evidence {
    western: bool,
    mac: bool,
    /// Alphabets with a run of three, one bit each.
    western_runs: u16,
    mac_runs: u16,
    /// Punctuation that stands outside any sequence.
    own_marks: bool,
}

/// Takes one layer of mojibake away; `None` where there is none. `known`: the text held some before.
pub fn unscramble(text: &str, known: bool) -> Option<(String, usize)> {
    let evidence = Evidence::of(text, known)?;
    let mut walk = Walk::over(text);
    while let Some(site) = walk.next_site() {
        walk.judge(site, &evidence);
    }
    walk.finish()
}

/// A way through a text, its repaired copy growing.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    copied: usize,
    better: String,
    count: usize,
}

impl<'a> Walk<'a> {
    fn over(text: &'a str) -> Walk<'a> {
        Walk { text, at: 0, copied: 0, better: String::new(), count: 0 }
    }

    fn next_site(&mut self) -> Option<usize> {
        suspects::next(self.text.as_bytes(), self.at)
    }

    /// Puts right what stands at a site, or goes past its first character.
    fn judge(&mut self, site: usize, evidence: &Evidence) {
        let touches = self.count > 0 && self.copied == site;
        let before =
            if touches { self.better.chars().next_back() } else { self.text[..site].chars().next_back() };
        if let Some(length) = lost_quote(self.text, site, before) {
            return self.put(site, length, '”');
        }
        let is_one = |sequence: &Sequence| match sequence.verdict(before) {
            Verdict::Certain => true,
            _ if touches && sequence.goes_on() => true,
            Verdict::Likely => evidence.suffices(sequence),
            Verdict::Run(group) => evidence.has_run(sequence, group),
            Verdict::Layer | Verdict::No => false,
        };
        match Sequence::at(self.text, site).find(is_one) {
            Some(sequence) => self.put(site, sequence.length, sequence.character),
            None => self.pass(site),
        }
    }

    fn put(&mut self, site: usize, length: usize, character: char) {
        self.better.push_str(&self.text[self.copied..site]);
        self.better.push(character);
        self.at = site + length;
        self.copied = self.at;
        self.count += 1;
    }

    fn pass(&mut self, site: usize) {
        self.at = site + self.text[site..].chars().next().map_or(1, char::len_utf8);
    }

    fn finish(mut self) -> Option<(String, usize)> {
        self.better.push_str(&self.text[self.copied..]);
        (self.count > 0).then_some((self.better, self.count))
    }
}

impl Evidence {
    /// `None` where the text holds nothing to put right.
    fn of(text: &str, known: bool) -> Option<Evidence> {
        let mut evidence = Evidence { western: known, mac: known, ..Evidence::default() };
        let (mut at, mut any, mut enclosed, mut doubtful) = (0, false, 0, false);
        while let Some(site) = suspects::next(text.as_bytes(), at) {
            let before = text[..site].chars().next_back();
            any |= lost_quote(text, site, before).is_some();
            let mut end = site;
            for sequence in Sequence::at(text, site) {
                let verdict = sequence.verdict(before);
                end = match verdict {
                    Verdict::No => end,
                    Verdict::Run(group) => evidence.add_run(text, site, &sequence, group),
                    _ => site + sequence.length,
                };
                any |= verdict != Verdict::No;
                match verdict {
                    Verdict::Certain if sequence.misreading == Misreading::Western => evidence.western = true,
                    Verdict::Certain => evidence.mac = true,
                    Verdict::Likely => doubtful |= sequence.marks,
                    Verdict::Run(group) if evidence.has_run(&sequence, group) => {}
                    // The other reading may be surer.
                    _ => continue,
                }
                break;
            }
            enclosed += text[site..end].matches(is_own_mark).count();
            at = end.max(site + text[site..].chars().next().map_or(1, char::len_utf8));
        }
        evidence.own_marks = doubtful && text.matches(is_own_mark).count() > enclosed;
        any.then_some(evidence)
    }

    /// Follows a run, and tells where it ends.
    fn add_run(&mut self, text: &str, site: usize, first: &Sequence, group: u8) -> usize {
        let (mut end, mut count) = (site + first.length, 1);
        while let Some(next) = Sequence::read(text, end, first.misreading) {
            if next.verdict(None) != Verdict::Run(group) {
                break;
            }
            end += next.length;
            count += 1;
        }
        let runs = match first.misreading {
            Misreading::Western => &mut self.western_runs,
            Misreading::Mac => &mut self.mac_runs,
        };
        *runs |= u16::from(count >= 3) << group;
        end
    }

    fn suffices(&self, sequence: &Sequence) -> bool {
        match sequence.misreading {
            Misreading::Western => {
                (self.western || self.western_runs > 0) && !(sequence.marks && self.own_marks)
            }
            Misreading::Mac => self.mac || self.mac_runs > 0,
        }
    }

    fn has_run(&self, sequence: &Sequence, group: u8) -> bool {
        let runs = match sequence.misreading {
            Misreading::Western => self.western_runs,
            Misreading::Mac => self.mac_runs,
        };
        runs >> group & 1 == 1
    }
}

/// How much of the text is a `”` that lost its last byte: `â€`, in a text garbled twice `â€Â`, where a
/// quotation closes.
fn lost_quote(text: &str, site: usize, before: Option<char>) -> Option<usize> {
    let rest = text[site..].strip_prefix("â€")?;
    let closes = |after: &str| {
        let after = after.chars().next();
        after.is_none_or(|c| c.is_whitespace() && c != '\u{a0}' || ".,;:!?)]}-*_<\"'".contains(c))
    };
    let rest = if closes(rest) { rest } else { rest.strip_prefix('Â').filter(|rest| closes(rest))? };
    let ends = before.is_some_and(|c| !c.is_whitespace() && !"([{«“„‘‹".contains(c));
    ends.then(|| text.len() - site - rest.len())
}
