//! What a text's words say of its mood: the valences of a lexicon, turned, damped and strengthened by what stands around them.

use std::borrow::Cow;

use super::lexicon::Lexicon;
use crate::eval::likeness::words::{Word, sentences, words};

/// A negation reaches so many words ahead, within its clause.
const REACH: usize = 3;
/// What is negated counts so: "not happy" is less sad than "sad".
const NEGATED: f64 = -0.5;
/// Words before a "but" count so, and words after it so.
const BUT: [f64; 2] = [0.75, 1.25];
/// However many words strengthen another, it counts no more than this times itself.
const MOST: f64 = 2.0;

/// Under so many words nothing is said of a mood, nor whether they are English.
pub const LEAST_WORDS: usize = 20;
/// So many words must be of the lexicon, and one in so many.
const LEAST_KNOWN: usize = 2;
const ONE_IN: usize = 200;
/// The share of words that are [`COMMON`] in any English; a third or so is.
const LEAST_COMMON: f64 = 0.15;
/// Common words of English that other languages of its letters have seldom or not at all.
const COMMON: [&str; 36] = [
    "the", "and", "of", "to", "i", "it", "that", "with", "for", "my", "his", "she", "him", "they", "be",
    "by", "this", "have", "not", "but", "from", "you", "are", "were", "which", "as", "there", "been",
    "would", "our", "out", "what", "when", "very", "about", "could",
];

/// The sums of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Its words.
    pub words: usize,
    /// Those of the lexicon.
    known: usize,
    /// Those that only English has so often.
    common: usize,
    /// The valences, weighed.
    pub sum: f64,
}

impl Tally {
    /// Of a text.
    pub fn of(text: &str) -> Tally {
        let mut tally = Tally::default();
        for sentence in sentences(text) {
            tally.add_sentence(sentence);
        }
        tally
    }

    /// This and another.
    pub fn and(self, other: Tally) -> Tally {
        Tally {
            words: self.words + other.words,
            known: self.known + other.known,
            common: self.common + other.common,
            sum: self.sum + other.sum,
        }
    }

    /// Whether its words may be English; of few words that is not known, and they may.
    pub fn may_be_english(&self) -> bool {
        self.words < LEAST_WORDS || self.common as f64 >= LEAST_COMMON * self.words as f64
    }

    /// The sum of valences in a hundred words; `None` where there are too few words, or too few that the lexicon knows.
    pub fn mood(&self) -> Option<f64> {
        let enough = self.words >= LEAST_WORDS && self.known >= LEAST_KNOWN.max(self.words / ONE_IN);
        (enough && self.may_be_english()).then(|| self.rate())
    }

    /// The same, whatever it is worth; of no words it is no number.
    pub fn rate(&self) -> f64 {
        100.0 * self.sum / self.words as f64
    }

    fn add_sentence(&mut self, sentence: &str) {
        let mut clause: Vec<Token> = Vec::new();
        let mut end = 0;
        for word in words(sentence) {
            let before = sentence.get(end..word.at).unwrap_or("");
            // A clause is what stands between these; within it a "but" weighs.
            if before.contains([';', ':', '—', '–']) {
                self.add_clause(&clause);
                clause.clear();
            }
            clause.push(Token::new(word, before));
            end = word.range().end;
        }
        self.add_clause(&clause);
    }

    fn add_clause(&mut self, clause: &[Token]) {
        self.words += clause.len();
        self.common += clause.iter().filter(|token| COMMON.contains(&&*token.key)).count();
        let (mut feelings, mut at) = (Vec::new(), 0);
        while at < clause.len() {
            let (valence, length) = valence(clause, at);
            if let Some(valence) = valence {
                self.known += 1;
                feelings.push((at, valence * weight(clause, at)));
            }
            at += length;
        }
        let turn = (0..clause.len()).rev().find(|&i| turns(clause, i));
        let but = |at: usize| turn.map_or(1.0, |turn| BUT[usize::from(at > turn)]);
        self.sum += feelings.into_iter().map(|(at, feeling)| feeling * but(at)).sum::<f64>();
    }
}

