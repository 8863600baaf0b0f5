//! What is known of a diary by embeddings: where its windows point, and which of its words are near to another.

use crate::recall::embed::model::Embeddings;
use crate::recall::terms::Terms;
use crate::recall::vectors::Vectors;
use crate::recall::vocabulary::Vocabulary;

/// Embeddings, and what was made with them.
#[derive(Debug)]
pub struct Meaning {
    /// The embeddings.
    pub embeddings: Embeddings,
    /// The directions of windows and entries.
    pub vectors: Vectors,
    vocabulary: Vocabulary,
}

impl Meaning {
    /// Of a diary whose languages are those of `fields`.
    pub fn new(embeddings: Embeddings, vectors: Vectors, fields: &[Terms]) -> Meaning {
        let vocabulary = Vocabulary::new(vectors.words(), fields, &embeddings);
        Meaning { embeddings, vectors, vocabulary }
    }

    /// The terms of a field that stand in for a word, whose own term is given, each with its weight below one.
    pub fn kin(&self, word: &str, field: usize, own: &str) -> Vec<(String, f32)> {
        self.vocabulary.kin(word, field, own, &self.embeddings)
    }
}
