//! Room 3: the optimizers, over lists of tensors; they know no model.

pub mod adamw;
pub mod loss_scale;
pub mod schedule;
pub mod spike;

pub use adamw::Hyper;
pub use loss_scale::LossScale;
pub use schedule::Schedule;
pub use spike::{OnSpike, Planned, Spikes};
