//! What llama.cpp calls a model's tensors.

use crate::base::{Config, Phi};
use crate::weights::tensors::TensorEntry;

/// A family's stems, llama.cpp's and the table's.
struct Names {
    /// Of what stands outside the blocks.
    outside: &'static [(&'static str, &'static str)],
    /// What the table calls a block.
    block: &'static str,
    /// Of what stands inside one.
    inside: &'static [(&'static str, &'static str)],
    /// The stems, ours, that have a bias too.
    biases: &'static [&'static str],
}

const GPT2: Names = Names {
    outside: &[
        ("token_embd", "wte"),
        ("position_embd", "wpe"),
        ("output_norm", "ln_f"),
        ("output", "lm_head"),
    ],
    block: "h",
    inside: &[
        ("attn_norm", "ln_1"),
        ("attn_qkv", "attn.c_attn"),
        ("attn_output", "attn.c_proj"),
        ("ffn_norm", "ln_2"),
        ("ffn_up", "mlp.c_fc"),
        ("ffn_down", "mlp.c_proj"),
    ],
    biases: &["ln_f", "ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"],
};
const LLAMA: Names = Names {
    outside: &[("token_embd", "embed_tokens"), ("output_norm", "norm"), ("output", "lm_head")],
    block: "layers",
    inside: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ],
    biases: &[],
};
const PHI2: Names = Names {
    outside: &[("token_embd", "embed_tokens"), ("output_norm", "final_layernorm"), ("output", "lm_head")],
    block: "layers",
    inside: &[
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.dense"),
        ("ffn_up", "mlp.fc1"),
        ("ffn_down", "mlp.fc2"),
    ],
    biases: &[
        "final_layernorm",
        "lm_head",
        "input_layernorm",
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.dense",
        "mlp.fc1",
        "mlp.fc2",
    ],
};

/// The families that we compute, by their architecture in a GGUF.
const FAMILIES: [(&str, &Names); 3] = [("gpt2", &GPT2), ("llama", &LLAMA), ("phi2", &PHI2)];

/// What llama.cpp calls a model's architecture.
pub(super) fn architecture(config: &Config) -> &'static str {
    match config {
        Config::Gpt2(_) => "gpt2",
        Config::Llama(_) => "llama",
        Config::Phi(_) => "phi2",
    }
}

/// Whether a family has a tensor of that name in some form.
pub(super) fn is_known(architecture: &str, name: &str) -> bool {
    let fused = || name.contains(FUSED) && to_key(architecture, &name.replace(FUSED, ".attn_q.")).is_some();
    to_key(architecture, name).is_some() || architecture == "phi2" && fused()
}

/// The stem of queries, keys and values in one.
const FUSED: &str = ".attn_qkv.";

/// Of a Phi's tensor that is queries, keys and values in one, as older converters wrote it: which tensors it holds, one behind the
/// other, and how many rows each has.
pub(super) fn fused(phi: &Phi, entry: &TensorEntry) -> Option<[(String, usize); 3]> {
    let (block, kind) = entry.name.split_once(FUSED)?;
    let kv = phi.n_kv_head * phi.head_size();
    let parts = [("attn_q", phi.n_embd), ("attn_k", kv), ("attn_v", kv)];
    (entry.rows() == phi.n_embd + 2 * kv)
        .then(|| parts.map(|(stem, rows)| (format!("{block}.{stem}.{kind}"), rows)))
}

fn names(architecture: &str) -> Option<&'static Names> {
    FAMILIES.iter().find(|(name, _)| *name == architecture).map(|(_, names)| *names)
}

/// A family's key of a GGUF's tensor; none where it has no such.
pub(super) fn to_key(architecture: &str, name: &str) -> Option<String> {
    let Names { outside, block, inside, biases } = names(architecture)?;
    let (stem, kind) = name.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
    let ours = |table: &'static [(&str, &'static str)], stem: &str| {
        let (_, ours) = table.iter().find(|(theirs, _)| *theirs == stem)?;
        (kind == "weight" || biases.contains(ours)).then_some(*ours)
    };
    let Some((number, stem)) = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else {
        return Some(format!("{}.{kind}", ours(outside, stem)?));
    };
    // As a number is written: "07" would be block 7 twice.
    let number = number.parse::<u32>().ok().filter(|n| n.to_string() == number)?;
    Some(format!("{block}.{number}.{}.{kind}", ours(inside, stem)?))
}

/// A GGUF's name for a parameter.
///
/// # Panics
/// If the family has no such parameter.
pub(super) fn from_key(config: &Config, key: &str) -> String {
    let Names { outside, block, inside, .. } =
        names(architecture(config)).expect("every family is in the table");
    let (stem, kind) = key.rsplit_once('.').expect("a key has a stem and a kind");
    let theirs = |table: &[(&str, &str)], stem: &str| -> Option<String> {
        table.iter().find(|(_, ours)| *ours == stem).map(|(theirs, _)| theirs.to_string())
    };
    let rest = stem.strip_prefix(block).and_then(|rest| rest.strip_prefix('.'));
    let name = match rest.and_then(|rest| rest.split_once('.')) {
        Some((block, stem)) => theirs(inside, stem).map(|stem| format!("blk.{block}.{stem}")),
        None => theirs(outside, stem),
    };
    format!("{}.{kind}", name.expect("the names of all parameters are in the tables"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;
    use crate::weights::head::HEAD;

    #[test]
    fn every_parameter_has_its_name_and_comes_back() {
        for config in [
            Preset::Gpt2.config(50_257),
            Preset::Smollm2_135m.config(49_152),
            Preset::Mistral7b.config(32_000),
            Preset::Phi2.config(51_200),
        ] {
            for param in config.table() {
                let name = from_key(&config, &param.name);
                assert_eq!(to_key(architecture(&config), &name).as_deref(), Some(param.name.as_str()));
            }
            assert_eq!(to_key(architecture(&config), "output.weight").unwrap(), HEAD);
            for other in [
                "token_embd.bias",
                "blk.00.ffn_up.weight",
                "blk.x.ffn_up.weight",
                "wte.weight",
                "token_embd.scale",
                "rope_freqs.weight",
                "blk.0.ffn_gate_inp.weight",
                "h",
            ] {
                assert_eq!(to_key(architecture(&config), other), None, "{other}");
            }
        }
        let (gpt2, llama) = (Preset::Gpt2.config(50_257), Preset::Smollm2_135m.config(49_152));
        assert_eq!(from_key(&gpt2, "h.11.mlp.c_proj.weight"), "blk.11.ffn_down.weight");
        assert_eq!(from_key(&llama, "layers.11.mlp.down_proj.weight"), "blk.11.ffn_down.weight");
        assert_eq!(to_key("gpt2", "blk.0.attn_q.weight"), None);
        assert_eq!(to_key("llama", "blk.0.attn_q.bias"), None);
        assert_eq!(to_key("llama", "output.bias"), None);
        assert_eq!(to_key("phi2", "blk.0.ffn_norm.weight"), None);
        assert_eq!(to_key("qwen2", "blk.0.attn_q.weight"), None);
    }
}
