//! How the elements of a tensor are stored, in files of every kind, and as f32 again; and from f32, for writing.

use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

use crate::weights::blocks;

/// How a tensor's elements are stored, little-endian.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(non_camel_case_types)] // the names that ggml and everyone after it gives these
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, IEEE.
    F16,
    /// 16-bit floats with f32's range.
    BF16,
    /// 64-bit floats, rounded to f32 when read.
    F64,
    /// Blocks of 32 numbers, 8 bits each and a scale: 8.5 bits a number.
    Q8_0,
    /// Blocks of 32 numbers, 4 bits each and a scale: 4.5 bits a number.
    Q4_0,
    /// Blocks of 32 numbers, 4 bits each, a scale and a minimum: 5 bits a number.
    Q4_1,
    /// Blocks of 32 numbers, 5 bits each and a scale: 5.5 bits a number.
    Q5_0,
    /// Blocks of 32 numbers, 5 bits each, a scale and a minimum: 6 bits a number.
    Q5_1,
    /// Blocks of 256 numbers, 4 bits each, scales and minima of 6 bits: 4.5 bits a number.
    Q4_K,
    /// Blocks of 256 numbers, 5 bits each, scales and minima of 6 bits: 5.5 bits a number.
    Q5_K,
    /// Blocks of 256 numbers, 6 bits each, scales of 8 bits: 6.5625 bits a number.
    Q6_K,
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
            Dtype::Q8_0 => "Q8_0",
            Dtype::Q4_0 => "Q4_0",
            Dtype::Q4_1 => "Q4_1",
            Dtype::Q5_0 => "Q5_0",
            Dtype::Q5_1 => "Q5_1",
            Dtype::Q4_K => "Q4_K",
            Dtype::Q5_K => "Q5_K",
            Dtype::Q6_K => "Q6_K",
            Dtype::Other(name) => name,
        }
    }

    /// Elements and bytes of a block, the least that is stored together; none of what is not read.
    pub fn block(&self) -> Option<(usize, usize)> {
        match self {
            Dtype::F32 => Some((1, 4)),
            Dtype::F16 | Dtype::BF16 => Some((1, 2)),
            Dtype::F64 => Some((1, 8)),
            Dtype::Q8_0 => Some(blocks::Q8_0),
            Dtype::Q4_0 => Some(blocks::Q4_0),
            Dtype::Q4_1 => Some(blocks::Q4_1),
            Dtype::Q5_0 => Some(blocks::Q5_0),
            Dtype::Q5_1 => Some(blocks::Q5_1),
            Dtype::Q4_K => Some(blocks::Q4_K),
            Dtype::Q5_K => Some(blocks::Q5_K),
            Dtype::Q6_K => Some(blocks::Q6_K),
            Dtype::Other(_) => None,
        }
    }

    /// Whether numbers share scales.
    pub fn is_quantised(&self) -> bool {
        self.block().is_some_and(|(elements, _)| elements > 1)
    }

    /// Bytes of so many elements; none of what is not read, of a broken block, and beyond 64 bits.
    pub fn bytes(&self, numel: u64) -> Option<u64> {
        let (elements, bytes) = self.block()?;
        if !numel.is_multiple_of(elements as u64) {
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
            Dtype::Q8_0 => self.each_block(bytes, out, blocks::decode_q8_0),
            Dtype::Q4_0 => self.each_block(bytes, out, blocks::decode_q4_0),
            Dtype::Q4_1 => self.each_block(bytes, out, blocks::decode_q4_1),
            Dtype::Q5_0 => self.each_block(bytes, out, blocks::decode_q5_0),
            Dtype::Q5_1 => self.each_block(bytes, out, blocks::decode_q5_1),
            Dtype::Q4_K => self.each_block(bytes, out, blocks::decode_q4_k),
            Dtype::Q5_K => self.each_block(bytes, out, blocks::decode_q5_k),
            Dtype::Q6_K => self.each_block(bytes, out, blocks::decode_q6_k),
            Dtype::Other(name) => unreachable!("{name} has no block"),
        }
    }

    fn each_block(&self, bytes: &[u8], out: &mut [f32], decode: impl Fn(&[u8], &mut [f32])) {
        let (elements, size) = self.block().expect("a block's decoder is at hand");
        assert_eq!(
            out.len() / elements * size,
            bytes.len(),
            "as many blocks of {size} bytes as of {elements} numbers"
        );
        assert_eq!(out.len() % elements, 0, "whole blocks");
        for (block, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(elements)) {
            decode(block, out);
        }
    }

    /// Adds finite numbers, rounded to the nearest that can be stored (an f16's or a bf16's: of two, the even one), to `out`; many
    /// of them on all cores.
    ///
    /// # Errors
    /// A number that is beyond what can be stored, or a type that is not written; in a clause.
    ///
    /// # Panics
    /// If the numbers are no whole blocks.
    pub(crate) fn encode(&self, data: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        // A multiple of every block.
        const PART: usize = 1 << 16;
        if data.len() <= PART {
            return self.encode_part(data, out);
        }
        let part = |part: &[f32]| {
            let mut bytes = Vec::new();
            self.encode_part(part, &mut bytes).map(|()| bytes)
        };
        let parts: Vec<Vec<u8>> = data.par_chunks(PART).map(part).collect::<Result<_, _>>()?;
        parts.iter().for_each(|bytes| out.extend_from_slice(bytes));
        Ok(())
    }

    fn encode_part(&self, data: &[f32], out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Dtype::F32 if cfg!(target_endian = "little") => out.extend_from_slice(bytemuck::cast_slice(data)),
            Dtype::F32 => out.extend(data.iter().flat_map(|x| x.to_le_bytes())),
            Dtype::F16 => {
                within(data, F16_ENDS).map_err(|x| beyond(x, "F16 holds (±65,504)"))?;
                halves(data.len(), out, |halves: &mut [f16]| halves.convert_from_f32_slice(data));
            }
            Dtype::BF16 => {
                within(data, f32::from_bits(BF16_ENDS)).map_err(|x| beyond(x, "BF16 holds"))?;
                halves(data.len(), out, |halves: &mut [bf16]| halves.convert_from_f32_slice(data));
            }
            Dtype::Q8_0 => self.to_blocks(data, out, blocks::encode_q8_0)?,
            Dtype::Q4_0 => self.to_blocks(data, out, blocks::encode_q4_0)?,
            Dtype::Q4_1 => self.to_blocks(data, out, blocks::encode_q4_1)?,
            Dtype::F64
            | Dtype::Q5_0
            | Dtype::Q5_1
            | Dtype::Q4_K
            | Dtype::Q5_K
            | Dtype::Q6_K
            | Dtype::Other(_) => {
                return Err(format!("{} is read, and not written", self.name()));
            }
        }
        Ok(())
    }

    fn to_blocks(
        &self,
        data: &[f32],
        out: &mut Vec<u8>,
        encode: impl Fn(&[f32], &mut Vec<u8>) -> Result<(), f32>,
    ) -> Result<(), String> {
        let (elements, _) = self.block().expect("a block's encoder is at hand");
        assert_eq!(data.len() % elements, 0, "whole blocks");
        let range = format!("the scales of {} hold", self.name());
        within(data, f32::INFINITY).map_err(|x| beyond(x, &range))?;
        data.chunks_exact(elements).try_for_each(|block| encode(block, out)).map_err(|x| beyond(x, &range))
    }
}

