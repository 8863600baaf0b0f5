//! The shape of a model, and the shapes that have names.

use crate::base::{Error, Result};

/// A GPT-2's shape, in nanoGPT's words. Extents elsewhere in the code carry the letters given here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Config {
    /// `V`: tokens in the vocabulary.
    pub vocab_size: usize,
    /// The most positions the model knows (rows of `wpe`); a run's `T` is at most this.
    pub block_size: usize,
    /// `L`: transformer blocks.
    pub n_layer: usize,
    /// `NH`: attention heads.
    pub n_head: usize,
    /// `C`: channels of the residual stream.
    pub n_embd: usize,
}

/// LayerNorm's ε: GPT-2 has this one value.
pub const LAYER_NORM_EPS: f32 = 1e-5;

impl Config {
    /// Checks what every model must satisfy.
    ///
    /// # Errors
    /// A zero extent, channels that the heads do not divide, or a vocabulary whose ids do not fit in 16 bits.
    pub fn check(&self) -> Result<()> {
        let Config { vocab_size, block_size, n_layer, n_head, n_embd } = *self;
        if [vocab_size, block_size, n_layer, n_head, n_embd].contains(&0) {
            return Err(Error::setting(
                format!("a model with an extent of zero: {self:?}"),
                "check the checkpoint's config.json",
            ));
        }
        if n_embd % n_head != 0 {
            return Err(Error::setting(
                format!("n_embd {n_embd} is not a multiple of n_head {n_head}"),
                "check n_embd and n_head in the checkpoint's config.json",
            ));
        }
        if vocab_size > 65_536 {
            return Err(Error::setting(
                format!(
                    "a vocabulary of {vocab_size} tokens; token files hold 16-bit ids, so 65,536 at most"
                ),
                "start from a GPT-2 checkpoint (50,257 tokens)",
            ));
        }
        Ok(())
    }

    /// The number of parameters, `wte` counted once (it is tied to the head).
    pub fn num_params(&self) -> u64 {
        crate::base::params::table(self).iter().map(|p| p.numel() as u64).sum()
    }

    /// Arithmetic of one training token, forward and backward, in closed form: six operations a parameter that
    /// multiplies (all but `wpe`; the tied `wte` counts once, as the head) and attention's two products over the
    /// causal half: `12·L·C·(T+1)/2`.
    pub fn train_flops_per_token(&self, t: usize) -> f64 {
        let multiplying = self.num_params() as f64 - (self.block_size * self.n_embd) as f64;
        let attention = 12.0 * (self.n_layer * self.n_embd) as f64 * (t as f64 + 1.0) / 2.0;
        6.0 * multiplying + attention
    }
}

/// A shape with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// 4 layers of 192 channels: about 1.8 million parameters, minutes on a CPU.
    Tiny,
    /// 6 layers of 384 channels, nanoGPT's `shakespeare_char`: about 10.7 million parameters, hours on a CPU, minutes on a GPU.
    Small,
    /// GPT-2, 124M.
    Gpt2,
    /// GPT-2 medium, 355M.
    Gpt2Medium,
    /// GPT-2 large, 774M.
    Gpt2Large,
    /// GPT-2 xl, 1558M.
    Gpt2Xl,
}

impl Preset {
    /// Every preset, smallest first.
    pub const ALL: [Preset; 6] =
        [Preset::Tiny, Preset::Small, Preset::Gpt2, Preset::Gpt2Medium, Preset::Gpt2Large, Preset::Gpt2Xl];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Tiny => "tiny",
            Preset::Small => "small",
            Preset::Gpt2 => "gpt2",
            Preset::Gpt2Medium => "gpt2-medium",
            Preset::Gpt2Large => "gpt2-large",
            Preset::Gpt2Xl => "gpt2-xl",
        }
    }

    /// The preset of that name.
    pub fn from_name(name: &str) -> Option<Preset> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// The shape, for a vocabulary.
    pub fn config(self, vocab_size: usize) -> Config {
        let (block_size, n_layer, n_head, n_embd) = match self {
            Preset::Tiny => (256, 4, 4, 192),
            Preset::Small => (256, 6, 6, 384),
            Preset::Gpt2 => (1024, 12, 12, 768),
            Preset::Gpt2Medium => (1024, 24, 16, 1024),
            Preset::Gpt2Large => (1024, 36, 20, 1280),
            Preset::Gpt2Xl => (1024, 48, 25, 1600),
        };
        Config { vocab_size, block_size, n_layer, n_head, n_embd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published sizes (Radford et al. 2019, and the released checkpoints).
    #[test]
    fn presets_have_the_published_sizes() {
        let params = |p: Preset| p.config(50_257).num_params();
        assert_eq!(params(Preset::Gpt2), 124_439_808);
        assert_eq!(params(Preset::Gpt2Medium), 354_823_168);
        assert_eq!(params(Preset::Gpt2Large), 774_030_080);
        assert_eq!(params(Preset::Gpt2Xl), 1_557_611_200);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let ok = Preset::Tiny.config(257);
        assert!(ok.check().is_ok());
        assert!(Config { n_head: 5, ..ok }.check().is_err());
        assert!(Config { vocab_size: 65_537, ..ok }.check().is_err());
        assert!(Config { n_layer: 0, ..ok }.check().is_err());
    }
}
