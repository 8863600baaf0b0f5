//! Train GPT-2 on a person's own journals, on any GPU or none, with nothing but Rust and hand-written WGSL.
//!
//! # The map of the house
//! A training step is data: the model *records* an ordered list of dispatches over named tensors, once, and an executor
//! replays it, on the GPU with WGSL or on the CPU with each kernel's Rust twin. A room uses only rooms of a lower number
//! (`tests/layers` holds it to that).
//!
//! | | room | |
//! |---|---|---|
//! | 0 | [`base`] | errors, units, randomness; `disk`: private files, whole writes, hashes, the cache; `arch`: the families of models, their shapes and parameter tables |
//! | 1 | [`journal`] | files and folders to entries; an order of its own inside |
//! | 1 | [`tokens`] | text to ids, `tokens.bin`, windows, batches |
//! | 1 | [`device`] | tensors and their elements, kernels and their variants, the recording, the planner, the two executors |
//! | 2 | [`weights`] | safetensors, Hugging Face folders |
//! | 2 | [`dataset`] | entries to tokens: headers, labels, the cache, what is held out |
//! | 2 | [`ops`] | one file an op: the maths, forward, backward, twin, variants, cases |
//! | 3 | [`model`] | what is recorded for a family, and what of it trains |
//! | 3 | [`optim`] | AdamW, schedule |
//! | 4 | [`run`] | a run's folder: saved whole, locked, repaired |
//! | 4 | [`sample`] | a model opened for use; decoding |
//! | 5 | [`eval`] | perplexity |
//! | 5 | [`check`] | doctor: every kernel against its twin |
//! | 6 | [`train`] | the loop |
//! | 8 | [`cli`] | one file a command |
//!
//! From the command to a kernel in four hops: `cli/train.rs` → `train` → `model::gpt2` → `ops::layernorm::forward` →
//! `shaders/layernorm.wgsl`.
//!
//! # A worked example
//! One training step of a tiny model on the CPU:
//!
//! ```
//! use diarist::base::Gpt2;
//! use diarist::device::executor::Options;
//! use diarist::device::select::Device;
//! use diarist::device::{Choices, Class, Limits, Step};
//! use diarist::model::{Shape, feed, input, store};
//! use diarist::ops::classifier::scalar;
//! use diarist::optim::adamw::update;
//!
//! let config = Gpt2 { vocab_size: 257, block_size: 8, n_layer: 1, n_head: 2, n_embd: 16 }.into();
//! let (limits, choices) = (Limits::DEFAULT, Choices::of(Class::Lanes, &Limits::DEFAULT));
//! let shape = Shape::new(config, 1, 8, limits, choices);
//! // Recorded: nothing has run, nothing is allocated.
//! let program = shape.training(update(&shape.slots(), limits, &shape.choices)?)?;
//!
//! let mut exec = Device::open("cpu", 0)?.load(program, Options::default())?;
//! store::initialise(exec.as_mut(), &shape, 1)?;
//! let text: Vec<u32> = b"Toothache".iter().map(|&b| u32::from(b)).collect();
//! feed(exec.as_mut(), &text[..8], &text[1..])?;
//! exec.run("zero", &Step::default())?;
//! exec.run("micro_step", &Step { loss_scale: 1.0 / 8.0, ..Step::default() })?;
//! exec.request(input::SCALARS)?;
//! let loss = exec.receive_f32()?[scalar::LOSS];
//! // An untrained model knows nothing: ln 257, but for what its random weights happen to prefer.
//! assert!((loss - 257_f32.ln()).abs() < 0.3, "{loss}");
//! # Ok::<(), diarist::base::Error>(())
//! ```

#![warn(missing_docs)]
// A closed stderr or stdout must not stop a night's training: cli/out.rs writes, and nothing else does.
#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod base;
pub mod check;
pub mod cli;
pub mod dataset;
pub mod device;
pub mod eval;
pub mod journal;
pub mod model;
pub mod ops;
pub mod optim;
pub mod run;
pub mod sample;
pub mod tokens;
pub mod train;
pub mod weights;
