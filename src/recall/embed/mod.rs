//! Static embeddings: a vector a token, a text's vector the mean of its tokens', as `model2vec` (Tulkens and van Dongen 2024) has them.

pub mod classes;
#[cfg(test)]
pub mod made;
pub mod model;
pub mod tokenize;
pub mod wordpiece;
