//! The invented SentencePiece tokenizers of `tests/fixtures/tokenizers`, against Python's `tokenizers` and SentencePiece itself.

use super::*;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::tokens::files::{files, from_folder};
use crate::tokens::vocabulary::{Normalizer, Parts, Vocabulary};
use crate::tokens::{Kind, Pre, Prefix, Role, Tokenizer};

const FORMS: [(&str, Prefix, bool); 4] = [
    ("llama", Prefix::Every, false),
    ("mistral", Prefix::First, false),
    ("metaspace", Prefix::Missing, true),
    ("bare", Prefix::Never, false),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers").join(name)
}

fn opened(name: &str) -> Tokenizer {
    from_folder(&folder(name), 430).unwrap()
}

/// The parts of a form, as a file has them.
fn parts(name: &str) -> Parts {
    let tok = opened(name);
    Parts {
        tokens: (0..430).map(|id| tok.spelled(id)).collect(),
        merges: tok.merges().to_vec(),
        pre: Pre::none(),
        normalizer: Normalizer::None,
        spaces: tok.spaces(),
        ignore_merges: false,
        added: Vec::new(),
        ends: None,
    }
}

/// What SentencePiece has of the model: tokens with their scores and types, and its ids of texts.
#[derive(serde::Deserialize)]
struct Model {
    pieces: Vec<(String, f32, u32)>,
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
}

#[test]
fn ids_are_those_of_tokenizers() {
    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
        prompt: Vec<u32>,
        decoded: String,
    }
    for (name, prefix, split) in FORMS {
        let tok = opened(name);
        assert_eq!((tok.kind(), tok.spaces()), (Kind::Bpe, Some(Spaces { prefix, split })), "{name}");
        assert_eq!((tok.vocab_size(), tok.start(), tok.end_of_text(), tok.stops()), (430, 1, 2, vec![2]));
        let roles = [0, 1, 2, 13, 400].map(|id| tok.role(id));
        assert_eq!(roles, [Role::Control, Role::Control, Role::Control, Role::Text, Role::Text]);
        // What is written from it is the same again.
        let place = tempfile::tempdir().unwrap();
        for (name, bytes) in files(&tok, 64) {
            assert!(!["vocab.json", "merges.txt"].contains(&name));
            fs::write(place.path().join(name), bytes).unwrap();
        }
        let again = from_folder(place.path(), 430).unwrap();
        assert_eq!((&again, again.fingerprint()), (&tok, tok.fingerprint()), "{name}");
        let cases = fs::read(folder(name).join("ids.json")).unwrap();
        for Case { text, ids, prompt, decoded } in serde_json::from_slice::<Vec<Case>>(&cases).unwrap() {
            assert_eq!(tok.encode(&text), ids, "{name}: the letters of {text:?}");
            assert_eq!(tok.encode_prompt(&text), prompt, "{name}: the prompt {text:?}");
            assert_eq!(tok.decode_start(&ids), decoded, "{name}: {text:?}");
        }
    }
}

#[test]
fn scores_and_merges_say_the_same() {
    let model: Model =
        serde_json::from_slice(&fs::read(folder("llama").join("pieces.json")).unwrap()).unwrap();
    let text = |(token, _, kind): &(String, f32, u32)| if *kind == 1 { token.clone() } else { String::new() };
    let tokens: Vec<String> = model.pieces.iter().map(text).collect();
    let scores: Vec<f32> = model.pieces.iter().map(|(_, score, _)| *score).collect();
    let tok = opened("llama");
    assert_eq!(merges_of_scores(&tokens, &scores), tok.merges());
    for (text, ids) in model.texts.iter().zip(&model.ids) {
        assert_eq!(tok.encode(text), *ids, "{text:?}");
    }
    // Scores from the list put the tokens in the same order as those of the model.
    let ours = tok.scores().unwrap();
    assert_eq!(merges_of_scores(&tokens, &ours), tok.merges());

    // A list that scores cannot say: a way to make a token is missing, or one comes too late.
    let mut other = parts("llama");
    let ways: Vec<usize> = (0..other.merges.len())
        .filter(|&at| format!("{}{}", other.merges[at].0, other.merges[at].1) == "her")
        .collect();
    assert_eq!(ways.len(), 2);
    let moved = other.merges.remove(ways[0]);
    assert_eq!(scores_of_merges(&tokens, &other.merges), None);
    other.merges.push(moved);
    assert_eq!(scores_of_merges(&tokens, &other.merges), None);
    assert_eq!(Tokenizer::bytes().scores(), None);
}

