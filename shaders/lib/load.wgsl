// Weights at rest in fewer bits, packed in words so that no device feature is asked: in half precision, pairs as
// `unpack2x16float` reads them; in blocks of 32 neighbours (`src/device/element.rs`), which share a scale. A file that includes
// this has an `alias Stored` (what a load takes) and a one-line `fn load_…(at)`, whose default reads single precision; a dispatch
// whose weights are made of something else replaces both (`src/ops/load.rs`). At rest means just that: products and sums are in
// single precision, of the very numbers that an f32 tensor of the rounded weights would hold.

// Element `at` of a word's pair, four times.
fn load_f16(pair: u32, at: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(pair)[at & 1u]);
}

// Four neighbours.
fn load_f16x4(pairs: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

// Four neighbours of a q8_0 block, d·q: its scale in the low half of a word, and their word.
fn load_q8_0x4(scale: u32, numbers: u32) -> vec4<f32> {
    return unpack2x16float(scale).x * vec4<f32>(unpack4xI8(numbers));
}

// Four neighbours of a q4_1 block, d·q + m: its scale and minimum, the word whose bytes they share with their counterparts of
// the block's other half, and which half they are of. d·q is exact: contracted or not, the sum is rounded once.
fn load_q4_1x4(scales: u32, numbers: u32, high: u32) -> vec4<f32> {
    let s = unpack2x16float(scales);
    return s.x * vec4<f32>(unpack4xU8((numbers >> (4u * high)) & 0x0f0f0f0fu)) + s.y;
}
