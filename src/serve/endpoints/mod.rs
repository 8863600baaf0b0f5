//! What is answered, a file for each kind.

pub mod embeddings;
pub mod entries;
pub mod models;
pub mod page;
pub mod score;
pub mod texts;
