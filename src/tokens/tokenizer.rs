//! The tokenizers: GPT-2's byte-pair encoding (Radford et al. 2019), plain bytes, and any other byte-level BPE, or
//! SentencePiece BPE with byte fallback, that came with a model.
//!
//! Every text has an encoding, and decoding gives back its very bytes (unless a model's own files want it changed first: see
//! [`Normalizer`], [`Pre`] and [`Spaces`]). All have a token that stands for no text, end of text; encoding never
//! produces it, even for a literal `<|endoftext|>` in a journal.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::tokens::added::{self, AddedToken, Additions, Ends, Piece};
use crate::tokens::alphabet::spelling;
use crate::tokens::gpt2;
use crate::tokens::kind::{Kind, Role};
use crate::tokens::pieces::scores_of_merges;
use crate::tokens::pre::Pre;
use crate::tokens::spaces::{Prefix, Spaces};
use crate::tokens::vocabulary::{Normalizer, Vocabulary};
use crate::tokens::width::Width;

/// How the end-of-text token is spelled in tokenizer files. In a text, these are thirteen ordinary characters.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// Text to token ids and back. A clone costs nothing: tables are built once, GPT-2's when first used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    kind: Kind,
    /// Of the third kind.
    vocabulary: Option<Arc<Vocabulary>>,
    /// What a checkpoint has beside it; none where that is end of text alone. The third kind has some.
    additions: Option<Arc<Additions>>,
}

impl Tokenizer {
    /// GPT-2's tokenizer.
    pub fn gpt2() -> Tokenizer {
        Tokenizer { kind: Kind::Gpt2, vocabulary: None, additions: None }
    }

    /// Bytes and end of text.
    pub fn bytes() -> Tokenizer {
        Tokenizer { kind: Kind::Bytes, vocabulary: None, additions: None }
    }

    /// The tokenizer of a kind that is made from nothing.
    ///
    /// # Panics
    /// For the third kind, which comes with a model: see `from_parts`.
    pub fn new(kind: Kind) -> Tokenizer {
        match kind {
            Kind::Gpt2 => Tokenizer::gpt2(),
            Kind::Bytes => Tokenizer::bytes(),
            Kind::Bpe => panic!("a vocabulary comes with a model"),
        }
    }

    /// The third kind. It names no end of text yet: it has to be given some additions.
    pub(super) fn of(vocabulary: Vocabulary) -> Tokenizer {
        Tokenizer { kind: Kind::Bpe, vocabulary: Some(Arc::new(vocabulary)), additions: None }
    }

    /// The vocabulary that came with a model, where one did.
    pub(super) fn vocabulary(&self) -> Option<&Vocabulary> {
        self.vocabulary.as_deref()
    }

    /// The same with what a checkpoint has beside it, where that is more than its own end of text. The third kind, which knows
    /// no end by itself, keeps what it has where there is nothing else.
    pub fn with(self, additions: Option<Additions>) -> Tokenizer {
        let plain = |all: &Additions| {
            let Some(last) = self.kind.last() else { return false };
            all.tokens == [AddedToken::special(last, END_OF_TEXT)]
                && all.names.iter().all(|(_, content)| content == END_OF_TEXT)
                && (all.pad, all.end_of_text, all.start) == (None, last, last)
                && all.stops == [last]
        };
        let additions = match additions {
            None if self.kind == Kind::Bpe => self.additions.clone(),
            additions => additions.filter(|all| !plain(all)).map(Arc::new),
        };
        Tokenizer { additions, ..self }
    }

    /// Which of the three this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a checkpoint has beside it.
    pub fn additions(&self) -> Option<&Additions> {
        self.additions.as_deref()
    }

    /// `V`: the number of ids, end of text among them and added tokens not.
    pub fn vocab_size(&self) -> usize {
        match (&self.vocabulary, self.kind.last()) {
            (Some(vocabulary), _) => vocabulary.ids(),
            (None, last) => last.map_or(0, |last| last as usize + 1),
        }
    }

    /// The rows that a model must have: for every id that a text may have, and GPT-2's and bytes' end of text.
    pub fn rows(&self) -> usize {
        self.vocabulary.as_ref().map_or_else(|| self.vocab_size(), |vocabulary| vocabulary.texts())
    }

    /// What tells it from every other that gives a text other ids, or writes them in another width.
    pub fn fingerprint(&self) -> String {
        let name = match &self.vocabulary {
            Some(vocabulary) => format!("bpe {}", vocabulary.hash()),
            None => self.kind.name().to_string(),
        };
        if self.width().is_narrow() { name } else { format!("{name} u32") }
    }

