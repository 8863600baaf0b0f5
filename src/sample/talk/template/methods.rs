//! The methods of Python's strings and dictionaries that chat templates call: Jinja in Python has them from the language.

use std::sync::Arc;

use minijinja::value::{ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::sample::talk::template::room::Room;

/// Adds them.
pub(super) fn add(environment: &mut Environment<'static>, room: &Arc<Room>) {
    let of = Arc::clone(room);
    environment.set_unknown_method_callback(move |_, value, method, arguments| {
        match (value.as_str(), value.kind()) {
            (Some(text), _) => of_text(&of, text, method, arguments),
            (None, ValueKind::Map) => of_map(value, method, arguments),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    });
    environment
        .add_filter("trim", |text: &str, chars: Option<&str>| strip(text, chars, (true, true)).to_string());
}

/// White space as Python has it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// A text without what it begins or ends with: white space, or any of some characters.
fn strip<'a>(text: &'a str, chars: Option<&str>, (start, end): (bool, bool)) -> &'a str {
    let is_off = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    let text = if start { text.trim_start_matches(is_off) } else { text };
    if end { text.trim_end_matches(is_off) } else { text }
}

/// A text with something in place of something else, in the first `count` places where that is said.
pub(super) fn replaced(
    room: &Room,
    text: &str,
    from: &str,
    to: &str,
    count: Option<usize>,
) -> Result<String, Error> {
    let places = text.matches(from).take(count.unwrap_or(usize::MAX)).count();
    room.take(text.len().saturating_add(places.saturating_mul(to.len())))?;
    Ok(text.replacen(from, to, places))
}

fn of_text(room: &Room, text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let chars = || from_args::<(Option<&str>,)>(arguments).map(|(chars,)| chars);
    let none = || from_args::<()>(arguments);
    let all = |is: fn(char) -> bool| none().map(|()| Value::from(!text.is_empty() && text.chars().all(is)));
    Ok(match method {
        "strip" => Value::from(strip(text, chars()?, (true, true))),
        "lstrip" => Value::from(strip(text, chars()?, (true, false))),
        "rstrip" => Value::from(strip(text, chars()?, (false, true))),
        "upper" => none().map(|()| Value::from(text.to_uppercase()))?,
        "lower" => none().map(|()| Value::from(text.to_lowercase()))?,
        "title" => none().map(|()| Value::from(title(text)))?,
        "capitalize" => none().map(|()| Value::from(capital(text)))?,
        "isspace" => all(is_space)?,
        "isdigit" | "isnumeric" => all(char::is_numeric)?,
        "isalpha" => all(char::is_alphabetic)?,
        "isalnum" => all(char::is_alphanumeric)?,
        "startswith" => Value::from(any(arguments, |part| text.starts_with(part))?),
        "endswith" => Value::from(any(arguments, |part| text.ends_with(part))?),
        "removeprefix" => {
            from_args(arguments).map(|(part,)| text.strip_prefix::<&str>(part).unwrap_or(text))?.into()
        }
        "removesuffix" => {
            from_args(arguments).map(|(part,)| text.strip_suffix::<&str>(part).unwrap_or(text))?.into()
        }
        "find" => place(text, text.find(from_args::<(&str,)>(arguments)?.0)),
        "rfind" => place(text, text.rfind(from_args::<(&str,)>(arguments)?.0)),
        "count" => Value::from(text.matches(from_args::<(&str,)>(arguments)?.0).count()),
        "replace" => {
            let (from, to, count): (&str, &str, Option<i64>) = from_args(arguments)?;
            let count = count.and_then(|count| usize::try_from(count).ok());
            Value::from(replaced(room, text, from, to, count)?)
        }
        "join" => {
            let (values,): (&Value,) = from_args(arguments)?;
            let mut parts = Vec::new();
            let mut bytes = 0;
            for value in values.try_iter()? {
                let part = value.as_str().ok_or_else(|| wrong("join of what is no text"))?;
                bytes += part.len() + text.len();
                room.take(bytes)?;
                parts.push(part.to_string());
            }
            Value::from(parts.join(text))
        }
        "split" | "rsplit" => split(text, method, arguments)?,
        "splitlines" => none().map(|()| text.lines().map(Value::from).collect::<Value>())?,
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// Whether one text, or any of several, is so.
fn any(arguments: &[Value], is: impl Fn(&str) -> bool) -> Result<bool, Error> {
    let (parts,): (&Value,) = from_args(arguments)?;
    if let Some(part) = parts.as_str() {
        return Ok(is(part));
    }
    let mut found = false;
    for part in parts.try_iter()? {
        found |= is(part.as_str().ok_or_else(|| wrong("startswith or endswith of what is no text"))?);
    }
    Ok(found)
}

/// A place in characters, as Python counts; −1 where there is none.
fn place(text: &str, at: Option<usize>) -> Value {
    at.map_or(Value::from(-1), |at| Value::from(text[..at].chars().count()))
}

/// A text's parts, at most `most` + 1 where that is said; at white space where no separator is.
fn split(text: &str, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let (separator, most): (Option<&str>, Option<i64>) = from_args(arguments)?;
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<&str> = match (separator, method) {
        (Some(""), _) => return Err(wrong("split at an empty separator")),
        (Some(separator), "rsplit") => text.rsplitn(most + 1, separator).collect(),
        (Some(separator), _) => text.splitn(most + 1, separator).collect(),
        (None, _) if most == usize::MAX - 1 => text.split(is_space).filter(|part| !part.is_empty()).collect(),
        (None, _) => return Err(wrong("split at white space a number of times")),
    };
    if separator.is_some() && method == "rsplit" {
        parts.reverse();
    }
    Ok(parts.into_iter().map(Value::from).collect())
}

/// Each word with a capital.
fn title(text: &str) -> String {
    let mut inside = false;
    let letter = |c: char| {
        let cased: String = if inside { c.to_lowercase().collect() } else { c.to_uppercase().collect() };
        inside = c.is_alphabetic();
        cased
    };
    text.chars().map(letter).collect()
}

/// The first letter a capital, and no other.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + &chars.as_str().to_lowercase()
}

fn of_map(map: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
    let pairs = || -> Result<Vec<(Value, Value)>, Error> {
        from_args::<()>(arguments)?;
        map.try_iter()?.map(|key| Ok((key.clone(), map.get_item(&key)?))).collect()
    };
    Ok(match method {
        "get" => {
            let (key, otherwise): (&Value, Option<Value>) = from_args(arguments)?;
            let found = map.get_item(key)?;
            if found.is_undefined() { otherwise.unwrap_or(Value::from(())) } else { found }
        }
        "items" => pairs()?.into_iter().map(|(key, value)| Value::from(vec![key, value])).collect(),
        "keys" => pairs()?.into_iter().map(|(key, _)| key).collect(),
        "values" => pairs()?.into_iter().map(|(_, value)| value).collect(),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}
