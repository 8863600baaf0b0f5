//! Room 5: is this device, with this driver, computing this right?

pub mod continuation;
pub mod doctor;
pub mod health;
pub mod replay;

pub use doctor::{Report, doctor};
