//! The matrix product in seven lessons, and the op that they lead to.
//!
//!   c = a·b      a (M,K)  b (K,N)  c (M,N), any sizes
//!
//! Each file tells in its head what changed from the one before, why, and what it costs. All have one twin, the `gemm` crate.

use super::rung::Rung;
use crate::device::kernel::{Consts, read, write};
use crate::device::recorder::Launch;
use crate::device::{Call, Choices, Const, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::Case;
use crate::ops::matmul::{Epilogue, Layout, Product, View, gemm, product};

/// What is multiplied.
#[derive(Debug, Clone, Copy)]
pub struct Factors {
    /// (M,K)
    pub a: Tensor,
    /// (K,N)
    pub b: Tensor,
}

/// Arithmetic of a product, the same for every rung.
pub fn flops([m, k, n]: [usize; 3]) -> u64 {
    2 * (m * k * n) as u64
}

/// From the equation as it stands to the op that trains.
pub const MATMUL: &[Rung<Factors>] = &[
    Rung {
        name: "matmul_1_naive",
        file: "ladder/matmul_1_naive.wgsl",
        lesson: "a thread an element, neighbours down a column",
        record: |rec, f| launch(rec, &NAIVE, &SQUARE, f),
    },
    Rung {
        name: "matmul_2_coalesced",
        file: "ladder/matmul_2_coalesced.wgsl",
        lesson: "neighbouring threads along a row",
        record: |rec, f| launch(rec, &COALESCED, &Cut { down: false, ..SQUARE }, f),
    },
    Rung {
        name: "matmul_3_shared",
        file: "ladder/matmul_3_shared.wgsl",
        lesson: "tiles of both operands in workgroup memory",
        record: |rec, f| launch(rec, &SHARED, &Cut { down: false, ..SQUARE }, f),
    },
    Rung {
        name: "matmul_4_rows",
        file: "ladder/matmul_4_rows.wgsl",
        lesson: "a thread computes 8 rows of a column",
        record: |rec, f| launch(rec, &ROWS, &Cut { consts: &[("BM", 64), ("BN", 32)], ..TILE }, f),
    },
    Rung {
        name: "matmul_5_tile",
        file: "ladder/matmul_5_tile.wgsl",
        lesson: "a thread computes a tile of 8×4",
        record: |rec, f| launch(rec, &TILED, &TILE, f),
    },
    Rung {
        name: "matmul_6_vec4",
        file: "ladder/matmul_6_vec4.wgsl",
        lesson: "four words a load; a's tile turned, both padded",
        record: |rec, f| launch(rec, &VEC4, &Cut { wide: true, ..TILE }, f),
    },
    Rung {
        name: "matmul_7_lanes",
        file: "ladder/matmul_7_lanes.wgsl",
        lesson: "no workgroup memory, no barrier: a tile of 16×8 in registers",
        record: |rec, f| launch(rec, &LANES, &STRIP, f),
    },
    Rung {
        name: "matmul",
        file: "matmul.wgsl matmul_lanes.wgsl",
        lesson: "the op: layouts, ranges, a bias; the tile that suits the device",
        record: |rec, f| {
            let ([m, k], [_, n]) = (rec.extents(f.a), rec.extents(f.b));
            let c = rec.scratch("c", &[m, n]);
            let p = Product::new(Layout::NN, [m, n, k]);
            product(rec, "product", p, f.a.into(), f.b.into(), c.into(), Epilogue::None);
            c
        },
    },
];

pub(super) static NAIVE: Kernel = Kernel {
    name: "ladder_matmul_1_naive",
    file: "ladder/matmul_1_naive.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_1_naive.wgsl"),
    lib: &[],
    bindings: &[read("a"), read("b"), write("c")],
    dims: &["M", "K", "N"],
    step: false,
    // K products one after another, where the twin's order is by blocks: √K·2⁻²⁴ of the terms' norm, K ≤ 4,096 where compared.
    tolerance: 4e-6,
    twin,
};

pub(super) static COALESCED: Kernel = Kernel {
    name: "ladder_matmul_2_coalesced",
    file: "ladder/matmul_2_coalesced.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_2_coalesced.wgsl"),
    // Rung 1's sum in rung 1's order.
    tolerance: 4e-6,
    ..NAIVE
};

pub(super) static SHARED: Kernel = Kernel {
    name: "ladder_matmul_3_shared",
    file: "ladder/matmul_3_shared.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_3_shared.wgsl"),
    // Rung 1's sum in rung 1's order, and zeros after it.
    tolerance: 4e-6,
    ..NAIVE
};

pub(super) static ROWS: Kernel = Kernel {
    name: "ladder_matmul_4_rows",
    file: "ladder/matmul_4_rows.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_4_rows.wgsl"),
    // A thread has more sums, each of them rung 3's.
    tolerance: 4e-6,
    ..NAIVE
};

