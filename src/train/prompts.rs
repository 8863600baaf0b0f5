//! The prompts that samples while training begin with.

use std::path::PathBuf;

use crate::base::{Error, Result};

/// Prompts from files, a line each; `\n`, `\t` and `\\` in one are a line's end, a tab and a backslash, as in `--header`. Empty lines
/// are passed over.
///
/// # Errors
/// A file that cannot be read as text, or that has no prompt in it.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut prompts = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(Error::typed("read", file))?;
        // What an editor of another system put before the text, and at its lines' ends, is no part of a prompt.
        let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines();
        let before = prompts.len();
        prompts.extend(lines.filter(|line| !line.trim().is_empty()).map(unescaped));
        if prompts.len() == before {
            return Err(Error::file(
                file,
                "no line of it is a prompt",
                "write a prompt a line, or leave --prompt-file out",
            ));
        }
    }
    Ok(prompts)
}

fn unescaped(line: &str) -> String {
    let (mut out, mut chars) = (String::new(), line.chars().peekable());
    while let Some(c) = chars.next() {
        let escaped = match (c, chars.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('\\')) => '\\',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(escaped);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_prompt() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a.txt", "b.txt"].map(|name| dir.path().join(name));
        std::fs::write(&a, "\u{feff}Friday, January 5\\n\r\n\r\n  I said \\\\n, \\x\\").unwrap();
        std::fs::write(&b, "Rain \n").unwrap();
        let read = |files: &[PathBuf]| read(files);
        assert_eq!(read(&[a.clone(), b]).unwrap(), ["Friday, January 5\n", "  I said \\n, \\x\\", "Rain "]);
        std::fs::write(&a, "\n \n").unwrap();
        assert!(read(&[a]).unwrap_err().to_string().contains("no line of it is a prompt"));
        assert!(read(&[dir.path().join("c")]).is_err() && read(&[]).unwrap().is_empty());
    }
}
