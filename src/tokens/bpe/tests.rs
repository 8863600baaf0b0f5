//! GPT-2's tables against tiktoken, and both ways to merge against each other.

use std::sync::LazyLock;

use proptest::prelude::*;
use tiktoken_rs::r50k_base_singleton;

use super::*;
use crate::tokens::pre::words;

static BPE: LazyLock<Bpe<u16>> = LazyLock::new(|| Bpe::of_ranks(&tokens()));

fn tokens() -> Vec<Vec<u8>> {
    (0..50_256).map(|rank| r50k_base_singleton().decode_bytes(&[rank]).unwrap()).collect()
}

fn ours(text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    for range in words(text) {
        BPE.encode(&text.as_bytes()[range.start..], range.len(), &mut ids);
    }
    ids
}

fn tiktokens(text: &str) -> Vec<u32> {
    r50k_base_singleton().encode_ordinary(text)
}

/// Text as journals have it and as they should not.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        "[ ’'!]{0,2}(s|t|re|ve|m|ll|d|S|T|RE|Ve|M|LL|lL|D|r|v|l)",
        "[ \t\n\r\u{b}\u{85}\u{a0}\u{2028}\u{3000}\u{200b}\u{feff}]{1,6}",
        "[ ']?[A-Za-zßéİſ日ªʰ\u{301}]{1,12}",
        "[ ]?[0-9½٣Ⅷ²]{1,5}",
        "[ ]?[—“”…<|>'\"=-]{1,6}",
        "[ ]?(👩\u{200d}👩\u{200d}👧|🏳\u{fe0f}\u{200d}🌈|👍🏽|\u{10ffff}|\u{0}|\u{e000})",
        "\\PC{1,4}",
        "[a-z=]{100,160}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn ids_are_those_of_tiktoken(text in texts()) {
        prop_assert_eq!(ours(&text), tiktokens(&text));
    }

    #[test]
    fn both_ways_to_merge_agree(piece in prop::collection::vec(any::<u8>(), 1..=SCANNED)) {
        let (mut by_scan, mut by_heap) = (Vec::new(), Vec::new());
        BPE.merge_by_scan(BPE.symbols(&piece), &mut by_scan);
        BPE.merge_by_heap(BPE.symbols(&piece), &mut by_heap);
        prop_assert_eq!(by_scan, by_heap);
    }
}

#[test]
fn every_token_is_itself_and_every_merge_agrees() {
    for (token, id) in tokens().iter().zip(0..) {
        assert_eq!(BPE.token(token, token.len()), Some(id));
        let (mut by_scan, mut by_heap) = (Vec::new(), Vec::new());
        BPE.merge_by_scan(BPE.symbols(token), &mut by_scan);
        BPE.merge_by_heap(BPE.symbols(token), &mut by_heap);
        assert_eq!(by_scan, by_heap, "{:?}", String::from_utf8_lossy(token));
    }
}

/// Every character alone, doubled, after a space and inside a word: its class is right in all of them.
#[test]
fn every_character_has_its_class() {
    for first in (0..=u32::from(char::MAX)).step_by(256) {
        let text: String = (first..first + 256)
            .filter_map(char::from_u32)
            .map(|c| format!("{c} {c}{c}a{c}1{c}!{c}  "))
            .collect();
        assert_eq!(ours(&text), tiktokens(&text), "characters from U+{first:04X}");
    }
}

#[test]
fn long_runs_of_one_kind_take_no_longer_than_words() {
    for run in [" ", "\n", " \n\t", "\u{3000}", "a", "-", "7", "日本", "😀", "ab", "\u{10ffff}", "' "] {
        let run_of = |length: usize| format!("a{}b", run.repeat(length / run.chars().count()));
        assert_eq!(ours(&run_of(20_000)), tiktokens(&run_of(20_000)), "a run of {run:?}");
        let text = run_of(1_200_000);
        let bytes: usize = ours(&text).iter().map(|&id| tokens_length(id)).sum();
        assert_eq!(bytes, text.len(), "a run of {run:?}");
    }
}

fn tokens_length(id: u32) -> usize {
    static LENGTHS: LazyLock<Vec<usize>> = LazyLock::new(|| tokens().iter().map(Vec::len).collect());
    LENGTHS[id as usize]
}

/// Pairs that are not listed do not merge, one token made in two ways is one symbol, and the later rank of a pair counts.
#[test]
fn only_what_is_listed_merges() {
    let bytes: [Option<u32>; 256] = std::array::from_fn(|byte| Some(1000 - byte as u32));
    let id = |byte: u8| bytes[usize::from(byte)].unwrap();
    let (ab, bc, abc, abcd) = (1, 2, 3, 70_000);
    let merges = [
        (id(b'b'), id(b'c'), bc),
        (id(b'a'), id(b'b'), ab),
        (id(b'a'), bc, abc),
        (ab, id(b'c'), abc),
        (abc, id(b'd'), abcd),
        (9, 9, 8),
    ];
    let encode = |bpe: &Bpe<u32>, word: &[u8]| {
        let mut ids = Vec::new();
        bpe.encode(word, word.len(), &mut ids);
        let (mut by_scan, mut by_heap) = (Vec::new(), Vec::new());
        bpe.merge_by_scan(bpe.symbols(word), &mut by_scan);
        bpe.merge_by_heap(bpe.symbols(word), &mut by_heap);
        assert_eq!(by_scan, by_heap);
        ids
    };
    let mut bpe = Bpe::of_merges(&bytes, &merges);
    assert_eq!(encode(&bpe, b"abcd"), [abcd]);
    assert_eq!(encode(&bpe, b"abd"), [ab, id(b'd')], "a b d is listed nowhere");
    assert_eq!(encode(&bpe, b"cab"), [id(b'c'), ab]);
    assert!(bpe.is_made(b"abc", abc) && !bpe.is_made(b"abc", 8));
    // Without (a, bc), a token stands in the way of abc; known as a word, it is looked up.
    bpe = Bpe::of_merges(&bytes, &merges[..2]);
    assert_eq!(encode(&bpe, b"abc"), [id(b'a'), bc]);
    bpe.know([(&b"abc"[..], abc)].into_iter());
    let mut ids = Vec::new();
    bpe.encode(b"abcabc", 3, &mut ids);
    assert_eq!(ids, [abc]);
    // Ranked again, behind (a, b).
    bpe = Bpe::of_merges(&bytes, &[merges[0], merges[1], merges[0]]);
    assert_eq!(encode(&bpe, b"abc"), [ab, id(b'c')]);
}
