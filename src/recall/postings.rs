//! The inverted index of a diary's passages, held in memory whole, in
//! tantivy's form, ranked by BM25 (Robertson et al. 1994, "Okapi at TREC-3"). It is one segment always: what was removed is gone from
//! it, not marked, and scores do not tell how it came about.

use std::collections::BTreeMap;
use std::path::Path;

use tantivy::directory::{Directory, RamDirectory};
use tantivy::postings::Postings as _;
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{DocId, DocSet, Index, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term};

use crate::recall::tongue::MOST;

/// Bytes that new passages may take before they are written out as a part of the index.
const BUDGET: usize = 64 << 20;
/// So many groups of terms are looked up at most: the rarest.
const TERMS: usize = 64;
/// BM25: how soon another occurrence of a term adds next to nothing; what a passage's length takes away. Others were no better.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// The files of an index that are no segment's.
const OF_ALL: [&str; 2] = ["meta.json", ".managed.json"];

type Outcome<T> = tantivy::Result<T>;

/// A passage that is to be found.
pub struct Passage {
    /// The hash of its entry's text.
    pub entry: u64,
    /// Which of the entry's passages it is.
    pub part: u64,
    /// The field of its language.
    pub field: usize,
    /// Its terms.
    pub terms: Vec<Token>,
}

/// Terms that stand for the same word of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The field of their language.
    pub field: usize,
    /// Each with its weight; that of the word itself, which is first, is one.
    pub terms: Vec<(String, f32)>,
}

impl Group {
    /// A term alone.
    pub fn of_one(field: usize, term: String) -> Group {
        Group { field, terms: vec![(term, 1.0)] }
    }

    /// Whether it stands for a term.
    pub fn is_of(&self, field: usize, term: &str) -> bool {
        self.field == field && self.terms.first().is_some_and(|(first, _)| first == term)
    }
}

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The hash of its entry's text.
    pub entry: u64,
    /// Which of the entry's passages it is.
    pub part: u64,
    /// By BM25.
    pub score: f32,
}

/// The index.
pub struct Postings {
    directory: RamDirectory,
    index: Index,
    searcher: Searcher,
    fields: Fields,
}

impl std::fmt::Debug for Postings {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Postings({} passages)", self.searcher.num_docs())
    }
}

#[derive(Clone, Copy)]
struct Fields {
    entry: Field,
    part: Field,
    /// A field a language.
    words: [Field; MOST],
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let entry = schema.add_u64_field("entry", FAST | INDEXED);
    let part = schema.add_u64_field("part", FAST);
    let indexing = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs);
    let options = TextOptions::default().set_indexing_options(indexing);
    let words = std::array::from_fn(|i| schema.add_text_field(&format!("words{i}"), options.clone()));
    (schema.build(), Fields { entry, part, words })
}

impl Postings {
    /// An index of nothing.
    ///
    /// # Errors
    /// No memory.
    pub fn new() -> Outcome<Postings> {
        let directory = RamDirectory::create();
        let (schema, fields) = schema();
        let index = Index::create(directory.clone(), schema, tantivy::IndexSettings::default())?;
        let searcher = index.reader()?.searcher();
        Ok(Postings { directory, index, searcher, fields })
    }

    /// The index that was written as these files.
    ///
    /// # Errors
    /// They are none.
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Outcome<Postings> {
        let directory = RamDirectory::create();
        for (name, bytes) in files {
            directory.atomic_write(Path::new(name), bytes)?;
        }
        let (schema, fields) = schema();
        let index = Index::open(directory.clone())?;
        if index.schema() != schema {
            return Err(tantivy::TantivyError::SchemaError("another index".into()));
        }
        let searcher = index.reader()?.searcher();
        Ok(Postings { directory, index, searcher, fields })
    }

