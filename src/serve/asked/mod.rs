//! Requests for text: from `OpenAI`'s fields to what the worker is asked.

pub mod chat;
pub mod common;
pub mod completion;
pub mod drawing;
pub mod fields;

#[cfg(test)]
mod tests;
