//! A model written as GGUF v3, the way llama.cpp's own converter does: a tensor at a time, its rows read, turned, stored; the rows
//! of a Llama's queries and keys in pairs. What is stored already as it will be is copied, block by block.
//!
//! Vectors and positions stay F32, as llama.cpp has them. The embedding and the head, often one, are never stored in four
//! bits: a head says what every token's chance is, and llama.cpp's own quantiser gives it six bits or eight for that reason.
//! A matrix whose rows are no whole blocks is stored as F16.

use std::path::Path;

use crate::base::arch::{Layout, Role};
use crate::base::disk::PIECE;
use crate::base::{Config, Error, Llama, Param, Phi, Result};
use crate::tokens::Tokenizer;
use crate::weights::gguf::header::{ALIGNMENT, MAGIC};
use crate::weights::gguf::paired::heads;
use crate::weights::gguf::tokenizer::Keys;
use crate::weights::gguf::{names, types};
use crate::weights::output::{Output, encode};
use crate::weights::tensors::{Order, transpose};
use crate::weights::{Checkpoint, Dtype};

const VERSION: u32 = 3;
/// ggml's version of its quantised blocks.
pub(super) const QUANTIZATION_VERSION: u32 = 2;
/// What chat programs make of messages where nothing else is asked for: their texts, one behind the other. Without a template
/// llama.cpp takes ChatML, whose marks GPT-2 reads as noise.
pub const PASS_THROUGH: &str = "{% for message in messages %}{{ message['content'] }}{% endfor %}";

/// What a file says of its model, beside its shape and its tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description<'a> {
    /// The model's name.
    pub name: &'a str,
    /// How a chat becomes a prompt, in plain Jinja; [`PASS_THROUGH`] where there is none.
    pub chat_template: Option<&'a str>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file's length, in bytes.
    pub bytes: u64,
    /// Tensors in it.
    pub tensors: usize,
    /// Those that had to be stored as F16, since their rows are no whole blocks.
    pub not_quantised: Vec<String>,
}

/// A tensor as it will stand in the file.
struct Planned {
    param: Param,
    name: String,
    dtype: Dtype,
    /// How its rows lie there: as they are, as its transpose's, (out, in), or those of a head in pairs.
    order: Order,
    offset: u64,
    bytes: u64,
}

impl Planned {
    /// Rows and columns in the file; a vector is one row.
    fn extents(&self) -> [usize; 2] {
        match self.param.shape[..] {
            [rows, columns] if self.order == Order::Columns => [columns, rows],
            [rows, columns] => [rows, columns],
            _ => [1, self.param.numel()],
        }
    }
}

/// Writes a model and its tokenizer to a new file (mode 0600 on Unix); its matrices as `dtype`. Peak memory: the largest
/// matrix of a block a few times over. `progress` is told the share that is done.
///
/// # Errors
/// There is a file of that name (nothing is overwritten); a type that is not written, or cannot hold a number of the model;
/// a tokenizer that llama.cpp does not have; the model cannot be read, or the file not be written: it is removed then.
pub fn write(
    checkpoint: &mut Checkpoint,
    tokenizer: &Tokenizer,
    dtype: &Dtype,
    description: &Description,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Written> {
    if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::Q8_0 | Dtype::Q4_0 | Dtype::Q4_1) {
        return Err(Error::setting(
            format!("GGUF is not written as {}", dtype.name()),
            "choose f32, f16, bf16, q8_0, q4_0 or q4_1",
        ));
    }
    let keys = Keys::new(tokenizer, checkpoint.config().vocab_size())?;
    let plan = plan(checkpoint, dtype);
    let data = plan.last().map_or(0, |last| last.offset + last.bytes);
    let header = header(checkpoint, &keys, dtype, description, &plan);
    let mut out = Output::create(path)?;
    out.write(&header)?;
    pad(&mut out)?;
    let mut room = Room::default();
    for tensor in &plan {
        store(checkpoint, tensor, &mut room, &mut out)?;
        pad(&mut out)?;
        progress((tensor.offset + tensor.bytes) as f64 / data.max(1) as f64);
    }
    let kept = |t: &&Planned| dtype.is_quantised() && t.dtype == Dtype::F16;
    let not_quantised = plan.iter().filter(kept).map(|t| t.name.clone()).collect();
    Ok(Written { bytes: out.finish()?, tensors: plan.len(), not_quantised })
}

/// Every tensor, and where it will stand.
fn plan(checkpoint: &Checkpoint, dtype: &Dtype) -> Vec<Planned> {
    let mut end = 0_u64;
    let planned = |param: Param| {
        let config = checkpoint.config();
        let order = match param.role {
            Role::Linear(Layout::InOut) => Order::Columns,
            _ if heads(config, param.module()).is_some() => Order::Pairs(config.head_size()),
            _ => Order::Rows,
        };
        let name = names::from_key(checkpoint.config(), &param.name);
        let offset = end.next_multiple_of(ALIGNMENT);
        let mut tensor = Planned { param, name, dtype: Dtype::F32, order, offset, bytes: 0 };
        let [rows, columns] = tensor.extents();
        tensor.dtype = stored_as(&tensor.param, columns, dtype);
        let elements = rows as u64 * columns as u64;
        tensor.bytes = tensor.dtype.bytes(elements).expect("rows are whole blocks, and models are in memory");
        end = offset + tensor.bytes;
        tensor
    };
    checkpoint.config().table().into_iter().map(planned).collect()
}

