//! The fields of a request, taken by name and type. What is not asked for is ignored; `null` is as good as absent.

use std::ops::RangeInclusive;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::serve::http::refused::Refused;

/// A request's JSON object.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Fields {
        Fields(fields)
    }
}

impl Fields {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no JSON object in UTF-8.
    pub fn read(body: &[u8]) -> Result<Fields, Refused> {
        let odd = |message: String| Refused::new(StatusCode::BAD_REQUEST, message).code("invalid_json");
        let text = std::str::from_utf8(body)
            .map_err(|e| odd(format!("the request is no UTF-8: byte {} is odd", e.valid_up_to())))?;
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(other) => Err(odd(format!("the request must be a JSON object, and is {}", kind(&other)))),
            Err(e) => Err(odd(format!("the request is no JSON: {e}"))),
        }
    }

    /// A value of any type.
    pub fn any(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// It is something else.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Refused> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", &other)),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// It is something else, or absent.
    pub fn needed_text(&mut self, name: &str) -> Result<String, Refused> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// Yes or no.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Refused> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(name, "a boolean", &other)),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// It is something else.
    pub fn object(&mut self, name: &str) -> Result<Option<Fields>, Refused> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields(fields))),
            Some(other) => Err(wrong_type(name, "an object", &other)),
        }
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// It is something else, or beyond them.
    pub fn whole(&mut self, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, Refused> {
        let Some(value) = self.any(name) else { return Ok(None) };
        let whole = whole(&value).ok_or_else(|| wrong_type(name, "an integer", &value))?;
        within(name, "integer", whole, &bounds).map(Some)
    }

    /// A number within bounds.
    ///
    /// # Errors
    /// It is something else, or beyond them.
    pub fn number(&mut self, name: &str, bounds: RangeInclusive<f64>) -> Result<Option<f32>, Refused> {
        let Some(value) = self.any(name) else { return Ok(None) };
        let number = value.as_f64().ok_or_else(|| wrong_type(name, "a decimal", &value))?;
        within(name, "decimal", number, &bounds).map(|number| Some(number as f32))
    }

    /// What is left, in the order of the request.
    pub fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter()
    }
}

/// A number without a fraction: `5`, and `5.0` as some languages write it.
pub fn whole(value: &Value) -> Option<i64> {
    // Up to 2^53 a float is as exact as it was written.
    let exact = |f: &f64| f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|f| f as i64))
}

/// The value, if it is within bounds.
///
/// # Errors
/// It is beyond them.
pub fn within<T: PartialOrd + std::fmt::Display>(
    name: &str,
    kind: &str,
    value: T,
    bounds: &RangeInclusive<T>,
) -> Result<T, Refused> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    let is_below = value < *bounds.start();
    let (sign, bound) = if is_below { (">=", bounds.start()) } else { ("<=", bounds.end()) };
    let code = match (kind, is_below) {
        ("integer", true) => "integer_below_min_value",
        ("integer", false) => "integer_above_max_value",
        (_, true) => "decimal_below_min_value",
        (_, false) => "decimal_above_max_value",
    };
    let message = format!("Invalid '{name}': expected a value {sign} {bound}, but got {value} instead.");
    Err(Refused::field(name, Some(code), message))
}

/// A field that must be there is not.
pub fn missing(name: &str) -> Refused {
    let message = format!("Missing required parameter: '{name}'.");
    Refused::field(name, Some("missing_required_parameter"), message)
}

/// A field is of another type than it must be.
pub fn wrong_type(name: &str, expected: &str, found: &Value) -> Refused {
    let message = format!("Invalid type for '{name}': expected {expected}, but got {} instead.", kind(found));
    Refused::field(name, Some("invalid_type"), message)
}

/// A field asks for what is not done here.
pub fn unsupported(name: impl Into<String>, message: impl Into<String>) -> Refused {
    Refused::field(name, Some("unsupported_value"), message)
}

/// What a value is, for a message.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
