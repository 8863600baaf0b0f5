//! `POST /v1/completions`: a text, or several, that go on.

use serde_json::Value;

use crate::serve::asked::common::{Asked, Form, MOST_TEXTS, Most, model, most_tokens, streaming};
use crate::serve::asked::drawing::{choice, seed, stop};
use crate::serve::asked::fields::{Fields, unsupported, whole, wrong_type};
use crate::serve::http::refused::Refused;
use crate::serve::job::{Listed, Prompt, Write};

/// How many tokens `OpenAI` documents where a request does not say.
const TOKENS: usize = 16;

/// Understands the request.
///
/// # Errors
/// A field is missing, of a wrong type, out of bounds, or asks for what is not done here.
pub fn completion(mut fields: Fields, listed: &[Listed]) -> Result<Asked, Refused> {
    let model = model(&mut fields, listed)?;
    // Without a prompt a text begins as a new document does.
    let prompts = fields.any("prompt").map_or(Ok(vec![plain(String::new())]), prompts)?;
    if fields.text("suffix")?.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(unsupported("suffix", "'suffix' is not supported: these models write forwards only."));
    }
    let stream = streaming(&mut fields)?;
    let n = fields.whole("n", 1..=MOST_TEXTS)?.map_or(1, |n| n as usize);
    let best_of = fields.whole("best_of", 1..=MOST_TEXTS)?.map_or(n, |n| n as usize);
    if best_of < n {
        let message = format!("Invalid 'best_of': it must be at least 'n' ({n}), but is {best_of}.");
        return Err(Refused::field("best_of", None, message));
    }
    if best_of > n && stream.on {
        let message = "'best_of' above 'n' cannot be streamed: which text is best is known at its end.";
        return Err(unsupported("best_of", message));
    }
    if prompts.len().saturating_mul(best_of) > MOST_TEXTS as usize {
        let message = format!(
            "{} prompts with {best_of} texts each are more than {MOST_TEXTS}: ask for fewer at a time.",
            prompts.len()
        );
        return Err(Refused::field("prompt", Some("array_above_max_length"), message));
    }
    let write = Write {
        model: model.clone(),
        prompt: Prompt::Ids(Vec::new()),
        passages: Vec::new(),
        n,
        best_of,
        max_tokens: most_tokens(&mut fields, "max_tokens", 0)?.unwrap_or(Most::Tokens(TOKENS)).tokens(),
        how: choice(&mut fields)?,
        seed: seed(&mut fields)?,
        stop: stop(&mut fields)?,
        logprobs: fields.whole("logprobs", 0..=5)?.map(|n| n as usize),
        echo: fields.flag("echo")?.unwrap_or(false),
    };
    if fields.flag("recall")?.unwrap_or(false) {
        let message = "'recall' is not supported here, where a text goes on and nothing is asked of the entries: ask \
                       with it at /v1/chat/completions.";
        return Err(unsupported("recall", message));
    }
    let prompts = below(fields.text("heading")?.unwrap_or_default(), prompts)?;
    let writes = prompts.into_iter().map(|prompt| Write { prompt, ..write.clone() }).collect();
    Ok(Asked { form: Form::Completion, model, writes, stream, recall: false })
}

/// The prompts below a heading, which stays where they have to be cut.
fn below(heading: String, mut prompts: Vec<Prompt>) -> Result<Vec<Prompt>, Refused> {
    if heading.is_empty() {
        return Ok(prompts);
    }
    for prompt in &mut prompts {
        match prompt {
            Prompt::Text { heading: own, .. } => own.clone_from(&heading),
            _ => return Err(unsupported("heading", "'heading' needs prompts of text, not of tokens.")),
        }
    }
    Ok(prompts)
}

/// A text without a heading.
fn plain(text: String) -> Prompt {
    Prompt::Text { heading: String::new(), text }
}

/// A text, texts, tokens, or several times tokens.
fn prompts(value: Value) -> Result<Vec<Prompt>, Refused> {
    const EXPECTED: &str = "a string, an array of strings, of tokens, or of arrays of tokens";
    let values = match value {
        Value::String(text) => return Ok(vec![plain(text)]),
        Value::Array(values) => values,
        other => return Err(wrong_type("prompt", EXPECTED, &other)),
    };
    match values.first() {
        None => Err(Refused::field(
            "prompt",
            Some("empty_array"),
            "Invalid 'prompt': empty array. Expected an array with minimum length 1.",
        )),
        Some(Value::Number(_)) => Ok(vec![Prompt::Ids(ids(&values)?)]),
        Some(_) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(plain(text)),
                Value::Array(tokens) => Ok(Prompt::Ids(ids(&tokens)?)),
                other => Err(wrong_type("prompt", EXPECTED, &other)),
            })
            .collect(),
    }
}

/// Tokens, none of them odd.
fn ids(values: &[Value]) -> Result<Vec<u32>, Refused> {
    if values.is_empty() {
        let message = "Invalid 'prompt': an array of tokens must have one at least.";
        return Err(Refused::field("prompt", Some("empty_array"), message));
    }
    let id = |value| {
        let id = whole(value).and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| wrong_type("prompt", "tokens, whole numbers from 0,", value))
    };
    values.iter().map(id).collect()
}
