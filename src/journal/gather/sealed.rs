//! What is encrypted, whatever it is called: told by how it begins. Taken for text it would be trained on as it stands.

use crate::journal::source::input::Input;

/// How a file begins that a program encrypted, what it is, and what to do first.
const BEGINNINGS: [(&[u8], &str); 11] = [
    (b"gAAAAA", JRNL),
    (b"JRNLv", JRNL),
    (b"-----BEGIN PGP MESSAGE", "encrypted with PGP: `gpg --decrypt` it to a file, and give that"),
    (b"age-encryption.org/", AGE),
    (b"-----BEGIN AGE ENCRYPTED", AGE),
    (b"VimCrypt~", "encrypted by Vim: open it there, `:setlocal key=` and `:w`"),
    (b"Salted__", OPENSSL),
    (b"U2FsdGVkX1", OPENSSL),
    (b"$ANSIBLE_VAULT;", "encrypted by Ansible: `ansible-vault decrypt` a copy of it, and give that"),
    (b"JED01", JOPLIN),
    (b"\xc3\x0d\x04", GPG),
];

const JRNL: &str = "encrypted by jrnl: `jrnl --decrypt` first";
const AGE: &str = "encrypted with age: `age --decrypt` it to a file, and give that";
const OPENSSL: &str = "encrypted with OpenSSL or a program of its kind: decrypt it first";
const JOPLIN: &str = "encrypted by Joplin: export the notebook there as Markdown, which decrypts it";
const GPG: &str = "encrypted with GnuPG: `gpg --decrypt` it to a file, and give that";

/// Endings of nothing else.
const ENDINGS: [(&str, &str); 9] = [
    ("gpg", GPG),
    ("pgp", GPG),
    ("age", AGE),
    ("cpt", "encrypted with ccrypt: `ccrypt --decrypt` a copy of it, and give that"),
    ("aes", "encrypted: decrypt it in the program that made it"),
    ("enc", "encrypted: decrypt it in the program that made it"),
    ("encrypted", OBSIDIAN),
    ("mdenc", OBSIDIAN),
    ("kdbx", "a safe for passwords, not a journal"),
];

const OBSIDIAN: &str = "encrypted in Obsidian: decrypt the note there";

/// Why a file is left out that is encrypted; none where nothing says so.
pub fn of(input: &Input) -> Option<&'static str> {
    let bytes = input.head_bytes();
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
    let by_start = BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning));
    // A word may begin so too: what follows tells.
    if let Some((beginning, reason)) = by_start
        && (!beginning.iter().all(u8::is_ascii_alphanumeric) || is_block(&start[..start.len().min(1024)]))
    {
        return Some(*reason);
    }
    let extension = input.extension();
    if let Some((_, reason)) = ENDINGS.iter().find(|(ending, _)| *ending == extension) {
        return Some(*reason);
    }
    let holds = |text: &str| input.holds_at_an_end(text);
    if extension == "md" && holds("\nencryption_applied: 1") && holds("\nencryption_cipher_text: JED01") {
        return Some(JOPLIN);
    }
    if holds("\"content_type\"") && holds("\"items_key_id\"") && holds("\"enc_item_key\"") {
        return Some("encrypted by Standard Notes: export a decrypted backup there");
    }
    let binary = matches!(extension.as_str(), "jpg" | "jpeg" | "png" | "gif" | "mp4" | "mov" | "mp3" | "m4a");
    (!binary && start.len() >= LEAST && is_block(start) && is_mixed(start))
        .then_some("one block of letters and numbers without a word (base64): decode or decrypt it first")
}

/// A text without the passages in it that are encrypted, and those passages; none where there are none.
pub fn passages(text: &str) -> Option<(String, Vec<&str>)> {
    const MARKS: [(&str, &str); 2] = [
        ("-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"),
        ("-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"),
    ];
    let first = |text: &str| {
        let found = MARKS.iter().filter_map(|(open, close)| {
            let start = text.find(open)?;
            Some((start, start + text[start..].find(close)? + close.len()))
        });
        found.min()
    };
    let (mut rest, mut kept, mut sealed) = (text, String::new(), Vec::new());
    while let Some((start, end)) = first(rest) {
        kept += &rest[..start];
        sealed.push(&rest[start..end]);
        rest = &rest[end..];
    }
    (!sealed.is_empty()).then(|| (kept + rest, sealed))
}