/// The first number that f16 rounds to infinity.
const F16_ENDS: f32 = 65_520.0;
/// The bits of the first number that bf16 rounds to infinity: half a step beyond the last one that it has.
const BF16_ENDS: u32 = 0x7f7f_8000;

/// The first number that is not below an end, if there is one.
fn within(data: &[f32], end: f32) -> Result<(), f32> {
    let fits = |x: &f32| x.abs() < end;
    // Without an end before the end, this runs as wide as the machine does.
    if data.iter().fold(true, |all, x| all & fits(x)) {
        return Ok(());
    }
    data.iter().find(|x| !fits(x)).map_or(Ok(()), |&x| Err(x))
}

fn beyond(x: f32, range: &str) -> String {
    if !x.is_finite() {
        return format!("holds {x}, which is not finite");
    }
    format!("holds {x}, beyond what {range}")
}

/// Adds so many 16-bit numbers, which `fill` makes.
fn halves<H: bytemuck::Pod + Into<f32>>(len: usize, out: &mut Vec<u8>, fill: impl FnOnce(&mut [H])) {
    let mut halves = vec![H::zeroed(); len];
    fill(&mut halves);
    if cfg!(target_endian = "little") {
        return out.extend_from_slice(bytemuck::cast_slice(&halves));
    }
    for half in bytemuck::cast_slice::<H, u16>(&halves) {
        out.extend(half.to_le_bytes());
    }
}

/// Elements of `N` bytes.
fn each<const N: usize>(bytes: &[u8], out: &mut [f32], element: impl Fn([u8; N]) -> f32) {
    assert_eq!(bytes.len(), N * out.len(), "one element of {N} bytes for each number");
    for (x, b) in out.iter_mut().zip(bytes.chunks_exact(N)) {
        *x = element(b.try_into().expect("chunks of N bytes"));
    }
}

