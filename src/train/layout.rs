//! How a run's `tokens.bin` is cut into windows: running text one way, pairs another.

use std::path::Path;

use crate::base::Result;
use crate::dataset::cut::Cut;
use crate::dataset::index::{self, Side};
use crate::run::Run;
use crate::run::record::Position;
use crate::tokens::{Cursor, Row, Windows};

/// What a run's windows are cut from.
#[derive(Debug)]
pub(super) struct Layout {
    train: Cut,
    /// Held out: what an earlier version did, and what is new; of a run that continues none, all is the former.
    held_out: [Cut; 2],
    context: usize,
    mix: Option<f64>,
    seed: u64,
}

impl Layout {
    /// Of a run in its folder.
    ///
    /// # Errors
    /// A run of pairs without the index of them.
    pub fn of(run: &Run, folder: &Path) -> Result<Layout> {
        let range = |[start, end]: [u64; 2]| start as usize..end as usize;
        let (data, settings) = (&run.data, &run.settings);
        let (train, val) = (range(data.train), range(data.val));
        let (train, held_out, mix) = match &data.pairs {
            Some(pairs) => {
                let lines = index::read(folder, data.index.as_deref(), val.end)?;
                let of = |side| Cut::of(&lines, side);
                (of(Side::Train), [of(Side::Val), Cut::text(val.end..val.end)], pairs.mix.map(f64::from))
            }
            None => {
                let until = data.continues.as_ref().map_or(val.end, |continues| continues.held_out as usize);
                (Cut::text(train), [val.start..until, until..val.end].map(Cut::text), None)
            }
        };
        Ok(Layout { train, held_out, context: settings.context, mix, seed: settings.seed })
    }

    /// The training windows from a position on.
    ///
    /// # Errors
    /// Too little text for a window.
    pub fn from(&self, position: Position) -> Result<Windows> {
        let epochs = self.train.epochs(self.context, self.mix, self.seed)?;
        Ok(epochs.resume(Cursor { epoch: position.epoch, index: position.index }))
    }

    /// The rows of windows that are scored.
    pub fn held_out(&self) -> [Vec<Row>; 2] {
        [0, 1].map(|i| self.held_out[i].rows(self.context))
    }

    /// Rows of what is trained on, in the order of the file.
    pub fn trained(&self) -> Vec<Row> {
        self.train.rows(self.context)
    }
}