#[test]
fn a_text_that_goes_on_keeps_its_space() {
    let tok = opened("llama");
    let ids = tok.encode("The heron\nstood");
    assert_eq!(
        (tok.decode(&ids), tok.decode_start(&ids)),
        (" The heron\nstood".into(), "The heron\nstood".into())
    );
    let newline = ids.iter().position(|id| tok.byte(*id) == Some(b'\n')).unwrap();
    assert_eq!(tok.token_bytes(ids[newline]), b"\n");
    assert_eq!(tok.decode_start(&ids[newline..]), "\nstood");
    // A character without a token is its bytes, and half of it is no character.
    let boat = tok.encode("\u{1f6f6}");
    assert_eq!(boat.len(), 5);
    assert_eq!(tok.decode_bytes(&boat[1..3]), [0xf0, 0x9f]);
    // What looks like another token is its letters, but in a prompt.
    assert!(tok.encode("</s> <0x0A>").iter().all(|id| tok.is_text(*id) && tok.byte(*id) != Some(b'\n')));
    assert_eq!(tok.encode_prompt("</s>"), [2]);
    assert!(tok.is_end(2) && tok.encode("").is_empty());
}

#[test]
fn a_word_that_is_a_token_may_be_looked_up_first() {
    let mut parts = parts("metaspace");
    parts.tokens.push("▁hero".into());
    assert_ne!(Vocabulary::new(parts.clone()).unwrap().encode("a hero", true).last(), Some(&430));
    parts.ignore_merges = true;
    let vocabulary = Vocabulary::new(parts).unwrap();
    assert_eq!(vocabulary.encode("a hero", true).last(), Some(&430));
    assert_eq!(vocabulary.text(430), Some(&b" hero"[..]));
}

#[test]
fn a_byte_without_a_token_is_named() {
    let mut parts = parts("llama");
    parts.tokens[13] = "<0x0a>".into();
    let error = Vocabulary::new(parts).unwrap_err();
    assert!(error.contains("the byte 0x0a has no token (\"<0x0A>\""), "{error}");
}

/// A text of words, spaces and any characters, long enough for both ways to merge.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" the heron".to_string()),
        "[ a-z.\n]{0,9}",
        " {1,90}",
        "(mmm|in|on){1,70}",
        "\\PC{0,5}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Cutting where nothing merges changes nothing; and every text comes back, if `▁` is no letter of it.
    #[test]
    fn cut_or_whole_a_text_has_the_same_ids(text in texts()) {
        let Parts { tokens, merges, spaces, .. } = parts("llama");
        let ids: HashMap<&str, u32> = tokens.iter().zip(0..).map(|(token, id)| (&**token, id)).collect();
        let merges: Vec<(u32, u32, u32)> = merges
            .iter()
            .map(|(left, right)| (ids[&**left], ids[&**right], ids[&*format!("{left}{right}")]))
            .collect();
        let mut pieces = Pieces::new(&ids, &merges, spaces.unwrap(), HashMap::new()).unwrap();
        prop_assert!(pieces.cuts);
        let cut = pieces.encode(&text, true);
        pieces.cuts = false;
        prop_assert_eq!(&pieces.encode(&text, true), &cut);
        let tok = opened("llama");
        prop_assert_eq!(&tok.encode(&text), &cut);
        prop_assert_eq!(tok.decode_start(&cut), text.replace(MARK, " "));
    }
}
