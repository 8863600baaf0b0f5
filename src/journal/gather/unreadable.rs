//! Files that may hold a journal and cannot be read here: each is named, with what makes it readable.

use std::path::Path;

use crate::base::shell;
use crate::journal::source::input::Input;

/// Word before 2007, and everything encrypted by Word since.
const OLE: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Why a file that is of no format cannot be read, as a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A picture or a sound: it holds no words that could be lost.
    Wordless(&'static str),
    /// It may hold a journal; the phrase says what to do about it.
    Lost(String),
}

/// Why a file that is of no format cannot be read; none where nothing is known of it.
pub fn of(input: &Input) -> Option<Unreadable> {
    let head = input.head_bytes();
    // What lies in a zip has no path that a command could take before that is unpacked.
    let zip = input.path().ancestors().skip(1).find(|above| above.is_file());
    let path = zip.and_then(|zip| input.path().strip_prefix(zip).ok()).unwrap_or(input.path());
    let (extension, ole) = (input.extension(), head.starts_with(OLE));
    let lost = if let Some(name) = not_downloaded(input.name()) {
        format!(
            "still in iCloud, not on this machine: brctl download {}",
            shell::path(path.with_file_name(name))
        )
    } else if head.starts_with(SQLITE) && !matches!(extension.as_str(), "dayone" | "dayone2") {
        "an app's database: export the entries in the app, as text or JSON".to_string()
    } else if ole && extension == "msg" {
        "a mail as Outlook keeps it: save it as .eml".to_string()
    } else if head.get(257..262) == Some(b"ustar") && extension != "jex" {
        "an archive that is not opened here: unpack it, and give the folder".to_string()
    } else if head.starts_with(b"%PDF-") {
        pdf(path)
    } else if let Some(reason) = wordless(&extension) {
        return Some(Unreadable::Wordless(reason));
    } else if let Some(reason) = by_extension(&extension, path, ole) {
        reason
    } else if ole {
        format!("a file of an older Microsoft Office: {}", to_docx(path))
    } else {
        return None;
    };
    Some(Unreadable::Lost(match zip {
        Some(zip) => format!("unpack {}, and there, as it is {lost}", shell::path(zip)),
        None => lost,
    }))
}

fn by_extension(extension: &str, path: &Path, ole: bool) -> Option<String> {
    let quoted = shell::path(path);
    Some(match extension {
        "doc" | "dot" if cfg!(target_os = "macos") => {
            format!("Word before 2007: textutil -convert docx {quoted}")
        }
        "doc" | "dot" => format!("Word before 2007: {}", to_docx(path)),
        "docx" | "docm" | "dotx" | "dotm" if ole => {
            "encrypted with a password: open it in Word and save it without one".to_string()
        }
        "docx" | "docm" | "dotx" | "dotm" | "odt" | "ott" | "sxw" => {
            "damaged: it is no zip, as documents of this kind are; look for a whole copy".to_string()
        }
        "wps" => format!("Microsoft Works: {}", to_docx(path)),
        "wpd" => format!("WordPerfect: {}", to_docx(path)),
        "wri" => format!("Windows Write: {}", to_docx(path)),
        "abw" | "zabw" => format!("AbiWord: {}", to_docx(path)),
        "lwp" => format!("Lotus Word Pro: {}", to_docx(path)),
        "sdw" => format!("StarOffice: {}", to_docx(path)),
        "cwk" => format!("AppleWorks: {}", to_docx(path)),
        "hwp" => format!("Hangul: {}", to_docx(path)),
        "pages" => "Pages: open it in Pages or at icloud.com, and export it as Word".to_string(),
        "pdf" => pdf(path),
        "djvu" | "djv" => format!("scanned pages: djvutxt {quoted} {}", beside(path, "txt")),
        "one" | "onepkg" | "onetoc2" => {
            "OneNote: open it in OneNote for Windows, and export the section as Word (.docx)".to_string()
        }
        "mobi" | "prc" | "azw" | "azw3" | "lit" => {
            format!("an e-book; with Calibre: ebook-convert {quoted} {}", beside(path, "epub"))
        }
        "dayone" | "dayone2" => "Day One's own database: in Day One, File, Export, JSON".to_string(),
        "sqlite" | "sqlite3" | "db" => "an app's database: export the entries in the app".to_string(),
        "gdoc" | "gsheet" | "gslides" => {
            "only a link to Google Docs: download the document there as Word (.docx)".to_string()
        }
        "xls" | "xlsx" | "ods" | "numbers" => {
            format!("a spreadsheet; its first sheet, with LibreOffice: {}", soffice("csv", path))
        }
        "ppt" | "pptx" | "odp" | "key" => "a presentation: save its text as .txt".to_string(),
        "webarchive" => format!("a page that Safari saved; on a Mac: textutil -convert html {quoted}"),
        "pst" | "ost" => {
            format!("Outlook's store of mail: with libpst: readpst -e {quoted}")
        }
        "olm" | "dbx" => "a store of mail: bring it into Thunderbird, and give its mbox files".to_string(),
        "msg" => "a mail as Outlook keeps it: save it as .eml".to_string(),
        "mht" | "mhtml" => {
            "a web archive: open it in a browser or Word, and save it as .html or .docx".to_string()
        }
        "jex" => {
            format!(
                "Joplin's backup: export as Markdown there; or: mkdir joplin && tar -xf {quoted} -C joplin"
            )
        }
        "tid" => "a tiddler: export the wiki as JSON or text".to_string(),
        "opml" => "an outline: export it as text or Markdown".to_string(),
        "note" => "a note of Tomboy or Gnote: export it as HTML".to_string(),
        "excalidraw" | "drawio" => "a drawing: export its words as text".to_string(),
        "edn" | "upnx" | "znote" => {
            "an app's own backup: export the notes there as Markdown or text".to_string()
        }
        "7z" | "rar" | "tar" | "tgz" | "gz" | "bz2" | "xz" | "zst" => {
            "an archive that is not opened here: unpack it, and give the folder".to_string()
        }
        _ => return None,
    })
}

