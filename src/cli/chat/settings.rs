//! How words are drawn, by the names of the command line's options.

use crate::base::{Error, Result};
use crate::cli::chat::visible::first_words;
use crate::cli::choosing::bias;
use crate::sample::Choice;

/// What holds for every answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How tokens are drawn.
    pub how: Choice,
    /// The most tokens of an answer.
    pub max_tokens: usize,
    /// An answer ends before the first of these.
    pub stop: Vec<String>,
}

/// One of them.
struct Setting {
    name: &'static str,
    get: fn(&Settings) -> String,
    /// What is to be given; nothing where it is a number.
    given: &'static str,
    /// Sets it to what was typed; none where that is no such thing.
    set: fn(&mut Settings, &str) -> Option<()>,
}

/// Puts a number in its place.
fn number<T: std::str::FromStr>(place: &mut T, typed: &str) -> Option<()> {
    *place = typed.parse().ok()?;
    Some(())
}

/// A field of the settings under its name.
macro_rules! setting {
    ($name:literal, $($field:ident).+) => {
        Setting {
            name: $name,
            get: |s| s.$($field).+.to_string(),
            given: "",
            set: |s, typed| number(&mut s.$($field).+, typed),
        }
    };
}

/// All that can be set. A new field of [`Choice`] is a row here.
const SETTINGS: &[Setting] = &[
    setting!("temperature", how.temperature),
    setting!("top-k", how.top_k),
    setting!("top-p", how.top_p),
    setting!("min-p", how.min_p),
    setting!("typical-p", how.typical_p),
    setting!("repetition-penalty", how.repetition_penalty),
    setting!("frequency-penalty", how.frequency_penalty),
    setting!("presence-penalty", how.presence_penalty),
    setting!("no-repeat-ngram", how.no_repeat_ngram),
    Setting {
        name: "logit-bias",
        get: |s| listed(s.how.logit_bias.iter().map(|(id, x)| format!("{id}:{x}"))),
        given: "ids of tokens, each with what is added to its logit, as in /set logit-bias 50256:-100, 13:2; \"\" for none",
        set: |s, typed| {
            s.how.logit_bias = biases(typed)?;
            Some(())
        },
    },
    setting!("max-tokens", max_tokens),
    Setting {
        name: "stop",
        get: |s| listed(s.stop.iter().map(|stop| format!("{stop:?}"))),
        given: "the text to stop at, as in /set stop \"\\n\\n\"; \"\" for none",
        set: |s, typed| {
            let typed = unquoted(typed)?.replace("\\n", "\n");
            s.stop = if typed.is_empty() { Vec::new() } else { vec![typed] };
            Some(())
        },
    },
];

/// All of a setting's values.
fn listed(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}

/// What stands between quotation marks, or is typed without; none where nothing is typed.
fn unquoted(typed: &str) -> Option<&str> {
    let inner = typed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.or_else(|| (!typed.is_empty()).then_some(typed))
}

/// `50256:-100, 13:2`, one at least; `""` for none.
fn biases(typed: &str) -> Option<Vec<(u32, f32)>> {
    let typed = unquoted(typed)?;
    let each = typed.split(|c: char| c == ',' || c.is_whitespace()).filter(|one| !one.is_empty());
    each.map(|one| bias(one).ok()).collect()
}

/// The names, for completion.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|s| s.name)
}

impl Settings {
    /// All of them, on one line.
    pub fn line(&self) -> String {
        let all: Vec<String> = SETTINGS.iter().map(|s| format!("{} {}", s.name, (s.get)(self))).collect();
        all.join(" · ")
    }

    /// Sets one.
    ///
    /// # Errors
    /// There is none of that name, or it cannot have that value; then all stay as they were.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let Some(setting) = SETTINGS.iter().find(|s| s.name == name.trim_start_matches('-')) else {
            let all: Vec<&str> = names().collect();
            let name = first_words(name, 30);
            return Err(Error::usage(
                format!("there is no {name} to set"),
                format!("there are {}", all.join(", ")),
            ));
        };
        let mut new = self.clone();
        (setting.set)(&mut new, value).ok_or_else(|| {
            let value = first_words(value, 30);
            let given = match setting.given {
                "" => format!("a number, as in /set {} {}", setting.name, (setting.get)(self)),
                given => given.to_string(),
            };
            Error::usage(format!("{} cannot be {value:?}", setting.name), format!("give {given}"))
        })?;
        new.how.check()?;
        *self = new;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_told_and_what_cannot_be_changes_nothing() {
        let mut settings = Settings { how: Choice::default(), max_tokens: 300, stop: Vec::new() };
        settings.set("temperature", "0.5").unwrap();
        settings.set("--top-k", "40").unwrap();
        settings.set("max-tokens", "12").unwrap();
        assert_eq!(
            settings.line(),
            "temperature 0.5 · top-k 40 · top-p 1 · min-p 0 · typical-p 1 · repetition-penalty 1 · frequency-penalty 0 · presence-penalty 0 \
             · no-repeat-ngram 0 · logit-bias none · max-tokens 12 · stop none"
        );
        settings.set("logit-bias", "50256:-100, 13:2.5").unwrap();
        assert_eq!(settings.how.logit_bias, [(50256, -100.0), (13, 2.5)]);
        settings.set("stop", r"\n\n").unwrap();
        assert_eq!(settings.stop, ["\n\n"]);
        let told = settings.line();
        assert!(told.contains(r#"logit-bias 50256:-100, 13:2.5 · max-tokens 12 · stop "\n\n""#), "{told}");
        let before = settings.clone();
        for (name, value, said) in [
            ("heat", "1", "there is no heat to set"),
            ("top-k", "many", "top-k cannot be \"many\""),
            ("temperature", "-1", "--temperature -1"),
            ("temperature", "NaN", "--temperature NaN"),
            ("top-p", "0", "--top-p 0"),
            ("max-tokens", "", "max-tokens cannot be \"\""),
            ("logit-bias", "13", "give ids of tokens"),
            ("logit-bias", "13:2, x", "give ids of tokens"),
            ("logit-bias", "13:101", "--logit-bias 13:101"),
            ("stop", "", "give the text to stop at"),
        ] {
            let error = settings.set(name, value).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(settings, before);
        }
        settings.set("logit-bias", "\"\"").unwrap();
        settings.set("stop", "\"\"").unwrap();
        assert!(settings.how.logit_bias.is_empty() && settings.stop.is_empty());
    }
}
