// What a device can do at most: the bench measures these three in the same run as everything else, and calls a kernel good by
// its share of the nearer one. None computes anything that is wanted.
//
// ceiling_fma   An invocation carries 12 chains x = x·m + a in registers: no load, no barrier, nothing to wait for but the
//               arithmetic itself. m and a come from the uniform, so that no compiler can compute the end of a chain.
//               FLOPs 2·12·16·N·ROUNDS. Bytes stored 4·N.
// ceiling_copy  An invocation a vec4; neighbours load and store neighbours. Bytes moved 8·N.
// ceiling_read  A workgroup a stretch of WG·STEPS vec4s, a vec4 an invocation and step; each invocation stores one sum, so that
//               nothing that is read can be left out. Bytes moved 4·N·(1 + 1/(4·STEPS)).

const WG: u32 = 64u;        // invocations of a workgroup
const STEPS: u32 = 16u;     // vec4s that an invocation of ceiling_read adds up

/// N elements; ceiling_fma: turns of its loop, and the bits of m and a
struct Dims { N: u32, ROUNDS: u32, m: u32, a: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (N)
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
/// (N)
@group(0) @binding(0) var<storage, read> inp: array<vec4<f32>>;
/// (N)
@group(0) @binding(1) var<storage, read_write> copied: array<vec4<f32>>;
/// (N / (4·STEPS))
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WG)
fn ceiling_fma(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let m = vec4<f32>(bitcast<f32>(d.m));
    let a = vec4<f32>(bitcast<f32>(d.a));
    let start = f32(i % 64u) / 64.0;
    var x = start + vec4<f32>(0.0, 1.0, 2.0, 3.0);
    var y = start + vec4<f32>(4.0, 5.0, 6.0, 7.0);
    var z = start + vec4<f32>(8.0, 9.0, 10.0, 11.0);
    for (var r = 0u; r < d.ROUNDS; r++) {
        for (var u = 0u; u < 16u; u++) {
            x = fma(x, m, a);
            y = fma(y, m, a);
            z = fma(z, m, a);
        }
    }
    let s = (x + y) + z;
    out[i] = (s.x + s.y) + (s.z + s.w);
}

@compute @workgroup_size(WG)
fn ceiling_copy(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (4u * i >= d.N) { return; }
    copied[i] = inp[i];
}

@compute @workgroup_size(WG)
fn ceiling_read(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_workgroup(workgroup, count);
    let at = group * WG + lane;
    if (4u * STEPS * at >= d.N) { return; }
    var sum = vec4<f32>();
    for (var s = 0u; s < STEPS; s++) {
        sum += inp[(group * STEPS + s) * WG + lane];
    }
    sums[at] = (sum.x + sum.y) + (sum.z + sum.w);
}
