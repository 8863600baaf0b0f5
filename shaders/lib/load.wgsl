// Weights at rest in half precision: pairs packed in words, as `unpack2x16float` reads them, so that no device feature is
// asked. A file that includes this has an `alias Stored` (what a load takes) and a one-line `fn load_…(at)`, whose default
// reads single precision; a dispatch whose weights are f16 replaces both (`src/ops/load.rs`). At rest means just that:
// products and sums are in single precision, of the very numbers that an f32 tensor of the rounded weights would hold.

// Element `at` of a word's pair, four times.
fn load_f16(pair: u32, at: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(pair)[at & 1u]);
}

// Four neighbours.
fn load_f16x4(pairs: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}
