//! A text as the terms that it is found by: words in lower case without accents, each by its stem.

use std::collections::HashSet;

use tantivy::tokenizer::{Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{compose, is_combining_mark};

use crate::eval::likeness::words::words;
use crate::journal::is_unspaced;
use crate::recall::tongue::Tongue;

/// Longer words are cut: a line of a program, a picture in letters.
const LONGEST: usize = 60;

/// Makes terms of texts in one language.
#[derive(Clone)]
pub struct Terms {
    tongue: Tongue,
    analyzer: TextAnalyzer,
    /// Folded. (Looked up only.)
    stop_words: HashSet<String>,
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Terms({})", self.tongue.code())
    }
}

impl Terms {
    /// For texts in a language.
    pub fn new(tongue: &Tongue) -> Terms {
        let words = Words { elides: tongue.elides(), found: Vec::new() };
        let analyzer = match tongue.stemmer() {
            Some(language) => TextAnalyzer::builder(words).filter(Stemmer::new(language)).build(),
            None => TextAnalyzer::builder(words).build(),
        };
        let stop_words = tongue.stop_words().map(fold).collect();
        Terms { tongue: tongue.clone(), analyzer, stop_words }
    }

    /// The terms of a text, in its order.
    pub fn of(&mut self, text: &str) -> Vec<Token> {
        let mut terms = Vec::new();
        self.analyzer.token_stream(text).process(&mut |token| terms.push(token.clone()));
        terms
    }

    /// The words of a text that tell something, in its order: those that are not of grammar.
    pub fn telling_words<'a>(&self, text: &'a str) -> Vec<&'a str> {
        words(text).map(|word| word.text).filter(|word| !self.stop_words.contains(&fold(word))).collect()
    }

    /// The terms of the words that tell something, each once, in the order of the text; and whether there is any word at all.
    pub fn telling(&mut self, text: &str) -> (Vec<String>, bool) {
        let telling = self.telling_words(text);
        let any = words(text).next().is_some();
        (self.distinct(&telling.join(" ")), any)
    }

    /// The term of a word as a whole; none where it is a word of grammar.
    pub fn of_word(&mut self, word: &str) -> Option<String> {
        if self.stop_words.contains(&fold(word)) {
            return None;
        }
        // Of several parts, the whole comes last.
        self.of(word).pop().map(|token| token.text)
    }

    /// All terms of a text, each once, in its order.
    pub fn distinct(&mut self, text: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        self.of(text).into_iter().map(|token| token.text).filter(|term| seen.insert(term.clone())).collect()
    }
}

/// The words of texts, folded: with a word of several parts (`to-morrow`) stands the whole as one (`tomorrow`) and each part; with
/// two characters of a script without spaces, the pair.
#[derive(Clone)]
struct Words {
    elides: bool,
    found: Vec<Token>,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.found.clear();
        let mut last: Option<(usize, char)> = None;
        for word in words(text) {
            let range = word.range();
            let first = word.text.chars().next().unwrap_or(' ');
            if is_unspaced(first) {
                if let Some((_, before)) = last.filter(|(end, _)| *end == range.start) {
                    self.push(format!("{before}{first}"), &range);
                }
                self.push(word.text.to_string(), &range);
                last = Some((range.end, first));
                continue;
            }
            let folded = fold(word.text);
            let folded = self.without_article(&folded);
            if folded.contains('-') {
                for part in folded.split('-') {
                    self.push(part.to_string(), &range);
                }
                self.push(folded.replace('-', ""), &range);
            } else {
                self.push(folded.to_string(), &range);
            }
        }
        Stream { found: &mut self.found, at: 0 }
    }
}

impl Words {
    fn push(&mut self, text: String, range: &std::ops::Range<usize>) {
        let position = self.found.len();
        let mut text = text;
        text.truncate(text.floor_char_boundary(LONGEST));
        self.found.push(Token {
            offset_from: range.start,
            offset_to: range.end,
            position,
            text,
            position_length: 1,
        });
    }

    fn without_article<'a>(&self, word: &'a str) -> &'a str {
        match word.split_once('\'') {
            Some((article, rest)) if self.elides && article.len() <= 2 && !rest.is_empty() => rest,
            _ => word,
        }
    }
}

/// The words that were found, one after the other.
struct Stream<'a> {
    found: &'a mut Vec<Token>,
    /// The next of them.
    at: usize,
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        self.at += 1;
        self.at <= self.found.len()
    }

    fn token(&self) -> &Token {
        &self.found[self.at - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.found[self.at - 1]
    }
}

/// A word in lower case, with straight apostrophes, and Latin and Greek letters without their accents. Those of other scripts keep
/// their marks, which are letters there.
pub fn fold(word: &str) -> String {
    if word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_string();
    }
    let mut out = String::with_capacity(word.len());
    let mut bare = false;
    for c in word.chars().flat_map(char::to_lowercase).nfkc().nfd() {
        if is_combining_mark(c) {
            if bare {
                continue;
            }
            // Back to one letter, as й is.
            match out.chars().next_back().and_then(|before| compose(before, c)) {
                Some(whole) => {
                    out.pop();
                    out.push(whole);
                }
                None => out.push(c),
            }
            continue;
        }
        bare = c.is_ascii_alphabetic() || matches!(c, 'ø' | 'æ' | 'œ' | 'ı' | 'α'..='ω');
        match c {
            '’' => out.push('\''),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            'þ' => out.push_str("th"),
            // Soft hyphens and joiners.
            '\u{ad}' | '\u{200c}' | '\u{200d}' => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tongue: &str, text: &str) -> Vec<String> {
        let tongue: Tongue = serde_json::from_value(tongue.into()).unwrap();
        Terms::new(&tongue).distinct(text)
    }

    #[test]
    fn inflections_case_and_accents_are_one() {
        assert_eq!(of("eng", "Walking walked WALKS"), ["walk"]);
        assert_eq!(of("eng", "To-morrow tomorrow"), ["to", "morrow", "tomorrow"]);
        assert_eq!(of("fra", "l’été ETE d'été"), ["ete"]);
        assert_eq!(of("deu", "Straße strasse"), of("deu", "STRASSE"));
        assert_eq!(of("und", "Walking café cafe\u{301}"), ["walking", "cafe"]);
        assert_eq!(of("eng", "Wife’s wife"), ["wife"]);
    }

    #[test]
    fn marks_of_other_scripts_are_letters() {
        assert_eq!(fold("Й"), "й");
        assert_eq!(fold("हिन्दी"), "हिन्दी".nfd().collect::<String>());
        assert_eq!(fold("Ἀθῆναι"), "αθηναι");
        assert_eq!(fold("co\u{ad}operate"), "cooperate");
    }

    #[test]
    fn characters_without_spaces_come_alone_and_in_pairs() {
        assert_eq!(of("und", "日記帳 x"), ["日", "日記", "記", "記帳", "帳", "x"]);
    }

    #[test]
    fn a_question_is_known_by_its_telling_words() {
        let english: Tongue = serde_json::from_value("eng".into()).unwrap();
        let mut terms = Terms::new(&english);
        let (telling, any) = terms.telling("When was I most anxious about the zoology?");
        assert!(any && telling == ["anxious", "zoolog"], "{telling:?}");
        assert_eq!(terms.telling("what did I do"), (Vec::new(), true));
        assert_eq!(terms.telling("?!"), (Vec::new(), false));
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in ["", "-", "a-", "--a--b", "'", "\u{301}", "x\u{301}\u{301}", &"é".repeat(500), "日-本"]
        {
            assert!(of("fra", text).iter().all(|term| term.len() <= LONGEST), "{text}");
        }
    }
}
