//! A run that another one begins from: what it knows, what it was trained on, and the weights that it came to.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, shell};
use crate::dataset::data::read_mask;
use crate::dataset::index::{self, Line};
use crate::dataset::text::Earlier;
use crate::run::runs::ADAPTER;
use crate::run::{Run, choose_out, is_held, read_run};
use crate::tokens::Tokenizer;
use crate::train::base;
use crate::train::engine::Engine;
use crate::train::resume::tokens_of;
use crate::weights::{self, safetensors};

/// Such a run, opened.
pub(super) struct Known {
    pub dir: PathBuf,
    pub run: Run,
    pub index: Vec<Line>,
    pub tokenizer: Tokenizer,
}

impl Known {
    /// Opens it.
    ///
    /// # Errors
    /// It is no run, is being trained, has no index, or one of its files was changed.
    pub fn open(dir: &Path) -> Result<Known> {
        let run = read_run(dir)?;
        if is_held(dir) {
            let next = "wait until it has finished, or stop it with Ctrl-C (it saves first)";
            return Err(Error::file(dir, "this run is being trained", next));
        }
        if run.data.pairs.is_some() {
            let next = format!(
                "change the file of pairs, and begin a new run: {} train PAIRS --pairs",
                shell::program()
            );
            return Err(Error::file(
                dir,
                "this run was trained on pairs, which are known by no day and no file",
                next,
            ));
        }
        let index = index::read(dir, run.data.index.as_deref(), run.data.val[1] as usize)?;
        let tokenizer = run.tokenizer(dir)?;
        Ok(Known { dir: dir.to_path_buf(), run, index, tokenizer })
    }

    /// Its text, with those of its entries that `lines` are.
    ///
    /// # Errors
    /// Its tokens were changed or cannot be read.
    pub fn text(&self, lines: Vec<Line>) -> Result<Earlier> {
        // Unchanged, or it is refused: nothing of the record is another after this.
        let (tokens, _) = tokens_of(&self.dir, &mut self.run.clone(), false)?;
        let masked = if self.run.data.masked.is_some() { read_mask(&self.dir)? } else { Vec::new() };
        Ok(Earlier { tokens, masked, lines })
    }

    /// Where the run that follows it goes, unless a place is given: beside it, under the next number.
    ///
    /// # Errors
    /// The place that is given holds something.
    pub fn out(&self, given: Option<&Path>) -> Result<PathBuf> {
        let whole = match self.dir.file_name() {
            Some(_) => self.dir.clone(),
            None => self.dir.canonicalize().map_err(Error::io("find", &self.dir))?,
        };
        let beside = whole.parent().unwrap_or(Path::new("")).to_path_buf();
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The version after `journal-2` is `journal-3`, where there is a `journal`.
        let numbered = name.rsplit_once('-').filter(|(_, n)| n.parse::<u64>().is_ok());
        let first = numbered.map(|(name, _)| name).filter(|name| beside.join(name).exists());
        choose_out(given, &beside.join(first.unwrap_or(&name)), &beside)
    }

    /// Gives a model its best weights; of an adapter's run those of its model, and its adapter.
    ///
    /// # Errors
    /// They cannot be read, or the model that the adapter stands beside is another now.
    pub fn load(&self, engine: &mut Engine) -> Result<()> {
        match &self.run.base {
            None => engine.load(&mut weights::open(&self.dir)?, None),
            Some(base) => {
                let mut checkpoint = base::open(base, &self.run.model, &self.dir)?;
                let mut adapter = safetensors::open(self.dir.join(ADAPTER))?;
                engine.load(&mut checkpoint, Some(&mut adapter))
            }
        }
    }

    /// Its journals, where they still are.
    ///
    /// # Errors
    /// One is not there.
    pub fn paths(&self) -> Result<Vec<PathBuf>> {
        let paths: Vec<PathBuf> = self.run.data.paths.iter().map(PathBuf::from).collect();
        match paths.iter().find(|path| !path.exists()) {
            None => Ok(paths),
            Some(gone) => Err(Error::file(
                gone,
                "this run read its journals there, and nothing is there now",
                format!(
                    "go to the folder that it was begun in, or give the journals' paths: {} train --continue {} PATH…",
                    shell::program(),
                    shell::path(&self.dir)
                ),
            )),
        }
    }
}

/// How many entries there are among lines, of which a divided one has several.
pub(super) fn entries<'a>(lines: impl IntoIterator<Item = &'a Line>) -> u64 {
    lines.into_iter().map(|line| line.hash).collect::<HashSet<u64>>().len() as u64
}
