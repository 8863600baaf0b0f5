//! The settings of an `adapter_config.json`, each as what it has to be; what is no such thing is told by its name.

use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::base::{Error, Result};
use crate::weights::words::{quoted, short};

/// Patterns in one file: gpt2-xl has 192 matrices in its blocks, Mistral 7B 224.
const MOST_PATTERNS: usize = 512;
/// What a compiled pattern may take, in bytes.
pub(super) const MOST_PATTERN: usize = 1 << 18;
/// No rank comes near this.
const MOST_RANK: u64 = 1 << 20;

/// What to do with an adapter that is not merged here.
pub(super) const MERGE: &str = "merge it with Python: python -c \"import sys, peft; \
     peft.AutoPeftModelForCausalLM.from_pretrained(sys.argv[1]).merge_and_unload().save_pretrained(sys.argv[2])\" \
     ADAPTER MERGED; then name the folder MERGED";

/// What a file says.
pub(super) struct Said<'a> {
    pub found: &'a Map<String, Value>,
    pub path: &'a Path,
}

impl<'a> Said<'a> {
    /// The error of a setting that is no such thing.
    pub fn none(&self, name: &str, value: &Value, what: &str) -> Error {
        Error::file(self.path, format!("{name} is {}, {what}", short(&value.to_string())), MERGE)
    }

    /// A setting that says something.
    pub fn set(&self, name: &str) -> Option<&'a Value> {
        self.found.get(name).filter(|value| is_set(value))
    }

    /// A number that f32 holds.
    pub fn number(&self, name: &str, value: Option<&Value>) -> Result<f64> {
        match value.and_then(Value::as_f64).filter(|x| x.is_finite()) {
            Some(x) if (x as f32).is_finite() => Ok(x),
            Some(x) => {
                let problem = format!("{name} is {x:e}, more than single precision holds");
                Err(Error::file(self.path, problem, MERGE))
            }
            None => Err(self.or_absent(name, value, "no number")),
        }
    }

    pub fn rank(&self, name: &str, value: Option<&Value>) -> Result<u64> {
        let rank = value.and_then(Value::as_u64).filter(|r| (1..=MOST_RANK).contains(r));
        rank.ok_or_else(|| self.or_absent(name, value, "no rank"))
    }

    fn or_absent(&self, name: &str, value: Option<&Value>, what: &str) -> Error {
        match value {
            Some(value) => self.none(name, value, what),
            None => Error::file(self.path, format!("{name} is not there, {what}"), MERGE),
        }
    }

    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.found.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(other) => Err(self.none(name, other, "neither true nor false")),
        }
    }

    /// A list of names, or `one` in its place.
    pub fn names(&self, name: &str, one: Option<&Value>) -> Result<Vec<String>> {
        let Some(value) = self.set(name) else { return Ok(Vec::new()) };
        let one = || Some(vec![one?.as_str()?.to_string()]);
        strings(value).or_else(one).ok_or_else(|| self.none(name, value, "no list of names"))
    }

    /// The numbers of layers, or of one.
    pub fn layers(&self, name: &str) -> Result<Option<Vec<u64>>> {
        let Some(value) = self.set(name) else { return Ok(None) };
        let one = value.as_u64().map(|one| vec![one]);
        let list = || value.as_array()?.iter().map(Value::as_u64).collect();
        one.or_else(list).map(Some).ok_or_else(|| self.none(name, value, "no list of layers"))
    }

    /// A map from patterns of modules' names to numbers. A pattern holds of a name, or of the end of one from a dot on.
    pub fn patterns<T>(
        &self,
        name: &str,
        number: impl Fn(&Self, &str, Option<&Value>) -> Result<T>,
    ) -> Result<Vec<(Regex, T)>> {
        let map = match self.found.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Object(map)) => map,
            Some(other) => return Err(self.none(name, other, "no numbers by modules")),
        };
        if map.len() > MOST_PATTERNS {
            let problem = format!("{name} has {} entries, more than a model has matrices", map.len());
            return Err(Error::file(self.path, problem, MERGE));
        }
        let pattern = |(key, value): (&String, &Value)| {
            let whole = format!("^(?:.*\\.)?(?:{key})$");
            let regex = RegexBuilder::new(&whole).size_limit(MOST_PATTERN).build().map_err(|_| {
                let problem = format!("{name} has the pattern {}, which is not read", quoted(key));
                Error::file(self.path, problem, MERGE)
            })?;
            Ok((regex, number(self, name, Some(value))?))
        };
        map.iter().map(pattern).collect()
    }
}

/// A list of strings.
pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|v| v.as_str().map(str::to_string)).collect()
}

pub(super) fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
