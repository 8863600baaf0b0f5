//! The two tokenizers: GPT-2's byte-pair encoding (Radford et al. 2019), and plain bytes.
//!
//! Both are byte-level, so every text has an encoding and decoding gives back its very bytes. Both have one token that
//! stands for no text, end of text; encoding never produces it, even for a literal `<|endoftext|>` in a journal.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use tiktoken_rs::r50k_base_singleton;

use crate::tokens::added::{self, AddedToken, Additions, Ends, Piece};
use crate::tokens::bpe::Bpe;
use crate::tokens::width::Width;

/// How the end-of-text token is spelled in tokenizer files. In a text, these are thirteen ordinary characters.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// Which tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// GPT-2's: 50,256 pieces of text, then end of text.
    Gpt2,
    /// The 256 bytes, each its own id, then end of text.
    Bytes,
}

impl Kind {
    /// Both, as the command line lists them.
    pub const ALL: [Kind; 2] = [Kind::Gpt2, Kind::Bytes];

    /// The name on the command line and in `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Gpt2 => "gpt2",
            Kind::Bytes => "bytes",
        }
    }

    /// The tokenizer of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// Text to token ids and back. A clone costs nothing: GPT-2's tables are built once a process, when first used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    kind: Kind,
    /// What a checkpoint has beside it; none where that is end of text alone.
    additions: Option<Arc<Additions>>,
}

impl Tokenizer {
    /// The tokenizer of a kind.
    pub fn new(kind: Kind) -> Tokenizer {
        Tokenizer { kind, additions: None }
    }

    /// GPT-2's tokenizer.
    pub fn gpt2() -> Tokenizer {
        Tokenizer::new(Kind::Gpt2)
    }

    /// Bytes and end of text.
    pub fn bytes() -> Tokenizer {
        Tokenizer::new(Kind::Bytes)
    }

    /// The same with what a checkpoint has beside it.
    pub fn with(self, additions: Option<Additions>) -> Tokenizer {
        Tokenizer { additions: additions.map(Arc::new), ..self }
    }

    /// Which of the two this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a checkpoint has beside it.
    pub fn additions(&self) -> Option<&Additions> {
        self.additions.as_deref()
    }

    /// `V`: the number of ids, end of text among them and added tokens not.
    pub fn vocab_size(&self) -> usize {
        self.last() as usize + 1
    }

    /// What tells it from every other that gives a text other ids, or writes them in another width.
    pub fn fingerprint(&self) -> String {
        let name = self.kind.name();
        if self.width().is_narrow() { name.to_string() } else { format!("{name} u32") }
    }

    /// The bytes of an id in a file: enough for every id that a text or an end of text has.
    pub fn width(&self) -> Width {
        Width::of(self.vocab_size().max(self.end_of_text() as usize + 1))
    }

    /// The last id of the vocabulary, which is `<|endoftext|>`; all ids below it are text.
    pub(super) fn last(&self) -> u32 {
        match self.kind {
            Kind::Gpt2 => 50_256,
            Kind::Bytes => 256,
        }
    }

    /// The id that stands between entries.
    pub fn end_of_text(&self) -> u32 {
        self.additions().map_or(self.last(), |additions| additions.end_of_text)
    }

    /// The id that a text without a prompt begins behind.
    pub fn start(&self) -> u32 {
        self.additions().map_or(self.last(), |additions| additions.start)
    }

    /// The ids that a text ends with.
    pub fn stops(&self) -> Vec<u32> {
        self.additions().map_or(vec![self.last()], |additions| additions.stops.clone())
    }

    /// Whether a text ends with this id. (One that stands for text is part of it.)
    pub fn is_end(&self, id: u32) -> bool {
        self.additions().map_or(id == self.last(), |additions| additions.stops.contains(&id))
    }

    /// Whether an id stands for text.
    pub fn is_text(&self, id: u32) -> bool {
        id < self.last()
    }