/// Files that hold no words.
fn wordless(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "jpg" | "jpeg" | "png" | "gif" | "heic" | "heif" | "tif" | "tiff" | "bmp" | "webp" | "svg"
        | "avif" | "psd" => "a picture: no text",
        "m4a" | "mp3" | "wav" | "aac" | "ogg" | "opus" | "flac" | "amr" | "caf" | "3gp" | "aiff" | "wma" => {
            "a recording: no text"
        }
        "base" => "a query of Obsidian's: no text of yours",
        "zim" => "an app's settings",
        "mp4" | "mov" | "avi" | "mkv" | "webm" | "m4v" => "a film: no text",
        _ => return None,
    })
}

fn to_docx(path: &Path) -> String {
    format!("with LibreOffice: {}", soffice("docx", path))
}

/// LibreOffice's command, which else writes to the folder that it is called in, where nobody looks for it.
fn soffice(kind: &str, path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    format!("soffice --headless --convert-to {kind} --outdir {} {}", shell::path(folder), shell::path(path))
}

fn pdf(path: &Path) -> String {
    format!(
        "a PDF, which holds lines and no paragraphs; look through what Poppler makes of it: pdftotext -nopgbrk {} {}",
        shell::path(path),
        beside(path, "txt")
    )
}

/// `notes.pdf.txt`: a file of another name than any that may be there already.
fn beside(path: &Path, extension: &str) -> String {
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".{extension}"));
    shell::path(name)
}

/// `.name.txt.icloud` stands for `name.txt`.
fn not_downloaded(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".icloud").filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::formats;

    fn told(path: &str, bytes: &[u8]) -> String {
        let input = Input::from_bytes(path, bytes.to_vec());
        let formats = formats::of(&input).map(|format| format.name());
        assert_eq!(formats, None, "{path}");
        match of(&input) {
            Some(Unreadable::Wordless(reason)) => reason.to_string(),
            Some(Unreadable::Lost(reason)) => reason,
            None => String::new(),
        }
    }

    #[test]
    fn what_to_do_is_said() {
        for (path, bytes, says) in [
            ("a/b c.wpd", &b"\xffWPC"[..], "soffice --headless --convert-to docx --outdir a 'a/b c.wpd'"),
            ("x.docx", OLE, "without"),
            ("x.mht", b"MIME-Version: 1.0\n", ".html"),
            ("my notes.jex", b"a.md", "tar -xf 'my notes.jex'"),
            ("x.base", b"filters: []\n", "query"),
            ("x.tid", b"title: A\n\nwords", "JSON"),
            ("x.docx", b"<html>", "damaged"),
            ("x.wps", OLE, "Works"),
            ("x", b"%PDF-1.4", "pdftotext"),
            ("x.PDF", b"", "pdftotext -nopgbrk x.PDF x.PDF.txt"),
            ("x.mobi", b"", "ebook-convert x.mobi x.mobi.epub"),
            ("x.store", SQLITE, "database"),
            ("x.dayone2", SQLITE, "Export"),
            ("in/.diary.txt.icloud", b"bplist00", "brctl download in/diary.txt"),
            ("x.HEIC", b"", "picture"),
            ("letter.msg", OLE, ".eml"),
            ("unheard.of", OLE, "Office"),
            ("unheard.of", b"words", ""),
        ] {
            if path != "x" {
                let said = told(path, bytes);
                assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{path}: {said}");
            }
        }
        let doc = told("x.doc", OLE);
        assert!(doc.contains("-convert") && doc.ends_with("x.doc"), "{doc}");
    }
}
