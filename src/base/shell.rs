//! Words for a shell: what is printed to be pasted means there what it means here, whatever a folder is called.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A path as one word of a command, never taken for a flag.
pub fn path(path: impl AsRef<Path>) -> String {
    word(no_flag(path.as_ref()).as_os_str())
}

/// `./-x` for `-x`: a path, not a flag.
pub fn no_flag(path: &Path) -> PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        Path::new(".").join(path)
    } else {
        path.into()
    }
}

/// Anything as one word of a command: as it is where every shell takes it so, else quoted.
pub fn word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    if cfg!(windows) { of_windows(&word.to_string_lossy()) } else { of_unix(word) }
}

/// For sh, bash, zsh and fish. Single quotes keep all but themselves. What a terminal would not show, or could not be given
/// in a line (a line break, an escape sequence, bytes that are no text), is spelled out for `printf`, which every sh has.
fn of_unix(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_string(),
        Some(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => spelled(word.as_encoded_bytes()),
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "/._-+:,@".contains(c)
}

fn spelled(bytes: &[u8]) -> String {
    // `$(…)` drops the line breaks at its end: they follow it.
    let end = bytes.iter().rposition(|&b| b != b'\n').map_or(0, |last| last + 1);
    let mut out = String::from("\"$(printf '");
    let octal = |out: &mut String, bytes: &[u8]| {
        bytes.iter().for_each(|b| write!(out, "\\{b:03o}").expect("a string takes what is written"));
    };
    for (i, chunk) in bytes[..end].utf8_chunks().enumerate() {
        for (j, c) in chunk.valid().char_indices() {
            match c {
                '%' => out += "%%",
                '-' if i + j == 0 => octal(&mut out, b"-"), // no flag of printf's
                c if is_plain(c) || c == ' ' || !c.is_ascii() && !c.is_control() => out.push(c),
                c => octal(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        octal(&mut out, chunk.invalid());
    }
    out += "')\"";
    if end < bytes.len() { out + "'" + &"\n".repeat(bytes.len() - end) + "'" } else { out }
}

/// For PowerShell, and for cmd where it can be for both: double quotes, but single ones around what PowerShell reads in
/// double quotes (a variable, its escape, and the typographic quotes, which are quotes to it).
fn of_windows(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| is_plain(c) && !",@".contains(c) || c == '\\') {
        return text.to_string();
    }
    if text.contains(['$', '`', '"', '“', '”', '„']) {
        let double = |c: char| if "'‘’‚‛".contains(c) { vec![c, c] } else { vec![c] };
        return format!("'{}'", text.chars().flat_map(double).collect::<String>());
    }
    // A backslash before the closing quote would keep it from closing.
    let backslashes = text.len() - text.trim_end_matches('\\').len();
    format!("\"{text}{}\"", "\\".repeat(backslashes))
}

/// This program, as it was called: `diarist`, or `target/release/diarist`.
pub fn program() -> String {
    let called = called().unwrap_or_else(|| "diarist".into());
    let quoted = word(&called);
    // To PowerShell a quoted word is a text; & runs it.
    if cfg!(windows) && quoted.as_str() != called { format!("& {quoted}") } else { quoted }
}

/// What the program was called by; none where it is another, such as a test of this library.
fn called() -> Option<OsString> {
    std::env::args_os().next().filter(|name| Path::new(name).file_stem() == Some("diarist".as_ref()))
}

/// A flag by all its names, the one to write first, and the value that it is to have; none takes it away.
pub type Flag<'a> = (&'a [&'a str], Option<OsString>);

/// The command that this process was given, with some flags changed; the flags alone where that is not known.
pub fn again(flags: &[Flag]) -> String {
    again_with(&[], flags)
}

/// As [`again`], with some more flags that take no value, or none here.
pub fn again_with(switches: &[&str], flags: &[Flag]) -> String {
    let given: Vec<OsString> = std::env::args_os().skip(1).collect();
    match called() {
        Some(_) => format!("{} {}", program(), changed(&given, switches, flags)),
        None => changed(&[], switches, flags),
    }
}

/// Whether this process was given a flag.
pub fn was_given(flag: &str) -> bool {
    let given = std::env::args_os().skip(1).take_while(|arg| arg != "--");
    let mut names = given.map(|arg| arg.to_string_lossy().split('=').next().unwrap_or("").to_string());
    called().is_some() && names.any(|name| name == flag)
}

fn changed(given: &[OsString], switches: &[&str], flags: &[Flag]) -> String {
    // After `--` nothing is a flag.
    let end = given.iter().position(|arg| arg == "--").unwrap_or(given.len());
    let (mut words, mut skip) = (Vec::new(), false);
    for arg in &given[..end] {
        let text = arg.to_string_lossy();
        let (name, value) = text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
        if std::mem::take(&mut skip) {
            continue;
        }
        if flags.iter().any(|(names, _)| names.contains(&name)) {
            skip = value.is_none();
        } else {
            words.push(word(arg));
        }
    }
    words.extend(switches.iter().map(|name| name.to_string()));
    for (names, value) in flags {
        if let Some(value) = value {
            words.push(format!("{} {}", names[0], word(value)));
        }
    }
    words.extend(given[end..].iter().map(word));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn sh_reads_every_word_back() {
        use std::os::unix::ffi::OsStrExt;
        let words: [&[u8]; 24] = [
            b"plain/journal-2.md",
            "Tagebuch/März".as_bytes(),
            b"my diary",
            b"it's",
            b"a \"b\" c",
            b"$(echo no) $HOME ${x}",
            b"`echo no`",
            b"so!! what!",
            b"back\\slash\\",
            b"~",
            b"~/x",
            b"#x",
            b"*?[a]{b,c}",
            b"a;b&c|d<e>f",
            b"100% true %s %d",
            "📔 diary ❤\u{fe0f}".as_bytes(),
            b"line\nbreak",
            b"tab\there \x1b[31m \x7f",
            b"-x\ny 'q' \"d\" $(no) `no` \\ !",
            b"at the end\n\n",
            b"\n",
            b"caf\xe9 100% \xff\xfe'",
            b"",
            b"=x",
        ];
        for shell in ["sh", "bash", "zsh", "dash", "fish"] {
            for bytes in words {
                let quoted = word(OsStr::from_bytes(bytes));
                let line = format!("printf '%s' x{quoted}x");
                // A shell that is not here cannot be asked; sh is everywhere.
                let Ok(out) = std::process::Command::new(shell).args(["-c", &line]).output() else {
                    assert_ne!(shell, "sh");
                    continue;
                };
                let expected = [b"x", bytes, b"x"].concat();
                assert_eq!(out.stdout, expected, "{shell}: {line}");
                let shown = quoted.trim_end_matches(['\n', '\'']);
                assert!(!shown.chars().any(char::is_control), "{shown:?}");
            }
        }
    }

    #[test]
    fn a_path_is_no_flag() {
        if cfg!(unix) {
            assert_eq!(path("-x"), "./-x");
            assert_eq!(path("--from y"), "'./--from y'");
            assert_eq!(path("a-x"), "a-x");
        }
    }

    #[test]
    fn windows_has_rules_of_its_own() {
        for (text, quoted) in [
            (r"C:\Users\Ada\notes", r"C:\Users\Ada\notes"),
            (r"C:\my notes", r#""C:\my notes""#),
            (r"C:\my notes\", r#""C:\my notes\\""#),
            ("it's", "\"it's\""),
            ("it's $5", "'it''s $5'"),
            ("a`b", "'a`b'"),
            ("“quoted” ‘so’", "'“quoted” ‘‘so’’'"),
            ("a,b@c", "\"a,b@c\""),
            ("", "\"\""),
        ] {
            assert_eq!(of_windows(text), quoted);
        }
    }

    #[test]
    fn a_command_is_given_again_with_other_flags() {
        let given = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let flags: [Flag; 3] = [
            (&["--batch"], Some("1".into())),
            (&["--accumulate", "--grad-accum"], Some("8".into())),
            (&["--preset"], None),
        ];
        let again = |line| changed(&given(line), &[], &flags);
        assert_eq!(again("train notes --seed 4"), "train notes --seed 4 --batch 1 --accumulate 8");
        assert_eq!(
            again("train --batch 8 --grad-accum=2 --preset small notes -- -x --batch 3"),
            "train notes --batch 1 --accumulate 8 -- -x --batch 3"
        );
        assert_eq!(changed(&[], &[], &flags[..1]), "--batch 1");
        assert_eq!(
            changed(&given("train x -- -y"), &["--lora"], &flags[..1]),
            "train x --lora --batch 1 -- -y"
        );
        if cfg!(unix) {
            assert_eq!(changed(&["train".into(), "my notes".into()], &[], &[]), "train 'my notes'");
        }
    }
}