    /// The files that it is written as, by name.
    ///
    /// # Errors
    /// Memory that cannot be read.
    pub fn files(&self) -> Outcome<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for name in OF_ALL {
            files.insert(name.to_string(), self.directory.atomic_read(Path::new(name))?);
        }
        for path in self.index.load_metas()?.list_segment_files() {
            if self.directory.exists(&path)? {
                files.insert(path.to_string_lossy().into_owned(), self.directory.atomic_read(&path)?);
            }
        }
        Ok(files)
    }

    /// Removes the passages of some entries and adds others.
    ///
    /// # Errors
    /// No memory, no thread.
    pub fn change(&mut self, removed: &[u64], added: impl Iterator<Item = Passage>) -> Outcome<()> {
        let mut writer = self.index.writer_with_num_threads::<TantivyDocument>(1, BUDGET)?;
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        for entry in removed {
            writer.delete_term(Term::from_field_u64(self.fields.entry, *entry));
        }
        for passage in added {
            let mut document = TantivyDocument::new();
            document.add_u64(self.fields.entry, passage.entry);
            document.add_u64(self.fields.part, passage.part);
            let field = self.fields.words[passage.field.min(MOST - 1)];
            let terms = PreTokenizedString { text: String::new(), tokens: passage.terms };
            document.add_pre_tokenized_text(field, terms);
            writer.add_document(document)?;
        }
        writer.commit()?;
        let segments = self.index.searchable_segment_ids()?;
        if segments.len() > 1 || !removed.is_empty() && !segments.is_empty() {
            writer.merge(&segments).wait()?;
        }
        writer.garbage_collect_files().wait()?;
        writer.wait_merging_threads()?;
        self.searcher = self.index.reader()?.searcher();
        Ok(())
    }

    /// The passages that have any term of some groups, ranked by BM25, in the order of the index; `tokens` is how many terms all
    /// passages have in each field. The terms of a group count as one (Pirkola 1998, "The effects of query structure and dictionary
    /// setups"): it occurs as often as they do together, and is as rare, each by its weight.
    ///
    /// # Errors
    /// A damaged index.
    pub fn find(&self, groups: &[Group], tokens: &[u64]) -> Outcome<Vec<Hit>> {
        let mut hits = Vec::new();
        // It is one segment, or none.
        for segment in self.searcher.segment_readers() {
            let mut known = Vec::with_capacity(groups.len());
            for group in groups {
                known.extend(self.known(segment, group)?);
            }
            known.sort_by(|a, b| a.having.total_cmp(&b.having));
            known.truncate(TERMS);
            let mut scores = vec![0.0_f32; segment.max_doc() as usize];
            let mut times = scores.clone();
            for group in &known {
                self.add(segment, group, tokens, &mut times, &mut scores)?;
            }
            let columns = segment.fast_fields();
            let (entry, part) = (columns.u64("entry")?, columns.u64("part")?);
            for (doc, score) in (0..).zip(scores).filter(|(_, score)| *score > 0.0) {
                if let (Some(entry), Some(part)) = (entry.first(doc), part.first(doc)) {
                    hits.push(Hit { entry, part, score });
                }
            }
        }
        Ok(hits)
    }

    /// Whether any passage has a term.
    ///
    /// # Errors
    /// A damaged index.
    pub fn has(&self, field: usize, term: &str) -> Outcome<bool> {
        let term = Term::from_field_text(self.fields.words[field.min(MOST - 1)], term);
        Ok(self.searcher.doc_freq(&term)? > 0)
    }

    /// What a segment has of a group; none where that is nothing.
    fn known(&self, segment: &SegmentReader, group: &Group) -> Outcome<Option<Known>> {
        let field = self.fields.words[group.field.min(MOST - 1)];
        let index = segment.inverted_index(field)?;
        let (mut terms, mut having) = (Vec::with_capacity(group.terms.len()), 0.0);
        for (term, weight) in &group.terms {
            let term = Term::from_field_text(field, term);
            let passages = index.doc_freq(&term)?;
            if passages > 0 {
                having += weight * passages as f32;
                terms.push((term, *weight));
            }
        }
        Ok((!terms.is_empty()).then_some(Known { field: group.field.min(MOST - 1), terms, having }))
    }

    /// Adds a group's part to the scores of passages; `times` is all zeros before and after.
    fn add(
        &self,
        segment: &SegmentReader,
        group: &Known,
        tokens: &[u64],
        times: &mut [f32],
        scores: &mut [f32],
    ) -> Outcome<()> {
        let field = self.fields.words[group.field];
        let index = segment.inverted_index(field)?;
        let lengths = segment.get_fieldnorms_reader(field)?;
        let all = segment.max_doc() as f32;
        let mean = tokens.get(group.field).copied().unwrap_or(0) as f32 / all;
        let having = group.having.min(all);
        let rarity = (1.0 + (all - having + 0.5) / (having + 0.5)).ln();
        let mut touched: Vec<DocId> = Vec::new();
        for (term, weight) in &group.terms {
            let Some(mut postings) = index.read_postings(term, IndexRecordOption::WithFreqs)? else {
                continue;
            };
            let mut doc = postings.doc();
            while doc != TERMINATED {
                let times = &mut times[doc as usize];
                if *times == 0.0 {
                    touched.push(doc);
                }
                *times += weight * postings.term_freq() as f32;
                doc = postings.advance();
            }
        }
        for doc in touched {
            let times = std::mem::take(&mut times[doc as usize]);
            let length = lengths.fieldnorm(doc) as f32;
            let norm = K1 * (1.0 - B + B * length / mean.max(f32::MIN_POSITIVE));
            scores[doc as usize] += rarity * (K1 + 1.0) * times / (times + norm);
        }
        Ok(())
    }
}

