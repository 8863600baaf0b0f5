//! What a recording depends on besides the model: the device's limits, and the kernels' tiles.
//!
//! The right tile is the adapter's, not ours: on a GPU shared memory wins; on a software adapter barriers are dear
//! and registers win (`book/`, "Tiles are data"). A run's folder records the choice, because another tile sums in
//! another order and gives other last bits.

use serde::{Deserialize, Serialize};

/// What an adapter can do, in the units of wgpu's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of one storage binding; every tensor, or every chunk of `wte`, fits in one.
    pub max_binding: u64,
    /// Workgroups in one dimension of a dispatch.
    pub max_workgroups: u32,
}

impl Limits {
    /// WebGPU's defaults: 128 MiB a binding, 65,535 workgroups a dimension. Also what the CPU executor is held to,
    /// so that its recordings are the GPU's.
    pub const DEFAULT: Limits = Limits { max_binding: 128 << 20, max_workgroups: 65_535 };
}

/// The family of kernels that suits a device, with its tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choices {
    /// For software adapters: registers only, workgroups one SIMD vector wide, few barriers.
    Lanes,
    /// For real GPUs: tiles in shared memory.
    Tiles,
}

impl Choices {
    /// Every set of constants that ships; the tests run each on the adapter at hand.
    pub const ALL: [Choices; 2] = [Choices::Lanes, Choices::Tiles];

    /// Invocations of a workgroup that reduces a row together.
    pub fn row_workgroup(self) -> u32 {
        match self {
            Choices::Lanes => 8,
            Choices::Tiles => 128,
        }
    }

    /// Invocations of a workgroup of an elementwise kernel.
    pub fn flat_workgroup(self) -> u32 {
        match self {
            Choices::Lanes => 64,
            Choices::Tiles => 256,
        }
    }
}

/// A grid of at least `n` workgroups, folded into two dimensions where one cannot hold it.
pub fn grid(n: u64, limits: &Limits) -> [u32; 3] {
    let max = u64::from(limits.max_workgroups);
    let x = n.clamp(1, max);
    [x as u32, n.div_ceil(x).max(1) as u32, 1]
}
