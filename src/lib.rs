//! Train GPT-2, or a small model of Llama's shape or Phi-2's, on a person's own journals, on any GPU or none, with nothing but Rust and
//! hand-written WGSL.
//!
//! # The map of the house
//! A training step is data: the model *records* an ordered list of dispatches over named tensors, once, and an executor
//! replays it, on the GPU with WGSL or on the CPU with each kernel's Rust twin. A room uses only rooms of a lower number
//! (`tests/layers` holds it to that).
//!
//! | | room | |
//! |---|---|---|
//! | 0 | [`base`] | errors, private and whole files, families of models (shapes, presets, parameter tables), what an adapter is, randomness, units |
//! | 1 | [`journal`] | files and folders to entries |
//! | 1 | [`tokens`] | text to ids, `tokens.bin`, windows, batches |
//! | 1 | [`device`] | tensors, kernels, variants, the recording, the planner, the two executors |
//! | 2 | [`weights`] | models on disk, in all their forms, and adapters on them, read and written; the hub's cache, and what fills it |
//! | 2 | [`dataset`] | entries to tokens: headers, labels, the cache, what is held out |
//! | 2 | [`ops`] | one file an op: the maths, forward, backward, variants, twin, cases |
//! | 3 | [`model`] | GPT-2 and the shapes of Llama and Phi as recordings; a linear layer and the adapter beside it |
//! | 3 | [`optim`] | AdamW, Muon, schedule |
//! | 4 | [`run`] | a run's folder: saved whole, locked, repaired; its report |
//! | 4 | [`sample`] | a trained model opened; decoding; a conversation as tokens |
//! | 5 | [`eval`] | perplexity; likeness; pairs |
//! | 5 | [`check`] | doctor: every kernel against its twin |
//! | 6 | [`train`] | a run's start, its resume, the loop |
//! | 6 | [`recall`] | one's own entries found again: by words, by meaning, by days |
//! | 7 | [`serve`] | the thread that owns the models, and the local server before it |
//! | 8 | [`cli`] | one file a command |
//!
//! From the command to a kernel in four hops: `cli/train.rs` → `train` (`start`, `session`,
//! `engine`) → `model::family` and `model::gpt2` → `ops::layernorm::forward` → `shaders/layernorm.wgsl`.
//!
//! # A worked example
//! One training step of a tiny model on the CPU:
//!
//! ```
//! use diarist::base::Gpt2;
//! use diarist::device::executor::Options;
//! use diarist::device::select::Device;
//! use diarist::device::Step;
//! use diarist::model::{self, Shape, input, store};
//! use diarist::ops::classifier::scalar;
//! use diarist::optim::adamw::update;
//!
//! let device = Device::open("cpu", 0)?;
//! let config = Gpt2 { vocab_size: 257, block_size: 8, n_layer: 1, n_head: 2, n_embd: 16 }.into();
//! let shape = Shape::new(config, 1, 8, device.limits(), device.choices());
//! let update = update(&shape.slots(), shape.limits, &shape.choices)?;
//! let program = shape.training(update)?; // recorded: nothing has run, nothing is allocated
//!
//! let mut exec = device.load(program, Options::default())?;
//! store::initialise(exec.as_mut(), &shape, 1)?;
//! let text: Vec<u32> = b"Toothache".iter().map(|&b| u32::from(b)).collect();
//! model::feed(exec.as_mut(), &text[..8], &text[1..])?;
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
pub mod recall;
pub mod run;
pub mod sample;
pub mod serve;
pub mod tokens;
pub mod train;
pub mod weights;
