//! GPT-2's own vocabulary and merges. Nothing of them is shipped twice: they follow from the r50k ranks in `tiktoken-rs`.
//!
//! A token's id is its rank, and ranks are the order in which BPE learned its merges; so the merge that made a token is
//! the last one taken when its own bytes are encoded with lower ranks alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use tiktoken_rs::r50k_base_singleton;

use crate::tokens::alphabet::spelling;
use crate::tokens::bpe::Bpe;
use crate::tokens::pre::words;

/// Tokens that stand for text. End of text comes behind them.
pub const TEXTS: u32 = 50_256;

/// The bytes of those tokens, in the order of their ids (which are their BPE ranks).
pub static TOKENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (0..TEXTS)
        .map(|rank| r50k_base_singleton().decode_bytes(&[rank]).expect("r50k has every rank under 50,256"))
        .collect()
});

/// Both halves of every merge as files spell them, in the order of learning.
pub static MERGES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let ranks: HashMap<&[u8], u32> = TOKENS.iter().map(Vec::as_slice).zip(0..).collect();
    let merged = TOKENS.iter().zip(0..).skip(256);
    merged
        .map(|(token, rank)| {
            let (left, right) = last_merge(token, rank, &ranks);
            (spelling(left), spelling(right))
        })
        .collect()
});

/// The merges, ready to encode with.
static BPE: LazyLock<Bpe<u16>> = LazyLock::new(|| Bpe::of_ranks(&TOKENS));

/// The ids of a text.
pub fn encode(text: &str) -> Vec<u32> {
    let (bpe, mut ids) = (&*BPE, Vec::with_capacity(text.len() / 4));
    for word in words(text) {
        bpe.encode(&text.as_bytes()[word.start..], word.len(), &mut ids);
    }
    ids
}

/// The two halves of a token: its bytes, merged pair by pair, the lowest rank first, with ranks below its own.
fn last_merge<'a>(token: &'a [u8], rank: u32, ranks: &HashMap<&[u8], u32>) -> (&'a [u8], &'a [u8]) {
    // The halves' borders; neighbours i and i+1 are token[ends[i]..ends[i+1]] and token[ends[i+1]..ends[i+2]].
    let mut ends: Vec<usize> = (0..=token.len()).collect();
    while ends.len() > 3 {
        let (_, inner) = (1..ends.len() - 1)
            .filter_map(|i| Some((*ranks.get(&token[ends[i - 1]..ends[i + 1]])?, i)))
            .filter(|&(pair, _)| pair < rank)
            .min()
            .expect("BPE made every token from two earlier ones");
        ends.remove(inner);
    }
    token.split_at(ends[1])
}
