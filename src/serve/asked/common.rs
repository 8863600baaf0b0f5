//! What requests for text have in common, whether they are conversations or not.

use axum::http::StatusCode;

use crate::serve::asked::fields::{Fields, missing};
use crate::serve::http::refused::Refused;
use crate::serve::job::{Listed, Write};

/// The most texts that one request may ask for.
pub const MOST_TEXTS: i64 = 128;

/// In whose words the answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `/v1/completions`.
    Completion,
    /// `/v1/chat/completions`.
    Chat,
}

/// A request for text, understood.
#[derive(Debug)]
pub struct Asked {
    /// In whose words the answer is given.
    pub form: Form,
    /// The model's name.
    pub model: String,
    /// One for each prompt; all ask for equally many texts.
    pub writes: Vec<Write>,
    /// How the answer is sent.
    pub stream: Streaming,
    /// Whether the answer is to stand on the person's own entries.
    pub recall: bool,
}

/// How the answer is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streaming {
    /// Piece by piece.
    pub on: bool,
    /// With a last piece that says how many tokens there were.
    pub usage: bool,
}

/// The model that is asked for.
///
/// # Errors
/// None is named, or it is not there.
pub fn model(fields: &mut Fields, listed: &[Listed]) -> Result<String, Refused> {
    let name = fields.text("model")?.ok_or_else(|| missing("model"))?;
    known(name, listed)
}

/// The name, if it is a model's.
///
/// # Errors
/// It is none's.
fn known(name: String, listed: &[Listed]) -> Result<String, Refused> {
    if listed.iter().any(|model| model.name == name) { Ok(name) } else { Err(not_there(&name, listed)) }
}

/// That a name is none of those that there are.
pub fn not_there(name: &str, listed: &[Listed]) -> Refused {
    let names: Vec<String> = listed.iter().map(|model| format!("`{}`", model.name)).collect();
    let there = if names.len() == 1 { "There is" } else { "There are" };
    let message = format!("The model `{name}` does not exist here. {there}: {}.", names.join(", "));
    Refused {
        status: StatusCode::NOT_FOUND,
        message,
        param: Some("model".into()),
        code: Some("model_not_found"),
    }
}

/// How the answer is to be sent.
///
/// # Errors
/// A field is of a wrong type, or there are options of streaming without streaming.
pub fn streaming(fields: &mut Fields) -> Result<Streaming, Refused> {
    let on = fields.flag("stream")?.unwrap_or(false);
    let Some(mut options) = fields.object("stream_options")? else {
        return Ok(Streaming { on, usage: false });
    };
    if !on {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refused::field("stream_options", None, message));
    }
    Ok(Streaming { on, usage: options.flag("include_usage")?.unwrap_or(false) })
}

/// The most tokens of a text; as many as there is room for, where a client says -1.
///
/// # Errors
/// It is no whole number, or below `least`.
pub fn most_tokens(fields: &mut Fields, name: &str, least: i64) -> Result<Option<Most>, Refused> {
    let Some(tokens) = fields.whole(name, -1..=i64::from(i32::MAX))? else { return Ok(None) };
    match usize::try_from(tokens) {
        Err(_) => Ok(Some(Most::Room)),
        Ok(_) if tokens < least => {
            let message = format!("Invalid '{name}': expected a value >= {least}, but got {tokens} instead.");
            Err(Refused::field(name, Some("integer_below_min_value"), message))
        }
        Ok(tokens) => Ok(Some(Most::Tokens(tokens))),
    }
}

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    /// So many tokens.
    Tokens(usize),
    /// As many as the context has room for.
    Room,
}

impl Most {
    /// As the worker is told.
    pub fn tokens(self) -> Option<usize> {
        match self {
            Most::Tokens(tokens) => Some(tokens),
            Most::Room => None,
        }
    }
}
