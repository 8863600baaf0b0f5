//! llm.c's `.bin` (Karpathy 2024, `train_gpt2.py`'s `write_model`): a header of 256 little-endian int32, then every parameter,
//! by kind and not by layer.
//!
//! ```text
//! [0] 20240326   [1] version: 3 fp32, 5 bf16   [2] T   [3] V   [4] L   [5] NH   [6] C   [7] Vp, V padded to 128
//! wte (Vp,C)  wpe (T,C)  ln1w ln1b (L,C)  qkvw (L,3C,C)  qkvb (L,3C)  attprojw (L,C,C)  attprojb (L,C)
//! ln2w ln2b (L,C)  fcw (L,4C,C)  fcb (L,4C)  fcprojw (L,C,4C)  fcprojb (L,C)  lnfw lnfb (C)
//! ```
//!
//! Matrices are (out, in); GPT-2's own are (in, out). The header says everything, so a file is exactly as long as it says.

use std::io::Read;
use std::path::Path;

use crate::base::disk::{self, PIECE};
use crate::base::units::thousands;
use crate::base::{Config, Error, Gpt2, Result, memory};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::found::{Found, Model, Words};
use crate::weights::output::{Output, encode};
use crate::weights::tensors::{Order, TensorEntry, Tensors, transpose};

/// A model's first number.
const MAGIC: i32 = 20_240_326;
/// The header's length in bytes.
const HEADER: usize = 1024;
/// `Vp` is a multiple of this in what llm.c writes.
const PADDED_TO: usize = 128;
/// No extent of any GPT-2 comes near this; up to it, no product of three overflows.
const MOST_EXTENT: i32 = 1 << 20;
/// Nor does a number of layers; the table of parameters is made by it.
const MOST_LAYERS: i32 = 1 << 12;

/// llm.c's files that are no models, by their first number, and what to do instead.
const OTHERS: [(i32, &str, &str); 7] = [
    (20_240_327, "what llm.c's test_gpt2 compares with (gpt2_124M_debug_state.bin)", MODEL),
    (20_240_328, "llm.c's tokenizer (gpt2_tokenizer.bin)", MODEL),
    (20_240_520, "the tokens of a data set of llm.c's", MODEL),
    (20_240_522, "an evaluation set of llm.c's", MODEL),
    (
        20_240_527,
        "the state of llm.c's optimizer (state_*.bin)",
        "name the model of the same step: model_*.bin",
    ),
    (20_240_801, "the tokens of a data set of llm.c's, for Llama 3", MODEL),
    (20_240_803, "a Llama 3 of llm.c's; diarist trains GPT-2", MODEL),
];
const MODEL: &str = "name the model: gpt2_124M.bin, gpt2_124M_bf16.bin, or a training's model_*.bin";

/// Whether a file that begins with this number (little-endian) is one of llm.c's: a model, or another that
/// [`find`] refuses by its name.
pub fn is_magic(first: i32) -> bool {
    first == MAGIC || OTHERS.iter().any(|(magic, ..)| *magic == first)
}

/// Finds the model in a file of llm.c's.
///
/// # Errors
/// The file cannot be read; another of llm.c's files; another version; numbers that are no GPT-2's; a file that is not exactly
/// as long as its header says.
pub fn find(path: &Path) -> Result<Found> {
    let file = disk::open_file(path)?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let mut head = Vec::with_capacity(HEADER);
    (&file).take(HEADER as u64).read_to_end(&mut head).map_err(Error::io("read", path))?;
    let (dtype, shape) = header(&head, path)?;
    let bytes = dtype.block().expect("F32 or BF16").1 as u64;
    let wanted = HEADER as u64 + shape.numel() * bytes;
    if length != wanted {
        let (how, next) = if length < wanted {
            ("cut short", "download or copy the file again")
        } else {
            (
                "something stands behind the weights",
                "download or copy the file again, or make it anew with llm.c",
            )
        };
        let problem = format!(
            "{} bytes long, where its header speaks of {}: {how}",
            thousands(length),
            thousands(wanted)
        );
        return Err(Error::file(path, problem, next));
    }
    let config = Config::from(shape.model);
    let model = config.check().map(|()| Model::whole(config)).map_err(|e| match e {
        Error::Setting { problem, .. } => Error::file(path, problem, MODEL),
        other => other,
    });
    let version = if dtype == Dtype::F32 { "version 3, fp32" } else { "version 5, bf16" };
    Ok(Found {
        format: format!("llm.c model ({version})"),
        path: path.to_path_buf(),
        about: vec![("padded vocabulary".into(), thousands(shape.padded as u64))],
        tensors: Tensors::new(path, file, entries(&shape, &dtype)),
        model,
        tokenizer: Words::BySize,
        adapter: None,
    })
}

