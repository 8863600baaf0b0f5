//! The shapes that have names.

use crate::base::arch::Config;
use crate::base::arch::gpt2::Gpt2;
use crate::base::arch::llama::Llama;
use crate::base::arch::phi::Phi;

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
    /// SmolLM2, 135M.
    Smollm2_135m,
    /// SmolLM2, 362M.
    Smollm2_360m,
    /// TinyLlama, 1.1B.
    Tinyllama,
    /// SmolLM2, 1.7B.
    Smollm2_1_7b,
    /// Mistral 7B, version 0.1.
    Mistral7b,
    /// Phi-2, 2.8B.
    Phi2,
}

impl Preset {
    /// Every preset, smallest first in each family.
    pub const ALL: [Preset; 12] = [
        Preset::Tiny,
        Preset::Small,
        Preset::Gpt2,
        Preset::Gpt2Medium,
        Preset::Gpt2Large,
        Preset::Gpt2Xl,
        Preset::Smollm2_135m,
        Preset::Smollm2_360m,
        Preset::Tinyllama,
        Preset::Smollm2_1_7b,
        Preset::Mistral7b,
        Preset::Phi2,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Tiny => "tiny",
            Preset::Small => "small",
            Preset::Gpt2 => "gpt2",
            Preset::Gpt2Medium => "gpt2-medium",
            Preset::Gpt2Large => "gpt2-large",
            Preset::Gpt2Xl => "gpt2-xl",
            Preset::Smollm2_135m => "smollm2-135m",
            Preset::Smollm2_360m => "smollm2-360m",
            Preset::Tinyllama => "tinyllama",
            Preset::Smollm2_1_7b => "smollm2-1.7b",
            Preset::Mistral7b => "mistral-7b",
            Preset::Phi2 => "phi-2",
        }
    }

    /// The preset of that name.
    pub fn from_name(name: &str) -> Option<Preset> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Tokens of the vocabulary that the published model has; none of a shape that was never published.
    pub fn vocab_size(self) -> Option<usize> {
        match self {
            Preset::Tiny | Preset::Small => None,
            Preset::Gpt2 | Preset::Gpt2Medium | Preset::Gpt2Large | Preset::Gpt2Xl => Some(50_257),
            Preset::Smollm2_135m | Preset::Smollm2_360m | Preset::Smollm2_1_7b => Some(49_152),
            Preset::Tinyllama | Preset::Mistral7b => Some(32_000),
            Preset::Phi2 => Some(51_200),
        }
    }

    /// The shape, for a vocabulary.
    pub fn config(self, vocab_size: usize) -> Config {
        let gpt2 = |block_size, n_layer, n_head, n_embd| {
            Gpt2 { vocab_size, block_size, n_layer, n_head, n_embd }.into()
        };
        let smollm2 = Llama {
            vocab_size,
            block_size: 8192,
            n_layer: 30,
            n_head: 9,
            n_kv_head: 3,
            n_embd: 576,
            head_size: 64,
            n_ff: 1536,
            rope_theta: 1e5,
            eps: 1e-5,
            window: None,
            tied: true,
        };
        let llama2 = Llama { rope_theta: 1e4, tied: false, ..smollm2 };
        match self {
            Preset::Tiny => gpt2(256, 4, 4, 192),
            Preset::Small => gpt2(256, 6, 6, 384),
            Preset::Gpt2 => gpt2(1024, 12, 12, 768),
            Preset::Gpt2Medium => gpt2(1024, 24, 16, 1024),
            Preset::Gpt2Large => gpt2(1024, 36, 20, 1280),
            Preset::Gpt2Xl => gpt2(1024, 48, 25, 1600),
            Preset::Smollm2_135m => smollm2.into(),
            Preset::Smollm2_360m => {
                Llama { n_layer: 32, n_head: 15, n_kv_head: 5, n_embd: 960, n_ff: 2560, ..smollm2 }.into()
            }
            Preset::Smollm2_1_7b => Llama {
                n_layer: 24,
                n_head: 32,
                n_kv_head: 32,
                n_embd: 2048,
                n_ff: 8192,
                rope_theta: 1.3e5,
                ..smollm2
            }
            .into(),
            Preset::Tinyllama => Llama {
                block_size: 2048,
                n_layer: 22,
                n_head: 32,
                n_kv_head: 4,
                n_embd: 2048,
                n_ff: 5632,
                ..llama2
            }
            .into(),
            Preset::Mistral7b => Llama {
                block_size: 32_768,
                n_layer: 32,
                n_head: 32,
                n_kv_head: 8,
                n_embd: 4096,
                head_size: 128,
                n_ff: 14_336,
                window: Some(4096),
                ..llama2
            }
            .into(),
            Preset::Phi2 => Phi {
                vocab_size,
                block_size: 2048,
                n_layer: 32,
                n_head: 32,
                n_kv_head: 32,
                n_embd: 2560,
                n_ff: 10_240,
                rotary: 32,
                rope_theta: 1e4,
            }
            .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published sizes (Radford et al. 2019, and the released checkpoints).
    #[test]
    fn presets_have_the_published_sizes() {
        let sizes = [
            (Preset::Gpt2, 124_439_808),
            (Preset::Gpt2Medium, 354_823_168),
            (Preset::Gpt2Large, 774_030_080),
            (Preset::Gpt2Xl, 1_557_611_200),
            (Preset::Smollm2_135m, 134_515_008),
            (Preset::Smollm2_360m, 361_821_120),
            (Preset::Smollm2_1_7b, 1_711_376_384),
            (Preset::Tinyllama, 1_100_048_384),
            (Preset::Mistral7b, 7_241_732_096),
            (Preset::Phi2, 2_779_683_840),
        ];
        for (preset, size) in sizes {
            let vocabulary = preset.vocab_size().unwrap();
            assert_eq!(preset.config(vocabulary).num_params(), size, "{}", preset.name());
        }
    }
}
