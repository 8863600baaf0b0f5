//! What the server knows of a person's own entries, by whatever looks them up.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::base::Result;
use crate::serve::http::refused::Refused;
use crate::serve::job::Passage;
use crate::serve::spans::utf16;

/// A passage that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What the entry is called.
    pub name: String,
    /// The entry's day, `2014-03-09`, where it has one.
    pub date: Option<String>,
    /// As it stands in the entry.
    pub text: String,
    /// How well it answers; only the order means something.
    pub score: f32,
}

/// A run of words of an entry that a text has too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lean {
    /// What the entry is called.
    pub name: String,
    /// The entry's day, where it has one.
    pub date: Option<String>,
    /// How many words they are.
    pub words: usize,
    /// As they stand in the entry.
    pub text: String,
    /// Where they stand in the text, in bytes.
    pub at: Range<usize>,
}

/// A text as a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// Its vector.
    pub vector: Vec<f32>,
    /// The tokens that it is the mean of.
    pub tokens: usize,
}

/// An index of a person's own entries. It is asked from several threads, and may take its time.
pub trait Recall: Send + Sync {
    /// The `k` passages that answer a question best, the best first.
    ///
    /// # Errors
    /// The index cannot be read.
    fn find(&self, query: &str, k: usize) -> Result<Vec<Found>>;

    /// Which entries a text leans on, the longest runs of words first, `k` at most.
    ///
    /// # Errors
    /// The index cannot be read.
    fn leans(&self, text: &str, k: usize) -> Result<Vec<Lean>>;

    /// Where a text has in quotation marks what is in no source; in bytes.
    fn unsupported(&self, text: &str, sources: &[Passage]) -> Vec<Range<usize>>;

    /// The embedding model's name; nothing where none was given.
    fn embeds(&self) -> Option<String>;

    /// Each text as a vector; nothing where no embedding model was given.
    fn embed(&self, texts: &[String]) -> Option<Result<Vec<Embedded>>>;
}

/// Does what may take its time where it keeps nobody waiting.
///
/// # Errors
/// It failed.
pub async fn aside<T: Send + 'static>(
    recall: &Arc<dyn Recall>,
    look: impl FnOnce(&dyn Recall) -> Result<T> + Send + 'static,
) -> std::result::Result<T, Refused> {
    let recall = Arc::clone(recall);
    match tokio::task::spawn_blocking(move || look(recall.as_ref())).await {
        Ok(looked) => looked.map_err(|e| Refused::broken(e.to_string())),
        Err(_) => {
            Err(Refused::broken("looking into the entries broke: see what the server printed, and ask again"))
        }
    }
}

/// What an answer stands on, as clients are told.
pub async fn grounds(recall: &Arc<dyn Recall>, sources: Vec<Found>, text: String) -> Map<String, Value> {
    let listed: Vec<Value> = sources
        .iter()
        .map(|found| json!({ "name": found.name, "date": found.date, "text": found.text }))
        .collect();
    let unsupported = aside(recall, move |recall| {
        let passages = sources.into_iter().map(|found| Passage { name: found.name, text: found.text });
        let odd = recall.unsupported(&text, &passages.collect::<Vec<Passage>>());
        Ok(utf16(&text, &odd))
    });
    // Where the check itself broke, nothing is said to have passed it.
    let unsupported = unsupported.await.map_or(Value::Null, |odd| json!(odd));
    Map::from_iter([("sources".into(), json!(listed)), ("unsupported".into(), unsupported)])
}