/// How a parameter is stored whose rows are so long in the file.
fn stored_as(param: &Param, columns: usize, dtype: &Dtype) -> Dtype {
    if !param.may_rest() {
        return Dtype::F32;
    }
    let dtype = match dtype {
        Dtype::Q4_0 | Dtype::Q4_1 if matches!(param.role, Role::Embedding | Role::Head) => &Dtype::Q8_0,
        dtype => dtype,
    };
    if dtype.bytes(columns as u64).is_some() { dtype.clone() } else { Dtype::F16 }
}

/// Where a tensor is on its way, kept from one to the next.
#[derive(Default)]
struct Room {
    data: Vec<f32>,
    turned: Vec<f32>,
    encoded: Vec<u8>,
}

/// Reads a tensor and stores it.
fn store(checkpoint: &mut Checkpoint, tensor: &Planned, room: &mut Room, out: &mut Output) -> Result<()> {
    let Param { name, shape, .. } = &tensor.param;
    let (rows, width) = (shape[0], shape.iter().skip(1).product::<usize>());
    let model = checkpoint.path().to_path_buf();
    let some = (PIECE / 4 / width.max(1)).max(1);
    // A matrix that is turned has to be whole; of another, some rows at a time will do, or some heads, and of a vector some
    // blocks.
    let step = match tensor.order {
        Order::Columns => rows,
        Order::Pairs(head) => some.next_multiple_of(head).min(rows),
        Order::Rows => some.next_multiple_of(32).min(rows),
    };
    let Room { data, turned, encoded } = room;
    let turns = tensor.order == Order::Columns;
    let copied = !turns && checkpoint.stored(name).as_ref() == Some(&tensor.dtype);
    turned.resize(if turns { rows * width } else { 0 }, 0.0);
    for start in (0..rows).step_by(step.max(1)) {
        let range = start..rows.min(start + step);
        let n = range.len();
        encoded.clear();
        if copied {
            checkpoint.read_stored(name, range, encoded)?;
        } else {
            data.resize(n * width, 0.0);
            checkpoint.read(name, range, data)?;
            let stored: &[f32] = match turns {
                true => {
                    transpose(data, rows, width, turned);
                    turned
                }
                false => data,
            };
            encode(&tensor.dtype, stored, encoded, &model, name)?;
        }
        match tensor.order {
            Order::Pairs(_) => out.write(&paired(encoded, n, tensor.order))?,
            Order::Rows | Order::Columns => out.write(encoded)?,
        }
    }
    Ok(())
}

/// The bytes of some heads' rows, each where it stands in the file.
fn paired(bytes: &[u8], rows: usize, order: Order) -> Vec<u8> {
    let row = bytes.len() / rows;
    let mut out = vec![0; bytes.len()];
    for (i, bytes) in bytes.chunks_exact(row).enumerate() {
        let place = order.place(i).expect("a row stands in one piece");
        out[place * row..(place + 1) * row].copy_from_slice(bytes);
    }
    out
}

