//! A tokenizer from its parts, as a file has them.

use crate::tokens::added::{AddedToken, Additions, Ends};
use crate::tokens::alphabet::spelling;
use crate::tokens::kind::Kind;
use crate::tokens::pre::Pre;
use crate::tokens::tokenizer::{END_OF_TEXT, Tokenizer};
use crate::tokens::vocabulary::{Normalizer, Parts, Vocabulary};

impl Tokenizer {
    /// The tokenizer that parts make: GPT-2's own, or bytes, where they are those; else one of the third kind. (Parts
    /// without merges whose tokens are GPT-2's are GPT-2's: `vocab.json` may have come alone.)
    ///
    /// # Errors
    /// Parts that do not fit, or that name no end of text, in a clause: see [`Vocabulary::new`].
    pub fn from_parts(parts: Parts) -> Result<Tokenizer, String> {
        let (added, ends) = (parts.added.clone(), parts.ends.clone());
        let tokenizer = Tokenizer::without_ends(parts)?;
        let start = tokenizer.default_start(&added);
        let default =
            tokenizer.default_end(&added).map(|end| Ends { start: start.unwrap_or(end), ..Ends::at(end) });
        let ends = ends
            .or(default)
            .ok_or("no token ends a text: none is called <|endoftext|>, and none is named")?;
        Ok(tokenizer.with_ends(added, &ends))
    }

    /// The same, but of the third kind it knows no ends yet: it has to be given some additions.
    pub(super) fn without_ends(parts: Parts) -> Result<Tokenizer, String> {
        let plain =
            parts.pre == Pre::gpt2() && parts.normalizer == Normalizer::None && parts.spaces.is_none();
        let known = Kind::ALL.map(Tokenizer::new).into_iter().find(|tok| plain && tok.is_made_of(&parts));
        known.map_or_else(|| Ok(Tokenizer::of(Vocabulary::new(parts)?)), Ok)
    }

    /// The id of `<|endoftext|>`, or of SentencePiece's `</s>`, where there is one.
    pub(super) fn default_end(&self, added: &[AddedToken]) -> Option<u32> {
        let end = if self.spaces().is_some() { "</s>" } else { END_OF_TEXT };
        self.kind().last().or_else(|| self.called(end, added))
    }

    /// The id of SentencePiece's `<s>`, behind which its models' texts begin, where there is one.
    pub(super) fn default_start(&self, added: &[AddedToken]) -> Option<u32> {
        self.spaces().and_then(|_| self.called("<s>", added))
    }

    /// The id of a token that is called so.
    fn called(&self, name: &str, added: &[AddedToken]) -> Option<u32> {
        let named = || added.iter().find(|token| token.content == name).map(|token| token.id);
        let spelled = || {
            let tokens = &self.vocabulary()?.parts().tokens;
            tokens.iter().zip(0..).find(|(token, _)| *token == name).map(|(_, id)| id)
        };
        named().or_else(spelled)
    }

    /// With added tokens, of which those that end texts are some, whether they are listed or not.
    fn with_ends(self, mut tokens: Vec<AddedToken>, ends: &Ends) -> Tokenizer {
        let known = |tokens: &[AddedToken], id: u32| tokens.iter().any(|token| token.id == id);
        for id in self.kind().last().into_iter().chain(ends.stops.iter().copied()).chain([ends.start]) {
            if !known(&tokens, id) && !self.is_text(id) {
                tokens.push(AddedToken::special(id, &self.spelled(id)));
            }
        }
        tokens.sort_by_key(|token| token.id);
        let special = |id: &&u32| tokens.iter().any(|token| token.id == **id && token.special);
        let end_of_text =
            ends.stops.iter().find(special).or(ends.stops.first()).copied().unwrap_or(ends.start);
        let mut stops = ends.stops.clone();
        stops.extend((stops.is_empty()).then_some(end_of_text));
        let named = |id| tokens.iter().find(|token| token.id == id).map(|token| token.content.clone());
        let unknown = self.spaces().and_then(|_| self.called("<unk>", &tokens));
        let parts = [
            ("bos_token", Some(ends.start)),
            ("eos_token", Some(end_of_text)),
            ("unk_token", unknown),
            ("pad_token", ends.pad),
        ];
        let names =
            parts.into_iter().filter_map(|(part, id)| Some((part.to_string(), named(id?)?))).collect();
        self.with(Some(Additions { tokens, names, pad: ends.pad, end_of_text, stops, start: ends.start }))
    }

