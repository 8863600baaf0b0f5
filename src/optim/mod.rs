//! Room 3: the optimizers, over lists of tensors; they know no model.

pub mod adamw;
pub mod schedule;

pub use adamw::Hyper;
pub use schedule::Schedule;
