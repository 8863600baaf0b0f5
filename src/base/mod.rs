//! Room 0: what every other room may lean on, and that leans on nothing.

pub mod config;
pub mod disk;
pub mod error;
pub mod params;
pub mod rng;
pub mod units;

pub use config::{Config, Preset};
pub use error::{Error, Result};
