//! E-mail addresses.

use super::seen::{Pass, Seen};

/// Ends of file names that stand where a top level domain would.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "webp", "svg", "pdf", "css", "js", "json", "html", "txt", "heic", "mp"];

/// An e-mail address: not `icon@2x.png`, not the `git@host:` of a remote, no dots at the ends of its local part.
pub fn email(seen: &Seen) -> Option<Pass> {
    let secret = seen.secret();
    let end = secret.rsplit(['.', ' ']).next().unwrap_or_default().to_lowercase();
    let local = secret.split('@').next().unwrap_or_default();
    let remote = local == "git" && seen.after().starts_with([':', '/']);
    let odd = local.starts_with('.') || local.ends_with('.') || secret.contains("..");
    // The password in `https://anna:secret@host` is found as one.
    let word = seen.before().rsplit(char::is_whitespace).next().unwrap_or_default();
    let in_link = word.contains("://") && word.ends_with(':');
    seen.pass_if(!in_link && !FILES.contains(&end.as_str()) && !remote && !odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_file_and_no_remote() {
        let passes = |text: &str, end: usize| email(&Seen { text, range: 0..end }).is_some();
        assert!(passes("anna@example.com", 16));
        assert!(!passes("icon@retina.png", 15));
        assert!(!passes("git@github.com:anna/notes", 14));
        assert!(!passes(".anna@example.com", 17));
    }
}
