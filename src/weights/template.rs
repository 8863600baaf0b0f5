//! A model's chat template: how a conversation is written for it, in Jinja. It is kept with the model and passed on; nothing
//! here interprets it.

use std::path::Path;

use serde_json::Value;

use crate::base::{Error, Result};
use crate::weights::small;

/// The template in a Hugging Face folder: `chat_template.jinja`, or, as older tools have it, in `tokenizer_config.json`, where
/// of several the one called `default` counts.
///
/// # Errors
/// A file that cannot be read, or is too long for what it is.
pub(super) fn of_folder(folder: &Path) -> Result<Option<String>> {
    if let Some(text) = text(&folder.join("chat_template.jinja"))? {
        return Ok(Some(text));
    }
    let Some(config) = text(&folder.join("tokenizer_config.json"))? else { return Ok(None) };
    // What is wrong with the file is told by the tokenizer's reader.
    let config: Value = serde_json::from_str(&config).unwrap_or_default();
    let template = match &config["chat_template"] {
        Value::Array(several) => several
            .iter()
            .find(|one| one["name"] == "default")
            .or(several.first())
            .and_then(|one| one["template"].as_str()),
        one => one.as_str(),
    };
    Ok(template.map(str::to_string))
}

/// A template that a person gives.
///
/// # Errors
/// A file that cannot be read, is too long, or is no template: an empty one would leave the model without, and a broken one fails
/// where it is used.
pub fn of_file(path: &Path) -> Result<String> {
    let text = text(path)?.ok_or_else(|| Error::typed("read", path)(std::io::ErrorKind::NotFound.into()))?;
    let count = |what: &str| text.matches(what).count();
    if text.trim().is_empty() || count("{%") != count("%}") || count("{{") != count("}}") {
        let problem = "no chat template in Jinja: empty, or with a {% or {{ that is not closed";
        return Err(Error::file(
            path,
            problem,
            "leave --chat-template out: then the messages' text is passed on as it stands",
        ));
    }
    Ok(text)
}

/// The text of a file, if it is there.
fn text(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = small::bytes(path)?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| Error::file(path, "not UTF-8 text", "download the file again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_found_where_old_and_new_tools_put_it() {
        let dir = tempfile::tempdir().unwrap();
        let of = || of_folder(dir.path()).unwrap();
        assert_eq!(of(), None);
        for (config, expected) in [
            (json!({}), None),
            (json!({ "chat_template": "{{ a }}" }), Some("{{ a }}")),
            (
                json!({ "chat_template": [{ "name": "tools", "template": "t" }, { "name": "default", "template": "d" }] }),
                Some("d"),
            ),
            (json!({ "chat_template": 3 }), None),
        ] {
            std::fs::write(dir.path().join("tokenizer_config.json"), config.to_string()).unwrap();
            assert_eq!(of().as_deref(), expected);
        }
        std::fs::write(dir.path().join("chat_template.jinja"), "new").unwrap();
        assert_eq!(of().as_deref(), Some("new"));
        std::fs::write(dir.path().join("chat_template.jinja"), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(of_folder(dir.path()).unwrap_err().to_string().contains("1 MiB"));
        std::fs::write(dir.path().join("chat_template.jinja"), [0xff, 0xfe]).unwrap();
        assert!(of_folder(dir.path()).is_err());
    }
}
