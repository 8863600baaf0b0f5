//! Pre-tokenizers by the names that `tokenizer.ggml.pre` has in a GGUF, as llama.cpp's `llama-vocab.cpp` tells what each
//! does (read in its sources of late 2026). Named are those that automata read alike.

use super::{Kept, Pattern, Pre, Step};

/// Llama 3's pattern, and how each of its relatives differs: how many digits stand together, and which words begin with
/// what.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// GPT-2's, where other patterns cut behind it.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

/// The names of each, the one to be written first, and whether a word that is a token is looked up before it is merged.
const NAMES: [(&[&str], bool, Form); 9] = [
    (
        &[
            "gpt-2",
            "phi-2",
            "mpt",
            "olmo",
            "jais",
            "trillion",
            "granite-docling",
            "exaone4",
            "modern-bert",
            "mellum",
            "gigachat",
            "a.x-4.0",
            "roberta-bpe",
            "jina-es",
            "jina-de",
            "jina-v2-es",
            "jina-v2-de",
            "jina-v1-en",
            "jina-v2-code",
        ],
        false,
        Form::Gpt2,
    ),
    (
        &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"],
        false,
        Form::Digits,
    ),
    (
        &[
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
            "jina-v5-nano",
        ],
        true,
        Form::Split(&[LLAMA3]),
    ),
    (&["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], false, Form::Split(&[LLAMA3])),
    (
        &[
            "qwen2",
            "deepseek-r1-qwen",
            "kormo",
            "f2llmv2",
            "megrez",
            "stablelm2",
            "hunyuan",
            "solar-open",
            "grok-2",
        ],
        false,
        Form::Split(&[QWEN2]),
    ),
    (&["qwen35"], false, Form::Split(&[QWEN35])),
    (&["tekken"], true, Form::Split(&[TEKKEN])),
    (&["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], false, Form::Split(&[GPT4O])),
    (&["default"], false, Form::Split(&[r"[\p{P}$+<=>^~|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"])),
];

/// What stands before `ByteLevel`.
#[derive(Clone, Copy)]
enum Form {
    /// Nothing: its words are GPT-2's.
    Gpt2,
    /// Digits alone, then GPT-2's words.
    Digits,
    /// Patterns, and no words of GPT-2's.
    Split(&'static [&'static str]),
}

impl Pre {
    /// The pre-tokenizer of a name in `tokenizer.ggml.pre`; none where we have none. (A file without the key means "default".)
    pub fn from_gguf(name: &str) -> Option<Pre> {
        NAMES.iter().find(|(names, ..)| names.contains(&name)).map(|(.., form)| form.pre())
    }

    /// Whether llama.cpp, for a name, takes a word that is a token for that one without a look at the merges: `ignore_merges`.
    pub fn gguf_ignores_merges(name: &str) -> bool {
        NAMES.iter().any(|(names, ignores, _)| *ignores && names.contains(&name))
    }

    /// The name in `tokenizer.ggml.pre` of a pre-tokenizer whose tokenizer ignores merges or not; none where llama.cpp has
    /// none.
    pub fn to_gguf(&self, ignore_merges: bool) -> Option<&'static str> {
        let same = |form: &Form| form.pre().same_words(self);
        let found = NAMES.iter().find(|(_, ignores, form)| *ignores == ignore_merges && same(form));
        found.map(|(names, ..)| names[0])
    }

    /// Whether both cut alike: contractions may be spelled `(?i:'s|…)` or `(?:'[sS]|…)`.
    fn same_words(&self, other: &Pre) -> bool {
        let steps = |pre: &Pre| -> Vec<String> {
            let plain = |step: &Step| match step {
                Step::Split { pattern, kept } if *kept != Kept::Between => pattern.source().replace(
                    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
                    "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
                ),
                other => format!("{other:?}"),
            };
            pre.steps.iter().map(plain).collect()
        };
        (self.prefix_space, self.words) == (other.prefix_space, other.words) && steps(self) == steps(other)
    }
}

impl Form {
    fn pre(self) -> Pre {
        let split = |pattern: &&str| Step::Split {
            pattern: Pattern::new(pattern).expect("the names' patterns are read"),
            kept: Kept::All,
        };
        match self {
            Form::Gpt2 => Pre::gpt2(),
            Form::Digits => Pre::new(vec![Step::Digits { individual: true }], false, true),
            Form::Split(patterns) => Pre::new(patterns.iter().map(split).collect(), false, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_pre_tokenizer_and_the_first_is_written() {
        for (names, ignores, _) in NAMES {
            for name in names {
                let pre = Pre::from_gguf(name).unwrap();
                assert_eq!(pre.to_gguf(ignores), Some(names[0]), "{name}");
                assert_eq!(Pre::gguf_ignores_merges(name), ignores);
                assert_eq!(Pre::of_json(&pre.to_json()).unwrap(), pre);
            }
        }
        assert_eq!(Pre::gpt2(), Pre::from_gguf("gpt-2").unwrap());
        assert!(Pre::from_gguf("kimi-k2").is_none() && Pre::from_gguf("").is_none());
        assert_eq!(Pre::new(Vec::new(), true, true).to_gguf(false), None);
    }

    #[test]
    fn contractions_may_be_spelled_in_two_ways() {
        let spelled = LLAMA3.replace(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
            "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])",
        );
        let step = Step::Split { pattern: Pattern::new(&spelled).unwrap(), kept: Kept::All };
        let pre = Pre::new(vec![step], false, false);
        assert_eq!((pre.to_gguf(true), pre.to_gguf(false)), (Some("llama-bpe"), Some("dbrx")));
    }
}
