//! The words of time in the languages that questions are read in.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::kind::Kind;

mod english;
mod french;
mod german;
mod spanish;

/// A language that questions are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
    French,
    Spanish,
}

impl Language {
    /// All, in the order in which they are preferred where a question does not tell.
    pub const ALL: [Language; 4] = [Language::English, Language::German, Language::French, Language::Spanish];
}

/// A language's words: what they mean, then phrases that mean it, divided by commas.
type Table = &'static [(Kind, &'static str)];

/// The words of one language.
pub(super) struct Lexicon {
    language: Language,
    words: HashMap<String, Kind>,
    /// Its commonest words, by which a question's language is told.
    common: HashSet<String>,
}

static LEXICONS: LazyLock<[Lexicon; 4]> = LazyLock::new(|| {
    [
        Lexicon::new(Language::English, english::WORDS, english::COMMON),
        Lexicon::new(Language::German, german::WORDS, german::COMMON),
        Lexicon::new(Language::French, french::WORDS, french::COMMON),
        Lexicon::new(Language::Spanish, spanish::WORDS, spanish::COMMON),
    ]
});

impl Lexicon {
    /// Words of the longest phrase.
    pub const LONGEST: usize = 5;

    /// That of a language.
    pub fn of(language: Language) -> &'static Lexicon {
        let [english, german, french, spanish] = &*LEXICONS;
        match language {
            Language::English => english,
            Language::German => german,
            Language::French => french,
            Language::Spanish => spanish,
        }
    }

    fn new(language: Language, words: Table, common: &str) -> Lexicon {
        let phrases = words
            .iter()
            .flat_map(|(kind, list)| list.split(',').map(|phrase| (folded(phrase.trim()), *kind)));
        Lexicon {
            language,
            words: phrases.collect(),
            common: common.split_whitespace().map(folded).collect(),
        }
    }

    /// What a phrase means, its words [`folded`] and joined by single spaces.
    pub fn get(&self, phrase: &str) -> Option<Kind> {
        self.words.get(phrase).copied()
    }

    /// Whether a [`folded`] word is one of the language's commonest.
    pub fn is_common(&self, word: &str) -> bool {
        self.common.contains(word)
    }

    /// Whether it is English.
    pub fn is_english(&self) -> bool {
        self.language == Language::English
    }

    /// Whether the day comes before the month only, an article makes a day of the week every one (`le dimanche`) and decades are
    /// `les années 1910`.
    pub fn is_romance(&self) -> bool {
        matches!(self.language, Language::French | Language::Spanish)
    }
}

/// A word as it is looked up: in lower case, without accents, with a straight apostrophe.
pub(super) fn folded(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' ') {
        return word.to_owned();
    }
    let letters = word.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    letters.map(|c| if c == '’' { '\'' } else { c }).collect()
}
