//! The order in which llama.cpp keeps the rows of a Llama's queries and keys: it turns neighbours by a rotary position, where
//! the model turns each row with the one half a head behind it.

use crate::base::Config;

/// The heads of a module whose rows llama.cpp keeps in pairs.
pub(in crate::weights) fn heads(config: &Config, module: &str) -> Option<usize> {
    let end = |end: &str| module.ends_with(end);
    match config {
        Config::Llama(c) if end("self_attn.q_proj") => Some(c.n_head),
        Config::Llama(c) if end("self_attn.k_proj") => Some(c.n_kv_head),
        _ => None,
    }
}

/// To llama.cpp's order of rows, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Way {
    There,
    Back,
}

/// Rows of so many heads, in the order of llama.cpp's or in ours. Ours is that of the halves, each pair's second row half a head
/// behind its first; llama.cpp's has them beside each other.
pub(in crate::weights) fn paired(rows: &[f32], heads: usize, width: usize, way: Way) -> Vec<f32> {
    let hs = rows.len() / width / heads;
    let mut out = vec![0.0; rows.len()];
    for head in 0..heads {
        for j in 0..hs / 2 {
            for half in 0..2 {
                let (ours, theirs) = (head * hs + half * hs / 2 + j, head * hs + 2 * j + half);
                let (from, to) = if way == Way::There { (ours, theirs) } else { (theirs, ours) };
                out[to * width..][..width].copy_from_slice(&rows[from * width..][..width]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stand_together_and_come_back() {
        // Two heads of four rows, two wide.
        let ours: Vec<f32> = (0..16).map(|x| x as f32).collect();
        let theirs = paired(&ours, 2, 2, Way::There);
        assert_eq!(theirs[..8], [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0]);
        assert_eq!(theirs[8..10], [8.0, 9.0]);
        assert_eq!(paired(&theirs, 2, 2, Way::Back), ours);
    }
}