    /// The bytes of an id in a file: enough for every id that a text or an end of text has.
    pub fn width(&self) -> Width {
        Width::of(self.vocab_size().max(self.end_of_text() as usize + 1))
    }

    /// The token that these files or those call end of text.
    fn own_end(&self) -> u32 {
        self.kind.last().expect("the third kind has additions, which name it")
    }

    /// The id that stands between entries.
    pub fn end_of_text(&self) -> u32 {
        self.additions().map_or_else(|| self.own_end(), |additions| additions.end_of_text)
    }

    /// The id that a text without a prompt begins behind.
    pub fn start(&self) -> u32 {
        self.additions().map_or_else(|| self.own_end(), |additions| additions.start)
    }

    /// The ids that a text ends with.
    pub fn stops(&self) -> Vec<u32> {
        self.additions().map_or_else(|| vec![self.own_end()], |additions| additions.stops.clone())
    }

    /// Whether a text ends with this id. (One that stands for text is part of it.)
    pub fn is_end(&self, id: u32) -> bool {
        self.additions().map_or_else(|| id == self.own_end(), |additions| additions.stops.contains(&id))
    }

    /// Whether an id stands for text.
    pub fn is_text(&self, id: u32) -> bool {
        match (&self.vocabulary, self.kind.last()) {
            (Some(vocabulary), _) => vocabulary.text(id).is_some(),
            (None, last) => Some(id) < last,
        }
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
        self.encode_piece(text, true)
    }

    /// The ids of a text that goes on from another, otherwise as [`encode`](Self::encode).
    pub fn encode_on(&self, text: &str) -> Vec<u32> {
        self.encode_piece(text, false)
    }

    /// The id of an added token, by its name.
    pub fn added_id(&self, name: &str) -> Option<u32> {
        self.added().iter().find(|token| token.content == name).map(|token| token.id)
    }

    /// The ids of a piece of a text: `first` is the one that it begins with.
    fn encode_piece(&self, text: &str, first: bool) -> Vec<u32> {
        match (&self.vocabulary, self.kind) {
            (Some(vocabulary), _) => vocabulary.encode(text, first),
            (None, Kind::Bytes) => text.bytes().map(u32::from).collect(),
            (None, _) => gpt2::encode(text),
        }
    }

    /// The ids of a prompt, in which the names of added tokens, and `<|endoftext|>`, stand for those.
    pub fn encode_prompt(&self, text: &str) -> Vec<u32> {
        self.encode_named(text, true)
    }

    /// The same of a prompt that goes on from another.
    pub fn encode_prompt_on(&self, text: &str) -> Vec<u32> {
        self.encode_named(text, false)
    }

    fn encode_named(&self, text: &str, first: bool) -> Vec<u32> {
        let pieces =
            added::pieces(text, &self.added()).into_iter().enumerate().map(|(at, piece)| match piece {
                Piece::Text(text) => self.encode_piece(text, first && at == 0),
                Piece::Token(id) => vec![id],
            });
        pieces.flatten().collect()
    }