    /// As a model has it that is trained on entries: each begins behind the end of the one before.
    pub fn for_entries(self) -> Tokenizer {
        let additions = self.additions().cloned();
        self.with(additions.map(|additions| Additions { start: additions.end_of_text, ..additions }))
    }

    /// Where texts begin and end, for a model's settings.
    pub fn ends(&self) -> Ends {
        let pad = self.additions().and_then(|additions| additions.pad);
        Ends { start: self.start(), stops: self.stops(), pad }
    }

    /// The ids of a text, letter by letter: what looks like an added token is its letters. Every text has some ids, and
    /// none of them is end of text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match self.kind {
            Kind::Gpt2 => {
                let mut ids = Vec::with_capacity(text.len() / 4);
                BPE.encode(text, &mut ids);
                ids
            }
            Kind::Bytes => text.bytes().map(u32::from).collect(),
        }
    }

    /// The ids of a prompt, in which the names of added tokens, and `<|endoftext|>`, stand for those.
    pub fn encode_prompt(&self, text: &str) -> Vec<u32> {
        let plain = [AddedToken::special(self.last(), END_OF_TEXT)];
        let tokens = self.additions().map_or(&plain[..], |additions| &additions.tokens);
        let pieces = added::pieces(text, tokens).into_iter();
        let ids = pieces.map(|piece| match piece {
            Piece::Text(text) => self.encode(text),
            Piece::Token(id) => vec![id],
        });
        ids.flatten().collect()
    }

    /// The bytes that an id of the vocabulary stands for: none for `<|endoftext|>`, and for ids outside.
    pub fn token_bytes(&self, id: u32) -> &'static [u8] {
        match self.kind {
            Kind::Gpt2 => GPT2_TOKENS.get(id as usize).map_or(&[], |token| token),
            Kind::Bytes => BYTES.get(id as usize).map_or(&[], std::slice::from_ref),
        }
    }

    /// What a person sees of an id: its text, the name of an added token, or its number where it has neither.
    pub fn shown(&self, id: u32) -> Cow<'_, [u8]> {
        if id < self.last() {
            return Cow::Borrowed(self.token_bytes(id));
        }
        let added = self.additions().and_then(|all| all.tokens.iter().find(|token| token.id == id));
        match added {
            Some(token) => Cow::Borrowed(token.content.as_bytes()),
            None if id == self.last() => Cow::Borrowed(END_OF_TEXT.as_bytes()),
            None => Cow::Owned(format!("<id {id}>").into_bytes()),
        }
    }

    /// The bytes of some ids, as [`shown`](Self::shown). They need not be whole characters: a model may stop inside one.
    pub fn decode_bytes(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().flat_map(|&id| self.shown(id).into_owned()).collect()
    }

    /// The text of some ids, with U+FFFD where their bytes are no character.
    pub fn decode(&self, ids: &[u32]) -> String {
        String::from_utf8_lossy(&self.decode_bytes(ids)).into_owned()
    }
}

/// The ids of many texts, in their order, encoded on all cores.
pub fn encode_all(tok: &Tokenizer, texts: &[&str]) -> Vec<Vec<u32>> {
    texts.par_iter().map(|text| tok.encode(text)).collect()
}

/// Byte b at place b, so that a byte's token can be lent out as a slice.
static BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut b = 0;
    while b < 256 {
        bytes[b] = b as u8;
        b += 1;
    }
    bytes
};

/// The bytes of GPT-2's tokens 0..50256, in the order of their ids (which are their BPE ranks).
static GPT2_TOKENS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (0..50_256)
        .map(|rank| r50k_base_singleton().decode_bytes(&[rank]).expect("r50k has every rank under 50,256"))
        .collect()
});

