//! Where a pair of capitalised words stands, and whether that speaks for a person.

use std::collections::HashMap;

use crate::journal::text::secrets::names::lists::{LISTS, Lists};
use crate::journal::text::secrets::names::words::{Word, words};

/// The most words of a name, particles among them.
const LONGEST: usize = 5;

/// What is known of one name.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// As it is first written, its spaces evened out.
    pub written: String,
    /// How often it stands.
    pub count: usize,
    /// How often after a title.
    titled: usize,
    /// How often beside a word that stands beside people.
    person: usize,
    /// How often after a word that stands before places.
    place: usize,
    /// Whether its first word is a known given name.
    is_given: bool,
}

impl Evidence {
    /// Whether it is a person's: not mostly after `in` or `at`, and with a known given name, or a title before it, or people's words
    /// around it in at least half of its places.
    pub fn is_person(&self) -> bool {
        let is_place = self.place * 2 > self.count;
        let has_company = self.person >= 2 && self.person * 2 >= self.count && self.person > self.place * 2;
        !is_place && (self.is_given || self.titled * 4 >= self.count || has_company)
    }
}

/// Adds the names of a text.
pub fn gather(text: &str, seen: &mut HashMap<String, Evidence>) {
    let lists = &*LISTS;
    let words: Vec<Word> = words(text).collect();
    let mut i = 0;
    while i < words.len() {
        if !words[i].is_capitalised() {
            i += 1;
            continue;
        }
        let end = run(text, &words, i, lists);
        if end - i > 1 {
            name(text, &words, i, end, lists, seen);
        }
        i = end;
    }
}

/// The end of the run of capitalised words at `start`, each a space from the next; particles in small letters may stand within.
fn run(text: &str, words: &[Word], start: usize, lists: &Lists) -> usize {
    let mut end = start + 1;
    let mut i = start + 1;
    while i < words.len() && touches(text, &words[i - 1], &words[i], lists) {
        if words[i].is_capitalised() {
            end = i + 1;
        } else if !lists.particles.contains(words[i].text) {
            break;
        }
        i += 1;
    }
    end
}

/// Whether nothing but white space stands between two words, and the full stop of an initial or a title.
fn touches(text: &str, a: &Word, b: &Word, lists: &Lists) -> bool {
    let between = text.get(a.end()..b.at).unwrap_or("-");
    let space = match between.strip_prefix('.') {
        Some(rest) if a.is_initial() || lists.titles.contains(&a.lower()) => rest,
        Some(_) => return false,
        None => between,
    };
    let one_line = space.matches('\n').count() <= 1;
    !space.is_empty() && one_line && space.chars().all(char::is_whitespace)
}

/// Counts the name in a run of capitalised words, if there is one.
fn name(
    text: &str,
    words: &[Word],
    start: usize,
    end: usize,
    lists: &Lists,
    seen: &mut HashMap<String, Evidence>,
) {
    let lower: Vec<String> = words[start..end].iter().map(Word::lower).collect();
    let is_never = |word: &String| lists.never.contains(word);
    if lower.last().is_some_and(|last| lists.places.contains(last)) {
        return;
    }
    let last = lower.len() - 1;
    let begins_sentence =
        start == 0 || !text[words[start - 1].end()..words[start].at].chars().all(|c| c == ' ');
    // A known given name begins the name, whatever capitals stand before it; else what is left after titles and small words.
    let given = lower[..last].iter().position(|word| is_given(word, lists) && !lists.titles.contains(word));
    let plain = lower.iter().take_while(|word| lists.titles.contains(*word) || is_never(word)).count();
    let first = given.unwrap_or(plain);
    let initial = words[start + first.min(last)].is_initial();
    if first >= last || (given.is_none() && first == 0 && begins_sentence) {
        return;
    }
    let own = &lower[first..];
    if own.len() > LONGEST
        || own.iter().any(is_never)
        || own[1..].iter().any(|word| lists.titles.contains(word) && word.len() > 1)
    {
        return;
    }
    // Of a single letter and a word nothing is known but by a title: `plan B. Then`.
    let titled = first > 0 && lists.titles.contains(&lower[first - 1]);
    if words[end - 1].is_initial() || (initial && !titled) {
        return;
    }
    let key = own.join(" ");
    let e = seen.entry(key).or_default();
    if e.written.is_empty() {
        let (from, to) = (words[start + first].at, words[end - 1].end());
        e.written = text[from..to].split_whitespace().collect::<Vec<_>>().join(" ");
        e.is_given = given.is_some();
    }
    e.count += 1;
    e.titled += usize::from(titled);
    let before = (start + first).checked_sub(1).map(|i| words[i].lower()).unwrap_or_default();
    let after = words.get(end);
    let genitive = after.is_some_and(|word| word.text == "s" && text[..word.at].ends_with(['\'', '’']));
    let spoken = genitive || after.is_some_and(|word| lists.after_person.contains(&word.lower()));
    e.place += usize::from(lists.before_place.contains(&before));
    e.person += usize::from(spoken || titled || lists.before_person.contains(&before));
}

/// Whether a word is a known given name, or a pair of them: `Anna-Lena`.
fn is_given(word: &str, lists: &Lists) -> bool {
    lists.given.contains(word)
        || word.split_once('-').is_some_and(|(a, b)| lists.given.contains(a) && lists.given.contains(b))
}
