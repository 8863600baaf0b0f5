//! Answers with text: from what the worker says to `OpenAI`'s shapes, at once or piece by piece.

pub mod answers;
pub mod course;
pub mod logprobs;
pub mod shape;
pub mod streamed;
pub mod whole;
