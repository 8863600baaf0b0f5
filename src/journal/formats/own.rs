//! Files that apps put beside what a person wrote: their lists and records, told by what they hold, or by what lies with
//! them. Taken for text, a year of searches or ten thousand names of pictures would be trained on.

use std::path::Path;

use crate::journal::format::{Beside, Input};

/// What a file is that is an app's and not the writer's, though a format would read it; none where it is not.
pub fn of(input: &Input) -> Option<&'static str> {
    let (extension, head) = (input.extension(), input.head());
    let has = |all: &[&str]| all.iter().all(|part| head.contains(part));
    let opens = |with: &str| {
        head.trim_start().get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    match extension.as_str() {
        "html" | "htm" if opens("<!DOCTYPE NETSCAPE-Bookmark-file-1") => Some("a browser's bookmarks"),
        "html" | "htm" if has(&["outer-cell mdl-cell"]) => Some(ACTIVITY),
        "json" if has(&["\"header\"", "\"products\"", "\"time\""]) => Some(ACTIVITY),
        "json" if has(&["\"photoTakenTime\""]) && !has_caption(head) => Some(PICTURE),
        "json" if input.name() == "metadata.json" && input.lies_in("Google Photos") => Some(PICTURE),
        "html" if input.stem() == "start_here" && has(&["your information"]) => Some("Facebook's own page"),
        "json" if input.stem() == "notifications" && has(&["\"notifications", "\"href\""]) => {
            Some("an app's notices, which others wrote")
        }
        _ if input.name().starts_with("dovecot") => Some("a mail server's own file"),
        "" if input.name() == "subscriptions" && opens("V\t") => Some("a mail server's own file"),
        "txt" if opens("Welcome to your Discord data package") => Some("Discord's own page"),
        _ => None,
    }
}

const ACTIVITY: &str = "Google's own record of what you did";
const PICTURE: &str = "Google Photos' notes on a picture";

/// Whether somebody described the picture.
fn has_caption(head: &str) -> bool {
    let value = head.split_once("\"description\"").and_then(|(_, rest)| rest.split('"').nth(1));
    value.is_some_and(|words| !words.trim().is_empty())
}

/// Why a file is passed over for what lies beside it.
pub fn passed_over(path: &Path, beside: &mut Beside) -> Option<&'static str> {
    let folder = path.parent()?;
    let in_bundle = folder.extension().is_some_and(|e| e == "textbundle");
    match path.file_name()?.to_str()? {
        "info.json" if in_bundle => Some("a text bundle's own file"),
        name if in_bundle && name.starts_with("text.") => {
            of_bundle(beside.whole(&folder.join("info.json"))?.head())
        }
        "tags.json"
            if folder
                .file_name()
                .is_some_and(|name| name.to_str().is_some_and(|n| n.starts_with("Bear Notes"))) =>
        {
            Some("Bear's own list of tags")
        }
        "!!!meta.json" => Some(TRILIUM),
        "navigation.html" | "index.html" => beside.head(&folder.join("!!!meta.json")).map(|_| TRILIUM),
        _ => None,
    }
}

const TRILIUM: &str = "Trilium's own list of notes";

/// Why the text of a bundle is passed over, as what lies with it says.
fn of_bundle(info: &str) -> Option<&'static str> {
    let info: serde_json::Value = serde_json::from_str(info).ok()?;
    let bear = &info["net.shinyfrog.bear"];
    let is = |key: &str| bear[key].as_i64() == Some(1) || bear[key] == true;
    if is("trashed") {
        return Some("a note in Bear's bin");
    }
    is("encrypted").then_some("locked in Bear: unlock the note there, and export again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apps_write_is_told_from_what_people_write() {
        let told = |path: &str, text: &str| of(&Input::from_bytes(path, text.as_bytes().to_vec()));
        assert!(told("a.html", "<!doctype netscape-bookmark-file-1><DL>").is_some());
        assert!(told("a.html", "<div class=\"outer-cell mdl-cell x\">Searched").is_some());
        let picture = |caption: &str| {
            format!("{{\"title\":\"a.jpg\",\"description\": \"{caption}\",\"photoTakenTime\":{{}}}}")
        };
        assert!(
            told("a.jpg.json", &picture("")).is_some() && told("a.jpg.json", &picture("The weir")).is_none()
        );
        assert!(
            told("a.html", "<p>my bookmarks</p>").is_none() && told("a.txt", "Welcome to my diary").is_none()
        );
    }
}
