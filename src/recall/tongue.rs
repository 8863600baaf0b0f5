//! The languages of a diary: which of them its words are filed in, and how each is stemmed.

use tantivy::tokenizer::Language;

use crate::eval::likeness::words::words;
use crate::eval::themes::stop;

/// So many languages of a diary have a field of their own at most; what is in another is filed with the first.
pub const MOST: usize = 3;
/// A language has to have this share of the words to be one of the diary's: fewer are quotations, or guessed wrongly.
const SHARE: f64 = 0.05;
/// An entry of fewer words is too short to tell its language.
const TELLING: usize = 20;
/// Bytes of an entry that are looked at.
const LOOKED_AT: usize = 2_000;

/// A language by its code of ISO 639-3 (`eng`), or `und` where none is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Tongue(String);

impl Tongue {
    /// A language that nothing is known of: words are taken as they stand.
    pub fn unknown() -> Tongue {
        Tongue("und".into())
    }

    /// The language of a text; none where it is too short to tell, or tells several.
    pub fn of(text: &str) -> Option<Tongue> {
        let text = &text[..text.floor_char_boundary(LOOKED_AT)];
        words(text).nth(TELLING - 1)?;
        let found = whatlang::detect(text).filter(whatlang::Info::is_reliable)?;
        Some(Tongue(found.lang().code().to_string()))
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// How its words are stemmed; none where nobody has said how.
    pub fn stemmer(&self) -> Option<Language> {
        Some(match self.0.as_str() {
            "ara" => Language::Arabic,
            "dan" => Language::Danish,
            "nld" => Language::Dutch,
            "eng" => Language::English,
            "fin" => Language::Finnish,
            "fra" => Language::French,
            "deu" => Language::German,
            "ell" => Language::Greek,
            "hun" => Language::Hungarian,
            "ita" => Language::Italian,
            "nob" => Language::Norwegian,
            "por" => Language::Portuguese,
            "ron" => Language::Romanian,
            "rus" => Language::Russian,
            "spa" => Language::Spanish,
            "swe" => Language::Swedish,
            "tam" => Language::Tamil,
            "tur" => Language::Turkish,
            _ => return None,
        })
    }

    /// Its words of grammar, which a question is full of and no answer is known by.
    pub fn stop_words(&self) -> impl Iterator<Item = &'static str> {
        let language = match self.0.as_str() {
            "eng" => Some(stop::Language::English),
            "deu" => Some(stop::Language::German),
            "fra" => Some(stop::Language::French),
            "spa" => Some(stop::Language::Spanish),
            "ita" => Some(stop::Language::Italian),
            _ => None,
        };
        language.into_iter().flat_map(stop::Language::stop_words)
    }

    /// Whether a short word before an apostrophe is an article or a pronoun (`l'amour`), and what follows is the word.
    pub fn elides(&self) -> bool {
        matches!(self.0.as_str(), "fra" | "ita" | "cat")
    }
}

/// The languages of a diary, the one with the most words first; `entries` are each one's language and words.
pub fn tongues<'a>(entries: impl Iterator<Item = (Option<&'a Tongue>, usize)>) -> Vec<Tongue> {
    let (mut counts, mut all) = (std::collections::BTreeMap::<&Tongue, usize>::new(), 0);
    for (tongue, words) in entries {
        if let Some(tongue) = tongue {
            *counts.entry(tongue).or_default() += words;
            all += words;
        }
    }
    let least = (SHARE * all as f64) as usize;
    let mut found: Vec<(&Tongue, usize)> = counts.into_iter().filter(|(_, words)| *words >= least).collect();
    found.sort_by_key(|(_, words)| std::cmp::Reverse(*words));
    let mut tongues: Vec<Tongue> = found.into_iter().take(MOST).map(|(tongue, _)| tongue.clone()).collect();
    if tongues.is_empty() {
        tongues.push(Tongue::unknown());
    }
    tongues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_from_twenty_words_on() {
        let english = "I went down to the river this morning with my brother and we talked about the war and the weather for hours.";
        let german = "Heute morgen ging ich mit meinem Bruder zum Fluss hinunter, und wir sprachen lange über den Krieg und das Wetter und die Leute.";
        assert_eq!(Tongue::of(english).unwrap().code(), "eng");
        assert_eq!(Tongue::of(german).unwrap().code(), "deu");
        assert!(Tongue::of("Rain all day.").is_none());
        assert!(Tongue::of("").is_none());
    }

    #[test]
    fn a_language_of_few_words_is_none_of_the_diarys() {
        let [english, german, latin] = ["eng", "deu", "lat"].map(|code| Tongue(code.into()));
        let of = |counts: &[(Option<&Tongue>, usize)]| tongues(counts.iter().copied());
        let found = of(&[(Some(&german), 300), (Some(&english), 900), (Some(&latin), 40), (None, 5_000)]);
        assert_eq!(found, [english, german]);
        assert_eq!(of(&[(None, 10)]), [Tongue::unknown()]);
    }
}
