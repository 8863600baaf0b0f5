//! What is done with a secret.

use std::fmt;
use std::str::FromStr;

/// What is done with a secret, or as a policy with all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It stays.
    #[default]
    Keep,
    /// Its placeholder stands in its stead: `[phone 2]`.
    Replace,
    /// The line that holds it goes: in a journal, most often a paragraph.
    Drop,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 3] = [Action::Keep, Action::Replace, Action::Drop];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Keep => "keep",
            Action::Replace => "replace",
            Action::Drop => "drop",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Action, String> {
        let asked = text.trim().to_lowercase();
        Action::ALL
            .into_iter()
            .find(|action| action.name() == asked)
            .ok_or_else(|| format!("“{}” is none of keep, replace, drop", text.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_as_it_is_written() {
        for action in Action::ALL {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        assert_eq!(" Drop ".parse(), Ok(Action::Drop));
        assert!("delete".parse::<Action>().unwrap_err().contains("keep, replace, drop"));
    }
}