    /// The added tokens, by id, end of text among them.
    pub fn added(&self) -> Cow<'_, [AddedToken]> {
        match self.additions() {
            Some(additions) => Cow::Borrowed(&additions.tokens),
            None => Cow::Owned(vec![AddedToken::special(self.own_end(), END_OF_TEXT)]),
        }
    }

    /// The bytes that an id of the vocabulary stands for: none for `<|endoftext|>`, and for ids outside.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        match (&self.vocabulary, self.kind) {
            (Some(vocabulary), _) => vocabulary.text(id).unwrap_or_default(),
            (None, Kind::Bytes) => BYTES.get(id as usize).map_or(&[], std::slice::from_ref),
            (None, _) => gpt2::TOKENS.get(id as usize).map_or(&[], |token| token),
        }
    }

    /// What an id is for.
    pub fn role(&self, id: u32) -> Role {
        match self.added().iter().find(|token| token.id == id) {
            _ if self.is_text(id) => Role::Text,
            Some(token) if token.special => Role::Control,
            Some(_) => Role::Added,
            None => Role::Unused,
        }
    }

    /// An id as tokenizer files spell it: text in [`byte_chars`](crate::tokens::alphabet::byte_chars) or as SentencePiece
    /// does, an added token as it is written, and a row without a spelling as `[PAD7]`.
    pub fn spelled(&self, id: u32) -> String {
        let own =
            || self.vocabulary.as_ref()?.parts().tokens.get(id as usize).filter(|token| !token.is_empty());
        match own() {
            Some(own) if self.spaces().is_some() => return own.clone(),
            _ if self.is_text(id) => return spelling(self.token_bytes(id)),
            _ => {}
        }
        let added = self.additions().and_then(|all| all.tokens.iter().find(|token| token.id == id));
        match added {
            Some(token) => token.content.clone(),
            None if Some(id) == self.kind.last() => END_OF_TEXT.to_string(),
            None => own().cloned().unwrap_or_else(|| format!("[PAD{id}]")),
        }
    }

    /// The merges, by rank, spelled alike: both halves.
    pub fn merges(&self) -> &[(String, String)] {
        match (&self.vocabulary, self.kind) {
            (Some(vocabulary), _) => &vocabulary.parts().merges,
            (None, Kind::Bytes) => &[],
            (None, _) => &gpt2::MERGES,
        }
    }

    /// How a text is cut into words.
    pub fn pre(&self) -> Pre {
        self.vocabulary.as_ref().map_or_else(Pre::gpt2, |vocabulary| vocabulary.parts().pre.clone())
    }

    /// What is done to a text before.
    pub fn normalizer(&self) -> Normalizer {
        self.vocabulary.as_ref().map_or(Normalizer::None, |vocabulary| vocabulary.parts().normalizer)
    }

    /// What becomes of spaces, where tokens are SentencePiece's.
    pub fn spaces(&self) -> Option<Spaces> {
        self.vocabulary.as_ref()?.parts().spaces
    }

    /// The byte whose token an id is, where bytes have tokens of their own beside characters: SentencePiece's `<0x0A>`.
    pub fn byte(&self, id: u32) -> Option<u8> {
        self.vocabulary.as_ref()?.byte(id)
    }

    /// The scores by which llama.cpp merges SentencePiece's tokens, by id: the merges are every way to make a token of two
    /// that stand for text, the highest score first. None where no scores say what this tokenizer's merges say, and for
    /// other tokenizers.
    pub fn scores(&self) -> Option<Vec<f32>> {
        self.spaces().filter(|_| !self.ignore_merges())?;
        let spelled = |id| match self.byte(id) {
            None if self.is_text(id) => self.spelled(id),
            _ => String::new(),
        };
        let tokens: Vec<String> = (0..self.vocab_size() as u32).map(spelled).collect();
        scores_of_merges(&tokens, self.merges())
    }

    /// Whether a word that is a token is that token, whatever merging would make of it.
    pub fn ignore_merges(&self) -> bool {
        self.vocabulary.as_ref().is_some_and(|vocabulary| vocabulary.parts().ignore_merges)
    }

    /// What a person sees of an id: its text, the name of an added token, or its number where it has neither.
    pub fn shown(&self, id: u32) -> Cow<'_, [u8]> {
        if self.is_text(id) {
            return Cow::Borrowed(self.token_bytes(id));
        }
        let added = self.additions().and_then(|all| all.tokens.iter().find(|token| token.id == id));
        match added {
            Some(token) => Cow::Borrowed(token.content.as_bytes()),
            None if Some(id) == self.kind.last() => Cow::Borrowed(END_OF_TEXT.as_bytes()),
            None => Cow::Owned(format!("<id {id}>").into_bytes()),
        }
    }

    /// The bytes of some ids, as [`shown`](Self::shown). They need not be whole characters: a model may stop inside one.
    pub fn decode_bytes(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter().flat_map(|&id| self.shown(id).into_owned()).collect()
    }

    /// The text of some ids, with U+FFFD where their bytes are no character. It may go on from another, so a space that it
    /// begins with is its own: see [`decode_start`](Self::decode_start).
    pub fn decode(&self, ids: &[u32]) -> String {
        String::from_utf8_lossy(&self.decode_bytes(ids)).into_owned()
    }

    /// The text of ids that are a whole text's: without the space that SentencePiece puts before one.
    pub fn decode_start(&self, ids: &[u32]) -> String {
        String::from_utf8_lossy(&self.start_bytes(ids)).into_owned()
    }

    /// The bytes of ids that a whole text begins with, without that space.
    pub fn start_bytes(&self, ids: &[u32]) -> Vec<u8> {
        let mut bytes = self.decode_bytes(ids);
        if bytes.first() == Some(&b' ') && self.spaces().is_some_and(|spaces| spaces.prefix != Prefix::Never)
        {
            bytes.remove(0);
        }
        bytes
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
}
