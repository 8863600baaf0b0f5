//! What SentencePiece makes of the spaces of a text (Kudo and Richardson 2018, arXiv:1808.06226): each becomes `▁`, and one may
//! be put before the text, so that a word is the same token wherever it stands.
//!
//! A `tokenizer.json` says it in one of two ways: as a normalizer that prepends and replaces, which is Llama's older form, or
//! as the pre-tokenizer `Metaspace`. In the first, a text that begins with a space gets another; in the second it does not.

use serde_json::{Value, json};

/// What stands for a space in a token.
pub const MARK: char = '▁';

/// Where a space is put before a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nowhere.
    Never,
    /// Before every piece between added tokens (`Prepend`; `add_space_prefix` of a GGUF).
    Every,
    /// Before every piece that begins without one (`Metaspace`, `always`).
    Missing,
    /// Before a text that begins without one (`Metaspace`, `first`).
    First,
}

/// What becomes of spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spaces {
    /// Where one is put before.
    pub prefix: Prefix,
    /// Whether each space begins a word of its own, over whose border nothing merges.
    pub split: bool,
}

impl Spaces {
    /// A piece of a text with marks for spaces; `first` is the one that the text begins with.
    pub fn mark(&self, piece: &str, first: bool) -> String {
        let bare = !piece.starts_with([' ', MARK]);
        let prefixed = match self.prefix {
            Prefix::Never => false,
            Prefix::Every => true,
            Prefix::Missing => bare,
            Prefix::First => bare && first,
        };
        let spaces = piece.bytes().filter(|byte| *byte == b' ').count();
        let mut marked = String::with_capacity(piece.len() + 2 * spaces + MARK.len_utf8());
        marked.extend((prefixed && !piece.is_empty()).then_some(MARK));
        marked.extend(piece.chars().map(|c| if c == ' ' { MARK } else { c }));
        marked
    }

    /// Reads the `normalizer`, the `pre_tokenizer` and the `decoder` of a `tokenizer.json` with byte fallback.
    ///
    /// # Errors
    /// What of them is not read, as a clause.
    pub fn of_json(normalizer: &Value, pre_tokenizer: &Value, decoder: &Value) -> Result<Spaces, String> {
        let mark = MARK.to_string();
        let kind = |step: &Value| step["type"].as_str().unwrap_or("without a type").to_string();
        let steps = steps(normalizer, "normalizers");
        let prepends = |step: &Value| step["type"] == "Prepend" && step["prepend"] == mark;
        let replaces = |step: &Value| {
            step["type"] == "Replace" && step["pattern"]["String"] == " " && step["content"] == mark
        };
        let (prepended, replaced) = match steps[..] {
            [] => (false, false),
            [one] if replaces(one) => (false, true),
            [one, two] if prepends(one) && replaces(two) => (true, true),
            _ => {
                let other = steps.iter().find(|step| !prepends(step) && !replaces(step)).unwrap_or(&steps[0]);
                return Err(format!("its normalizer is {:.40}, with byte_fallback", kind(other)));
            }
        };
        let (scheme, split) = match pre_tokenizer["type"].as_str() {
            None if pre_tokenizer.is_null() && replaced => (Prefix::Never, false),
            None if pre_tokenizer.is_null() => return Err("nothing makes its spaces ▁".into()),
            Some("Metaspace") if pre_tokenizer["replacement"] == mark => {
                // Files from before 2024 have `add_prefix_space` alone.
                let default =
                    if pre_tokenizer["add_prefix_space"] == false { Prefix::Never } else { Prefix::Missing };
                let scheme = match pre_tokenizer["prepend_scheme"].as_str() {
                    Some("never") => Prefix::Never,
                    Some("first") => Prefix::First,
                    Some("always") => Prefix::Missing,
                    Some(other) => return Err(format!("its Metaspace prepends {other:.40}")),
                    None => default,
                };
                (scheme, pre_tokenizer["split"].as_bool().unwrap_or(true))
            }
            _ => {
                return Err(format!("its pre-tokenizer is {:.40}, with byte_fallback", kind(pre_tokenizer)));
            }
        };
        const DECODERS: [&str; 5] = ["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"];
        if let Some(other) = self::steps(decoder, "decoders")
            .into_iter()
            .find(|step| !DECODERS.contains(&step["type"].as_str().unwrap_or_default()))
        {
            return Err(format!("its decoder is {:.40}, with byte_fallback", kind(other)));
        }
        Ok(Spaces { prefix: if prepended { Prefix::Every } else { scheme }, split })
    }

