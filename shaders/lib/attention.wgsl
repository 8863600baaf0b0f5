// What the attention kernels share: how a head lies in memory, and how rows stream past a workgroup. A file that includes
// this declares `qkv`, (B,T,(NH+2·NKV)·HS) in Vecs, `d` with its T, NH, NKV and window, and `step`; it needs lib/step.wgsl and
// lib/dropout.wgsl.
//
// Heads are grouped (Ainslie et al. 2023, arXiv:2305.13245): NH/NKV query heads in a row attend to one key/value head; NKV = NH
// gives each its own. A query sees `window` keys, its own and those before it (Mistral, arXiv:2310.06825); window = T is all. Of
// texts that share a row each is a row to itself: a query sees no key before the position where its text begins, which never falls
// along a row.
//
// Plan of the streaming kernels (forward, backward_kv, backward_q): one workgroup owns OWNED rows of one head (queries;
// keys in `attention_backward_kv`), a thread ROWS of them, with operands and sums in registers, and streams the rows of
// the other kind past them, BLOCK at a time. A streamed row is read once for all owned rows: STAGED puts the block into
// workgroup memory, where threads read it as broadcasts; without it each thread loads the rows for itself (software
// adapters: barriers are dear there, ROWS makes loads few). SPLIT threads may share a row's channels where registers are
// short; they meet in `part_s`, in a fixed order. Only what some owned row sees, or is seen by, is streamed: what is wholly above
// the diagonal or outside the window is never visited.
//
// HS        channels a head, any number from 1.
// Vec, W    the width of a load: vec4<f32> and 4 if HS is a multiple of 4, else f32 and 1.
// Acts      what qkv, out and their gradients are made of: a Vec, or as many f16.
// ROWS      rows a thread owns.          SPLIT    threads that share a row; divides HS/W and THREADS; 1 unless STAGED.
// THREADS   threads a workgroup.         BLOCK    rows streamed at a time.
// STAGED    stream through workgroup memory: 2·BLOCK·HS words for the rows, BLOCK·ROWS·THREADS (twice that in backward)
//           for scores.
// DROPOUT   whether the probabilities are masked.

const HS: u32 = 64u;
const W: u32 = 4u;
const ROWS: u32 = 1u;
const SPLIT: u32 = 1u;
const THREADS: u32 = 64u;
const BLOCK: u32 = 8u;
const STAGED: bool = true;
const DROPOUT: bool = false;
alias Vec = vec4<f32>;
alias Acts = vec4<f32>;

/// Vecs a head, and of them a thread's share.
const HV: u32 = HS / W;
const SHARE: u32 = HV / SPLIT;
/// Rows a workgroup owns, and how far apart a thread's rows are.
const STRIDE: u32 = THREADS / SPLIT;
const OWNED: u32 = STRIDE * ROWS;
/// Rows of the two places a block can be in; the one not used shrinks to a row.
const SHARED_BLOCK: u32 = u32(STAGED) * (BLOCK - 1u) + 1u;
const OWN_BLOCK: u32 = u32(!STAGED) * (BLOCK - 1u) + 1u;
/// Below every score; finite, because WGSL may assume that infinities never arise.
const LOWEST: f32 = -3.0e38;
const ATTENTION_SITE: u32 = 1u;

/// Where the query of head h begins in qkv at position t of sequence b, in Vecs.
fn query_at(b: u32, t: u32, h: u32) -> u32 { return ((b * d.T + t) * (d.NH + 2u * d.NKV) + h) * HV; }
/// The same of key/value head g's key, and of its value.
fn key_at(b: u32, t: u32, g: u32) -> u32 { return query_at(b, t, d.NH + g); }
fn value_at(b: u32, t: u32, g: u32) -> u32 { return query_at(b, t, d.NH + d.NKV + g); }
/// The same of head h's channels in a (B,T,NH·HS) tensor.
fn out_at(b: u32, t: u32, h: u32) -> u32 { return ((b * d.T + t) * d.NH + h) * HV; }

