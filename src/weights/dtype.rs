//! How the elements of a tensor are stored, in files of every kind, and as f32 again.

use std::borrow::Cow;

use half::{bf16, f16};

/// How a tensor's elements are stored, little-endian.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, IEEE.
    F16,
    /// 16-bit floats with f32's range.
    BF16,
    /// 64-bit floats, rounded to f32 when read.
    F64,
    /// Anything else (integers, masks, other quantizations), by the name that its format gives it: listed, so that it can
    /// be ignored, and refused when read.
    Other(Cow<'static, str>),
}

impl Dtype {
    /// The name, in the words of the formats.
    pub fn name(&self) -> &str {
        match self {
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::BF16 => "BF16",
            Dtype::F64 => "F64",
            Dtype::Other(name) => name,
        }
    }

    /// Elements and bytes of a block, the least that is stored together; none of what is not read.
    pub fn block(&self) -> Option<(usize, usize)> {
        match self {
            Dtype::F32 => Some((1, 4)),
            Dtype::F16 | Dtype::BF16 => Some((1, 2)),
            Dtype::F64 => Some((1, 8)),
            Dtype::Other(_) => None,
        }
    }

    /// Bytes of so many elements; none of what is not read, of a broken block, and beyond 64 bits.
    pub fn bytes(&self, numel: u64) -> Option<u64> {
        let (elements, bytes) = self.block()?;
        if numel % elements as u64 != 0 {
            return None;
        }
        (numel / elements as u64).checked_mul(bytes as u64)
    }

    /// Whole blocks, as f32.
    ///
    /// # Panics
    /// If the lengths are not those of the same blocks, or this is not read.
    pub(super) fn decode(&self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Dtype::F32 => each(bytes, out, f32::from_le_bytes),
            Dtype::F16 => each(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => each(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
            Dtype::Other(name) => unreachable!("{name} has no block"),
        }
    }

    /// Adds numbers to `out` as they are stored, rounded to the nearest.
    ///
    /// # Errors
    /// A finite number that f16 would round to infinity; the words follow "FILE: ".
    ///
    /// # Panics
    /// If the numbers are no whole blocks, or this is not written.
    pub(super) fn encode(&self, data: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Dtype::F32 => out.extend(data.iter().flat_map(|x| x.to_le_bytes())),
            Dtype::F16 => {
                // 65,520 is the first number that f16 rounds to infinity.
                if let Some(x) = data.iter().find(|x| x.is_finite() && x.abs() >= 65_520.0) {
                    return Err(format!("{x} is beyond half precision (F16 holds up to 65,504)"));
                }
                out.extend(data.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()));
            }
            Dtype::BF16 => out.extend(data.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes())),
            Dtype::F64 => out.extend(data.iter().flat_map(|&x| f64::from(x).to_le_bytes())),
            Dtype::Other(name) => unreachable!("{name} has no block"),
        }
        Ok(())
    }
}

/// Elements of `N` bytes.
fn each<const N: usize>(bytes: &[u8], out: &mut [f32], element: impl Fn([u8; N]) -> f32) {
    assert_eq!(bytes.len(), N * out.len(), "one element of {N} bytes for each number");
    for (x, b) in out.iter_mut().zip(bytes.chunks_exact(N)) {
        *x = element(b.try_into().expect("chunks of N bytes"));
    }
}
