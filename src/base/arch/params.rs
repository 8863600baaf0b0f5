//! A row of a family's parameter table.

/// How a parameter starts when a model is made from scratch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with this standard deviation.
    Normal(f32),
    /// All ones (LayerNorm's gain).
    Ones,
    /// All zeros (every bias).
    Zeros,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The checkpoint's key; GPT-2's without the `transformer.` prefix: `h.0.attn.c_attn.weight`.
    pub name: String,
    /// One or two extents; matrices of the blocks are Conv1D's `[in, out]`.
    pub shape: Vec<usize>,
    /// Whether weight decay applies: to matrices and embeddings, not to biases and LayerNorm gains.
    pub decay: bool,
    /// How it starts from scratch.
    pub init: Init,
}

impl Param {
    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }
}
