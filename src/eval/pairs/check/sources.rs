//! What answers may rest on: the person's documents, and the passages that pairs bring with them.

use std::collections::HashMap;

use crate::dataset::pairs::Pair;
use crate::dataset::pairs::near::{hash, normalised};

/// Words by which a passage is found in the document that it is of.
const RUN: usize = 8;
/// A context of so many words or fewer that is in no document may be the name of one.
const NAME: usize = 6;

/// Documents first, then passages, each once.
#[derive(Debug)]
pub struct Sources<'s> {
    /// Their texts.
    pub texts: Vec<&'s str>,
    /// The documents' names.
    pub names: Vec<&'s str>,
    /// The texts that each pair rests on by its context.
    pub own: Vec<Vec<usize>>,
    /// What of each pair's context looks like a document's name, and is none's.
    pub unknown: Vec<Vec<&'s str>>,
    /// The documents that each text is from: a document itself; of a passage those that have it.
    pub from: Vec<Vec<usize>>,
}

impl<'s> Sources<'s> {
    /// Of some pairs and documents.
    pub fn new(pairs: &'s [Pair], documents: &'s [(String, String)]) -> Sources<'s> {
        let mut texts: Vec<&str> = documents.iter().map(|(_, text)| text.as_str()).collect();
        let mut from: Vec<Vec<usize>> = (0..documents.len()).map(|i| vec![i]).collect();
        let by_name = Names::of(documents);
        let by_run = Runs::of(&texts);
        let mut passages: HashMap<&str, Option<usize>> = HashMap::new();
        let (mut own, mut unknown) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for pair in pairs {
            let (mut own_of_pair, mut unknown_of_pair) = (Vec::new(), Vec::new());
            for context in &pair.context {
                let named = by_name.find(context);
                if !named.is_empty() {
                    own_of_pair.extend_from_slice(named);
                    continue;
                }
                let passage = *passages.entry(context).or_insert_with(|| {
                    let words = normalised(context);
                    let mut found = by_run.find(&words);
                    if found.is_empty() && words.len() < RUN {
                        found.extend(documents.iter().position(|(_, text)| text.contains(context.as_str())));
                    }
                    if found.is_empty() && !documents.is_empty() && looks_like_name(context, words.len()) {
                        return None;
                    }
                    texts.push(context);
                    from.push(found);
                    Some(texts.len() - 1)
                });
                match passage {
                    Some(text) => own_of_pair.push(text),
                    None => unknown_of_pair.push(context.as_str()),
                }
            }
            own.push(own_of_pair);
            unknown.push(unknown_of_pair);
        }
        let names = documents.iter().map(|(name, _)| name.as_str()).collect();
        Sources { texts, names, own, unknown, from }
    }

    /// The documents; without any, the passages.
    pub fn own_texts(&self) -> &[&'s str] {
        let documents = self.names.len();
        self.texts.get(..documents).filter(|texts| !texts.is_empty()).unwrap_or(&self.texts)
    }

    /// What a text is called: the document, or the one it is a passage of.
    pub fn called(&self, text: usize) -> &str {
        let document = self.from.get(text).and_then(|from| from.first());
        document.and_then(|&i| self.names.get(i)).copied().unwrap_or("its context")
    }
}

fn looks_like_name(context: &str, words: usize) -> bool {
    let marks = context.trim_end().ends_with(['.', '!', '?', '”', '"']);
    words <= NAME && !context.contains('\n') && !marks
}

/// Documents by their names, whatever folder and suffix stands around them.
struct Names(HashMap<String, Vec<usize>>);

impl Names {
    fn of(documents: &[(String, String)]) -> Names {
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, (name, _)) in documents.iter().enumerate() {
            for form in forms(name) {
                let of_form = names.entry(form).or_default();
                if of_form.last() != Some(&i) {
                    of_form.push(i);
                }
            }
        }
        Names(names)
    }

    fn find(&self, name: &str) -> &[usize] {
        if name.len() > 500 {
            return &[];
        }
        forms(name).iter().find_map(|form| self.0.get(form)).map_or(&[], Vec::as_slice)
    }
}

/// A name as it may be given, the surest form first: whole, without its suffix, without its folders.
fn forms(name: &str) -> Vec<String> {
    let whole = name.trim().replace('\\', "/").to_lowercase();
    let bare = |name: &str| match name.rsplit_once('.') {
        Some((before, suffix)) if !before.is_empty() && suffix.len() <= 5 && !suffix.contains(['/', ' ']) => {
            before.to_string()
        }
        _ => name.to_string(),
    };
    let file = whole.rsplit('/').next().unwrap_or_default().to_string();
    let mut forms = vec![bare(&whole), bare(&file), whole, file];
    forms.swap(0, 2);
    forms.retain(|form| !form.is_empty());
    forms
}

/// Runs of words, and the first documents that have them.
struct Runs(HashMap<u64, Vec<u32>>);

impl Runs {
    fn of(texts: &[&str]) -> Runs {
        let mut runs: HashMap<u64, Vec<u32>> = HashMap::new();
        for (i, text) in texts.iter().enumerate() {
            let words = normalised(text);
            for run in words.windows(RUN.min(words.len()).max(1)) {
                let holders = runs.entry(hash(run)).or_default();
                if holders.len() < 4 && holders.last() != Some(&(i as u32)) {
                    holders.push(i as u32);
                }
            }
        }
        Runs(runs)
    }

    /// The documents that a passage's runs are in: those that have at least half as many of them as the one that has most.
    fn find(&self, words: &[String]) -> Vec<usize> {
        let mut votes: std::collections::BTreeMap<u32, usize> = std::collections::BTreeMap::new();
        for run in words.windows(RUN.min(words.len()).max(1)) {
            for holder in self.0.get(&hash(run)).into_iter().flatten() {
                *votes.entry(*holder).or_default() += 1;
            }
        }
        let most = votes.values().copied().max().unwrap_or_default();
        votes.into_iter().filter(|(_, n)| n * 2 >= most).map(|(i, _)| i as usize).collect()
    }
}
