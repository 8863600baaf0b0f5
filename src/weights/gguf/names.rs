//! What llama.cpp calls a GPT-2's tensors.

/// Stems outside the blocks: llama.cpp's, GPT-2's.
const OUTSIDE: [(&str, &str); 4] =
    [("token_embd", "wte"), ("position_embd", "wpe"), ("output_norm", "ln_f"), ("output", "lm_head")];
/// Stems inside a block.
const INSIDE: [(&str, &str); 6] = [
    ("attn_norm", "ln_1"),
    ("attn_qkv", "attn.c_attn"),
    ("attn_output", "attn.c_proj"),
    ("ffn_norm", "ln_2"),
    ("ffn_up", "mlp.c_fc"),
    ("ffn_down", "mlp.c_proj"),
];

/// GPT-2's key of a GGUF's tensor; none where no GPT-2 has it.
pub(super) fn to_gpt2(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
    let Some((number, stem)) = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else {
        let (_, ours) = OUTSIDE.iter().find(|(theirs, _)| *theirs == stem)?;
        return (kind == "weight" || *ours == "ln_f").then(|| format!("{ours}.{kind}"));
    };
    let (_, ours) = INSIDE.iter().find(|(theirs, _)| *theirs == stem)?;
    // As a number is written: "07" would be block 7 twice.
    let block = number.parse::<u32>().ok().filter(|n| n.to_string() == number)?;
    Some(format!("h.{block}.{ours}.{kind}"))
}

/// A GGUF's name for a parameter of GPT-2.
///
/// # Panics
/// If GPT-2 has no such parameter.
pub(super) fn from_gpt2(key: &str) -> String {
    let (stem, kind) = key.rsplit_once('.').expect("a key has a stem and a kind");
    let theirs = |table: &[(&str, &'static str)], stem: &str| -> Option<String> {
        table.iter().find(|(_, ours)| *ours == stem).map(|(theirs, _)| theirs.to_string())
    };
    let name = match stem.strip_prefix("h.").and_then(|rest| rest.split_once('.')) {
        Some((block, stem)) => theirs(&INSIDE, stem).map(|stem| format!("blk.{block}.{stem}")),
        None => theirs(&OUTSIDE, stem),
    };
    format!("{}.{kind}", name.expect("the names of all parameters are in the tables"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;

    #[test]
    fn every_parameter_has_its_name_and_comes_back() {
        for param in Preset::Gpt2.config(50_257).table() {
            let name = from_gpt2(&param.name);
            assert_eq!(to_gpt2(&name).as_deref(), Some(param.name.as_str()));
        }
        assert_eq!(from_gpt2("h.11.mlp.c_proj.weight"), "blk.11.ffn_down.weight");
        assert_eq!(to_gpt2("output.weight").unwrap(), "lm_head.weight");
        for other in [
            "output.bias",
            "blk.0.attn_q.weight",
            "blk.00.ffn_up.weight",
            "blk.x.ffn_up.weight",
            "wte.weight",
            "token_embd.scale",
            "h",
        ] {
            assert_eq!(to_gpt2(other), None, "{other}");
        }
    }
}
