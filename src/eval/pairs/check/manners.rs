//! The manners of an assistant, which nobody has in a diary: phrases (`manners.txt`) and marks. What the person's own documents
//! have is the person's.

use std::collections::{BTreeSet, HashMap};

use crate::eval::likeness::words::{paragraphs, sentences, words};

/// A mark that is in this share of the documents, or more, is the person's own; a phrase, in this share, and in two.
const OWN: f64 = 0.02;
const OWN_PHRASE: f64 = 0.005;
/// Bullets, in lines, and dashes, in a paragraph of so many words at most, that are too many.
const BULLETS: usize = 2;
const DASHES: usize = 3;
const DASHED: usize = 80;

/// Where a phrase has to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Anywhere,
    Beginning,
    LastSentence,
}

#[derive(Debug)]
struct Phrase {
    manner: &'static str,
    words: Vec<String>,
    at: At,
}

/// What of a text is a mark of an assistant's, where it has one.
type Mark = fn(&str) -> Option<&str>;

/// The manners that are looked for.
#[derive(Debug)]
pub struct Manners {
    phrases: Vec<Phrase>,
    /// The phrases by their first word. Only ever asked.
    by_first: HashMap<String, Vec<usize>>,
    marks: Vec<(&'static str, Mark)>,
}

impl Manners {
    /// All that these documents do not have, or hardly.
    pub fn beside(documents: &[&str]) -> Manners {
        let marks: [(&str, Mark); 3] =
            [("a list", list), ("a heading in bold", heading), ("dashes upon dashes", dashes)];
        let mut all = Manners { phrases: phrases(), by_first: HashMap::new(), marks: marks.to_vec() };
        all.index();
        let mut having = vec![0_usize; all.phrases.len()];
        for document in documents {
            let found: BTreeSet<usize> = all.phrases_in(document).collect();
            for phrase in found {
                having[phrase] += 1;
            }
        }
        let least = (OWN_PHRASE * documents.len() as f64).max(2.0);
        let mut having = having.into_iter();
        all.phrases.retain(|_| having.next().is_none_or(|documents| (documents as f64) < least));
        all.index();
        all.marks.retain(|(_, mark)| {
            let having = documents.iter().filter(|document| mark(document).is_some()).count();
            documents.is_empty() || (having as f64) < OWN * documents.len() as f64
        });
        all
    }

    fn index(&mut self) {
        self.by_first.clear();
        for (i, phrase) in self.phrases.iter().enumerate() {
            self.by_first.entry(phrase.words[0].clone()).or_default().push(i);
        }
    }

    /// The phrases of a text that stand where they have to, by number.
    fn phrases_in<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let keys = keys(text);
        let last = sentences(text).last().map_or(0, |sentence| words(sentence).count());
        let starts = 0..keys.len();
        starts.flat_map(move |at| {
            let begun = self.by_first.get(&keys[at]).into_iter().flatten().copied();
            let found = begun.filter(|&phrase| {
                let Phrase { words, at: place, .. } = &self.phrases[phrase];
                let placed = match place {
                    At::Anywhere => true,
                    At::Beginning => at == 0,
                    At::LastSentence => at + last == keys.len(),
                };
                placed && keys[at..].starts_with(words)
            });
            found.collect::<Vec<_>>()
        })
    }

    /// The manners of an answer, each kind once: what it is called, and how the answer has it.
    pub fn find(&self, answer: &str) -> Vec<(&'static str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        for phrase in self.phrases_in(answer) {
            let phrase = &self.phrases[phrase];
            if found.iter().all(|(manner, _)| *manner != phrase.manner) {
                found.push((phrase.manner, phrase.words.join(" ")));
            }
        }
        found.extend(self.marks.iter().filter_map(|(name, mark)| Some((*name, mark(answer)?.to_string()))));
        found
    }
}