pub(super) static TILED: Kernel = Kernel {
    name: "ladder_matmul_5_tile",
    file: "ladder/matmul_5_tile.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_5_tile.wgsl"),
    // A thread has more sums, each of them rung 3's.
    tolerance: 4e-6,
    ..NAIVE
};

pub(super) static VEC4: Kernel = Kernel {
    name: "ladder_matmul_6_vec4",
    file: "ladder/matmul_6_vec4.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_6_vec4.wgsl"),
    // The components of a vec4 are sums of their own, each of them rung 3's.
    tolerance: 4e-6,
    ..NAIVE
};

pub(super) static LANES: Kernel = Kernel {
    name: "ladder_matmul_7_lanes",
    file: "ladder/matmul_7_lanes.wgsl",
    source: include_str!("../../../shaders/ladder/matmul_7_lanes.wgsl"),
    // Rung 1's sum in rung 1's order.
    tolerance: 4e-6,
    ..NAIVE
};

/// How c is cut into workgroups.
struct Cut {
    /// Constants of the shader that are the workgroup's extents.
    consts: &'static [(&'static str, usize)],
    /// Those whose product is the rows that it covers.
    rows: &'static [&'static str],
    /// The same of columns.
    cols: &'static [&'static str],
    /// Whether the grid's x goes down the rows; else along the columns.
    down: bool,
    /// Whether loads are four words wide where the rows are whole vec4s.
    wide: bool,
}

/// A thread an element.
const SQUARE: Cut =
    Cut { consts: &[("SIDE", 16)], rows: &["SIDE"], cols: &["SIDE"], down: true, wide: false };

/// Several elements a thread.
const TILE: Cut =
    Cut { consts: &[("BM", 64), ("BN", 64)], rows: &["BM"], cols: &["BN"], down: false, wide: false };

/// A vector of threads beside one another.
const STRIP: Cut = Cut {
    consts: &[("ROWS", 16), ("COLS", 8), ("LANES", 8)],
    rows: &["ROWS"],
    cols: &["COLS", "LANES"],
    down: true,
    wide: true,
};

impl Cut {
    /// The product of some of its constants.
    fn covers(&self, names: &[&str]) -> usize {
        self.consts.iter().filter(|(name, _)| names.contains(name)).map(|(_, n)| n).product()
    }

    /// The constants of a kernel that is cut so, for rows that are whole vec4s or not.
    fn consts(&self, whole: bool) -> Consts {
        let mut consts: Consts = self.consts.iter().map(|&(name, n)| (name, Const::U32(n as u32))).collect();
        if self.wide {
            consts.push(("W", Const::U32(if whole { 4 } else { 1 })));
            consts.push(("Vec", Const::Type(if whole { "vec4<f32>" } else { "f32" })));
        }
        consts
    }
}

/// Records c = a·b by one of the kernels.
fn launch(rec: &mut Recorder, kernel: &'static Kernel, cut: &Cut, Factors { a, b }: Factors) -> Tensor {
    let ([m, k], [depth, n]) = (rec.extents(a), rec.extents(b));
    assert_eq!(k, depth, "a's columns are b's rows");
    let c = rec.scratch("c", &[m, n]);
    let (down, across) = (m.div_ceil(cut.covers(cut.rows)) as u32, n.div_ceil(cut.covers(cut.cols)) as u32);
    let launch = Launch {
        kernel,
        consts: cut.consts(k.is_multiple_of(4) && n.is_multiple_of(4)),
        args: &[a.read(), b.read(), c.write()],
        dims: &[m, k, n],
        workgroups: if cut.down { [down, across, 1] } else { [across, down, 1] },
        flops: flops([m, k, n]),
    };
    rec.dispatch("product", launch);
    c
}

fn twin(call: &mut Call) {
    let [m, k, n] = call.dims();
    let ([a, b], [c]) = call.tensors();
    let [a, b] = [(a, k), (b, n)].map(|(data, rs)| View { data, rs, cs: 1 });
    gemm([m, n, k], a, b, (c, n), (1.0, false), true);
}

/// Every rung at sizes 1, a workgroup and one to either side, a prime and a real one.
pub(super) fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [
        (1, 1, 1),
        (15, 17, 33),
        (17, 16, 15),
        (63, 7, 65),
        (65, 33, 31),
        (64, 16, 64),
        (4, 12, 8),
        (68, 36, 60),
        (97, 37, 101),
        (64, 384, 384),
    ];
    let one = |(m, k, n): (usize, usize, usize)| {
        Case::new(format!("ladder matmul {m}x{k}x{n}"), limits, choices, vec![], |rec| {
            let a = rec.kept("a", Kind::Input, &[m, k]);
            let b = rec.kept("b", Kind::Input, &[k, n]);
            for rung in MATMUL {
                rung.record(rec, Factors { a, b });
            }
        })
    };
    sizes.into_iter().map(one).collect()
}