/// No block is shorter, in bytes.
const LEAST: usize = 96;

/// Whether there are no words in some bytes, only the letters and numbers of base64, and what a header of one token has.
fn is_block(bytes: &[u8]) -> bool {
    let lines = || bytes.split(|b| *b == b'\n').map(|line| line.trim_ascii()).filter(|line| !line.is_empty());
    let sign = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(b);
    // jrnl's own header stands before a space.
    let of_base64 = |line: &[u8]| {
        let line = line
            .strip_prefix(b"JRNLv".as_slice())
            .map_or(line, |rest| rest.iter().position(|b| *b == b' ').map_or(rest, |at| &rest[at + 1..]));
        line.iter().all(sign)
    };
    let longest = lines().map(<[u8]>::len).max().unwrap_or(0);
    // All lines but the last are of one length.
    let even = lines().filter(|line| line.len() < longest).count() <= 1;
    longest >= 40 && even && lines().all(of_base64)
}

/// Whether capitals, small letters and numbers stand mixed, as in no word.
fn is_mixed(bytes: &[u8]) -> bool {
    let share = |is: fn(&u8) -> bool| 20 * bytes.iter().filter(|b| is(b)).count() > bytes.len();
    share(u8::is_ascii_uppercase) && share(u8::is_ascii_lowercase) && share(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, bytes: &[u8]) -> &'static str {
        of(&Input::from_bytes(name, bytes.to_vec())).unwrap_or("")
    }

    #[test]
    fn what_is_encrypted_is_told_whatever_it_is_called() {
        let token = "gAAAAABf3Kq9nX2bT0b1hQaB3_dE-f9a".repeat(9) + "==";
        let v3 = format!("JRNLv3 0eyJzYWx0IjoiQldrLUU0In0={token}");
        for name in ["journal.txt", "diary", "x.md"] {
            assert_eq!(told(name, token.as_bytes()), JRNL, "{name}");
            assert_eq!(told(name, v3.as_bytes()), JRNL, "{name}");
        }
        for (name, bytes, says) in [
            ("a.txt", &b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n"[..], "gpg"),
            ("a.asc", b"\n-----BEGIN PGP MESSAGE-----\n", "gpg"),
            ("a", b"age-encryption.org/v1\n-> X25519", "age"),
            ("a.txt", b"VimCrypt~03!\xff\x01", "Vim"),
            ("diary.txt.gpg", b"\x85\x01\x0c", "gpg"),
            ("diary.txt", b"\xc3\x0d\x04\x09\x03", "gpg"),
            ("a.txt", b"Salted__\xff\x00", "OpenSSL"),
            ("a.mdenc", b"{\"encodedData\": \"x\"}", "Obsidian"),
            ("a.md", b"\n\nid: 1\nencryption_cipher_text: JED010\nencryption_applied: 1\ntype_: 1", "Joplin"),
            ("a.txt", b"{\"items\": [{\"content_type\": \"Note\", \"items_key_id\": \"1\", \"enc_item_key\": \"2\"}]}", "Standard"),
        ] {
            assert!(told(name, bytes).contains(says), "{name} {says}");
        }
        let line = "aB3dE+f9Qw7Zx0Lm5".repeat(4);
        assert!(told("a.txt", format!("{line}\n{line}\n{}", &line[..20]).as_bytes()).contains("base64"));
    }

    #[test]
    fn a_passage_may_be_encrypted() {
        let text = "Before.\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\nAfter.";
        let (kept, sealed) = passages(text).unwrap();
        assert_eq!((kept.as_str(), sealed.len()), ("Before.\n\nAfter.", 1));
        assert_eq!(passages("-----BEGIN PGP MESSAGE----- and no end"), None);
    }

    #[test]
    fn words_are_words() {
        for text in [
            "gAAAAAh, said the baby.\n",
            "Salted nuts.",
            "JRNLvery odd\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nMy words.\n",
            "I wrote:\n-----BEGIN PGP MESSAGE-----\nhQEMA\n",
            "one\ntwo\nthree\n",
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft\n",
            "https://example.org/A1b2C3d4E5f6G7h8I9j0A1b2C3d4E5f6G7h8I9j0A1b2C3d4E5f6G7h8I9j0A1b2C3d4E5f6G7h8I9j0\n",
        ] {
            assert_eq!(told("a.txt", text.as_bytes()), "", "{text}");
        }
    }
}
