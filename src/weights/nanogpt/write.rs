//! Writes a checkpoint that nanoGPT's `sample.py` opens, and its `train.py` with `--init_from=resume`.

use std::path::Path;

use crate::base::{Config, Error, Param, Result};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::output::encode;
use crate::weights::pickle::write::{Pickler, TorchWriter};
use crate::weights::tensors::transpose;

/// Elements that are converted at a time.
const CONVERTED: usize = 1 << 18;

/// Writes a model as nanoGPT's `ckpt.pt`, its weights as `dtype`: all matrices as (out, in), the head tied to `wte`, no
/// biases where the model has none. The optimizer's state is that of no step yet, with nanoGPT's own settings. `progress` is
/// told the share done. Memory: one matrix of a block, twice. Returns the file's length.
///
/// # Errors
/// There is a file of that name; it cannot be written; as [`Checkpoint::read`]; a number that the dtype cannot hold. Nothing
/// is left of the file then.
///
/// # Panics
/// If the dtype is none of torch's floats.
pub fn write(
    checkpoint: &mut Checkpoint,
    dtype: &Dtype,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<u64> {
    let config = *checkpoint.config();
    if !matches!(config, Config::Gpt2(_)) {
        return Err(Error::usage(
            "nanoGPT's form is for GPT-2 alone",
            "write it in another form: --to hf or gguf",
        ));
    }
    let biases = checkpoint.biases();
    let (_, size) = dtype.block().expect("one of torch's floats");
    let has = |param: &Param| biases || !param.name.ends_with(".bias");
    let params: Vec<Param> = config.table().into_iter().filter(has).collect();
    let mut out = TorchWriter::create(path, &pickle(&config, biases, &params, dtype))?;
    let (mut key, mut missing) = (0, 0);
    let (mut matrix, mut turned, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    let model = checkpoint.path().to_path_buf();
    let mut put = |out: &mut TorchWriter, data: &[f32], name: &str| {
        data.chunks(CONVERTED).try_for_each(|part| {
            bytes.clear();
            encode(dtype, part, &mut bytes, &model, name)?;
            out.write(&bytes)
        })
    };
    checkpoint.each_piece(progress, |param, data| {
        if !has(param) {
            return Ok(());
        }
        if missing == 0 {
            out.storage(key, (param.numel() * size) as u64)?;
            (key, missing) = (key + 1, param.numel());
        }
        missing -= data.len();
        if !is_linear(param) {
            return put(&mut out, data, &param.name);
        }
        matrix.extend_from_slice(data);
        if missing == 0 {
            turned.resize(matrix.len(), 0.0);
            transpose(&matrix, param.shape[0], param.shape[1], &mut turned);
            matrix.clear();
            put(&mut out, &turned, &param.name)?;
        }
        Ok(())
    })?;
    out.finish()
}

/// Whether nanoGPT has it as an `nn.Linear`'s weight, (out, in).
fn is_linear(param: &Param) -> bool {
    param.shape.len() == 2 && param.name.starts_with("h.")
}

/// The dict, in the order in which nanoGPT writes it.
fn pickle(config: &Config, biases: bool, params: &[Param], dtype: &Dtype) -> Vec<u8> {
    let mut p = Pickler::new();
    p.begin_dict();

    p.text("model");
    p.begin_ordered_dict();
    for (key, param) in params.iter().enumerate() {
        let mut shape = param.shape.clone();
        if is_linear(param) {
            shape.reverse();
        }
        p.text(&format!("transformer.{}", param.name));
        p.tensor(key, dtype, &shape);
    }
    // The same storage as wte's, the first.
    p.text("lm_head.weight");
    p.tensor(0, dtype, &params[0].shape);
    p.end_dict();

    p.text("optimizer");
    optimizer(&mut p, params);

    p.text("model_args");
    p.begin_dict();
    for (name, n) in [
        ("n_layer", config.n_layer()),
        ("n_head", config.n_head()),
        ("n_embd", config.n_embd()),
        ("block_size", config.block_size()),
    ] {
        p.text(name);
        p.int(n as i64);
    }
    p.text("bias");
    p.bool(biases);
    p.text("vocab_size");
    p.int(config.vocab_size() as i64);
    p.text("dropout");
    p.float(0.0);
    p.end_dict();

    p.text("iter_num");
    p.int(0);
    // What nanoGPT begins with: the first evaluation is better.
    p.text("best_val_loss");
    p.float(1e9);
    p.text("config");
    p.begin_dict();
    p.end_dict();

    p.end_dict();
    p.finish()
}

/// AdamW before its first step, its parameters in nanoGPT's two groups: matrices, which decay, and the others. `train.py`
/// sets the learning rate anew at every step.
fn optimizer(p: &mut Pickler, params: &[Param]) {
    p.begin_dict();
    p.text("state");
    p.begin_dict();
    p.end_dict();
    p.text("param_groups");
    p.begin_list();
    let matrices = params.iter().filter(|param| param.shape.len() >= 2).count();
    for (decay, params) in [(0.1, 0..matrices), (0.0, matrices..params.len())] {
        p.begin_dict();
        for (name, value) in [("lr", 6e-4), ("eps", 1e-8), ("weight_decay", decay)] {
            p.text(name);
            p.float(value);
        }
        p.text("betas");
        p.begin_tuple();
        p.float(0.9);
        p.float(0.95);
        p.end_tuple();
        for name in ["amsgrad", "maximize", "capturable", "differentiable"] {
            p.text(name);
            p.bool(false);
        }
        // Whatever suits the device.
        for name in ["foreach", "fused"] {
            p.text(name);
            p.none();
        }
        p.text("params");
        p.begin_list();
        params.for_each(|i| p.int(i as i64));
        p.end_list();
        p.end_dict();
    }
    p.end_list();
    p.end_dict();
}
