//! ggml's types by their numbers, and what llama.cpp calls a file by the type of most of its tensors.

use crate::weights::dtype::Dtype;

/// Number, name, and elements and bytes of a block.
type Stored = (u32, &'static str, u64, u64);

/// Those that we do not read, of which some are gone from ggml.
const OTHERS: [Stored; 28] = [
    (9, "Q8_1", 32, 40),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (31, "Q4_0_4_4", 32, 18),
    (32, "Q4_0_4_8", 32, 18),
    (33, "Q4_0_8_8", 32, 18),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (36, "IQ4_NL_4_4", 32, 18),
    (37, "IQ4_NL_4_8", 32, 18),
    (38, "IQ4_NL_8_8", 32, 18),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
];

/// Those that we read: what `llama-quantize` makes of a GPT-2 from four bits up. (Where rows are no multiple of 256, as gpt2-xl's,
/// it takes Q5_0 for Q4_K and Q5_1 for Q5_K.)
const READ: [(u32, Dtype); 12] = [
    (0, Dtype::F32),
    (1, Dtype::F16),
    (2, Dtype::Q4_0),
    (3, Dtype::Q4_1),
    (6, Dtype::Q5_0),
    (7, Dtype::Q5_1),
    (8, Dtype::Q8_0),
    (12, Dtype::Q4_K),
    (13, Dtype::Q5_K),
    (14, Dtype::Q6_K),
    (28, Dtype::F64),
    (30, Dtype::BF16),
];

/// A type, and elements and bytes of its block; none of a block where ggml had no such type in 2026.
pub(super) fn dtype(number: u32) -> (Dtype, Option<(u64, u64)>) {
    if let Some((_, dtype)) = READ.iter().find(|(n, _)| *n == number) {
        return (dtype.clone(), dtype.block().map(|(elements, bytes)| (elements as u64, bytes as u64)));
    }
    match OTHERS.iter().find(|(n, ..)| *n == number) {
        Some(&(_, name, elements, bytes)) => (Dtype::Other(name.into()), Some((elements, bytes))),
        None => (Dtype::Other(format!("ggml type {number}").into()), None),
    }
}

/// The number of a type that is written.
pub(super) fn number(dtype: &Dtype) -> u32 {
    let known = READ.iter().find(|(_, known)| known == dtype);
    known.expect("what is written is read").0
}

/// What `general.file_type` says, and how llama.cpp names it.
const FILES: [(u32, &str); 37] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (33, "Q4_0_4_4"),
    (34, "Q4_0_4_8"),
    (35, "Q4_0_8_8"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4"),
    (39, "NVFP4"),
];

/// The name of a file's type.
pub(super) fn file_type(number: u32) -> Option<&'static str> {
    FILES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// The number of the file whose matrices are stored so.
pub(super) fn file_number(dtype: &Dtype) -> u32 {
    let known = FILES.iter().find(|(_, name)| *name == dtype.name());
    known.expect("what is written has a name").0
}