/// Everything before the tensors.
fn header(
    checkpoint: &Checkpoint,
    keys: &Keys,
    dtype: &Dtype,
    description: &Description,
    plan: &[Planned],
) -> Vec<u8> {
    let config = checkpoint.config();
    let mut meta = Meta::default();
    meta.text("general.architecture", names::architecture(config));
    meta.text("general.type", "model");
    meta.text("general.name", description.name);
    meta.u32("general.file_type", types::file_number(dtype));
    meta.u32("general.quantization_version", QUANTIZATION_VERSION);
    let size = |meta: &mut Meta, key: &str, n: usize| {
        meta.u32(
            &format!("{}.{key}", names::architecture(config)),
            u32::try_from(n).expect("extents are far below"),
        );
    };
    let n_ff = match config {
        Config::Gpt2(c) => 4 * c.n_embd,
        Config::Llama(c) => c.n_ff,
        Config::Phi(c) => c.n_ff,
    };
    for (key, n) in [
        ("block_count", config.n_layer()),
        ("context_length", config.block_size()),
        ("embedding_length", config.n_embd()),
        ("feed_forward_length", n_ff),
        ("attention.head_count", config.n_head()),
    ] {
        size(&mut meta, key, n);
    }
    match config {
        Config::Gpt2(_) => meta.f32("gpt2.attention.layer_norm_epsilon", config.eps()),
        Config::Llama(Llama { n_kv_head, head_size, window, rope_theta, vocab_size, .. }) => {
            size(&mut meta, "attention.head_count_kv", *n_kv_head);
            size(&mut meta, "attention.key_length", *head_size);
            size(&mut meta, "attention.value_length", *head_size);
            if let Some(window) = window {
                size(&mut meta, "attention.sliding_window", *window);
            }
            meta.f32("llama.attention.layer_norm_rms_epsilon", config.eps());
            meta.f32("llama.rope.freq_base", *rope_theta);
            size(&mut meta, "rope.dimension_count", *head_size);
            size(&mut meta, "vocab_size", *vocab_size);
        }
        Config::Phi(Phi { n_kv_head, rotary, rope_theta, .. }) => {
            size(&mut meta, "attention.head_count_kv", *n_kv_head);
            meta.f32("phi2.attention.layer_norm_epsilon", config.eps());
            meta.f32("phi2.rope.freq_base", *rope_theta);
            size(&mut meta, "rope.dimension_count", *rotary);
        }
    }
    meta.text("tokenizer.ggml.model", keys.model);
    meta.text("tokenizer.ggml.pre", keys.pre);
    meta.texts("tokenizer.ggml.tokens", &keys.tokens);
    meta.whole("tokenizer.ggml.token_type", &keys.kinds);
    match &keys.scores[..] {
        [] => meta.texts("tokenizer.ggml.merges", &keys.merges),
        scores => meta.floats("tokenizer.ggml.scores", scores),
    }
    if let Some(prefix) = keys.space_prefix {
        meta.bool("tokenizer.ggml.add_space_prefix", prefix);
    }
    for (key, id) in &keys.ids {
        meta.u32(&format!("tokenizer.ggml.{key}"), *id);
    }
    meta.bool("tokenizer.ggml.add_bos_token", false);
    meta.text("tokenizer.chat_template", description.chat_template.unwrap_or(PASS_THROUGH));

    let place = |tensor: &Planned| {
        let [rows, columns] = tensor.extents();
        let shape = if tensor.param.shape.len() == 2 { vec![rows, columns] } else { vec![columns] };
        Place { name: tensor.name.clone(), shape, dtype: tensor.dtype.clone(), offset: tensor.offset }
    };
    head(meta, &plan.iter().map(place).collect::<Vec<_>>())
}

/// A tensor in a header.
pub(super) struct Place {
    pub name: String,
    /// Outermost extent first.
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    /// From where the tensors begin.
    pub offset: u64,
}

/// The magic word, the metadata, the tensors' places.
pub(super) fn head(mut meta: Meta, tensors: &[Place]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend(meta.count.to_le_bytes());
    bytes.append(&mut meta.bytes);
    for tensor in tensors {
        text(&mut bytes, &tensor.name);
        bytes.extend((tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().rev().for_each(|&extent| bytes.extend((extent as u64).to_le_bytes()));
        bytes.extend(types::number(&tensor.dtype).to_le_bytes());
        bytes.extend(tensor.offset.to_le_bytes());
    }
    bytes
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Keys and values, as they stand in the file.
#[derive(Default)]
pub(super) struct Meta {
    count: u64,
    bytes: Vec<u8>,
}

impl Meta {
    /// A key, the number of its value's type, and the value.
    fn put(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.count += 1;
        text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(value);
    }

    pub(super) fn u32(&mut self, key: &str, n: u32) {
        self.put(key, 4, &n.to_le_bytes());
    }

    pub(super) fn f32(&mut self, key: &str, x: f32) {
        self.put(key, 6, &x.to_le_bytes());
    }

    fn bool(&mut self, key: &str, yes: bool) {
        self.put(key, 7, &[yes.into()]);
    }

    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.put(key, 8, &[]);
        text(&mut self.bytes, value);
    }

    /// An array, of whose type and length the head is written.
    fn array(&mut self, key: &str, kind: u32, len: usize) {
        self.put(key, 9, &kind.to_le_bytes());
        self.bytes.extend((len as u64).to_le_bytes());
    }

    fn texts(&mut self, key: &str, values: &[String]) {
        self.array(key, 8, values.len());
        values.iter().for_each(|value| text(&mut self.bytes, value));
    }

    fn whole(&mut self, key: &str, values: &[u32]) {
        self.array(key, 5, values.len());
        values.iter().for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }

    fn floats(&mut self, key: &str, values: &[f32]) {
        self.array(key, 6, values.len());
        values.iter().for_each(|value| self.bytes.extend(value.to_le_bytes()));
    }
}

/// Zeros up to the next place where a tensor may stand.
pub(super) fn pad(out: &mut Output) -> Result<()> {
    let zeros = out.written().next_multiple_of(ALIGNMENT) - out.written();
    out.write(&[0; ALIGNMENT as usize][..zeros as usize])
}

/// Ollama's `Modelfile` for a GGUF beside it: the prompt as it comes, the model's context, and what ends a text.
pub fn modelfile(gguf: &str, context: usize, stops: &[&str], template: Option<&str>) -> String {
    let template = template.map_or("\"{{ .Prompt }}\"".to_string(), |of| format!("\"\"\"{of}\"\"\""));
    let mut text = format!("FROM ./{gguf}\nTEMPLATE {template}\nPARAMETER num_ctx {context}\n");
    for stop in stops {
        // Three quotation marks enclose what holds one.
        let quote = if stop.contains('"') { "\"\"\"" } else { "\"" };
        text.push_str(&format!("PARAMETER stop {quote}{stop}{quote}\n"));
    }
    text
}
