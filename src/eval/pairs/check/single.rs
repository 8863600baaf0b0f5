//! A single pair, checked.

use std::cell::OnceCell;

use crate::dataset::pairs::Pair;
use crate::dataset::pairs::near::normalised;
use crate::eval::likeness::copying::Source;
use crate::eval::likeness::invention::Known;
use crate::eval::likeness::words::{sentences, words};
use crate::eval::pairs::check::facts::{Names, in_name, unknown};
use crate::eval::pairs::check::finding::{Finding, Part};
use crate::eval::pairs::check::limits::{Distance, Limits};
use crate::eval::pairs::check::manners::Manners;
use crate::eval::pairs::check::sources::Sources;
use crate::eval::pairs::check::support::{Index, Said};

/// A question of fewer words is not missed when an answer says it again.
const REPEATED: usize = 5;
/// So much of the question's pairs of words at the answer's beginning is the question (0 to 1).
const REPEATS: f64 = 0.8;
/// Words with which no sentence ends.
const OPEN: [&str; 16] = [
    "the", "a", "an", "and", "or", "but", "of", "to", "with", "from", "my", "our", "their", "because",
    "which", "than",
];

/// What all pairs are checked with.
pub struct Checker<'c> {
    pairs: &'c [Pair],
    sources: &'c Sources<'c>,
    limits: &'c Limits,
    voice: Option<&'c Distance<'c>>,
    index: Index<'c>,
    copied: Option<Source>,
    /// Of all sources; made when it is first asked for.
    everywhere: OnceCell<Known>,
    proper: Names,
    manners: Manners,
    /// Most texts end with a mark.
    marked: bool,
}

impl<'c> Checker<'c> {
    /// Reads the sources.
    pub fn new(
        pairs: &'c [Pair],
        sources: &'c Sources<'c>,
        limits: &'c Limits,
        voice: Option<&'c Distance<'c>>,
    ) -> Checker<'c> {
        let texts = &sources.texts;
        let answers = pairs.iter().map(|pair| pair.response.as_str());
        let ended = answers.clone().filter(|answer| is_ended(answer)).count();
        Checker {
            pairs,
            sources,
            limits,
            voice,
            index: Index::new(texts),
            copied: (limits.copied > 0)
                .then(|| Source::new(texts.iter().map(|t| (String::new(), (*t).to_string())))),
            everywhere: OnceCell::new(),
            proper: Names::of(texts.iter().copied().chain(answers)),
            manners: Manners::beside(sources.own_texts()),
            marked: ended * 2 >= pairs.len(),
        }
    }

    /// What is to be looked at in a pair. Marks the documents that it rests on.
    pub fn check(&self, number: usize, used: &mut [bool]) -> Vec<Finding> {
        let pair = &self.pairs[number];
        let own = self.sources.own[number].as_slice();
        let mut found = Vec::new();
        self.mark(own, used);
        for name in &self.sources.unknown[number] {
            found.push(Finding::UnknownSource { name: (*name).to_string() });
        }
        if normalised(&pair.instruction).is_empty() {
            found.push(Finding::Empty { part: Part::Question });
        }
        let words = words(&pair.response).count();
        if words == 0 {
            found.push(Finding::Empty { part: Part::Answer });
            return found;
        }
        if words < self.limits.words {
            found.push(Finding::TooShort { words, least: self.limits.words });
        }
        self.form(pair, &mut found);
        self.supported(pair, own, used, &mut found);
        self.known(pair, own, &mut found);
        self.copies(pair, &mut found);
        found
    }

    fn mark(&self, texts: &[usize], used: &mut [bool]) {
        for &document in texts.iter().filter_map(|&text| self.sources.from.get(text)).flatten() {
            if let Some(used) = used.get_mut(document) {
                *used = true;
            }
        }
    }

    /// How the answer is written.
    fn form(&self, pair: &Pair, found: &mut Vec<Finding>) {
        if let Some(ending) = cut_off(&pair.response, self.marked) {
            found.push(Finding::CutOff { ending });
        }
        if repeats(&pair.instruction, &pair.response) {
            found.push(Finding::RepeatsQuestion);
        }
        for (manner, text) in self.manners.find(&pair.response) {
            found.push(Finding::Manner { manner: manner.to_string(), text });
        }
        let distance = self.voice.and_then(|voice| voice(&pair.response));
        if let Some(distance) = distance.filter(|distance| *distance > self.limits.voice) {
            found.push(Finding::WrongVoice { distance, limit: self.limits.voice });
        }
    }

    /// The answer's sentences against its sources, or all documents where it names none.
    fn supported(&self, pair: &Pair, own: &[usize], used: &mut [bool], found: &mut Vec<Finding>) {
        if self.sources.texts.is_empty() {
            return;
        }
        let given = self.index.said(&pair.asked());
        let among = (!own.is_empty()).then_some(own);
        for sentence in sentences(&pair.response) {
            let said = self.index.said(sentence);
            if said.words() < self.limits.content_words {
                continue;
            }
            let best = self.index.support(&said, among, &given);
            let support = best.map_or(0.0, |best| best.share);
            if support >= self.limits.support {
                if let (None, Some(best)) = (among, best) {
                    self.mark(&[best.text], used);
                }
                continue;
            }
            let other = among.and_then(|_| self.index.support(&said, None, &Said::default()));
            let other = other.filter(|other| other.share >= self.limits.support.max(0.6));
            found.push(Finding::Unsupported {
                sentence: sentence.to_string(),
                support,
                nearest: best.map(|best| self.index.sentence(best.sentence).to_string()),
                elsewhere: other.map(|other| self.sources.called(other.text).to_string()),
            });
        }
    }

    /// Names, dates, numbers and quotations against the pair's sources and what is asked.
    fn known(&self, pair: &Pair, own: &[usize], found: &mut Vec<Finding>) {
        if self.sources.texts.is_empty() {
            return;
        }
        let asked = pair.asked();
        let from = own.iter().filter_map(|&text| self.sources.from.get(text)).flatten();
        let days: Vec<String> =
            from.filter_map(|&i| self.sources.names.get(i)).map(|name| in_name(name)).collect();
        let own_texts = own.iter().map(|&text| self.sources.texts[text]);
        let texts: Vec<&str> =
            own_texts.chain(days.iter().map(String::as_str)).chain([asked.as_str()]).collect();
        let here = unknown(&pair.response, &Known::new(&texts), &self.proper);
        if here.is_empty() {
            return;
        }
        let everywhere = self.everywhere.get_or_init(|| Known::new(&self.sources.texts));
        let nowhere = unknown(&pair.response, everywhere, &self.proper);
        for thing in here {
            let elsewhere = !nowhere.contains(&thing);
            // A pair that names no source rests on all of them.
            if !(own.is_empty() && elsewhere) {
                found.push(Finding::Invented { kind: thing.kind, text: thing.text, elsewhere });
            }
        }
    }

    /// The longest run that stands in a source.
    fn copies(&self, pair: &Pair, found: &mut Vec<Finding>) {
        let runs = self.copied.as_ref().map(|source| source.verbatim(&pair.response, self.limits.copied));
        let longest = runs.into_iter().flatten().rev().max_by_key(|run| run.words);
        if let Some(run) = longest {
            found.push(Finding::Copied {
                words: run.words,
                source: self.sources.called(run.entry).to_string(),
                text: pair.response.get(run.text_bytes).unwrap_or_default().to_string(),
            });
        }
    }
}

