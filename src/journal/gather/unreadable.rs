//! Files that may hold a journal and cannot be read here: each is named, with what makes it readable.

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
    let path = quoted(&input.path().to_string_lossy());
    let (extension, ole) = (input.extension(), head.starts_with(OLE));
    let lost = if let Some(name) = not_downloaded(input.name()) {
        let path = input.path().with_file_name(name);
        let path = quoted(&path.to_string_lossy());
        format!("still in iCloud, not on this machine: brctl download {path}")
    } else if head.starts_with(SQLITE) && !matches!(extension.as_str(), "dayone" | "dayone2") {
        "an app's database: export the entries in the app, as text or JSON".to_string()
    } else if ole && extension == "msg" {
        "a mail as Outlook keeps it: save it as .eml".to_string()
    } else if head.get(257..262) == Some(b"ustar") && extension != "jex" {
        "an archive that is not opened here: unpack it, and give the folder".to_string()
    } else if head.starts_with(b"%PDF-") {
        pdf(&path)
    } else if let Some(reason) = wordless(&extension) {
        return Some(Unreadable::Wordless(reason));
    } else if let Some(reason) = by_extension(&extension, &path, ole) {
        reason
    } else if ole {
        format!("a file of an older Microsoft Office: {}", to_docx(&path))
    } else {
        return None;
    };
    Some(Unreadable::Lost(lost))
}

fn by_extension(extension: &str, path: &str, ole: bool) -> Option<String> {
    Some(match extension {
        "doc" | "dot" if cfg!(target_os = "macos") => {
            format!("Word before 2007: textutil -convert docx {path}")
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
        "djvu" | "djv" => format!("scanned pages: djvutxt {path} > pages.txt"),
        "one" | "onepkg" | "onetoc2" => {
            "OneNote: open it in OneNote for Windows, and export the section as Word (.docx)".to_string()
        }
        "mobi" | "prc" | "azw" | "azw3" | "lit" => {
            format!("an e-book: ebook-convert {path} book.epub (with Calibre)")
        }
        "dayone" | "dayone2" => "Day One's own database: in Day One, File, Export, JSON".to_string(),
        "sqlite" | "sqlite3" | "db" => "an app's database: export the entries in the app".to_string(),
        "gdoc" | "gsheet" | "gslides" => {
            "only a link to Google Docs: download the document there as Word (.docx)".to_string()
        }
        "xls" | "xlsx" | "ods" | "numbers" => {
            format!("a spreadsheet: soffice --headless --convert-to csv {path} (first sheet only)")
        }
        "ppt" | "pptx" | "odp" | "key" => "a presentation: save its text as .txt".to_string(),
        "webarchive" => format!("a page that Safari saved: textutil -convert html {path} (on a Mac)"),
        "pst" | "ost" => {
            format!("Outlook's store of mail: readpst -e {path} (with libpst), and give the folder")
        }
        "olm" | "dbx" => "a store of mail: bring it into Thunderbird, and give its mbox files".to_string(),
        "msg" => "a mail as Outlook keeps it: save it as .eml".to_string(),
        "mht" | "mhtml" => {
            "a web archive: open it in a browser or Word, and save it as .html or .docx".to_string()
        }
        "jex" => {
            format!("Joplin's backup: export as Markdown there; or: mkdir joplin && tar -xf {path} -C joplin")
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

fn to_docx(path: &str) -> String {
    format!("soffice --headless --convert-to docx {path} (with LibreOffice)")
}

fn pdf(path: &str) -> String {
    format!(
        "a PDF, which holds lines and no paragraphs: pdftotext -nopgbrk {path} (with Poppler), and look it through"
    )
}

/// `.name.txt.icloud` stands for `name.txt`.
fn not_downloaded(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(".icloud").filter(|name| !name.is_empty())
}

/// A path as a shell takes it for one word.
fn quoted(path: &str) -> String {
    let path: String = path.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let path = if path.starts_with('-') { format!("./{path}") } else { path };
    if !cfg!(windows) && path.contains(['"', '$', '`', '\\', '!']) {
        return format!("'{}'", path.replace('\'', "'\\''"));
    }
    format!("\"{path}\"")
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
            ("a/b c.wpd", &b"\xffWPC"[..], "soffice --headless --convert-to docx \"a/b c.wpd\""),
            ("x.docx", OLE, "without"),
            ("x.mht", b"MIME-Version: 1.0\n", ".html"),
            ("my notes.jex", b"a.md", "tar -xf \"my notes.jex\" -C"),
            ("x.base", b"filters: []\n", "query"),
            ("x.tid", b"title: A\n\nwords", "JSON"),
            ("x.docx", b"<html>", "damaged"),
            ("x.wps", OLE, "Works"),
            ("x", b"%PDF-1.4", "pdftotext"),
            ("x.PDF", b"", "pdftotext -nopgbrk \"x.PDF\""),
            ("x.mobi", b"", "ebook-convert \"x.mobi\" book.epub"),
            ("x.store", SQLITE, "database"),
            ("x.dayone2", SQLITE, "Export"),
            ("in/.diary.txt.icloud", b"bplist00", "brctl download \"in/diary.txt\""),
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
        assert!(doc.contains("-convert") && doc.ends_with([')', '"']), "{doc}");
    }

    #[cfg(not(windows))]
    #[test]
    fn a_name_is_one_word_of_the_command() {
        assert_eq!(quoted("my diary.doc"), "\"my diary.doc\"");
        assert_eq!(quoted("$(rm -r x)'s.doc"), "'$(rm -r x)'\\''s.doc'");
        assert_eq!(quoted("-x\n.doc"), "\"./-x?.doc\"");
    }
}
