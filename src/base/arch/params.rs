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
    /// Where in the model it stands.
    pub part: Part,
    /// Whether it may rest in half precision: the matrices of products, not biases, gains and positions.
    pub halves: bool,
}

/// Where in a model a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// Which parameters do not train. A recording is a function of it: a frozen parameter has no gradient, no moments, no
/// dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Freeze {
    /// The embeddings (GPT-2's `wte`, which is its head too, and `wpe`).
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