/// GPT-2's merges, ready to encode with.
static BPE: LazyLock<Bpe> = LazyLock::new(|| Bpe::new(&GPT2_TOKENS));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text as journals have it and as they should not: words, quotes, runs of white space, any character at all.
    fn texts() -> impl Strategy<Value = String> {
        let words = prop_oneof![
            Just("I'll ".into()),
            Just("’twas".into()),
            Just(END_OF_TEXT.into()),
            "[ \t\n\r\u{a0}\u{85}\u{3000}]{1,6}",
            "[a-z]{1,8}",
            "[0-9½٣]{1,4}",
            "\\PC{1,4}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(words, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in texts()) {
            for kind in Kind::ALL {
                let tok = Tokenizer::new(kind);
                let ids = tok.encode(&text);
                prop_assert!(ids.iter().all(|&id| id < tok.end_of_text()));
                prop_assert_eq!(tok.decode(&ids), text.as_str());
                prop_assert_eq!(tok.decode_bytes(&ids), text.as_bytes());
            }
        }
    }

    /// Ids published with GPT-2 and tiktoken.
    #[test]
    fn gpt2_gives_the_known_ids() {
        let tok = Tokenizer::gpt2();
        assert_eq!(tok.encode("Hello world"), [15496, 995]);
        assert_eq!(tok.encode(" Hello world"), [18435, 995]);
        assert_eq!(tok.encode(END_OF_TEXT), [27, 91, 437, 1659, 5239, 91, 29]);
        assert_eq!((tok.vocab_size(), tok.end_of_text()), (50_257, 50_256));
    }

    #[test]
    fn bytes_are_their_own_ids() {
        let tok = Tokenizer::bytes();
        assert_eq!(tok.encode("é\n"), [0xc3, 0xa9, 0x0a]);
        assert_eq!((tok.vocab_size(), tok.end_of_text()), (257, 256));
    }

    #[test]
    fn ids_without_a_text_are_shown_by_name() {
        let tok = Tokenizer::gpt2();
        assert_eq!(tok.decode(&[15496, 50_256, 995, 50_300]), "Hello<|endoftext|> world<id 50300>");
        assert_eq!(
            Tokenizer::bytes().decode(&[0x68, 256, 0x69, u32::from(u16::MAX)]),
            "h<|endoftext|>i<id 65535>"
        );
        let user = AddedToken::special(50_257, "<|user|>");
        let (pad, end_of_text, stops, start) = (None, 50_257, vec![13, 50_257], 50_256);
        let additions = Additions { tokens: vec![user], names: Vec::new(), pad, end_of_text, stops, start };
        let tok = tok.with(Some(additions));
        assert_eq!(tok.decode(&[15496, 50_257]), "Hello<|user|>");
        assert_eq!(tok.encode_prompt("Hello<|user|>"), [15496, 50_257]);
        assert!(tok.encode("Hello<|user|>").iter().all(|id| *id < 50_256), "a journal's letters are letters");
        assert!(tok.is_end(13) && !tok.is_end(50_256) && tok.end_of_text() == 50_257);
    }

    /// A million characters of white space before a word is where the pattern's engine gives up; runs of one letter
    /// are the worst case of the merging.
    #[test]
    fn a_text_without_words_is_encoded_too() {
        let tok = Tokenizer::gpt2();
        for run in [" ", "\n", " \n\t", "\u{3000}", "a", "-", "日本", "😀"] {
            let text = format!("a{}b", run.repeat(1_200_000 / run.chars().count()));
            let ids = tok.encode(&text);
            assert_eq!(tok.decode_bytes(&ids), text.as_bytes(), "a run of {run:?}");
        }
        // The space that belongs to the word is merged with it, as in a short run.
        assert_eq!(tok.encode(&format!("{}b", " ".repeat(2_000_000))).last(), tok.encode(" b").last());
    }

    #[test]
    fn many_texts_keep_their_order() {
        let texts: Vec<String> = (0..500).map(|i| format!("Entry {i}.\n")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tok = Tokenizer::gpt2();
        for (ids, text) in encode_all(&tok, &texts).iter().zip(&texts) {
            assert_eq!(tok.decode(ids), *text);
        }
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::from_name("gpt3"), None);
    }
}
