// The dropout mask: a pure function of (seed, micro-step, layer, site, row, column), never of a tile, so that every
// kernel variant and the CPU draw the same one. The Rust side is src/base/rng.rs.

// A 32-bit finaliser of low bias (Wellons' lowbias32).
fn mix32(word: u32) -> u32 {
    var x = word;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    return x ^ (x >> 16u);
}

// Folds one word into a hash.
fn chain32(h: u32, x: u32) -> u32 {
    return mix32((h + 0x9e3779b9u) ^ x);
}

// The key of one mask of one micro-step.
fn mask_key(dropout_key: u32, layer: u32, site: u32) -> u32 {
    return chain32(chain32(dropout_key, layer), site);
}

// The part of an element's word that its row shares.
fn mask_row(key: u32, row: u32) -> u32 {
    return chain32(key, row);
}

// The random word of one element; it is kept where it is at least step.dropout_threshold.
fn mask_bits(row_hash: u32, col: u32) -> u32 {
    return chain32(row_hash, col);
}
