//! Pre-tokenizers: how a text is cut into the words that are merged, as a `tokenizer.json` lists its steps.
//!
//! Of a byte-level BPE's, the last step is `ByteLevel`: it takes a word for its bytes, mostly after cutting it by GPT-2's
//! pattern. Before it, digits may be cut off, or a pattern of the tokenizer's own does the cutting.

mod gguf;
mod json;
mod pattern;
mod words;

pub use pattern::Pattern;
pub use words::words;

/// A pre-tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pre {
    steps: Vec<Step>,
    /// `ByteLevel`'s `add_prefix_space`: a word that begins without a space gets one.
    prefix_space: bool,
    /// `ByteLevel`'s `use_regex`: words are cut by GPT-2's pattern.
    words: bool,
}

/// A step before the last. Each cuts what the one before it has cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Numbers (Unicode's category N) stand alone: each, or a run of them.
    Digits {
        /// Each.
        individual: bool,
    },
    /// What a pattern matches stands alone.
    Split {
        /// The pattern.
        pattern: Pattern,
        /// What of a text is left.
        kept: Kept,
    },
}

/// What a `Split` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Everything (`Isolated`).
    All,
    /// What lies between the matches (`Removed`).
    Between,
    /// The matches (`Removed` with `invert`).
    Matches,
}

impl Pre {
    /// Steps, and `ByteLevel` behind them.
    pub fn new(steps: Vec<Step>, prefix_space: bool, words: bool) -> Pre {
        Pre { steps, prefix_space, words }
    }

    /// GPT-2's.
    pub fn gpt2() -> Pre {
        Pre::new(Vec::new(), false, true)
    }

    /// None: a text is one word.
    pub fn none() -> Pre {
        Pre::new(Vec::new(), false, false)
    }

    /// Whether a text's words are the text, whatever the text: nothing is added and nothing left out.
    pub fn keeps_text(&self) -> bool {
        let keeps = |step: &Step| !matches!(step, Step::Split { kept: Kept::Between | Kept::Matches, .. });
        !self.prefix_space && self.steps.iter().all(keeps)
    }

    /// Tells the words of a text, in their order. Behind each stands what follows it in memory; the number is the word's
    /// length in bytes, more than none.
    pub fn split(&self, text: &str, tell: &mut dyn FnMut(&[u8], usize)) {
        self.cut(0, text, tell);
    }

    /// What the steps from a place on make of a piece.
    fn cut(&self, place: usize, text: &str, tell: &mut dyn FnMut(&[u8], usize)) {
        if text.is_empty() {
            return;
        }
        match self.steps.get(place) {
            Some(Step::Digits { individual }) => {
                let mut rest = text;
                while let Some(first) = rest.chars().next() {
                    let end = match (first.is_numeric(), individual) {
                        (true, true) => first.len_utf8(),
                        (kind, _) => rest.find(|c: char| c.is_numeric() != kind).unwrap_or(rest.len()),
                    };
                    let (piece, behind) = rest.split_at(end);
                    self.cut(place + 1, piece, tell);
                    rest = behind;
                }
            }
            Some(Step::Split { pattern, kept }) => {
                let mut end = 0;
                for found in pattern.matches(text) {
                    if *kept != Kept::Matches {
                        self.cut(place + 1, &text[end..found.start], tell);
                    }
                    if *kept != Kept::Between {
                        self.cut(place + 1, &text[found.clone()], tell);
                    }
                    end = found.end;
                }
                if *kept != Kept::Matches {
                    self.cut(place + 1, &text[end..], tell);
                }
            }
            None if self.prefix_space && !text.starts_with(' ') => self.tell(&format!(" {text}"), tell),
            None => self.tell(text, tell),
        }
    }

    /// `ByteLevel`.
    fn tell(&self, text: &str, tell: &mut dyn FnMut(&[u8], usize)) {
        if !self.words {
            return tell(text.as_bytes(), text.len());
        }
        for word in words(text) {
            tell(&text.as_bytes()[word.start..], word.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pre: &Pre, text: &str) -> String {
        let mut cut = Vec::new();
        pre.split(text, &mut |bytes, length| {
            cut.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        });
        cut.join("|")
    }

    fn split(pattern: &str, kept: Kept) -> Step {
        Step::Split { pattern: Pattern::new(pattern).unwrap(), kept }
    }

    #[test]
    fn each_step_cuts_what_the_one_before_has_cut() {
        let digits = |individual| Pre::new(vec![Step::Digits { individual }], false, true);
        assert_eq!(cut(&Pre::gpt2(), "in 2024 ½x"), "in| 2024| ½|x");
        assert_eq!(cut(&digits(true), "in 2024 ½x"), "in| |2|0|2|4| |½|x");
        assert_eq!(cut(&digits(false), "in 2024 ½x"), "in| |2024| |½|x");
        let two = vec![split("[b-d]+", Kept::All), split("c", Kept::All)];
        assert_eq!(cut(&Pre::new(two, false, false), "abcbcde fg"), "a|b|c|b|c|d|e fg");
        assert_eq!(cut(&digits(true), ""), "");
    }

    #[test]
    fn what_a_step_removes_is_gone_and_a_space_may_be_added() {
        let of = |kept| Pre::new(vec![split(r"\s+", kept)], false, false);
        assert_eq!(cut(&of(Kept::All), "a b  c"), "a| |b|  |c");
        assert_eq!(cut(&of(Kept::Between), "a b  c"), "a|b|c");
        assert_eq!(cut(&of(Kept::Matches), "a b  c"), " |  ");
        assert!(of(Kept::All).keeps_text() && !of(Kept::Between).keeps_text());
        let prefixed = Pre::new(vec![split(",", Kept::All)], true, true);
        assert_eq!(cut(&prefixed, "a b, c"), " a| b| ,| c");
        assert!(!prefixed.keeps_text());
    }
}
