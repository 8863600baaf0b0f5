//! The settings of a run, once its text and its device are known: what nobody asked for is what there is room for.

use crate::base::units::{bytes, counted, si, thousands};
use crate::base::{Config, Error, Lora, Result};
use crate::dataset::Sides;
use crate::dataset::cut::Cut;
use crate::device::Choices;
use crate::device::select::Seen;
use crate::run::record::Settings;
use crate::train::Options;
use crate::train::defaults::{LONGEST, SHORTEST};
use crate::train::fit::{Begin, Wanted};
use crate::train::source::Source;

/// A checkpoint of more parameters is tuned by an adapter: whole, it takes 16 bytes a parameter to train and 12 to save.
const LARGE: u64 = 500_000_000;

/// What was settled.
#[derive(Debug)]
pub(super) struct Settled {
    pub settings: Settings,
    /// What a person should know of it, a line each.
    pub notes: Vec<String>,
}

/// Settles how a run trains. A batch that nobody asked for is made smaller, then such a context is halved, until the run fits the device.
/// Beside a large checkpoint an adapter trains, and beside one that does not fit whole ([`Options::may_adapt`]). Where nothing
/// helps, the smallest is taken, and [`fit::check`](super::fit::check) says what would. A model from scratch comes to know as many
/// positions as its windows have.
///
/// # Errors
/// A setting that the model cannot take; too little text for a window.
pub(super) fn settle(
    options: &Options,
    source: &mut Source,
    begin: Begin,
    (cut, sides): (&Cut, &Sides),
    on: &Seen,
) -> Result<Settled> {
    let scratch = matches!(begin, Begin::Scratch(_));
    options.check_model(&source.config)?;
    let most = if scratch { usize::MAX } else { source.config.block_size() };
    let asked = match options.context {
        // A pair is one window: as long as the longest of them is, if the model knows so many positions, and as text beside it has.
        None if options.pairs => options.context(scratch, most)?.max(cut.longest()).min(most).min(LONGEST),
        _ => options.context(scratch, most)?,
    };
    let context = cut.context(asked);
    let mut notes = Vec::new();
    if context == 0 {
        return Err(Error::setting(
            format!("only {} tokens to train on", sides.train_tokens()),
            "give more text, or hold less of it out",
        ));
    }
    if context < asked && cut.pairs.is_empty() {
        notes.push(format!(
            "context  {context} tokens instead of {asked}: the text has only {} to train on",
            thousands(sides.train_tokens() as u64)
        ));
    }
    if scratch {
        source.config = source.config.with_block_size(context);
    }
    let may = !scratch && options.may_adapt(&source.config) && !source.is_adapted();
    let of =
        Of { config: source.config, begin, cut, val_tokens: sides.val_tokens(), on, choices: &on.choices() };
    let (settings, more) = of.settled(options, context, may)?;
    notes.extend(more);
    if let Some(share) = options.share() {
        let windows = cut.epochs(settings.context, Some(share), options.seed)?.rows_in_epoch(0);
        let pairs = Cut { text: 0..0, ..cut.clone() }.rows(settings.context).len();
        let text = 100.0 * (1.0 - pairs as f64 / windows.max(1) as f64);
        if text + 1.0 < 100.0 * share {
            notes.push(format!(
                "mix      the journal has sequences for {text:.0}% of an epoch, and all of it is taken"
            ));
        }
    }
    if let longer @ 1.. = cut.longer(settings.context) {
        let pairs = counted(longer as u64, "pair is", "pairs are");
        notes.push(format!(
            "pairs    {pairs} longer than {} tokens: what stands behind those is not learned",
            settings.context
        ));
    }
    Ok(Settled { settings, notes })
}

/// A run of one text on one device.
struct Of<'a> {
    config: Config,
    begin: Begin,
    /// What is trained on.
    cut: &'a Cut,
    /// Tokens that are held out.
    val_tokens: usize,
    on: &'a Seen,
    choices: &'a Choices,
}

