//! Questions and answers from a person's own documents: [prompts](batch) with some of those on one [theme](crate::eval::themes) as sources,
//! [the asking](ask) of a model, where the person names one, and whether what came of it [is fit](check()) to be trained on.

pub mod ask;
pub mod batch;
pub mod check;

pub use check::check;
