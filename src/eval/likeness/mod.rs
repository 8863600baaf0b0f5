//! Is it me? What a writer can know of a model of theirs, measured on text that the model never saw.
//!
//! The run's folder holds its [`diary`]: what the model was trained on, and what was held out. [`prediction`] asks how well the model
//! expects what was held out, beside what other models do with it and what it does with others' text; [`writing`] has it write
//! entries below the held-out ones' own headers, so that what is compared afterwards is of the same days and lengths. [`copying`] finds
//! what of it stands in the diary word for word, or nearly, through a [suffix array](suffix).

pub mod attribution;
pub mod bootstrap;
pub mod copied;
pub mod copying;
pub mod delta;
pub mod diary;
pub mod drift;
pub mod exposure;
pub mod given;
pub mod hand;
pub mod invention;
pub mod keyness;
pub mod mirror;
pub mod mood;
pub mod names;
pub mod ngram;
pub mod page;
pub mod pieces;
pub mod prediction;
pub mod questions;
pub mod quiz;
pub mod report;
pub mod style;
pub mod suffix;
#[cfg(test)]
pub mod testing;
pub mod told;
pub mod words;
pub mod writing;
