//! What a run is to be trained on, read and divided, and the settings that follow from it.

use std::path::{Path, PathBuf};

use crate::base::Result;
use crate::base::units::{counted, shown, thousands};
use crate::dataset::pairs::Pair;
use crate::dataset::pairs::form::Form;
use crate::dataset::{Data, Split, Template, Wanted};
use crate::device::select::Seen;
use crate::journal::Report;
use crate::run::record::Settings;
use crate::run::{choose_out, is_leftover, refuse_inside};
use crate::tokens::Tokenizer;
use crate::train::fit::Begin;
use crate::train::settle::{Settled, settle};
use crate::train::source::Source;
use crate::train::strict::not_whole;
use crate::train::{Observer, Options, pairs};

/// The journals of a run, as the tokens of its model.
pub(super) struct Read {
    pub data: Data,
    /// The first questions that are held out, or else the first, of a run of pairs: it is shown how they are answered.
    pub questions: Vec<String>,
    /// Where the run goes; nothing is there yet that it would not replace.
    pub out: PathBuf,
    header: Option<Template>,
    pairs: Vec<Pair>,
}

impl Read {
    /// Reads them, and says what was read.
    pub fn new(options: &Options, source: &Source, observer: &mut dyn Observer) -> Result<Read> {
        let out = choose_out(options.out.as_deref(), &options.paths[0], Path::new("checkpoints"))?;
        refuse_inside(&out, &[&options.paths[..], &options.beside].concat())?;
        if is_leftover(&out) {
            let place = shown(&out);
            observer.warn(&format!(
                "folder   {place}: replaces what a run left there that stopped before its first save"
            ));
        }
        let header = options.template()?;
        observer.doing("reading");
        let pairs = if options.pairs { pairs::read(options, observer)? } else { Vec::new() };
        let data = tokenise(options, (header.as_ref(), &pairs), &source.tokenizer, observer)?;
        if !options.pairs || !options.beside.is_empty() {
            describe_data(data.report(), observer);
        }
        let bare = data.without_header();
        if header.is_some() && bare > 0 {
            let all = data.report().entries as u64;
            let (bare, all) = (thousands(bare as u64), thousands(all));
            observer.warn(&format!("header   {bare} of {all} entries have none: they lack what it asks for"));
        }
        if options.strict && !data.report().is_whole() {
            return Err(not_whole());
        }
        let questions = pairs::questions(&data, &pairs);
        Ok(Read { data, questions, out, header, pairs })
    }

    /// The same journals as another tokenizer's tokens.
    pub fn again(
        &self,
        options: &Options,
        tokenizer: &Tokenizer,
        observer: &mut dyn Observer,
    ) -> Result<Data> {
        tokenise(options, (self.header.as_ref(), &self.pairs), tokenizer, observer)
    }

    /// Every setting of the run on a device; says how the text is divided, and what is other than was asked for. A model from
    /// scratch gets as many positions as its windows have.
    ///
    /// # Errors
    /// A setting that the model cannot take; too little text for a window.
    pub fn settings(
        &mut self,
        options: &Options,
        source: &mut Source,
        begin: Begin,
        on: &Seen,
        observer: &mut dyn Observer,
    ) -> Result<Settings> {
        let sides = self.data.sides();
        observer.say(&format!("split    {}", sides.line()));
        let Settled { settings, notes } = settle(options, source, begin, (&self.data.cut(false), sides), on)?;
        notes.iter().for_each(|note| observer.warn(note));
        if let left_out @ 1.. = self.data.leave_out_longer(settings.context)? {
            let pairs = counted(left_out as u64, "pair is", "pairs are");
            observer
                .warn(&format!("pairs    {pairs} left out: the question alone has more tokens than that"));
        }
        Ok(settings)
    }
}

fn tokenise(
    options: &Options,
    (header, pairs): (Option<&Template>, &[Pair]),
    tokenizer: &Tokenizer,
    observer: &mut dyn Observer,
) -> Result<Data> {
    let (seed, val) = (options.seed, options.val_fraction);
    let paths = if options.pairs { &options.beside } else { &options.paths };
    let wanted = Wanted { paths, options: &options.journal, header, tokenizer: tokenizer.clone() };
    let mut prepare =
        || Data::prepare(&wanted, &Split::parse(&options.split), val, seed, options.cache, observer);
    if !options.pairs {
        return prepare();
    }
    let data = Data::of_pairs(pairs, Form::of(tokenizer), tokenizer, (val, seed))?;
    if options.beside.is_empty() { Ok(data) } else { data.and(prepare()?) }
}

/// What was read, before anything is trained on.
pub(super) fn describe_data(report: &Report, observer: &mut dyn Observer) {
    observer.say(&format!("journal  {report}"));
    for (what, line) in report.details() {
        observer.say(&format!("{what:8} {line}"));
    }
    for (what, line) in report.secret_lines() {
        observer.say(&format!("{what:8} {line}"));
    }
    for (what, line) in report.doubts() {
        observer.warn(&format!("{what:8} {line}"));
    }
}