/// A group, as far as an index has it.
struct Known {
    field: usize,
    terms: Vec<(Term, f32)>,
    /// How many passages have its terms, each by its weight.
    having: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of passages of words, and how many those are.
    fn made(passages: &[&str]) -> (Postings, Vec<u64>) {
        let token =
            |(position, text): (usize, &str)| Token { position, text: text.into(), ..Token::default() };
        let of = |(entry, text): (u64, &&str)| {
            let terms: Vec<Token> = text.split(' ').enumerate().map(token).collect();
            Passage { entry, part: 0, field: 0, terms }
        };
        let passages: Vec<Passage> = (0..).zip(passages).map(of).collect();
        let tokens = passages.iter().map(|passage| passage.terms.len() as u64).sum();
        let mut postings = Postings::new().unwrap();
        postings.change(&[], passages.into_iter()).unwrap();
        (postings, vec![tokens])
    }

    fn scores(hits: &[Hit]) -> Vec<(u64, f32)> {
        hits.iter().map(|hit| (hit.entry, hit.score)).collect()
    }

    #[test]
    fn scores_are_those_of_bm25() {
        let (postings, tokens) = made(&["a pole a pole", "the prop fell", "rain", "sun and rain"]);
        let found = postings.find(&[Group::of_one(0, "rain".into())], &tokens).unwrap();
        let rarity = (1.0_f32 + 2.5 / 2.5).ln();
        let of = |length: f32| rarity * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * length / (11.0 / 4.0)));
        let expected = [(2, of(1.0)), (3, of(3.0))];
        for ((entry, score), expected) in scores(&found).into_iter().zip(expected) {
            assert!(entry == expected.0 && (score - expected.1).abs() < 1e-5, "{found:?} {expected:?}");
        }
        assert_eq!(found.len(), 2);
        assert!(postings.find(&[Group::of_one(0, "snow".into())], &tokens).unwrap().is_empty());
        assert!(postings.find(&[], &tokens).unwrap().is_empty());
    }

    #[test]
    fn the_terms_of_a_group_count_as_one() {
        let (postings, tokens) = made(&["the prop fell", "the pole fell", "a b c", "d e f", "pole prop x"]);
        let terms = vec![("pole".to_string(), 1.0), ("prop".to_string(), 0.5)];
        let group = Group { field: 0, terms };
        let found = scores(&postings.find(&[group], &tokens).unwrap());
        let order: Vec<u64> = found.iter().map(|(entry, _)| *entry).collect();
        assert_eq!(order, [0, 1, 4]);
        let alone = postings.find(&[Group::of_one(0, "pole".into())], &tokens).unwrap();
        assert!(found[0].1 < found[1].1, "what stands in counts less");
        assert!(found[1].1 < alone[0].score, "and makes the word less rare");
        assert!(found[2].1 < 1.5 * found[1].1, "one that has both is not found twice");
    }
}
