//! The inverted index of a diary's passages, held in memory whole, ranked by BM25 (Robertson et al. 1994, "Okapi at TREC-3") with
//! tantivy. It is one segment always: what was removed is gone from it, not marked, and scores do not tell how it came about.

use std::collections::BTreeMap;
use std::path::Path;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::directory::{Directory, RamDirectory};
use tantivy::query::{Bm25StatisticsProvider, BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{DocId, Index, Score, Searcher, SegmentOrdinal, SegmentReader, TantivyDocument, Term};

use crate::recall::tongue::MOST;

/// Bytes that new passages may take before they are written out as a part of the index.
const BUDGET: usize = 64 << 20;
/// So many terms of a question are looked up at most: the rarest.
const TERMS: usize = 64;
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

    /// The passages that have any of some terms, in no order: `terms` are those of a field, `tokens` how many terms all passages
    /// have in each.
    ///
    /// # Errors
    /// A damaged index.
    pub fn find(&self, terms: &[(usize, Vec<String>)], tokens: &[u64]) -> Outcome<Vec<Hit>> {
        let mut all: Vec<(u64, Term)> = Vec::new();
        for (field, terms) in terms {
            for term in terms {
                let term = Term::from_field_text(self.fields.words[(*field).min(MOST - 1)], term);
                let having = self.searcher.doc_freq(&term)?;
                if having > 0 {
                    all.push((having, term));
                }
            }
        }
        all.sort();
        all.truncate(TERMS);
        let clause = |(_, term)| -> (Occur, Box<dyn Query>) {
            (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
        };
        let query = BooleanQuery::new(all.into_iter().map(clause).collect());
        let counts = Counts { searcher: &self.searcher, fields: self.fields, tokens };
        self.searcher.search_with_statistics_provider(&query, &Hits, &counts)
    }
}

/// The figures of BM25. Those of a merged segment are estimates, so the terms are counted by us.
struct Counts<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    tokens: &'a [u64],
}

impl Bm25StatisticsProvider for Counts<'_> {
    fn total_num_tokens(&self, field: Field) -> Outcome<u64> {
        let place = self.fields.words.iter().position(|words| *words == field);
        Ok(place.and_then(|place| self.tokens.get(place)).copied().unwrap_or(0))
    }

    fn total_num_docs(&self) -> Outcome<u64> {
        Ok(self.searcher.num_docs())
    }

    fn doc_freq(&self, term: &Term) -> Outcome<u64> {
        self.searcher.doc_freq(term)
    }
}

/// Collects all that is found.
struct Hits;

impl Collector for Hits {
    type Fruit = Vec<Hit>;
    type Child = OfSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> Outcome<OfSegment> {
        let columns = segment.fast_fields();
        Ok(OfSegment { entry: columns.u64("entry")?, part: columns.u64("part")?, hits: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Vec<Hit>>) -> Outcome<Vec<Hit>> {
        Ok(segments.concat())
    }
}

struct OfSegment {
    entry: Column<u64>,
    part: Column<u64>,
    hits: Vec<Hit>,
}

impl SegmentCollector for OfSegment {
    type Fruit = Vec<Hit>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if let (Some(entry), Some(part)) = (self.entry.first(doc), self.part.first(doc)) {
            self.hits.push(Hit { entry, part, score });
        }
    }

    fn harvest(self) -> Vec<Hit> {
        self.hits
    }
}
