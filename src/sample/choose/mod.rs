//! From logits to a token: what a [`Choice`] bends, cuts and draws, by the definitions of transformers' `generate`, to whose
//! distributions `tests/fixtures/sampling.json` holds ours; and how likely the model found what was drawn.
//!
//! Ours are transformers' but where tokens are exactly as likely as each other: top-k keeps k of them, those of the lowest ids,
//! where transformers keeps all that are as likely as the last; of those as likely as the last in the nucleus, top-p keeps those of
//! the lowest ids, where transformers keeps those that its sort puts last. Typical keeps all, as transformers does.

pub use bend::SoFar;
pub use choice::Choice;
pub use logprobs::{LogProbs, best};

use crate::base::rng::Rng;
use bend::bend;
use likely::{Likely, likeliest_of};
use nucleus::Nucleus;

mod bend;
mod choice;
#[cfg(test)]
mod fixture;
mod likely;
mod logprobs;
mod nucleus;
#[cfg(test)]
mod tests;

/// Draws one token from logits (V), of those that `allows` lets pass; none where it lets none of the likeliest pass that are drawn
/// from, or where every token is one that would repeat an n-gram.
pub fn choose(
    logits: &[f32],
    so_far: &SoFar,
    how: &Choice,
    rng: &mut Rng,
    allows: &dyn Fn(u32) -> bool,
) -> Option<u32> {
    let bent = bend(logits, so_far, how);
    match how.cuts_nothing() {
        true => whole(all(&bent).collect(), how, rng, allows),
        false => sorted(&bent, how).draw(rng, allows),
    }
}

/// Draws one token from the likeliest, pairs of a logit and an id in any order: the very token that [`choose`] draws from all, where
/// [`Choice::is_among`] says that it is one of them.
pub fn choose_likely(top: &[f32], how: &Choice, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
    let (pairs, _) = top.as_chunks::<2>();
    let likely = pairs.iter().map(|&[logit, id]| (logit, id as u32));
    if how.cuts_nothing() {
        // They are all that there are, and are drawn from as all are.
        let mut all: Vec<Likely> = likely.collect();
        all.sort_unstable_by_key(|&(_, id)| id);
        return whole(all, how, rng, allows);
    }
    Nucleus::of(likeliest_of(likely, how.among(pairs.len())), how).draw(rng, allows)
}

/// Draws one of all tokens, by id, of a choice that cuts nothing. Sorting a whole vocabulary by likelihood takes longer than all else
/// that a draw does.
fn whole(all: Vec<Likely>, how: &Choice, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
    let mut nucleus = Nucleus::whole(all, how);
    let drawn = nucleus.draw(rng, allows);
    // Where all that can be drawn is refused, what is as good as impossible is taken, the likeliest of it.
    drawn.or_else(|| nucleus.likeliest().find(|&id| allows(id)))
}

/// The tokens that [`choose`] draws from where all are allowed, with their probabilities, the likelier before the less likely.
pub fn distribution(logits: &[f32], so_far: &SoFar, how: &Choice) -> Vec<(u32, f64)> {
    sorted(&bend(logits, so_far, how), how).shares()
}

/// What is drawn from, the likeliest first.
fn sorted(bent: &[f32], how: &Choice) -> Nucleus {
    Nucleus::of(likeliest_of(all(bent), how.among(bent.len())), how)
}

fn all(logits: &[f32]) -> impl Iterator<Item = Likely> {
    logits.iter().copied().zip(0..)
}
