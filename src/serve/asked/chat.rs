//! `POST /v1/chat/completions`: a conversation that goes on.

use serde_json::Value;

use crate::serve::asked::common::{Asked, Form, MOST_TEXTS, Most, model, most_tokens, streaming};
use crate::serve::asked::drawing::{choice, seed, stop};
use crate::serve::asked::fields::{Fields, missing, unsupported, wrong_type};
use crate::serve::http::refused::Refused;
use crate::serve::job::{Listed, Message, Prompt, Role, Write};

/// Understands the request.
///
/// # Errors
/// A field is missing, of a wrong type, out of bounds, or asks for what is not done here.
pub fn chat(mut fields: Fields, listed: &[Listed]) -> Result<Asked, Refused> {
    let model = model(&mut fields, listed)?;
    let messages = match fields.any("messages").ok_or_else(|| missing("messages"))? {
        Value::Array(messages) if messages.is_empty() => {
            let message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
            return Err(Refused::field("messages", Some("empty_array"), message));
        }
        Value::Array(messages) => {
            messages.into_iter().enumerate().map(|(i, m)| message(i, m)).collect::<Result<_, _>>()?
        }
        other => return Err(wrong_type("messages", "an array of objects", &other)),
    };
    only_text(&mut fields)?;
    let stream = streaming(&mut fields)?;
    let n = fields.whole("n", 1..=MOST_TEXTS)?.map_or(1, |n| n as usize);
    let older = most_tokens(&mut fields, "max_tokens", 1)?;
    let newer = most_tokens(&mut fields, "max_completion_tokens", 1)?;
    let write = Write {
        model: model.clone(),
        prompt: Prompt::Messages(messages),
        passages: Vec::new(),
        n,
        best_of: n,
        max_tokens: newer.or(older).and_then(Most::tokens),
        how: choice(&mut fields)?,
        seed: seed(&mut fields)?,
        stop: stop(&mut fields)?,
        logprobs: logprobs(&mut fields)?,
        echo: false,
    };
    let recall = fields.flag("recall")?.unwrap_or(false);
    Ok(Asked { form: Form::Chat, model, writes: vec![write], stream, recall })
}

fn logprobs(fields: &mut Fields) -> Result<Option<usize>, Refused> {
    let on = fields.flag("logprobs")?.unwrap_or(false);
    let top = fields.whole("top_logprobs", 0..=20)?;
    if top.is_some_and(|top| top > 0) && !on {
        let message = "'top_logprobs' needs 'logprobs' to be true.";
        return Err(Refused::field("top_logprobs", None, message));
    }
    Ok(on.then(|| top.map_or(0, |top| top as usize)))
}

/// Refuses what is more than text, where it would be missed.
fn only_text(fields: &mut Fields) -> Result<(), Refused> {
    let is_declined = |choice: &Value| choice.as_str() == Some("none");
    let choices =
        ["tool_choice", "function_call"].map(|name| fields.any(name).is_some_and(|c| is_declined(&c)));
    for (name, declined) in ["tools", "functions"].into_iter().zip(choices) {
        match fields.any(name) {
            None => {}
            Some(Value::Array(tools)) if tools.is_empty() || declined => {}
            Some(Value::Array(_)) => {
                return Err(unsupported(
                    name,
                    format!("'{name}' is not supported: these models call no tools."),
                ));
            }
            Some(other) => return Err(wrong_type(name, "an array", &other)),
        }
    }
    if let Some(mut format) = fields.object("response_format")? {
        let kind = format.text("type")?.ok_or_else(|| missing("response_format.type"))?;
        if kind != "text" {
            let message = format!("'response_format' of type '{kind}' is not supported: the answer is text.");
            return Err(unsupported("response_format", message));
        }
    }
    match fields.any("modalities") {
        Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind != "text") => {
            Err(unsupported("modalities", "only 'text' is supported in 'modalities'."))
        }
        _ => Ok(()),
    }
}

/// Message `i` of the conversation.
fn message(i: usize, value: Value) -> Result<Message, Refused> {
    let at = |field: &str| format!("messages[{i}]{field}");
    let mut fields = match value {
        Value::Object(fields) => Fields::from(fields),
        other => return Err(wrong_type(&at(""), "an object", &other)),
    };
    let role = match fields.any("role") {
        None => return Err(missing(&at(".role"))),
        Some(Value::String(role)) => role,
        Some(other) => return Err(wrong_type(&at(".role"), "a string", &other)),
    };
    let role = match role.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => {
            let message = format!("messages of role '{role}' are not supported: these models call no tools.");
            return Err(unsupported(at(".role"), message));
        }
        _ => {
            let message = format!(
                "Invalid value: '{role}'. Supported values are: 'system', 'developer', 'user' and 'assistant'."
            );
            return Err(Refused::field(at(".role"), Some("invalid_value"), message));
        }
    };
    if ["tool_calls", "function_call"].into_iter().any(|name| match fields.any(name) {
        Some(Value::Array(calls)) => !calls.is_empty(),
        other => other.is_some(),
    }) {
        return Err(unsupported(
            at(".tool_calls"),
            "calls of tools are not supported: these models make none.",
        ));
    }
    let content = match fields.any("content") {
        None => return Err(missing(&at(".content"))),
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => {
            let part = |(j, value)| part(&at(&format!(".content[{j}]")), value);
            parts.into_iter().enumerate().map(part).collect::<Result<Vec<String>, Refused>>()?.join("\n")
        }
        Some(other) => return Err(wrong_type(&at(".content"), "a string or an array of parts", &other)),
    };
    Ok(Message::new(role, content))
}

/// The text of one part of a message.
fn part(at: &str, value: Value) -> Result<String, Refused> {
    let mut fields = match value {
        Value::Object(fields) => Fields::from(fields),
        other => return Err(wrong_type(at, "an object", &other)),
    };
    let name = match fields.any("type") {
        None => return Err(missing(&format!("{at}.type"))),
        Some(Value::String(kind)) if kind == "text" || kind == "refusal" => kind,
        Some(Value::String(kind)) => {
            let message = format!("parts of type '{kind}' are not supported: these models read text only.");
            return Err(unsupported(format!("{at}.type"), message));
        }
        Some(other) => return Err(wrong_type(&format!("{at}.type"), "a string", &other)),
    };
    match fields.any(&name) {
        None => Err(missing(&format!("{at}.{name}"))),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(wrong_type(&format!("{at}.{name}"), "a string", &other)),
    }
}