    /// Whether parts are this tokenizer's, and what more they have stands behind: tokens that were added to it.
    fn is_made_of(&self, parts: &Parts) -> bool {
        let Some(last) = self.kind().last() else { return false };
        let ends = |token: Option<&str>| match token {
            None | Some("") => parts.added.iter().any(|t| (t.id, t.content.as_str()) == (last, END_OF_TEXT)),
            Some(token) => token == END_OF_TEXT,
        };
        parts.tokens.len() >= last as usize
            && (0..last).zip(&parts.tokens).all(|(id, token)| *token == spelling(self.token_bytes(id)))
            && ends(parts.tokens.get(last as usize).map(String::as_str))
            && (parts.merges.is_empty() || parts.merges == self.merges())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::kind::Role;
    use crate::tokens::vocabulary::tests::parts;

    /// The parts of a tokenizer, as a GGUF would have them for a model with so many rows.
    fn parts_of(tok: &Tokenizer, rows: u32) -> Parts {
        let spelled =
            |id| Some(tok.spelled(id)).filter(|token| !token.starts_with("[PAD")).unwrap_or_default();
        Parts {
            tokens: (0..rows).map(spelled).collect(),
            merges: tok.merges().to_vec(),
            pre: tok.pre(),
            normalizer: tok.normalizer(),
            spaces: tok.spaces(),
            ignore_merges: tok.ignore_merges(),
            added: tok.added().into_owned(),
            ends: Some(tok.ends()),
        }
    }

    #[test]
    fn parts_that_are_gpt2s_or_bytes_are_those() {
        for tok in Kind::ALL.map(Tokenizer::new) {
            let rows = tok.vocab_size() as u32;
            for rows in [rows, rows + 7] {
                let parts = parts_of(&tok, rows);
                assert_eq!(Tokenizer::from_parts(parts.clone()).unwrap(), tok);
                assert_eq!(Tokenizer::from_parts(Parts { ends: None, ..parts }).unwrap(), tok);
            }
            // Another pre-tokenizer, another normaliser, and other merges make another of it.
            let prefixed = Parts { pre: Pre::new(Vec::new(), true, true), ..parts_of(&tok, rows) };
            let normal = Parts { normalizer: Normalizer::Nfc, ..parts_of(&tok, rows) };
            let mut merged = parts_of(&tok, rows);
            merged.merges.truncate(100);
            merged.merges.push(("Ġ".into(), "t".into()));
            merged.tokens.resize(rows as usize + 1, String::new());
            merged.tokens[rows as usize] = "Ġt".into();
            if tok.kind() == Kind::Gpt2 {
                merged.tokens.pop();
            }
            for parts in [prefixed, normal, merged] {
                let other = Tokenizer::from_parts(parts).unwrap();
                assert_eq!((other.kind(), other.end_of_text()), (Kind::Bpe, tok.end_of_text()));
            }
        }
    }

    #[test]
    fn another_vocabulary_has_ends_and_roles() {
        let mut made = parts(&["<|endoftext|>", "", "Ġnowhere"], &["the"]);
        made.added = vec![
            AddedToken::special(300, "<|user|>"),
            AddedToken { special: false, ..AddedToken::special(301, "heron") },
        ];
        let tok = Tokenizer::from_parts(made.clone()).unwrap();
        assert_eq!((tok.kind(), tok.vocab_size(), tok.rows()), (Kind::Bpe, 261, 261));
        assert_eq!((tok.start(), tok.stops(), tok.end_of_text()), (0, vec![0], 0));
        assert_eq!(tok.encode_prompt("the heron<|user|><|endoftext|>"), [260, 35, 301, 300, 0]);
        assert!(tok.encode("<|endoftext|>heron").iter().all(|id| tok.is_text(*id)));
        let roles = [0, 1, 2, 260, 300, 301, 302].map(|id| tok.role(id));
        use Role::{Added, Control, Text, Unused};
        assert_eq!(roles, [Control, Unused, Unused, Text, Control, Added, Unused]);
        let spelled = [0, 1, 2, 260, 300, 302].map(|id| tok.spelled(id));
        assert_eq!(spelled, ["<|endoftext|>", "[PAD1]", "Ġnowhere", "the", "<|user|>", "[PAD302]"]);
        assert_eq!(tok.decode(&[260, 35, 300, 1]), "the <|user|><id 1>");
        assert_eq!(Tokenizer::from_parts(parts_of(&tok, 261)).unwrap(), tok);

        // Ends that a file names count; where nothing does, there is no tokenizer.
        let ends = Ends { start: 1, stops: vec![260, 300], pad: None };
        let named = Tokenizer::from_parts(Parts { ends: Some(ends.clone()), ..made.clone() }).unwrap();
        assert_eq!((named.ends(), named.end_of_text()), (ends, 300));
        made.tokens[0] = String::new();
        assert!(Tokenizer::from_parts(made).unwrap_err().contains("no token ends a text"));
    }
}
