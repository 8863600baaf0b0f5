// Token and position embedding: out[b,t] = wte[token[b,t]] + wpe[pos + t]; of a model whose positions are angles, the token's
// row alone. Of tokens that are decoded each row has a position of its own, out[p] = wte[token[p]] + wpe[pos[p]].
//
// forward, at, lookup: one invocation an element (bt,c); a dispatch for each chunk of wte's rows writes the positions whose token
// lies in the chunk, and the chunks together write them all.
// backward_wte: one workgroup a bucket, that is a distinct token of the batch; invocations stride over channels and add
// the token's positions up in order: one owner a row, so no atomics and the same bits every time.
// backward_wpe: one invocation an element (t,c), which adds up the batch.
//
// What a buffer says is not believed: shaders run without the driver's checks, so ids are compared with the chunk's rows,
// bucket ends and positions with BT.
//
// Bytes moved: forward and at 3 BT C, lookup 2 BT C; backward_wte BT C and twice the rows it touches; backward_wpe BT C + 2 T C.
// FLOPs: one an element moved.

const WG: u32 = 64u;        // invocations of a workgroup
const W: u32 = 1u;          // elements a load of wte
alias Stored = f32;         // (it may rest in fewer bits: `lib/load.wgsl`)

struct ForwardDims { BT: u32, T: u32, C: u32, row0: u32, rows: u32, positions: u32 }
@group(1) @binding(0) var<uniform> d: ForwardDims;
@group(1) @binding(1) var<uniform> step: Step;

/// (BT) ids
@group(0) @binding(0) var<storage, read> tokens: array<u32>;
/// (rows,C): rows row0.. of wte
@group(0) @binding(1) var<storage, read> wte: array<Stored>;
/// (positions,C)
@group(0) @binding(2) var<storage, read> wpe: array<f32>;
/// (BT,C)
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

/// Element `at` of wte, four times.
fn load_wte(at: u32) -> vec4<f32> { return vec4<f32>(wte[at / W]); }

@compute @workgroup_size(WG)
fn embedding_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let bt = i / d.C;
    if (bt >= d.BT) { return; }
    let c = i % d.C;
    let token = tokens[bt];
    if (token < d.row0 || token >= d.row0 + d.rows) { return; }    // another chunk's, or nobody's
    // A padded block may reach past the last position; what it computes there is never read.
    let t = min(min(step.pos, d.positions) + bt % d.T, d.positions - 1u);
    out[i] = load_wte((token - d.row0) * d.C + c).x + wpe[t * d.C + c];
}

struct AtDims { P: u32, C: u32, row0: u32, rows: u32, positions: u32 }
@group(1) @binding(0) var<uniform> da: AtDims;

/// (P,2): a row's slot in the cache, and its position
@group(0) @binding(2) var<storage, read> places: array<u32>;
/// (positions,C)
@group(0) @binding(3) var<storage, read> wpe_at: array<f32>;
/// (P,C)
@group(0) @binding(4) var<storage, read_write> out_at: array<f32>;

@compute @workgroup_size(WG)
fn embedding_at(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let p = i / da.C;
    if (p >= da.P) { return; }
    let c = i % da.C;
    let token = tokens[p];
    if (token < da.row0 || token >= da.row0 + da.rows) { return; }    // another chunk's, or nobody's
    // An idle row is nowhere; what it computes is never read.
    let pos = min(places[2u * p + 1u], da.positions - 1u);
    out_at[i] = load_wte((token - da.row0) * da.C + c).x + wpe_at[pos * da.C + c];
}

struct LookupDims { BT: u32, C: u32, row0: u32, rows: u32 }
@group(1) @binding(0) var<uniform> dl: LookupDims;

/// (BT,C)
@group(0) @binding(2) var<storage, read_write> looked_up: array<f32>;

@compute @workgroup_size(WG)
fn embedding_lookup(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let bt = i / dl.C;
    if (bt >= dl.BT) { return; }
    let token = tokens[bt];
    if (token < dl.row0 || token >= dl.row0 + dl.rows) { return; }
    looked_up[i] = load_wte((token - dl.row0) * dl.C + i % dl.C).x;
}

struct WteDims { BT: u32, C: u32, row0: u32, rows: u32 }
@group(1) @binding(0) var<uniform> dt: WteDims;

/// (BT,3): token, first, end: the bucket's part of order; an unused bucket is empty
@group(0) @binding(0) var<storage, read> buckets: array<u32>;
/// (BT): positions bt, grouped by token
@group(0) @binding(1) var<storage, read> order: array<u32>;
/// (BT,C)
@group(0) @binding(2) var<storage, read> dout: array<f32>;
/// (rows,C): +=
@group(0) @binding(3) var<storage, read_write> dwte: array<f32>;

@compute @workgroup_size(WG)
fn embedding_backward_wte(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // ANCHOR: backward_wte
    let bucket = linear_workgroup(workgroup, count);
    if (bucket >= dt.BT) { return; }
    let token = buckets[3u * bucket];
    let first = buckets[3u * bucket + 1u];
    let end = min(buckets[3u * bucket + 2u], dt.BT);
    if (first >= end || token < dt.row0 || token >= dt.row0 + dt.rows) { return; }
    for (var c = lane; c < dt.C; c += WG) {
        var sum = 0.0;
        for (var i = first; i < end; i += 1u) {
            let bt = order[i];
            if (bt < dt.BT) { sum += dout[bt * dt.C + c]; }
        }
        dwte[(token - dt.row0) * dt.C + c] += sum;
    }
    // ANCHOR_END: backward_wte
}

struct WpeDims { B: u32, T: u32, C: u32 }
@group(1) @binding(0) var<uniform> dp: WpeDims;

/// (B,T,C)
@group(0) @binding(0) var<storage, read> dencoded: array<f32>;
/// (positions,C): rows 0..T +=
@group(0) @binding(1) var<storage, read_write> dwpe: array<f32>;

@compute @workgroup_size(WG)
fn embedding_backward_wpe(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= dp.T * dp.C) { return; }
    var sum = 0.0;
    for (var b = 0u; b < dp.B; b += 1u) { sum += dencoded[b * dp.T * dp.C + i]; }
    dwpe[i] += sum;
}