/// A word of a clause.
struct Token<'a> {
    key: Cow<'a, str>,
    /// Whether a comma or another stop stands before it.
    stopped: bool,
}

impl<'a> Token<'a> {
    fn new(word: Word<'a>, before: &str) -> Token<'a> {
        let stopped = before.contains([',', '.', '!', '?', '…', '(', ')']);
        Token { key: word.key(), stopped }
    }
}

/// The valence of what stands at a place, if it is of the lexicon, and how many words that is. Two words that are there together go
/// first; what only strengthens the next ("dreadfully fond", "pretty good") has no feeling of its own.
fn valence(clause: &[Token], at: usize) -> (Option<f64>, usize) {
    let lexicon = Lexicon::get();
    let key = &clause[at].key;
    let next = clause.get(at + 1).filter(|next| !next.stopped);
    if let Some(next) = next
        && let Some(together) = lexicon.together(key, &next.key)
    {
        return ((together != 0.0).then_some(together), 2);
    }
    let strengthens =
        strength(key).is_some() && next.is_some_and(|next| lexicon.valence(&next.key).is_some());
    (lexicon.valence(key).filter(|_| !strengthens), 1)
}

/// What the words before a place make of its valence: those directly before it strengthen or weaken it, a negation turns and damps it.
fn weight(clause: &[Token], at: usize) -> f64 {
    let mut factor = 1.0;
    let mut near = true;
    for back in 1..=REACH.min(at) {
        if clause[at + 1 - back].stopped {
            break;
        }
        let key = &clause[at - back].key;
        if negates(key) && clause[at - back + 1].key != "only" {
            return NEGATED * f64::min(factor, MOST);
        }
        match strength(key).filter(|_| near) {
            Some(strength) => factor *= strength,
            None => near = false,
        }
    }
    f64::min(factor, MOST)
}

/// Whether a word turns what it stands before.
fn negates(key: &str) -> bool {
    matches!(
        key,
        "not" | "no" | "never" | "cannot" | "without" | "nor" | "neither" | "none" | "nothing" | "nobody"
    ) || key.ends_with("n't")
}

/// Whether a "but" stands at a place that sets what follows against what went before, and does not mean "only" or "except".
fn turns(clause: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| clause.get(before));
    let except = |word: &Token| {
        negates(&word.key)
            || matches!(
                &*word.key,
                "anything" | "all" | "is" | "was" | "be" | "being" | "are" | "were" | "had" | "have"
            )
    };
    clause[at].key == "but" && before.is_some_and(|before| clause[at].stopped || !except(before))
}

/// By how much a word strengthens the one after it, or weakens it.
fn strength(key: &str) -> Option<f64> {
    Some(match key {
        "hardly" | "scarcely" | "scarce" | "barely" => 0.3,
        "slightly" | "little" | "somewhat" | "partly" | "faintly" => 0.6,
        "rather" | "fairly" | "pretty" | "almost" | "moderately" | "tolerably" | "indifferent" => 0.8,
        "so" | "such" | "quite" | "really" | "truly" | "most" | "much" | "more" | "over" | "all" | "how"
        | "indeed" => 1.25,
        "very" | "great" | "greatly" | "deeply" | "highly" | "heartily" | "particularly" | "perfectly"
        | "thoroughly" | "wholly" | "completely" | "entirely" | "absolutely" | "real" | "vastly"
        | "sorely" | "bitterly" | "strangely" | "uncommonly" | "remarkably" | "best" | "deep" | "high"
        | "super" | "totally" => 1.5,
        "extremely" | "exceeding" | "exceedingly" | "mighty" | "mightily" | "utterly" | "terribly"
        | "awfully" | "awful" | "dreadfully" | "horribly" | "frightfully" | "fearfully" | "infinitely"
        | "wonderfully" | "intensely" | "incredibly" | "immensely" | "enormously" | "excessively"
        | "marvellously" | "insanely" | "damned" | "damn" | "fucking" | "hugely" | "desperately"
        | "madly" | "monstrous" => 1.75,
        _ => return None,
    })
}
