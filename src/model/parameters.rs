//! The parameters of a model on a device: each a kept tensor of its checkpoint key's name, `wte` in chunks of rows where
//! the whole is larger than one binding.

use crate::base::Config;
use crate::base::Param;
use crate::device::{Kind, Limits, Recorder, Tensor};
use crate::ops::embedding::Chunk;

/// A contiguous range of a parameter's elements, as one device tensor holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The tensor's name: the parameter's, with `[row0..]` where it is one of several chunks.
    pub name: String,
    /// The tensor's extents.
    pub shape: Vec<usize>,
    /// The first row, where the parameter has rows; else 0.
    pub row0: usize,
    /// Whether weight decay applies.
    pub decay: bool,
}

/// How a parameter lies on a device with these limits. Only `wte` is ever cut: every kernel that touches it takes it
/// chunk by chunk.
pub fn pieces(param: &Param, limits: &Limits) -> Vec<Piece> {
    let whole = |name: String, shape: Vec<usize>, row0| Piece { name, shape, row0, decay: param.decay };
    let row_bytes = 4 * param.shape[param.shape.len() - 1] as u64;
    if param.name != "wte.weight" || 4 * param.numel() as u64 <= limits.max_binding {
        return vec![whole(param.name.clone(), param.shape.clone(), 0)];
    }
    let (v, c) = (param.shape[0], param.shape[1]);
    // Equal chunks, a multiple of 64 rows where there are that many, so that tiles stay whole.
    let most = (limits.max_binding / row_bytes).max(1) as usize;
    let even = v.div_ceil(v.div_ceil(most));
    let rows = if even.next_multiple_of(64) <= most { even.next_multiple_of(64) } else { even };
    (0..v)
        .step_by(rows)
        .map(|row0| whole(format!("{}[{row0}..]", param.name), vec![rows.min(v - row0), c], row0))
        .collect()
}

/// Every piece of every parameter of a model, in the table's order.
pub fn all_pieces(cfg: &Config, limits: &Limits) -> Vec<(Param, Vec<Piece>)> {
    cfg.table().into_iter().map(|p| (p.clone(), pieces(&p, limits))).collect()
}

/// One block's twelve tensors.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// (C)
    pub ln_1_weight: Tensor,
    /// (C)
    pub ln_1_bias: Tensor,
    /// (C,3C)
    pub c_attn_weight: Tensor,
    /// (3C)
    pub c_attn_bias: Tensor,
    /// (C,C)
    pub attn_proj_weight: Tensor,
    /// (C)
    pub attn_proj_bias: Tensor,
    /// (C)
    pub ln_2_weight: Tensor,
    /// (C)
    pub ln_2_bias: Tensor,
    /// (C,4C)
    pub c_fc_weight: Tensor,
    /// (4C)
    pub c_fc_bias: Tensor,
    /// (4C,C)
    pub mlp_proj_weight: Tensor,
    /// (C)
    pub mlp_proj_bias: Tensor,
}

/// The parameters, or their gradients, of a whole model in one recording.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// (V,C), in chunks.
    pub wte: Vec<Chunk>,
    /// (block_size,C)
    pub wpe: Tensor,
    /// L of them.
    pub blocks: Vec<Block>,
    /// (C)
    pub ln_f_weight: Tensor,
    /// (C)
    pub ln_f_bias: Tensor,
}

impl Parameters {
    /// Declares them, each name behind `prefix`: none for the weights, `d.` for their gradients.
    pub fn declare(rec: &mut Recorder, cfg: &Config, prefix: &str, kind: Kind) -> Parameters {
        let mut declared = Vec::new();
        for (param, pieces) in all_pieces(cfg, &rec.limits) {
            let tensors: Vec<Chunk> = (pieces.iter())
                .map(|p| Chunk {
                    tensor: rec.kept(format!("{prefix}{}", p.name), kind, &p.shape),
                    row0: p.row0,
                    rows: p.shape[0],
                })
                .collect();
            declared.push((param.name, tensors));
        }
        let one = |name: &str| {
            let found = declared.iter().find(|(n, _)| n == name);
            found.expect("the table has every parameter of the model").1[0].tensor
        };
        let block = |i: usize| {
            let p = |s: &str| one(&format!("h.{i}.{s}"));
            Block {
                ln_1_weight: p("ln_1.weight"),
                ln_1_bias: p("ln_1.bias"),
                c_attn_weight: p("attn.c_attn.weight"),
                c_attn_bias: p("attn.c_attn.bias"),
                attn_proj_weight: p("attn.c_proj.weight"),
                attn_proj_bias: p("attn.c_proj.bias"),
                ln_2_weight: p("ln_2.weight"),
                ln_2_bias: p("ln_2.bias"),
                c_fc_weight: p("mlp.c_fc.weight"),
                c_fc_bias: p("mlp.c_fc.bias"),
                mlp_proj_weight: p("mlp.c_proj.weight"),
                mlp_proj_bias: p("mlp.c_proj.bias"),
            }
        };
        Parameters {
            wpe: one("wpe.weight"),
            blocks: (0..cfg.n_layer()).map(block).collect(),
            ln_f_weight: one("ln_f.weight"),
            ln_f_bias: one("ln_f.bias"),
            wte: declared.swap_remove(0).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;

    #[test]
    fn wte_is_cut_where_a_binding_is_too_small_and_nothing_else_is() {
        let cfg = Preset::Gpt2.config(50_257);
        let cut: Vec<_> =
            all_pieces(&cfg, &Limits::DEFAULT).into_iter().filter(|(_, p)| p.len() > 1).collect();
        assert_eq!(cut.len(), 1);
        let (param, pieces) = &cut[0];
        assert_eq!(param.name, "wte.weight");
        assert_eq!(pieces.iter().map(|p| p.shape[0]).sum::<usize>(), 50_257);
        for (i, p) in pieces.iter().enumerate() {
            assert!(4 * (p.shape[0] * 768) as u64 <= Limits::DEFAULT.max_binding);
            assert_eq!(p.row0, pieces[..i].iter().map(|p| p.shape[0]).sum::<usize>());
        }
    }
}
