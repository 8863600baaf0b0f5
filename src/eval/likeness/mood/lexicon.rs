//! The valence of words: what `lexicon.txt` says, and the forms that its rules make of it.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// The words and their valence, as a person reads and changes them.
pub const WRITTEN: &str = include_str!("lexicon.txt");

/// What words feel like.
pub struct Lexicon {
    /// Valences by word, or by two words with `_` between them.
    valences: HashMap<String, f64>,
    /// The first words of those.
    first: HashSet<String>,
}

impl Lexicon {
    /// The one of this program.
    pub fn get() -> &'static Lexicon {
        static LEXICON: OnceLock<Lexicon> = OnceLock::new();
        LEXICON.get_or_init(|| Lexicon::read(WRITTEN))
    }

    /// A lexicon of lines that each name a valence, a kind and words. A word that stands there counts before any form that is made of
    /// another, and what stands first before what follows.
    pub fn read(written: &str) -> Lexicon {
        let mut valences = HashMap::new();
        for (valence, _, word) in entries(written) {
            valences.entry(word.to_string()).or_insert(valence);
        }
        for (valence, kind, word) in entries(written) {
            for form in forms(kind, word) {
                valences.entry(form).or_insert(valence);
            }
        }
        let first = valences.keys().filter_map(|word| Some(word.split_once('_')?.0.to_string())).collect();
        Lexicon { valences, first }
    }

    /// The valence of a word, in lower case, −3 to 3; a possessive is as its word. `None` for what is not in the lexicon.
    pub fn valence(&self, word: &str) -> Option<f64> {
        let bare = word.strip_suffix("'s").unwrap_or(word);
        self.valences.get(bare).copied()
    }

    /// The valence of two words that follow each other; 0 takes away what they feel like alone.
    pub fn together(&self, first: &str, second: &str) -> Option<f64> {
        if !self.first.contains(first) {
            return None;
        }
        self.valences.get(&format!("{first}_{second}")).copied()
    }

    /// How many words and forms there are.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.valences.len()
    }
}

/// Each valence, kind and word of the written lexicon. A line that says nothing is passed over.
pub fn entries(written: &str) -> impl Iterator<Item = (f64, &str, &str)> {
    written.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let mut parts = line.split_whitespace();
        let head = parts.next().and_then(|valence| valence.parse().ok()).zip(parts.next());
        head.into_iter().flat_map(move |(valence, kind)| parts.clone().map(move |word| (valence, kind, word)))
    })
}

/// The forms of a word of a kind, without itself.
pub fn forms(kind: &str, word: &str) -> Vec<String> {
    let endings: &[&str] = match kind {
        "adjective" => &["er", "est", "ly", "ness"],
        "verb" => &["s", "ed", "ing"],
        "noun" => &["s"],
        _ => &[],
    };
    endings.iter().map(|ending| with_ending(word, ending)).collect()
}

/// A word with an ending, as English spells it for the most part: `happier`, `loving`, `hugged`, `agreeably`, `kisses`.
fn with_ending(word: &str, ending: &str) -> String {
    let is_vowel = |c: char| "aeiou".contains(c);
    let mut last = word.chars().rev();
    let [z, y, x] = [(); 3].map(|()| last.next().unwrap_or(' '));
    let cut = |n: usize| word.get(..word.len() - n).unwrap_or(word);
    match (ending, z) {
        ("ing", 'y') => format!("{word}ing"),
        ("s", 'y') if !is_vowel(y) => format!("{}ies", cut(1)),
        (_, 'y') if ending != "s" && !is_vowel(y) => format!("{}i{ending}", cut(1)),
        ("s", 's' | 'x' | 'z') => format!("{word}es"),
        ("s", 'h') if matches!(y, 'c' | 's') => format!("{word}es"),
        ("ly", 'e') if y == 'l' && !is_vowel(x) => format!("{}y", cut(1)),
        ("ly", 'l') if y == 'l' => format!("{word}y"),
        ("ly", 'c') => format!("{word}ally"),
        ("ing", 'e') if y == 'i' => format!("{}ying", cut(2)),
        ("ed" | "er" | "est", 'e') => format!("{}{ending}", cut(1)),
        ("ing", 'e') if y != 'e' => format!("{}{ending}", cut(1)),
        ("ed" | "er" | "est" | "ing", _) if doubles(word) => format!("{word}{z}{ending}"),
        _ => format!("{word}{ending}"),
    }
}