#[cfg(test)]
mod tests {
    use ::safetensors::SafeTensors;

    use super::*;

    const WRITTEN: [Dtype; 5] = [Dtype::F16, Dtype::BF16, Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_1];
    const QUANTISED: [Dtype; 8] = [
        Dtype::Q8_0,
        Dtype::Q4_0,
        Dtype::Q4_1,
        Dtype::Q5_0,
        Dtype::Q5_1,
        Dtype::Q4_K,
        Dtype::Q5_K,
        Dtype::Q6_K,
    ];

    fn bytes(name: &str) -> Vec<u8> {
        let file = include_bytes!("../../tests/fixtures/gguf/blocks.safetensors");
        SafeTensors::deserialize(file).unwrap().tensor(name).unwrap().data().to_vec()
    }

    fn floats(name: &str) -> Vec<f32> {
        bytemuck::pod_collect_to_vec(&bytes(name))
    }

    fn encoded(dtype: &Dtype, data: &[f32]) -> Result<Vec<u8>, String> {
        let mut out = vec![7];
        dtype.encode(data, &mut out).map(|()| out.split_off(1))
    }

    fn decoded(dtype: &Dtype, bytes: &[u8]) -> Vec<f32> {
        let (elements, size) = dtype.block().unwrap();
        let mut out = vec![f32::NAN; bytes.len() / size * elements];
        dtype.decode(bytes, &mut out);
        out
    }

    /// Bit by bit: the package's numpy is ggml's reference done again, and so is ours.
    #[test]
    fn blocks_are_read_and_written_as_the_gguf_package_does() {
        for dtype in QUANTISED {
            let ours = decoded(&dtype, &bytes(&format!("{}.bytes", dtype.name())));
            let theirs = floats(&format!("{}.decoded", dtype.name()));
            assert_eq!(ours.len(), theirs.len());
            let other = ours.iter().zip(&theirs).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(other, None, "{}", dtype.name());
        }
        let x = floats("x");
        for dtype in WRITTEN {
            assert!(
                encoded(&dtype, &x).unwrap() == bytes(&format!("{}.of_x", dtype.name())),
                "{}",
                dtype.name()
            );
        }
    }

    #[test]
    fn what_is_stored_comes_back_and_quantising_again_changes_nothing_much() {
        let x = floats("x");
        assert_eq!(decoded(&Dtype::F32, &encoded(&Dtype::F32, &x).unwrap()), x);
        for (dtype, lost) in WRITTEN.into_iter().zip([5e-4, 4e-3, 0.005, 0.07, 0.07]) {
            let once = decoded(&dtype, &encoded(&dtype, &x).unwrap());
            for (x, once) in x.chunks_exact(32).zip(once.chunks_exact(32)) {
                let most = x.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                let apart = x.iter().zip(once).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                // Q4_0 cuts off half a step at the end that is not the farthest.
                let lost = if dtype == Dtype::Q4_0 { 2.0 * lost } else { lost };
                assert!(apart <= lost * most + 5e-7, "{}: {apart} of {most}", dtype.name());
            }
            if !dtype.is_quantised() {
                assert_eq!(encoded(&dtype, &once).unwrap(), encoded(&dtype, &x).unwrap());
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(
            decoded(&Dtype::F16, &encoded(&Dtype::F16, &[65_519.9, -65_504.0]).unwrap()),
            [65_504.0, -65_504.0]
        );
        let told = encoded(&Dtype::F16, &[1.0, -65_520.0]).unwrap_err();
        assert_eq!(told, "holds -65520, beyond what F16 holds (±65,504)");
        assert!(encoded(&Dtype::BF16, &[f32::MAX]).unwrap_err().contains("BF16"));
        assert!(encoded(&Dtype::F16, &[f32::NAN]).unwrap_err().contains("not finite"));
        let block = |x: f32| {
            let mut block = vec![0.5; 32];
            block[3] = x;
            block
        };
        for dtype in [Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_1] {
            for x in [1e8, -1e8] {
                let told = encoded(&dtype, &block(x)).unwrap_err();
                assert!(told.contains(&format!("the scales of {} hold", dtype.name())), "{told}");
            }
            assert!(encoded(&dtype, &block(f32::INFINITY)).unwrap_err().contains("not finite"));
            assert!(encoded(&dtype, &block(f32::NAN)).unwrap_err().contains("holds NaN"));
        }
        assert!(encoded(&Dtype::Q6_K, &[0.0; 256]).unwrap_err().contains("not written"));
    }
}
