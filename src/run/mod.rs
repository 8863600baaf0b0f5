//! Room 4: a run's folder. What a run is (`run.json`), where it goes, how a state is saved so that a crash at any moment
//! leaves one that can be resumed, and the two logs that grow beside it. It knows nothing of training.
//!
//! ```text
//! checkpoints/journal/
//!   run.json                    what the run is, which state is its newest and which model its best; renamed into place last
//!   model.safetensors           the best model, or where nothing is held out the newest (a copy: editing one does not harm the other)
//!   config.json …               the other files of a Hugging Face folder, written once
//!   tokens.bin                  the data
//!   entries.jsonl               which entries are in it, and where
//!   log.jsonl  samples.md       a line a step; samples now and then
//!   report.html                 all of it on a page, for a person
//!   state/120/  state/90/       the newest state and the one before it: model.safetensors, optimizer.safetensors, run.json as it was
//!   best/90/                    the model with the lowest validation loss
//!   state/.140.partial/         a state being written; a resume removes it
//!   lock  .gitignore            one process at a time; none of it in git
//! ```

pub mod card;
pub mod folder;
pub mod leftover;
pub mod lock;
pub mod log;
pub mod place;
pub mod record;
mod repair;
pub mod report;
pub mod room;
pub mod runs;
pub mod samples;
pub mod spikes;
pub mod state;

pub use folder::{RunFolder, read_run};
pub use leftover::is_leftover;
pub use lock::is_held;
pub use place::{choose_out, refuse_in_run, refuse_inside};
pub use record::Run;
pub use repair::Repaired;
pub use runs::newest;
pub use state::Saving;