impl Of<'_> {
    fn wanted<'a>(&'a self, settings: &'a Settings) -> Wanted<'a> {
        let Of { config, begin, on, choices, .. } = *self;
        Wanted { limits: on.limits, choices, config, settings, begin }
    }

    fn fits(&self, settings: &Settings) -> bool {
        self.wanted(settings).suited(self.on.free, false).is_some()
    }

    /// The settings that fit, and what a person should know of them. Where it `may` be, an adapter trains.
    fn settled(&self, options: &Options, context: usize, may: bool) -> Result<(Settings, Vec<String>)> {
        let beside = Options { lora: Some(Lora::default()), ..options.clone() };
        let parameters = self.config.num_params();
        if may && parameters > LARGE {
            let (usual, settings) = self.suited(&beside, context)?;
            let size = si(parameters as f64);
            let told = format!("adapter  tunes a model of {size} parameters; --full would train all of them");
            let notes = [told].into_iter().chain(self.note(&usual, &settings)).collect();
            return Ok((settings, notes));
        }
        let (usual, settings) = self.suited(options, context)?;
        if may && !self.fits(&settings) {
            let (_, other) = self.suited(&beside, context)?;
            if self.fits(&other) {
                let why = self.short(&settings);
                let note = format!("adapter  beside the model, instead of all of it trained, which {why}");
                return Ok((other, vec![note]));
            }
        }
        let notes = self.note(&usual, &settings).into_iter().collect();
        Ok((settings, notes))
    }

    /// The settings that would be taken with all the room there is, and those that fit; where none do, the smallest.
    fn suited(&self, options: &Options, context: usize) -> Result<(Settings, Settings)> {
        let scratch = matches!(self.begin, Begin::Scratch(_));
        let of = |context| -> Result<Settings> {
            let epochs = self.cut.epochs(context, options.share(), options.seed)?;
            let windows = epochs.rows_in_epoch(0);
            let batches = options.batches(scratch, &self.config, context, self.on.gpu);
            Ok(options.settings(&self.config, scratch, context, batches, windows, self.val_tokens))
        };
        let pieces = options.batch.is_none() && options.accumulate.is_none();
        let fixed = options.context.is_some() || scratch;
        let halved = |context: &usize| Some(context / 2).filter(|&half| !fixed && half >= SHORTEST);
        let usual = of(context)?;
        let mut smallest = usual.clone();
        for context in std::iter::successors(Some(context), halved) {
            smallest = of(context)?;
            if let Some(fits) = self.wanted(&smallest).suited(self.on.free, pieces) {
                return Ok((usual, fits));
            }
        }
        Ok((usual, smallest))
    }

    /// Why settings do not fit.
    fn short(&self, settings: &Settings) -> String {
        match (self.wanted(settings).bytes(), &self.on.free) {
            (Some(needs), Some(free)) => format!("needs {}, and {free}", bytes(needs)),
            _ => "needs a piece of memory larger than this device gives".into(),
        }
    }

    /// What a person should know where other settings are taken than usual.
    fn note(&self, usual: &Settings, taken: &Settings) -> Option<String> {
        let Settings { context, batch, accumulate, .. } = *taken;
        if context < usual.context {
            let keeping = self.wanted(usual).keeping(self.on.free);
            let keeping = keeping.map(|flags| format!("; {flags} has room for them"));
            return Some(format!(
                "context  {context} tokens instead of {}: training with so many {}{}",
                thousands(usual.context as u64),
                self.short(usual),
                keeping.unwrap_or_default()
            ));
        }
        (batch < usual.batch).then(|| {
            format!(
                "batch    {batch} of a step's {} sequences at a time: with {} it {}",
                batch * accumulate,
                usual.batch,
                self.short(usual)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;
    use crate::base::memory::Free;
    use crate::device::{Class, Limits};
    use crate::train::fit;

    const GIB: u64 = 1 << 30;

    /// What is settled for a preset's checkpoint on a CPU with so much memory free.
    fn settled(options: &Options, preset: Preset, bytes: u64) -> (Settings, String) {
        let config = preset.config(50_257);
        let free = Some(Free { bytes, who: "this computer", addresses: false });
        let (limits, class, line) = (Limits::DEFAULT, Class::Lanes, String::new());
        let on = Seen { limits, class, free, gpu: false, line, known: None };
        let choices = on.choices();
        let of = Of {
            config,
            begin: Begin::Checkpoint,
            cut: &Cut::text(0..100_000),
            val_tokens: 10_000,
            on: &on,
            choices: &choices,
        };
        let context = options.context(false, config.block_size()).unwrap();
        let may = options.may_adapt(&config);
        let (settings, notes) = of.settled(options, context, may).unwrap();
        (settings, notes.join("\n"))
    }

    /// What a run needs of a computer that has enough.
    fn needs(options: &Options, preset: Preset) -> u64 {
        let (settings, _) = settled(options, preset, 64 * GIB);
        let choices = Choices::of(Class::Lanes, &Limits::DEFAULT);
        fit::needs(Limits::DEFAULT, &choices, preset.config(50_257), &settings).unwrap()
    }

    fn sizes(s: &Settings) -> [usize; 3] {
        [s.context, s.batch, s.accumulate]
    }

    #[test]
    fn with_room_enough_nothing_is_said() {
        let (settings, told) = settled(&Options::default(), Preset::Gpt2, 16 * GIB);
        assert_eq!((sizes(&settings), settings.lora, told.as_str()), ([1024, 1, 4], None, ""));
    }

    #[test]
    fn a_context_that_nobody_asked_for_is_halved_where_memory_forces_it() {
        let needs = |context| needs(&Options { context: Some(context), ..Options::default() }, Preset::Gpt2);
        // More than windows of 512 need, and less than those of 1,024.
        let (settings, told) = settled(&Options::default(), Preset::Gpt2, (needs(512) + needs(1024)) / 2);
        assert_eq!((sizes(&settings), settings.lora), ([512, 1, 8], None), "{told}");
        assert!(
            told.starts_with("context  512 tokens instead of 1,024: training with so many needs"),
            "{told}"
        );
        assert!(told.contains("--recompute") && told.contains("has room for them"), "{told}");
        // What is asked for stays, whatever there is.
        let asked = Options { context: Some(1024), full: true, ..Options::default() };
        let (settings, told) = settled(&asked, Preset::Gpt2, GIB);
        assert_eq!((sizes(&settings), settings.lora, told.as_str()), ([1024, 1, 4], None, ""));
    }

    #[test]
    fn an_adapter_trains_beside_what_is_large_and_what_does_not_fit() {
        let (settings, told) = settled(&Options::default(), Preset::Gpt2Large, 64 * GIB);
        assert!(settings.lora.is_some() && settings.lr == 5e-4 && settings.dropout == 0.05, "{settings:?}");
        assert!(told.contains("774.0 M parameters; --full"), "{told}");
        let full = Options { full: true, ..Options::default() };
        assert_eq!(settled(&full, Preset::Gpt2Large, 64 * GIB).0.lora, None);
        // Weights, gradients and moments alone are 2 GB.
        let (settings, told) = settled(&Options::default(), Preset::Gpt2, 3 * GIB / 2);
        assert!(
            settings.lora.is_some() && told.contains("instead of all of it trained, which needs"),
            "{told}"
        );
        // Where somebody says what trains, that is what trains.
        let dropout = Options { dropout: Some(0.0), ..Options::default() };
        assert_eq!(settled(&dropout, Preset::Gpt2Large, 64 * GIB).0.lora, None);
    }

    #[test]
    fn a_batch_that_nobody_asked_for_is_made_smaller_first() {
        let small = |bytes| settled(&Options::default(), Preset::Tiny, bytes);
        let of = |batch| needs(&Options { batch: Some(batch), ..Options::default() }, Preset::Tiny);
        // A part of what is free is for the program itself.
        let (settings, told) = small((of(8) + of(2)) / 2 + (32 << 20));
        let [context, batch, accumulate] = sizes(&settings);
        assert_eq!((context, batch * accumulate, settings.lora), (256, 8, None), "{told}");
        assert!(batch < 8 && told.starts_with("batch    "), "{told}");
        assert_eq!(sizes(&small(16 * GIB).0), [256, 8, 1]);
    }
}
