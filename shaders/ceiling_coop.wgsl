enable f16;
enable wgpu_cooperative_matrix;

// What a device's units for small matrices can do at most: each subgroup carries eight sums X = A·B + X, of matrices that it loaded once.
// Nothing is loaded or stored between, and no sum waits for another. Rows of A and columns of B are small whole numbers, so that
// what comes out is exact whatever a unit's way of adding.
//
// Where subgroups are smaller than the largest that the device has, there are more than WORKERS of them: they write what another one writes.
// FLOPs 2·8·WORKERS·SIZE³·ROUNDS a workgroup. Threads: WORKERS times the largest subgroup.

const SIZE: u32 = 8u;
const THREADS: u32 = 128u;
alias MatA = coop_mat8x8<f16, A>;
alias MatB = coop_mat8x8<f16, B>;
alias MatC = coop_mat8x8<f32, C>;

const WORKERS: u32 = 4u;

/// Turns of the loop.
struct Dims { ROUNDS: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (workgroups,WORKERS,SIZE,SIZE)
@group(0) @binding(0) var<storage, read_write> products: array<f32>;

var<workgroup> a: array<f16, SIZE * SIZE>;
var<workgroup> b: array<f16, SIZE * SIZE>;

@compute @workgroup_size(THREADS)
fn ceiling_coop(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    for (var i = thread; i < SIZE * SIZE; i += THREADS) {
        a[i] = f16(i / SIZE % 3u);
        b[i] = f16(i % SIZE % 2u + 1u);
    }
    workgroupBarrier(); // both are whole
    let left = coopLoadT<MatA>(&a[0], SIZE);
    let right = coopLoadT<MatB>(&b[0], SIZE);
    var x0 = MatC();
    var x1 = MatC();
    var x2 = MatC();
    var x3 = MatC();
    var x4 = MatC();
    var x5 = MatC();
    var x6 = MatC();
    var x7 = MatC();
    for (var r = 0u; r < d.ROUNDS; r++) {
        x0 = coopMultiplyAdd(left, right, x0);
        x1 = coopMultiplyAdd(left, right, x1);
        x2 = coopMultiplyAdd(left, right, x2);
        x3 = coopMultiplyAdd(left, right, x3);
        x4 = coopMultiplyAdd(left, right, x4);
        x5 = coopMultiplyAdd(left, right, x5);
        x6 = coopMultiplyAdd(left, right, x6);
        x7 = coopMultiplyAdd(left, right, x7);
    }
    let sum = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
    let worker = group.x * WORKERS + subgroup % WORKERS;
    coopStoreT(sum, &products[worker * SIZE * SIZE], SIZE);
}