/// What a header says.
#[derive(Debug)]
struct Shape {
    model: Gpt2,
    /// `Vp`: rows of the embedding in the file.
    padded: usize,
}

/// Reads a header; its numbers are those of some GPT-2.
fn header(head: &[u8], path: &Path) -> Result<(Dtype, Shape)> {
    let bad = |problem: String, next: &str| Err(Error::file(path, problem, next));
    let numbers: Vec<i32> =
        head.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().expect("chunks of 4 bytes"))).collect();
    match numbers.first() {
        Some(&MAGIC) => {}
        Some(first) => match OTHERS.iter().find(|(magic, ..)| magic == first) {
            Some((_, what, next)) => return bad(what.to_string(), next),
            None => return bad("not a file of llm.c's: it does not begin with 20240326".into(), MODEL),
        },
        None => return bad(format!("only {} bytes long", head.len()), MODEL),
    }
    if head.len() < HEADER {
        let problem =
            format!("only {} bytes long, where the header alone has {HEADER}: cut short", head.len());
        return bad(problem, "download or copy the file again");
    }
    let dtype = match numbers[1] {
        3 => Dtype::F32,
        5 => Dtype::BF16,
        other => {
            return bad(
                format!("a model of llm.c's version {other}; 3 (fp32) and 5 (bf16) are read"),
                "write it again with today's llm.c: train_gpt2.py writes both",
            );
        }
    };
    for (at, name) in
        ["max_seq_len", "vocab_size", "num_layers", "num_heads", "channels", "padded_vocab_size"]
            .into_iter()
            .enumerate()
    {
        let (number, most) = (numbers[2 + at], if at == 2 { MOST_LAYERS } else { MOST_EXTENT });
        if !(1..=most).contains(&number) {
            let problem = format!("its header says {name} {number}, which no GPT-2 has");
            return bad(problem, "download or copy the file again");
        }
    }
    let [block_size, vocab_size, n_layer, n_head, n_embd, padded] =
        [2, 3, 4, 5, 6, 7].map(|at: usize| numbers[at] as usize);
    if padded < vocab_size {
        let problem = format!("its header says vocab_size {vocab_size}, and padded to less: {padded}");
        return bad(problem, "download or copy the file again");
    }
    Ok((dtype, Shape { model: Gpt2 { vocab_size, block_size, n_layer, n_head, n_embd }, padded }))
}

impl Shape {
    /// Every parameter with its shape in the file, in the file's order.
    fn layout(&self) -> Vec<(String, Vec<usize>)> {
        let (t, c, l) = (self.model.block_size, self.model.n_embd, self.model.n_layer);
        let mut all =
            vec![("wte.weight".to_string(), vec![self.padded, c]), ("wpe.weight".into(), vec![t, c])];
        for (name, shape) in [
            ("ln_1.weight", vec![c]),
            ("ln_1.bias", vec![c]),
            ("attn.c_attn.weight", vec![3 * c, c]),
            ("attn.c_attn.bias", vec![3 * c]),
            ("attn.c_proj.weight", vec![c, c]),
            ("attn.c_proj.bias", vec![c]),
            ("ln_2.weight", vec![c]),
            ("ln_2.bias", vec![c]),
            ("mlp.c_fc.weight", vec![4 * c, c]),
            ("mlp.c_fc.bias", vec![4 * c]),
            ("mlp.c_proj.weight", vec![c, 4 * c]),
            ("mlp.c_proj.bias", vec![c]),
        ] {
            all.extend((0..l).map(|i| (format!("h.{i}.{name}"), shape.clone())));
        }
        all.extend(["ln_f.weight", "ln_f.bias"].map(|name| (name.to_string(), vec![c])));
        all
    }

