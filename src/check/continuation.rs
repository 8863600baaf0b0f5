//! What a model goes on with, greedily, against what is known of it: once after a download, on the device that will use it.

use std::ops::ControlFlow;
use std::path::Path;

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::device::Element;
use crate::device::select::Device;
use crate::sample::{At, Choice, Decoder, Model, Reads};
use crate::weights;

/// A prompt and what follows it when the likeliest token is always taken.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The prompt's ids.
    pub prompt: &'a [u32],
    /// The ids that follow.
    pub follows: &'a [u32],
}

/// "The dog" and GPT-2's own continuation (124 million parameters, the published weights).
pub const GPT2: Known = Known {
    prompt: &[464, 3290],
    follows: &[
        373, 1043, 287, 257, 2214, 1474, 262, 16246, 286, 2688, 290, 2688, 27262, 13, 198, 198, 464, 3290,
    ],
};

/// Lets the model in `dir` go on from a known prompt, or, where nothing is known of it, from where its texts begin.
///
/// # Errors
/// Another continuation, or logits that are no numbers: the device computes wrongly. What keeps a model from being opened.
pub fn check(dir: &Path, device: &Device, known: Option<Known>) -> Result<()> {
    let program = |shape: &crate::model::Shape| Ok(shape.writing()?.into());
    let at = At { weights: Element::F32, context: None, streams: 1 };
    let mut model = Model::open(weights::open(dir)?, device, at, Reads::Text, |_| Ok(None), program)?;
    let tokenizer = model.tokenizer.take().expect("a model that reads text has its tokenizer");
    let vocabulary = model.config.vocab_size();
    if known.is_some_and(|known| known.prompt.iter().any(|&id| id as usize >= vocabulary)) {
        return Err(Error::file(
            dir,
            format!("it has {vocabulary} tokens: not the model that it is called after"),
            "remove it from the cache, and check HF_ENDPOINT: this mirror has another model under that name",
        ));
    }
    let (prompt, most) = known.map_or((&[][..], 8), |known| (known.prompt, known.follows.len()));
    let greedy = Choice { temperature: 0.0, ..Choice::default() };
    let mut decoder = Decoder::new(model.exec.as_mut(), model.positions, &tokenizer, prompt);
    let went_on = decoder.write(most, &greedy, &mut Rng::new(0, "greedy"), |_| ControlFlow::Continue(()))?;
    let Some(known) = known else { return Ok(()) };
    if went_on == known.follows {
        return Ok(());
    }
    let alike = went_on.iter().zip(known.follows).take_while(|(a, b)| a == b).count();
    let shown = |ids: &[u32]| tokenizer.decode(ids).escape_debug().to_string();
    Err(Error::device(
        format!(
            "the model's files are whole, but on {} it goes on from \"{}\" with \"{}\" instead of \"{}\": {alike} of {} \
             tokens agree",
            device.name(),
            shown(known.prompt),
            shown(&went_on),
            shown(known.follows),
            known.follows.len()
        ),
        "see `diarist doctor`, and use --device cpu until it finds nothing",
    ))
}
