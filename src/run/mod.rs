//! Room 4: a run's folder. What a run is (`run.json`), where it goes, how a state is saved so that a crash at any moment
//! leaves one that can be resumed, and the two logs that grow beside it. It knows nothing of training.
//!
//! ```text
//! checkpoints/journal/
//!   run.json                    what the run is and which state is its newest; renamed into place last
//!   model.safetensors           the newest state's model (a copy of it: editing one does not harm the other)
//!   config.json …               the other files of a Hugging Face folder, written once
//!   tokens.bin                  the data
//!   log.jsonl  samples.md       a line a step; samples now and then
//!   report.html                 all of it on a page, for a person
//!   state/120/                  the newest state: model.safetensors, optimizer.safetensors
//!   state/.140.partial/         a state being written; a resume removes it
//!   lock  .gitignore            one process at a time; none of it in git
//! ```

pub mod card;
pub mod folder;
pub mod log;
pub mod place;
pub mod record;
pub mod report;
pub mod room;
pub mod runs;
pub mod samples;
pub mod state;

pub use folder::{RunFolder, is_held, read_run};
pub use place::{choose_out, refuse_inside};
pub use record::Run;
pub use runs::newest;
pub use state::Saving;
