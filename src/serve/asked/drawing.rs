//! How tokens are to be drawn, as a request says it.

use serde_json::Value;

use crate::sample::Choice;
use crate::serve::asked::fields::{Fields, unsupported, whole, within, wrong_type};
use crate::serve::http::refused::Refused;

/// The most that a penalty or a size is believed.
const MOST: f64 = 100.0;

/// The fields of `OpenAI`'s and the further ones that other servers have, all optional. Who gives a temperature or a top-p means
/// those: our own top-k is then no longer taken for granted.
///
/// # Errors
/// One of them is of a wrong type or out of bounds.
pub fn choice(fields: &mut Fields) -> Result<Choice, Refused> {
    let default = Choice::default();
    let temperature = fields.number("temperature", 0.0..=2.0)?;
    let top_p = fields.number("top_p", 0.0..=1.0)?;
    // -1 is what some servers call "all".
    let top_k = fields.whole("top_k", -1..=i64::from(i32::MAX))?.map(|k| usize::try_from(k).unwrap_or(0));
    let is_theirs = temperature.is_some() || top_p.is_some();
    Ok(Choice {
        temperature: temperature.unwrap_or(default.temperature),
        top_k: top_k.unwrap_or(if is_theirs { 0 } else { default.top_k }),
        // The nucleus always holds one token: of none, the likeliest.
        top_p: top_p.unwrap_or(default.top_p).max(f32::MIN_POSITIVE),
        min_p: fields.number("min_p", 0.0..=1.0)?.unwrap_or(default.min_p),
        typical_p: fields.number("typical_p", 0.0..=1.0)?.unwrap_or(default.typical_p).max(f32::MIN_POSITIVE),
        repetition_penalty: fields
            .number("repetition_penalty", 0.01..=MOST)?
            .unwrap_or(default.repetition_penalty),
        frequency_penalty: fields
            .number("frequency_penalty", -2.0..=2.0)?
            .unwrap_or(default.frequency_penalty),
        presence_penalty: fields.number("presence_penalty", -2.0..=2.0)?.unwrap_or(default.presence_penalty),
        no_repeat_ngram: fields
            .whole("no_repeat_ngram_size", 0..=MOST as i64)?
            .map_or(default.no_repeat_ngram, |size| size as usize),
        logit_bias: logit_bias(fields)?,
    })
}

/// What is added to the logits of tokens, by id.
fn logit_bias(fields: &mut Fields) -> Result<Vec<(u32, f32)>, Refused> {
    let name = "logit_bias";
    let Some(bias) = fields.object(name)? else { return Ok(Vec::new()) };
    let mut all: Vec<(u32, f32)> = Vec::new();
    for (id, value) in bias.rest() {
        let id = id.parse().map_err(|_| {
            unsupported(name, format!("Invalid key in 'logit_bias': {id:?}. The keys must be ids of tokens."))
        })?;
        let add = value.as_f64().ok_or_else(|| wrong_type(name, "a decimal for each token", &value))?;
        all.push((id, within(name, "decimal", add, &(-MOST..=MOST))? as f32));
    }
    all.sort_unstable_by_key(|(id, _)| *id);
    // `"5"` and `"05"` are two keys and one token.
    all.dedup_by_key(|(id, _)| *id);
    Ok(all)
}

/// What a text ends before; a string or up to sixteen. (Empty ones would end every text at once, and are what an empty line of a form
/// sends.)
///
/// # Errors
/// It is something else.
pub fn stop(fields: &mut Fields) -> Result<Vec<String>, Refused> {
    let all = match fields.any("stop") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => {
            let text = |value| match value {
                Value::String(text) => Ok(text),
                other => Err(wrong_type("stop", "an array of strings", &other)),
            };
            several.into_iter().map(text).collect::<Result<Vec<String>, Refused>>()?
        }
        Some(other) => return Err(wrong_type("stop", "a string or an array of strings", &other)),
    };
    if all.len() > 16 {
        let message = format!("Invalid 'stop': expected at most 16 strings, but got {} instead.", all.len());
        return Err(Refused::field("stop", Some("array_above_max_length"), message));
    }
    Ok(all.into_iter().filter(|stop| !stop.is_empty()).collect())
}

/// What makes a text come out the same again: any whole number of 64 bits.
///
/// # Errors
/// It is something else.
pub fn seed(fields: &mut Fields) -> Result<Option<u64>, Refused> {
    let Some(value) = fields.any("seed") else { return Ok(None) };
    let seed = value.as_u64().or_else(|| whole(&value).map(i64::cast_unsigned));
    seed.map(Some).ok_or_else(|| wrong_type("seed", "an integer", &value))
}