/// Whether a last letter is written twice before a vowel: after one short vowel, in a word that has no other (`hug`, `sad`), and where
/// the stress lies on the end, which spelling does not show, in a few.
fn doubles(word: &str) -> bool {
    let is_vowel = |c: char| "aeiouy".contains(c);
    let mut last = word.chars().rev();
    let [z, y, x] = [(); 3].map(|()| last.next().unwrap_or(' '));
    let short = !is_vowel(z) && !matches!(z, 'w' | 'x' | 'h') && is_vowel(y) && !is_vowel(x);
    let alone = word.chars().filter(|c| is_vowel(*c)).count() == 1;
    short && alone || ["regret", "abhor", "forbid", "quarrel", "revel", "upset", "marvel"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn forms_are_spelled_as_in_english() {
        let said = [
            ("adjective", "happy", "happier happiest happily happiness"),
            ("adjective", "agreeable", "agreeabler agreeablest agreeably agreeableness"),
            ("adjective", "sad", "sadder saddest sadly sadness"),
            ("adjective", "dull", "duller dullest dully dullness"),
            ("adjective", "nice", "nicer nicest nicely niceness"),
            ("adjective", "gay", "gayer gayest gayly gayness"),
            ("verb", "love", "loves loved loving"),
            ("verb", "hug", "hugs hugged hugging"),
            ("verb", "enjoy", "enjoys enjoyed enjoying"),
            ("verb", "worry", "worries worried worrying"),
            ("verb", "die", "dies died dying"),
            ("verb", "vex", "vexes vexed vexing"),
            ("verb", "weep", "weeps weeped weeping"),
            ("verb", "perish", "perishes perished perishing"),
            ("noun", "ache", "aches"),
            ("word", "wept", ""),
        ];
        for (kind, word, all) in said {
            assert_eq!(forms(kind, word).join(" "), all);
        }
    }

    #[test]
    fn no_word_feels_two_ways() {
        let mut seen: BTreeMap<&str, f64> = BTreeMap::new();
        let mut count = 0;
        for (valence, kind, word) in entries(WRITTEN) {
            assert!((-3.0..=3.0).contains(&valence) && valence.fract() == 0.0, "{valence} {word}");
            assert!(["adjective", "verb", "noun", "word"].contains(&kind), "{kind} {word}");
            assert!(word.chars().all(|c| c.is_ascii_lowercase() || "-_'".contains(c)), "{word}");
            assert!(word.matches('_').count() <= 1, "{word}: of more than two words");
            let first = seen.entry(word).or_insert(valence);
            assert!(first.total_cmp(&valence).is_eq(), "{word}");
            count += 1;
        }
        // No form changes the sign of a word that is written, unless that one is there to say so.
        for (valence, kind, word) in entries(WRITTEN) {
            for form in forms(kind, word) {
                let written = seen.get(&form[..]).copied().unwrap_or(valence);
                assert!(written * valence > 0.0 || written == 0.0, "{form} of {word}");
            }
        }
        assert!(count > 1000 && Lexicon::get().size() > 3000, "{count} {}", Lexicon::get().size());
    }

    #[test]
    fn words_have_the_valence_of_their_line() {
        let of = |word| Lexicon::get().valence(word);
        assert_eq!([of("merry"), of("vexed"), of("wretched")], [Some(2.0), Some(-2.0), Some(-3.0)]);
        assert_eq!([of("wretchedly"), of("darling's"), of("table")], [Some(-3.0), Some(2.0), None]);
        assert_eq!([Lexicon::get().together("good", "deal"), of("")], [Some(0.0), None]);
    }

    #[test]
    fn a_spoilt_lexicon_is_borne() {
        let lexicon = Lexicon::read("x word a\n2\n\n2 adjective\n 1 word b b\n1 verb é y\n");
        assert_eq!(lexicon.valence("b"), Some(1.0));
        assert_eq!(lexicon.valence("a"), None);
    }
}
