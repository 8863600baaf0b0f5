//! What a typed line is: text, or one of the commands.

use crate::cli::chat::visible::first_words;

/// A command: its name, what stands behind it, what it does.
pub struct Command {
    /// Without the slash.
    pub name: &'static str,
    /// What may be given.
    pub given: &'static str,
    /// For `/help`.
    pub what: &'static str,
}

/// All commands, in the order in which `/help` lists them.
pub const COMMANDS: &[Command] = &[
    Command { name: "retry", given: "", what: "another answer to the same, with the next seed" },
    Command { name: "edit", given: "[TEXT]", what: "change what you said last, and have it answered anew" },
    Command { name: "undo", given: "", what: "take back the last answer of /retry, or the last turn" },
    Command { name: "more", given: "", what: "let a diary's text go on as it stands" },
    Command { name: "new", given: "", what: "begin again; prompt, voice and settings stay" },
    Command { name: "seed", given: "[N]", what: "say or set the seed of the next answer" },
    Command { name: "set", given: "[NAME VALUE]", what: "say or set how words are drawn" },
    Command {
        name: "prompt",
        given: "[TEXT|FILE]",
        what: "say or set what stands before everything; \"\" for nothing",
    },
    Command {
        name: "voice",
        given: "[HEADER]",
        what: "say or set the header or day a diary is written under; \"\" for none",
    },
    Command { name: "sources", given: "", what: "quote the entries that the last answer stood on" },
    Command { name: "save", given: "FILE", what: "write the conversation to a new Markdown file" },
    Command { name: "help", given: "", what: "this list" },
    Command { name: "quit", given: "", what: "leave; so does Ctrl-D" },
];

/// A line as it is meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing but spaces.
    Empty,
    /// What is said.
    Text(&'a str),
    /// The name of a command, which need not exist, and what stands behind it, trimmed.
    Command(&'a str, &'a str),
}

/// Reads a line. One that begins with `//` is text that begins with `/`.
pub fn read(line: &str) -> Line<'_> {
    if line.trim().is_empty() {
        return Line::Empty;
    }
    match line.strip_prefix('/') {
        Some(text) if text.starts_with('/') => Line::Text(text),
        Some(command) => {
            let (name, given) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
            Line::Command(name, given.trim())
        }
        None => Line::Text(line),
    }
}

/// Text as it is typed: what [`read`] reads as that text.
pub fn typed(text: &str) -> String {
    if text.starts_with('/') { format!("/{text}") } else { text.to_string() }
}

/// What `/help` says.
pub fn help() -> String {
    let left = |c: &Command| format!("/{} {}", c.name, c.given);
    let width = COMMANDS.iter().map(|c| left(c).len()).max().unwrap_or(0);
    let mut lines: Vec<String> = COMMANDS.iter().map(|c| format!("{:width$}  {}", left(c), c.what)).collect();
    lines.push(
        "A line that ends in \\ goes on in the next (so does Alt-Enter); one that begins with // is text that begins with /.\n\
         Ctrl-C stops an answer."
            .into(),
    );
    lines.join("\n")
}

/// What is said of a command that there is not.
pub fn unknown(name: &str) -> String {
    let all: Vec<String> = COMMANDS.iter().map(|c| format!("/{}", c.name)).collect();
    format!(
        "there is no /{}; there are {}. Text that begins with / is typed with //",
        first_words(name, 30),
        all.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text_or_a_command_or_nothing() {
        assert_eq!(read("Today I went"), Line::Text("Today I went"));
        assert_eq!(read("  /retry"), Line::Text("  /retry"));
        assert_eq!(read(" \t\n"), Line::Empty);
        assert_eq!(read(""), Line::Empty);
        assert_eq!(read("/retry"), Line::Command("retry", ""));
        assert_eq!(read("/save  my talk.md "), Line::Command("save", "my talk.md"));
        assert_eq!(read("/prompt a\nb"), Line::Command("prompt", "a\nb"));
        assert_eq!(read("/"), Line::Command("", ""));
    }

    #[test]
    fn two_slashes_are_text_that_begins_with_one() {
        assert_eq!(read("//home/me was full"), Line::Text("/home/me was full"));
        assert_eq!(read("///"), Line::Text("//"));
        for text in ["/home", "//", "a/b", ""] {
            let typed = typed(text);
            assert!(matches!(read(&typed), Line::Text(again) if again == text) || text.is_empty());
        }
    }

    #[test]
    fn help_and_an_unknown_command_name_every_command() {
        for command in COMMANDS {
            assert!(help().contains(&format!("/{} ", command.name)), "{}", help());
            assert!(unknown("x").contains(&format!("/{}", command.name)));
        }
        assert!(unknown("\u{1b}[2J").starts_with("there is no /\\u{1b}[2J;"));
    }
}
