//! The shapes that have names.

use crate::base::arch::Config;
use crate::base::arch::gpt2::Gpt2;

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
        Gpt2 { vocab_size, block_size, n_layer, n_head, n_embd }.into()
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
}
