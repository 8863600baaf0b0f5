//! Embeddings of a few words, for tests.

use serde_json::{Map, Value, json};

use crate::recall::embed::model::Embeddings;

/// Those of some words, each with its vector; all others are unknown.
pub fn embeddings<const WIDTH: usize>(words: &[(&str, [f32; WIDTH])]) -> Embeddings {
    let folder = tempfile::tempdir().unwrap();
    let mut vocabulary: Map<String, Value> = [("[UNK]".to_string(), json!(0))].into_iter().collect();
    vocabulary.extend(words.iter().zip(1..).map(|((word, _), id)| ((*word).to_string(), json!(id))));
    let tokenizer = json!({
        "normalizer": {"type": "BertNormalizer"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": vocabulary},
    });
    std::fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let floats = [0.0; WIDTH].into_iter().chain(words.iter().flat_map(|(_, vector)| *vector));
    let data: Vec<u8> = floats.flat_map(f32::to_le_bytes).collect();
    let header = json!({"embeddings": {"dtype": "F32", "shape": [words.len() + 1, WIDTH], "data_offsets": [0, data.len()]}});
    let mut header = header.to_string();
    // Tensors begin at a multiple of eight bytes.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
    std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    Embeddings::open(folder.path()).unwrap()
}
