//! Room 3: the optimizer, over lists of tensors; it knows no model.

pub mod adamw;
pub mod schedule;

pub use adamw::Hyper;
pub use schedule::Schedule;