fn keys(text: &str) -> Vec<String> {
    words(text).map(|word| word.key().into_owned()).collect()
}

/// The phrases of the file.
fn phrases() -> Vec<Phrase> {
    let lines = include_str!("manners.txt").lines().filter(|line| !line.starts_with('#'));
    let read = lines.filter_map(|line| {
        let (manner, phrase) = line.split_once(" | ")?;
        let at = match phrase.chars().next() {
            Some('^') => At::Beginning,
            Some('$') => At::LastSentence,
            _ => At::Anywhere,
        };
        let words = keys(phrase);
        (!words.is_empty()).then_some(Phrase { manner, words, at })
    });
    read.collect()
}

/// Two lines or more that begin with a bullet, or three with numbers; the first of them.
fn list(text: &str) -> Option<&str> {
    let bullet =
        |line: &&str| ["- ", "* ", "• ", "– "].iter().any(|mark| line.trim_start().starts_with(mark));
    let numbered = |line: &&str| {
        let line = line.trim_start();
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.len() && (rest.starts_with(". ") || rest.starts_with(") "))
    };
    let lines = |is: &dyn Fn(&&str) -> bool, least: usize| {
        let mut found = text.lines().filter(|line| is(line));
        let first = found.next()?;
        (found.count() + 1 >= least).then_some(first)
    };
    lines(&bullet, BULLETS).or_else(|| lines(&numbered, BULLETS + 1))
}

/// A line with `#` before it, or a text in bold that a colon or a line break follows.
fn heading(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| {
        let hashes = line.trim_start_matches('#');
        let titled = hashes.len() < line.len() && hashes.starts_with(' ');
        let item = line.strip_prefix("- ").or(line.strip_prefix("* ")).unwrap_or(line);
        let bare = item.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' '));
        let bold = bare.strip_prefix("**").and_then(|rest| rest.split_once("**"));
        titled
            || bold.is_some_and(|(inside, after)| {
                inside.ends_with(':') || matches!(after.chars().next(), None | Some(':'))
            })
    })
}

/// A short paragraph with three dashes or more.
fn dashes(text: &str) -> Option<&str> {
    paragraphs(text)
        .find(|paragraph| paragraph.matches('—').count() >= DASHES && words(paragraph).count() <= DASHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manners_are_found_where_they_stand() {
        let manners =
            Manners::beside(&["I was told to feel free to go.", "Feel free, then.", "In conclusion, no."]);
        let kinds = |text: &str| manners.find(text).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        assert_eq!(
            kinds("Great question! As an AI, I don’t know."),
            ["praises the question", "speaks of itself"]
        );
        assert_eq!(kinds("He said it was a great question."), [""; 0]);
        assert_eq!(kinds("I went home. Would you like me to tell more?"), ["offers more help"]);
        assert_eq!(kinds("“Would you like me to?” he said. I went home."), [""; 0]);
        assert_eq!(kinds("Feel free to come."), ["offers more help"]);
        assert_eq!(kinds("In conclusion, it rained."), ["sums up"]);
        let own = Manners::beside(&["I was told to feel free to go.", "Feel free to stay, he said."]);
        assert_eq!(own.find("Feel free to come."), []);
        assert_eq!(kinds("It’s important to note that it rained."), ["hedges and lectures"]);
        assert_eq!(kinds("Things:\n- one\n- two"), ["a list"]);
        assert_eq!(kinds("1. one\n2. two\n3. three"), ["a list"]);
        assert_eq!(kinds("**Work:** I went."), ["a heading in bold"]);
        assert_eq!(kinds("I was **very** tired."), [""; 0]);
        assert_eq!(kinds("I was tired—so tired—and sad—always sad."), ["dashes upon dashes"]);
        assert_eq!(kinds(""), [""; 0]);
    }

    #[test]
    fn every_line_of_the_file_is_a_phrase() {
        let lines = include_str!("manners.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(phrases().len(), lines);
    }
}