    /// Numbers in the file, the padding among them: below 2⁵⁶ by the bounds of the header.
    fn numel(&self) -> u64 {
        let [vp, t, c, l] =
            [self.padded, self.model.block_size, self.model.n_embd, self.model.n_layer].map(|n| n as u64);
        (vp + t) * c + l * (12 * c * c + 13 * c) + 2 * c
    }
}

/// Where each parameter stands. The embedding is its first `V` rows.
fn entries(shape: &Shape, dtype: &Dtype) -> Vec<TensorEntry> {
    let bytes = dtype.block().expect("F32 or BF16").1 as u64;
    let mut offset = HEADER as u64;
    (shape.layout().into_iter())
        .map(|(name, mut dims)| {
            let begin = offset;
            offset += dims.iter().product::<usize>() as u64 * bytes;
            if name == "wte.weight" {
                dims[0] = shape.model.vocab_size;
            }
            let len = dims.iter().product::<usize>() as u64 * bytes;
            let dtype = dtype.clone();
            TensorEntry { name, dtype, shape: dims, order: Order::Rows, file: 0, offset: begin, len }
        })
        .collect()
}

/// Writes a model as llm.c reads it, F32 (version 3) or BF16 (version 5), one matrix in memory at a time; `progress` is told the
/// share done. Returns the file's bytes.
///
/// # Errors
/// Another dtype, which llm.c has not; there is a file of that name already; a full disk; as [`Checkpoint::read`]. No unfinished
/// file is left.
pub fn write(
    checkpoint: &mut Checkpoint,
    dtype: &Dtype,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<u64> {
    let version = match dtype {
        Dtype::F32 => 3,
        Dtype::BF16 => 5,
        other => {
            return Err(Error::usage(
                format!("llm.c has no files of {}", other.name().to_lowercase()),
                "use --dtype f32 or bf16",
            ));
        }
    };
    let Config::Gpt2(model) = *checkpoint.config() else {
        return Err(Error::usage(
            "llm.c's form is for GPT-2 alone",
            "write it in another form: --to hf or gguf",
        ));
    };
    let shape = Shape { padded: model.vocab_size.next_multiple_of(PADDED_TO), model };
    let mut head = [0_i32; HEADER / 4];
    let numbers =
        [model.block_size, model.vocab_size, model.n_layer, model.n_head, model.n_embd, shape.padded];
    (head[0], head[1]) = (MAGIC, version);
    for (at, number) in numbers.into_iter().enumerate() {
        head[2 + at] = i32::try_from(number).map_err(|_| {
            let problem = format!("llm.c's header holds 32-bit numbers, and this model's {number} is none");
            Error::setting(problem, "write it in another form: --to hf")
        })?;
    }
    let mut out = Output::create(path)?;
    out.write(&head.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>())?;
    let all = shape.numel() as f64;
    let (mut done, mut data, mut bytes) = (0, Vec::new(), Vec::new());
    let source = checkpoint.path().to_path_buf();
    let mut put = |out: &mut Output, data: &[f32], name: &str| {
        for part in data.chunks(PIECE / 4) {
            bytes.clear();
            encode(dtype, part, &mut bytes, &source, name)?;
            out.write(&bytes)?;
        }
        done += data.len();
        progress(done as f64 / all);
        Ok(())
    };
    for (name, dims) in shape.layout() {
        if let ([to, from], true) = (&dims[..], name.starts_with("h.")) {
            let mut stored = memory::zeros(to * from, &name)?;
            checkpoint.read(&name, 0..*from, &mut stored)?;
            let mut turned = memory::zeros(to * from, &name)?;
            transpose(&stored, *from, *to, &mut turned);
            put(&mut out, &turned, &name)?;
            continue;
        }
        let width = dims[1..].iter().product::<usize>();
        let rows = if name == "wte.weight" { model.vocab_size } else { dims[0] };
        let step = (PIECE / 4 / width).max(1);
        for start in (0..rows).step_by(step) {
            let range = start..rows.min(start + step);
            data.resize(range.len() * width, 0.0);
            checkpoint.read(&name, range, &mut data)?;
            put(&mut out, &data, &name)?;
        }
        // The padding of the vocabulary: at most 127 rows.
        put(&mut out, &vec![0.0; (dims[0] - rows) * width], &name)?;
    }
    out.finish()
}

#[cfg(test)]
mod tests;
