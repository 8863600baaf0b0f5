//! Room 5: is this device, with this driver, computing this right, and how fast?

pub mod bench;
pub mod continuation;
pub mod doctor;
pub mod health;
pub mod profile;
pub mod replay;
pub mod tune;

pub use doctor::{Report, doctor};
