//! The head of a checkpoint that stores one: GPT-2's is its embedding, so it has to be `wte` again.
//!
//! Some files hold one of the two rounded (`lm_head` saved as bf16 beside an f32 `wte`, say). Where every number of one is
//! the other's, or the other's rounded in one way, they are one matrix, and the less rounded one serves as both.

use half::{bf16, f16};

/// Its key, in every family.
pub(super) const HEAD: &str = "lm_head.weight";
/// Its bias, in the families that have one.
pub(super) const HEAD_BIAS: &str = "lm_head.bias";

/// How far apart a row and the same row quantised may be, of the longer one's length. Of four bits a number, a row of normal
/// draws loses 0.07 to 0.09, however it is done; of two independent rows, the distance is 1.4.
const QUANTISED: f64 = 0.25;

/// Whether a row of the head and the same one of `wte` may be one, each quantised in its own way (llama.cpp keeps the head in
/// more bits than the embedding).
pub(super) fn quantised_alike(head: &[f32], wte: &[f32]) -> bool {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let length = |row: &[f32]| row.iter().map(|&x| square(x)).sum::<f64>();
    let apart: f64 = head.iter().zip(wte).map(|(a, b)| square(a - b)).sum();
    apart <= QUANTISED * QUANTISED * length(head).max(length(wte))
}

/// How a head may be `wte` again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// Number by number.
    Same,
    /// `wte`, rounded.
    HeadRounded(Half),
    /// `wte` is the head, rounded.
    WteRounded(Half),
    /// Both were rounded from the same numbers, the head to bf16 and `wte` to f16.
    HeadBf16WteF16,
    /// The other way round.
    HeadF16WteBf16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Bf16,
    F16,
}

impl Half {
    fn round(self, x: f32) -> f32 {
        match self {
            Half::Bf16 => bf16::from_f32(x).to_f32(),
            Half::F16 => f16::from_f32(x).to_f32(),
        }
    }
}

impl Tie {
    /// All of them, the plainest first.
    pub(super) const ALL: [Tie; 7] = [
        Tie::Same,
        Tie::HeadRounded(Half::Bf16),
        Tie::HeadRounded(Half::F16),
        Tie::WteRounded(Half::Bf16),
        Tie::WteRounded(Half::F16),
        Tie::HeadBf16WteF16,
        Tie::HeadF16WteBf16,
    ];

    /// Whether it holds of one number.
    pub(super) fn holds(self, head: f32, wte: f32) -> bool {
        match self {
            Tie::Same => head == wte,
            Tie::HeadRounded(half) => head == half.round(wte),
            Tie::WteRounded(half) => wte == half.round(head),
            Tie::HeadBf16WteF16 => one_number(head, wte),
            Tie::HeadF16WteBf16 => one_number(wte, head),
        }
    }

    /// Whether the head holds more of the numbers than `wte`.
    pub(super) fn head_is_finer(self) -> bool {
        matches!(self, Tie::WteRounded(_) | Tie::HeadF16WteBf16)
    }
}

/// Whether some number rounds to `b` in bf16 and to `h` in f16: rounding keeps the order, so those that round to `h`, from
/// halfway to its neighbour below to halfway to the one above, have `b` among what they round to in bf16.
fn one_number(b: f32, h: f32) -> bool {
    if Half::F16.round(h) != h || Half::Bf16.round(b) != b {
        return false;
    }
    let bits = f16::from_f32(h.abs()).to_bits();
    let (below, above) = (f16::from_bits(bits.saturating_sub(1)), f16::from_bits(bits + 1));
    let (low, high) = ((h.abs() + below.to_f32()) / 2.0, (h.abs() + above.to_f32()) / 2.0);
    let low = if bits == 0 { -high } else { low };
    let b = if h < 0.0 { -b } else { b };
    Half::Bf16.round(low) <= b && b <= Half::Bf16.round(high)
}
