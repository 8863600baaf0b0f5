//! What a run is to be trained on, read and divided, and the settings that follow from it.

use std::path::{Path, PathBuf};

use crate::base::units::{shown, thousands};
use crate::base::{Error, Result};
use crate::dataset::{Data, Split, Template, Wanted};
use crate::device::select::Seen;
use crate::journal::Report;
use crate::run::record::Settings;
use crate::run::{choose_out, is_leftover, refuse_inside};
use crate::tokens::Tokenizer;
use crate::train::fit::Begin;
use crate::train::settle::{Settled, settle};
use crate::train::source::Source;
use crate::train::{Observer, Options};

/// The journals of a run, as the tokens of its model.
pub(super) struct Read {
    pub data: Data,
    /// Where the run goes; nothing is there yet that it would not replace.
    pub out: PathBuf,
    header: Option<Template>,
}

impl Read {
    /// Reads them, and says what was read.
    pub fn new(options: &Options, source: &Source, observer: &mut dyn Observer) -> Result<Read> {
        let out = choose_out(options.out.as_deref(), &options.paths[0], Path::new("checkpoints"))?;
        refuse_inside(&out, &options.paths)?;
        if is_leftover(&out) {
            let place = shown(&out);
            observer.warn(&format!(
                "folder   {place}: replaces what a run left there that stopped before its first save"
            ));
        }
        let header = options.template()?;
        observer.doing("reading");
        let data = tokenise(options, header.as_ref(), &source.tokenizer, observer)?;
        describe_data(data.report(), observer);
        let bare = data.without_header();
        if header.is_some() && bare > 0 {
            let all = data.report().entries as u64;
            let (bare, all) = (thousands(bare as u64), thousands(all));
            observer.warn(&format!("header   {bare} of {all} entries have none: they lack what it asks for"));
        }
        if options.strict && !data.report().is_whole() {
            return Err(not_whole());
        }
        Ok(Read { data, out, header })
    }

    /// The same journals as another tokenizer's tokens.
    pub fn again(
        &self,
        options: &Options,
        tokenizer: &Tokenizer,
        observer: &mut dyn Observer,
    ) -> Result<Data> {
        tokenise(options, self.header.as_ref(), tokenizer, observer)
    }

    /// Every setting of the run on a device; says how the text is divided, and what is other than was asked for. A model from
    /// scratch gets as many positions as its windows have.
    ///
    /// # Errors
    /// A setting that the model cannot take; too little text for a window.
    pub fn settings(
        &self,
        options: &Options,
        source: &mut Source,
        begin: Begin,
        on: &Seen,
        observer: &mut dyn Observer,
    ) -> Result<Settings> {
        let sides = self.data.sides();
        observer.say(&format!("split    {}", sides.line()));
        let Settled { settings, notes } = settle(options, source, begin, sides, on)?;
        notes.iter().for_each(|note| observer.warn(note));
        Ok(settings)
    }
}

fn tokenise(
    options: &Options,
    header: Option<&Template>,
    tokenizer: &Tokenizer,
    observer: &mut dyn Observer,
) -> Result<Data> {
    let wanted =
        Wanted { paths: &options.paths, options: &options.journal, header, tokenizer: tokenizer.clone() };
    let (seed, val) = (options.seed, options.val_fraction);
    Data::prepare(&wanted, &Split::parse(&options.split), val, seed, options.cache, observer)
}

/// What was read, before anything is trained on.
pub(super) fn describe_data(report: &Report, observer: &mut dyn Observer) {
    observer.say(&format!("journal  {report}"));
    for (what, line) in report.details() {
        observer.say(&format!("{what:8} {line}"));
    }
    for (what, line) in report.doubts() {
        observer.warn(&format!("{what:8} {line}"));
    }
}

/// The error of `--strict`.
pub fn not_whole() -> Error {
    Error::setting(
        "--strict: something could not be read, or is doubtful (see the lines above)",
        "mend it, leave it out with --glob '!NAME', or leave --strict out",
    )
}