    /// The same three as `tokenizers` reads them.
    pub fn to_json(self) -> [Value; 3] {
        let mark = MARK.to_string();
        let metaspace = |scheme: &str| json!({ "type": "Metaspace", "replacement": mark, "prepend_scheme": scheme, "split": self.split });
        let (normalizer, pre_tokenizer) = match self.prefix {
            Prefix::Every => (
                json!({ "type": "Sequence", "normalizers": [
                    { "type": "Prepend", "prepend": mark },
                    { "type": "Replace", "pattern": { "String": " " }, "content": mark },
                ] }),
                if self.split { metaspace("never") } else { Value::Null },
            ),
            Prefix::Never => (Value::Null, metaspace("never")),
            Prefix::Missing => (Value::Null, metaspace("always")),
            Prefix::First => (Value::Null, metaspace("first")),
        };
        let mut decoders = vec![
            json!({ "type": "Replace", "pattern": { "String": mark }, "content": " " }),
            json!({ "type": "ByteFallback" }),
            json!({ "type": "Fuse" }),
        ];
        if self.prefix != Prefix::Never {
            decoders.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
        }
        [normalizer, pre_tokenizer, json!({ "type": "Sequence", "decoders": decoders })]
    }
}

/// The steps of a sequence, or the one that there is, or none.
fn steps<'a>(value: &'a Value, list: &str) -> Vec<&'a Value> {
    match value[list].as_array() {
        _ if value.is_null() => Vec::new(),
        Some(all) if value["type"] == "Sequence" => all.iter().collect(),
        _ => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for prefix in [Prefix::Never, Prefix::Every, Prefix::Missing, Prefix::First] {
            for split in [false, true] {
                let spaces = Spaces { prefix, split };
                let [normalizer, pre, decoder] = spaces.to_json();
                assert_eq!(Spaces::of_json(&normalizer, &pre, &decoder), Ok(spaces));
            }
        }
    }

    #[test]
    fn a_space_is_put_before_as_each_form_does_it() {
        let marked = |prefix, piece, first| Spaces { prefix, split: false }.mark(piece, first);
        for (prefix, bare, spaced, later) in [
            (Prefix::Never, "a▁b", "▁a", "a"),
            (Prefix::Every, "▁a▁b", "▁▁a", "▁a"),
            (Prefix::Missing, "▁a▁b", "▁a", "▁a"),
            (Prefix::First, "▁a▁b", "▁a", "a"),
        ] {
            let found = [marked(prefix, "a b", true), marked(prefix, " a", true), marked(prefix, "a", false)];
            assert_eq!(found, [bare, spaced, later], "{prefix:?}");
            assert_eq!(marked(prefix, "", true), "");
        }
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let [normalizer, _, decoder] = Spaces { prefix: Prefix::Every, split: false }.to_json();
        let [_, metaspace, _] = Spaces { prefix: Prefix::First, split: true }.to_json();
        let none = Value::Null;
        let own = json!({ "type": "Metaspace", "replacement": "_" });
        for (normalizer, pre, decoder, told) in [
            (&json!({ "type": "NFKC" }), &metaspace, &decoder, "its normalizer is NFKC"),
            (
                &json!({ "type": "Sequence", "normalizers": [{ "type": "Lowercase" }] }),
                &metaspace,
                &decoder,
                "its normalizer is Lowercase",
            ),
            (&none, &none, &decoder, "nothing makes its spaces ▁"),
            (&normalizer, &json!({ "type": "Whitespace" }), &none, "its pre-tokenizer is Whitespace"),
            (&none, &own, &none, "its pre-tokenizer is Metaspace"),
            (&normalizer, &none, &json!({ "type": "WordPiece" }), "its decoder is WordPiece"),
        ] {
            let error = Spaces::of_json(normalizer, pre, decoder).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