/// Whether a text ends with a mark that may end one, whatever closes behind it.
fn is_ended(text: &str) -> bool {
    let bare = text.trim_end().trim_end_matches(['"', '”', '’', '\'', ')', ']', '»', '*', '_', '」', '』']);
    bare.is_empty()
        || bare.ends_with(['.', '!', '?', '…', '。', '！', '？', ':', ';'])
        || !bare.ends_with(is_letter_or_comma)
}

fn is_letter_or_comma(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ',' | '、' | '-' | '–' | '—' | '(')
}

/// The last words of an answer that ends in the middle. An answer without a mark does so only where most have one; one that ends with a
/// comma, or with "and the", always.
fn cut_off(answer: &str, marked: bool) -> Option<String> {
    let answer = answer.trim_end();
    let open = answer.ends_with([',', '(', '-'])
        || answer.ends_with(char::is_alphabetic)
            && words(answer).last().is_some_and(|word| OPEN.contains(&&*word.key()));
    // A quoted word that is opened and not closed, and a sign-off or an emoji, are ends.
    (open || marked && !is_ended(answer)).then(|| {
        let last: Vec<&str> = answer.split_whitespace().rev().take(6).collect();
        last.into_iter().rev().collect::<Vec<_>>().join(" ")
    })
}

/// Whether an answer begins with the question's words.
fn repeats(question: &str, answer: &str) -> bool {
    let question = normalised(question);
    if question.len() < REPEATED {
        return false;
    }
    let mut beginning = normalised(answer);
    beginning.truncate(question.len() + 8);
    let twos: std::collections::HashSet<&[String]> = beginning.windows(2).collect();
    let again = question.windows(2).filter(|two| twos.contains(two)).count();
    again as f64 >= REPEATS * (question.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_end_is_cut_off() {
        for whole in
            ["Done.", "“Done.”", "Why?", "(So be it.)", "…", "今日は。", "Yours, \u{1f600}", "he said: “No!”"]
        {
            assert_eq!(cut_off(whole, true), None, "{whole}");
        }
        assert_eq!(cut_off("I went home and slept wel", true).as_deref(), Some("I went home and slept wel"));
        assert_eq!(cut_off("I went home", false), None);
        assert!(cut_off("I went home and the", false).is_some() && cut_off("I went home,", false).is_some());
    }

    #[test]
    fn a_question_is_repeated_where_its_words_are() {
        let question = "What did you do on the 3rd of June?";
        assert!(repeats(question, "What did you do on the 3rd of June? I went home."));
        assert!(repeats(question, "What did I do? What did you do on the 3rd of June: I went home."));
        assert!(!repeats(question, "On the 3rd of June I went home."));
        assert!(!repeats("And then?", "And then? I went."));
    }
}
