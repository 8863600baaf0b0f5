//! The functions and filters of chat templates beside Jinja's own, and those of Jinja's that could make much of little, with a bound.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::sample::talk::template::json;
use crate::sample::talk::template::methods::replaced;
use crate::sample::talk::template::room::Room;

/// What a template said when it refused a conversation.
#[derive(Debug)]
pub(super) struct Raised(pub String);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Raised {}

/// Jinja's own that no chat template uses, and that make much of little.
const WITHOUT: [&str; 10] =
    ["format", "batch", "slice", "pprint", "groupby", "chain", "zip", "lines", "sum", "urlencode"];

/// Adds them.
pub(super) fn add(environment: &mut Environment<'static>, room: &Arc<Room>, now: DateTime) {
    for name in WITHOUT {
        environment.remove_filter(name);
    }
    environment.remove_global("debug");
    environment.add_function("raise_exception", |message: &Value| -> Result<Value, Error> {
        Err(Error::from(ErrorKind::InvalidOperation).with_source(Raised(message.to_string())))
    });
    environment.add_function("strftime_now", move |format: &str| {
        jiff::fmt::strtime::format(format, now)
            .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {e}")))
    });
    let of = Arc::clone(room);
    environment.add_function("checked", move |value: Value| of.checked(value));
    environment.add_filter("tojson", |value: &Value, options: Kwargs| {
        // Others are taken, too: separators and ensure_ascii, which templates leave as they are.
        json::json(value, options.get::<Option<usize>>("indent")?.map(|indent| indent.min(8)))
    });
    let of = Arc::clone(room);
    environment
        .add_filter("replace", move |text: &str, from: &str, to: &str| replaced(&of, text, from, to, None));
    let of = Arc::clone(room);
    environment.add_filter("join", move |values: &Value, between: Option<&str>| {
        joined(&of, values, between.unwrap_or_default())
    });
    let of = Arc::clone(room);
    environment.add_filter(
        "indent",
        move |text: &str, width: Option<usize>, first: Option<bool>, options: Kwargs| {
            let width = width.or(options.get("width")?).unwrap_or(4);
            let first = first.or(options.get("first")?).unwrap_or(false);
            let blank = options.get::<Option<bool>>("blank")?.unwrap_or(false);
            indented(&of, text, width, (first, blank))
        },
    );
    let of = Arc::clone(room);
    environment.add_filter("map", move |state: &State, values: &Value, rest: Rest<Value>| {
        mapped(&of, state, values, &rest)
    });
    let of = Arc::clone(room);
    environment.add_function("counted", move |bytes: usize| of.write(bytes).map(|()| ""));
    let of = Arc::clone(room);
    environment.set_formatter(move |out, _, value| {
        let text = match (value.as_str(), json::plain(value)) {
            (Some(text), _) | (None, Some(text)) => Cow::Borrowed(text),
            _ => Cow::Owned(of.checked(value.clone())?.to_string()),
        };
        of.write(text.len())?;
        Ok(out.write_str(&text)?)
    });
}

/// Values one behind another.
fn joined(room: &Room, values: &Value, between: &str) -> Result<String, Error> {
    let mut text = String::new();
    for (at, value) in values.try_iter()?.enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        match (value.as_str(), json::plain(&value)) {
            (Some(one), _) | (None, Some(one)) => text.push_str(one),
            _ => text.push_str(&room.checked(value)?.to_string()),
        }
        room.take(text.len())?;
    }
    Ok(text)
}

/// A text with spaces before its lines: before the first and before empty ones only if that is asked for.
fn indented(room: &Room, text: &str, width: usize, (first, blank): (bool, bool)) -> Result<String, Error> {
    let lines = text.lines().count();
    room.take(text.len().saturating_add(width.saturating_mul(lines)))?;
    let spaces = " ".repeat(width);
    let line = |(at, line): (usize, &str)| {
        let wanted = if at == 0 { first } else { blank || !line.is_empty() };
        if wanted { format!("{spaces}{line}") } else { line.to_string() }
    };
    Ok(text.lines().enumerate().map(line).collect::<Vec<_>>().join("\n"))
}

/// Of each value an attribute (`map(attribute='role')`), or what a filter makes of it (`map('trim')`).
fn mapped(room: &Room, state: &State, values: &Value, rest: &[Value]) -> Result<Value, Error> {
    let (given, options) = minijinja::value::from_args::<(Rest<Value>, Kwargs)>(rest)?;
    let attribute: Option<Value> = options.get("attribute")?;
    let otherwise: Option<Value> = options.get("default")?;
    let mut made = Vec::new();
    let mut bytes = 0;
    for value in values.try_iter()? {
        let one = match (&attribute, given.first().and_then(Value::as_str)) {
            (Some(attribute), _) => {
                // The path of one: `function.name`.
                let found = match attribute.as_str() {
                    Some(path) => path.split('.').try_fold(value, |value, name| value.get_attr(name))?,
                    None => value.get_item(attribute)?,
                };
                if found.is_undefined() { otherwise.clone().unwrap_or(found) } else { found }
            }
            (None, Some(filter)) => {
                let mut with = vec![value];
                with.extend_from_slice(&given[1..]);
                state.apply_filter(filter, &with)?
            }
            (None, None) => {
                return Err(Error::new(ErrorKind::InvalidOperation, "map of no attribute and no filter"));
            }
        };
        bytes += one.as_str().map_or(0, str::len);
        room.take(bytes)?;
        made.push(one);
    }
    Ok(Value::from(made))
}
