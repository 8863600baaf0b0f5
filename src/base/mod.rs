//! Room 0: what every other room may lean on, and that leans on nothing.

pub mod arch;
pub mod disk;
pub mod error;
pub mod memory;
pub mod rng;
pub mod shell;
pub mod units;

pub use arch::{Config, Freeze, Gpt2, Llama, Lora, Optimizer, Param, Phi, Preset};
pub use error::{Error, Result};
