//! What a checkpoint has beside its vocabulary of text: tokens that were added to it, and where its texts end.
//!
//! Added tokens are names (`<|user|>`, `[PAD]`), or words that became a token. In a prompt a name is its token, as
//! `transformers` has it. The text of journals never becomes one: nobody's diary means the token.

use serde::{Deserialize, Serialize};

/// A token that was added to a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedToken {
    /// Its row in the model.
    pub id: u32,
    /// How it is written.
    pub content: String,
    /// Whether it stands for no text.
    pub special: bool,
    /// Found only where no letter or digit stands beside it.
    pub single_word: bool,
    /// Takes in the white space before it.
    pub lstrip: bool,
    /// Takes in the white space behind it.
    pub rstrip: bool,
}

impl AddedToken {
    /// A special token as most are.
    pub fn special(id: u32, content: &str) -> AddedToken {
        let content = content.to_string();
        AddedToken { id, content, special: true, single_word: false, lstrip: false, rstrip: false }
    }

    /// Where it stands in a text from `at` on, with the white space that it takes in: how much before, where it ends.
    fn here(&self, text: &str, at: usize) -> Option<(usize, usize)> {
        let rest = text[at..].strip_prefix(self.content.as_str())?;
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if self.single_word && (is_word(text[..at].chars().next_back()) || is_word(rest.chars().next())) {
            return None;
        }
        let start = if self.lstrip { text[..at].trim_end().len() } else { at };
        let behind = if self.rstrip { rest.trim_start() } else { rest };
        Some((start, text.len() - behind.len()))
    }
}

/// What `run.json` keeps of a checkpoint's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Additions {
    /// By id; end of text is one of them.
    pub tokens: Vec<AddedToken>,
    /// What the checkpoint's files call some of them: `eos_token`, `pad_token`, and how that is written.
    pub names: Vec<(String, String)>,
    /// The row of padding, where the model's config names one.
    pub pad: Option<u32>,
    /// What stands between the entries that are trained on; one of `stops`.
    pub end_of_text: u32,
    /// The tokens that a text ends with.
    pub stops: Vec<u32>,
    /// What a text begins behind.
    pub start: u32,
}

impl Additions {
    /// The id of the token that the files call so: `unk_token`.
    pub fn id_of(&self, part: &str) -> Option<u32> {
        let (_, content) = self.names.iter().find(|(known, _)| known == part)?;
        self.tokens.iter().find(|token| token.content == *content).map(|token| token.id)
    }
}

/// Where a model's texts begin and end, as its `config.json` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// `bos_token_id`.
    pub start: u32,
    /// `eos_token_id`: one, or a list.
    pub stops: Vec<u32>,
    /// `pad_token_id`, where there is one.
    pub pad: Option<u32>,
}

impl Ends {
    /// All at one token.
    pub fn at(id: u32) -> Ends {
        Ends { start: id, stops: vec![id], pad: None }
    }
}

/// A piece of a prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Letters.
    Text(&'a str),
    /// A token.
    Token(u32),
}

/// A prompt cut at its added tokens: the leftmost, and of those the longest.
pub fn pieces<'a>(text: &'a str, tokens: &[AddedToken]) -> Vec<Piece<'a>> {
    let (mut pieces, mut done, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let found = tokens.iter().filter(|token| !token.content.is_empty());
        let found = found.filter_map(|token| Some((token, token.here(text, at)?)));
        match found.max_by_key(|(token, _)| token.content.len()) {
            Some((token, (start, end))) => {
                let before = &text[done..start.max(done)];
                pieces.extend((!before.is_empty()).then_some(Piece::Text(before)));
                pieces.push(Piece::Token(token.id));
                (done, at) = (end, end);
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    pieces.extend((done < text.len()).then_some(Piece::Text(&text[done..])));
    pieces
}

#[cfg(test)]
mod tests {
    use super::Piece::{Text, Token};
    use super::*;

    #[test]
    fn prompts_are_cut_as_transformers_cuts_them() {
        let token = |id, content: &str| AddedToken::special(id, content);
        let tokens = [
            token(1, "<A"),
            token(2, "<AB>"),
            AddedToken { single_word: true, ..token(3, "Ann") },
            AddedToken { lstrip: true, ..token(4, "<L>") },
            AddedToken { rstrip: true, ..token(5, "<R>") },
        ];
        for (text, cut) in [
            ("a<AB>b", vec![Text("a"), Token(2), Text("b")]),
            ("<A <AB>", vec![Token(1), Text(" "), Token(2)]),
            ("Annie Ann.", vec![Text("Annie "), Token(3), Text(".")]),
            ("a <L> b", vec![Text("a"), Token(4), Text(" b")]),
            ("a <R> b", vec![Text("a "), Token(5), Text("b")]),
            ("<R> <L>", vec![Token(5), Token(4)]),
            ("é<a", vec![Text("é<a")]),
            ("", vec![]),
        ] {
            assert_eq!(pieces(text, &tokens), cut, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_letter_of_a_prompt_is_lost(parts in proptest::collection::vec("<x>|[a ]|é|<", 0..30)) {
            let text = parts.concat();
            let back: String = pieces(&text, &[AddedToken::special(7, "<x>")])
                .iter()
                .map(|piece| match piece {
                    Text(text) => text,
                    Token(_) => "<x>",
                })
                .collect();
            proptest::prop_assert_eq!(back, text);
        }
    }
}
