//! A model's chat template: how a conversation is written for it, in Jinja. It is kept with the model and passed on; nothing
//! here interprets it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::base::{Error, Result};

/// A template is a page of text; what is longer is something else.
const MOST_BYTES: u64 = 1 << 20;

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

/// The text of a file, if it is there.
fn text(path: &Path) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::io("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::file(path, "longer than 1 MiB, which no such file is", "download the file again"));
    }
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
