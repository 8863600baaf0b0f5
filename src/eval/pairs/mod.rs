//! Questions and answers from a person's own documents: [what those are about](themes), [prompts](batch) with some of them as sources,
//! [the asking](ask) of a model, where the person names one, and whether what came of it [is fit](check()) to be trained on.

pub mod ask;
pub mod batch;
pub mod check;
pub mod themes;

pub use check::check;
