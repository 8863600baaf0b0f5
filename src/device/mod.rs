//! Room 1: the recording and what runs it.
//!
//! A model is recorded once ([`Recorder`]) as a list of [`recording::Dispatch`]es over named tensors, each with a variant of
//! its kernel ([`variants`]); the list is planned ([`plan::Plan`]), and an [`Executor`] replays it: [`cpu::Cpu`] with each
//! kernel's Rust twin, [`gpu::Gpu`] with its WGSL. wgpu's types do not leave this room.

pub mod adapter;
mod clock;
pub mod cpu;
pub mod element;
pub mod executor;
pub mod gpu;
pub mod kernel;
pub mod known;
mod lost;
pub mod plan;
pub mod recorder;
pub mod recording;
pub mod select;
pub mod step;
#[cfg(test)]
pub(crate) mod testing;
mod time;
pub mod variants;

pub use element::{Element, View};
pub use executor::{Clock, Executor, Options};
pub use kernel::{Access, Binding, Call, Const, Kernel};
pub use plan::Plan;
pub use recorder::{Launch, Recorder};
pub use recording::{Arg, Dispatch, Flat, Kind, Program, Recording, Tensor, TensorInfo};
pub use step::Step;
pub use variants::{Choices, Class, Coop, Coops, Limits, Variant};
