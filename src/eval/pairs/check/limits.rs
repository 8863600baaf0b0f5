//! From where on something is told.

/// How far an answer is from the writer's own style; none of one that is too short to tell.
pub type Distance<'a> = dyn Fn(&str) -> Option<f64> + 'a;

/// From where on something is told.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Limits {
    /// An answer of fewer words is too short.
    pub words: usize,
    /// A sentence of less support has none (0 to 1).
    pub support: f64,
    /// A sentence of fewer words that say something is not asked for support: "So be it."
    pub content_words: usize,
    /// Texts of this likeness or more are nearly the same (0 to 1).
    pub near: f64,
    /// A run of so many words that stands in a source is copied; 0: nothing is.
    pub copied: usize,
    /// A distance in style above this is told.
    pub voice: f64,
    /// A kind of which fewer pairs are there is asked for (share, 0 to 1).
    pub kind: f64,
}

impl Default for Limits {
    /// `support` is measured on real entries, by the first test in `tests.rs`.
    fn default() -> Limits {
        Limits {
            words: 5,
            support: 0.34,
            content_words: 3,
            near: 0.8,
            copied: 30,
            voice: f64::INFINITY,
            kind: 0.05,
        }
    }
}
