//! A row of a family's parameter table.

/// How a parameter starts when a model is made from scratch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with this standard deviation.
    Normal(f32),
    /// Uniform between the negative of this and this.
    Uniform(f32),
    /// All ones (a norm's gain).
    Ones,
    /// All zeros (every bias).
    Zeros,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The checkpoint's key, without the prefix of the model inside (`transformer.`, `model.`): `h.0.attn.c_attn.weight`,
    /// `layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// One or two extents.
    pub shape: Vec<usize>,
    /// Whether weight decay applies: to matrices and embeddings, not to biases and the norms' gains.
    pub decay: bool,
    /// How it starts from scratch.
    pub init: Init,
    /// Where in the model it stands.
    pub part: Part,
    /// What it is for.
    pub role: Role,
}

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// (V,C): a token's row; the head too, where that is tied.
    Embedding,
    /// (T,C): a position's row.
    Positions,
    /// A linear layer's matrix.
    Linear(Layout),
    /// (V,C): the head, where it is a matrix of its own.
    Head,
    /// One of the two matrices of an adapter.
    Adapter,
    /// A gain or a bias.
    Vector,
}

/// How a linear layer's matrix lies: a convention of the family, which its checkpoints share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// (in,out): GPT-2's `Conv1D`.
    InOut,
    /// (out,in): `nn.Linear`.
    OutIn,
}

/// Where in a model a parameter stands; what stands before is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Before the blocks: tokens and positions (and a tied head).
    Embeddings,
    /// One of the blocks.
    Block(usize),
    /// After them.
    Head,
}

impl Param {
    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it may rest in fewer bits: the matrices of products, not gains, biases and positions.
    pub fn may_rest(&self) -> bool {
        matches!(self.role, Role::Embedding | Role::Linear(_) | Role::Head)
    }

    /// The inputs and outputs of a linear layer.
    pub fn in_out(&self) -> Option<(usize, usize)> {
        match (self.role, &self.shape[..]) {
            (Role::Linear(Layout::InOut), &[i, o]) | (Role::Linear(Layout::OutIn), &[o, i]) => Some((i, o)),
            _ => None,
        }
    }

    /// The module that a parameter belongs to: its name without the last word.
    pub fn module(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(module, _)| module)
    }
}

/// Which parameters do not train. A recording is a function of it: a frozen parameter has no gradient, no moments, no
/// dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Freeze {
    /// The embeddings (GPT-2's `wte`, which is its head too, and `wpe`; Llama's and Phi's `embed_tokens`).
    pub embeddings: bool,
    /// So many blocks, from the first on.
    pub first: usize,
}

impl Freeze {
    /// Whether what stands there trains.
    pub fn trains(&self, part: Part) -> bool {
        match part {
            Part::Embeddings => !self.embeddings,
            Part::Block(i) => i >= self.first,
            Part::Head => true,
        }
    }

    /// Whether anything is frozen.
    pub fn any(&self) -> bool {
        *self != Freeze::default()
    }
}

impl std::fmt::Display for Freeze {
    /// As `--freeze` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let embeddings = self.embeddings.then(|| "embeddings".to_string());
        let first = (self.first > 0).then(|| format!("first={}", self.first));
        f.write_str(&embeddings.into_iter().chain(first).collect::<Vec<_>>().join(","))
    }
}

impl std::str::FromStr for Freeze {
    type Err = String;

    fn from_str(text: &str) -> Result<Freeze, String> {
        let mut freeze = Freeze::default();
        for word in text.split(',').filter(|_| !text.is_empty()) {
            match word.split_once('=') {
                None if word == "embeddings" && !freeze.embeddings => freeze.embeddings = true,
                Some(("first", n)) if freeze.first == 0 => {
                    freeze.first = n.parse().map_err(|_| format!("first={n}: not a number of blocks"))?;
                }
                _ => return Err(format!("{word}: use embeddings, first=N, or both with a comma between")),
            }
        }
        Ok(freeze)
    }
}

impl TryFrom<String> for Freeze {
    type Error = String;

    fn try_from(text: String) -> Result<Freeze, String> {
        text.parse()
    }
}

impl From<Freeze> for String {
    fn from(freeze: Freeze) -> String {
        freeze.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freeze_reads_what_it_writes() {
        for text in ["", "embeddings", "first=3", "embeddings,first=12"] {
            assert_eq!(text.parse::<Freeze>().unwrap().to_string(), text);
        }
        for text in ["all", "first", "first=x", "first=-1", "embeddings=2", "embeddings,", "first=1,first=2"]
        {
            assert!(text.parse::<Freeze>().is_err(), "{text}");
        }
        let freeze: Freeze = "embeddings,first=1".parse().unwrap();
        let trains = [Part::Embeddings, Part::Block(0), Part::Block(1), Part::Head].map(|p| freeze.trains(p));
        assert_eq!(trains, [false, false, true, true]);
    }
}