/// The key/value head that query head h attends to.
fn group_of(h: u32) -> u32 { return h / (d.NH / d.NKV); }

// ANCHOR: sees
/// Whether a query whose text begins at `begin` sees a key, max(begin, query − window + 1) ≤ key ≤ query: a later key's distance
/// wraps to more than any window.
fn sees(query: u32, key: u32, begin: u32) -> bool { return query - key < d.window && key >= begin; }
/// The first key that it sees.
fn first_seen(query: u32, begin: u32) -> u32 { return max(query + 1u - min(query + 1u, d.window), begin); }
// ANCHOR_END: sees

/// Σ of a Vec's words.
fn total(v: Vec) -> f32 {
    let w = vec4<f32>(v);
    if (W == 1u) { return w.x; }
    return (w.x + w.y) + (w.z + w.w);
}

/// 1/√HS
fn softmax_scale() -> f32 { return 1.0 / sqrt(f32(HS)); }

/// What a probability is multiplied by: 0 if dropped, 1/(1−p) if kept.
fn keep(row_hash: u32, query: u32, key: u32) -> f32 {
    return select(0.0, step.dropout_scale, mask_bits(row_hash, query * d.T + key) >= step.dropout_threshold);
}

// The streamed block: two rows, x and y, a position (k and v of a key; q and dout of a query).
var<workgroup> shared_x: array<array<Vec, HV>, SHARED_BLOCK>;
var<workgroup> shared_y: array<array<Vec, HV>, SHARED_BLOCK>;
var<private> own_x: array<array<Vec, HV>, OWN_BLOCK>;
var<private> own_y: array<array<Vec, HV>, OWN_BLOCK>;
/// A thread's share of each score q·k.
var<workgroup> part_s: array<array<array<f32, THREADS>, ROWS>, SHARED_BLOCK>;
var<private> own_s: array<array<f32, ROWS>, OWN_BLOCK>;

/// The i-th Vec of the thread's share of streamed row j.
fn x_at(j: u32, i: u32, thread: u32) -> Vec {
    if (STAGED) { return shared_x[j][i * SPLIT + thread % SPLIT]; }
    return own_x[j][i];
}
fn y_at(j: u32, i: u32, thread: u32) -> Vec {
    if (STAGED) { return shared_y[j][i * SPLIT + thread % SPLIT]; }
    return own_y[j][i];
}

fn put_s(j: u32, r: u32, thread: u32, share: f32) {
    if (STAGED) { part_s[j][r][thread] = share; } else { own_s[j][r] = share; }
}
/// The shares of all threads of the row, in their order.
fn get_s(j: u32, r: u32, thread: u32) -> f32 {
    if (!STAGED) { return own_s[j][r]; }
    var sum = 0.0;
    for (var g = 0u; g < SPLIT; g++) { sum += part_s[j][r][thread - thread % SPLIT + g]; }
    return sum;
}

/// x, y = k, v of key/value head g's keys j0..; past the end the last key's, never used.
fn stream_keys(b: u32, g: u32, j0: u32, thread: u32) {
    if (STAGED) {
        workgroupBarrier(); // the last block has been read
        for (var n = thread; n < BLOCK * HV; n += THREADS) {
            let t = min(j0 + n / HV, d.T - 1u);
            shared_x[n / HV][n % HV] = Vec(qkv[key_at(b, t, g) + n % HV]);
            shared_y[n / HV][n % HV] = Vec(qkv[value_at(b, t, g) + n % HV]);
        }
        workgroupBarrier(); // the block is whole
    } else {
        for (var j = 0u; j < BLOCK; j++) {
            let k = key_at(b, min(j0 + j, d.T - 1u), g);
            let v = value_at(b, min(j0 + j, d.T - 1u), g);
            for (var i = 0u; i < HV; i++) {
                own_x[j][i] = Vec(qkv[k + i]);
                own_y[j][i] = Vec(qkv[v + i]);
            }
        }
    }
}
