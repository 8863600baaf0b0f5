//! The diary that lies beside the code, read entry for entry; and the two that the project is proved on, where the checkout
//! has them.

use std::path::{Path, PathBuf};

use diarist::journal::{Entry, Options, Report, read};
use jiff::civil::Date;

/// A diary, read.
fn diary(folder: &Path) -> (Report, Vec<Entry>) {
    let mut corpus = read(&[folder.to_path_buf()], &Options::default(), &mut ()).expect("a diary");
    let entries = corpus.entries().expect("its entries");
    (corpus.report, entries)
}

/// One of the shared diaries; none, with a word, where it is not there. What it would show is shown of
/// `examples/journal` in any case.
fn shared(name: &str) -> Option<(PathBuf, Report, Vec<Entry>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals").join(name);
    if !folder.is_dir() {
        println!("{} is not in this checkout: only examples/journal was read", folder.display());
        return None;
    }
    let (report, entries) = diary(&folder);
    Some((folder, report, entries))
}

/// Every file below a folder as it stands, in the order of their paths.
fn raw(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(|file| file.unwrap());
    let paths = files.filter(|file| file.file_type().is_file()).map(|file| file.into_path());
    paths.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// That the entries are these days with these words.
fn assert_days(report: &Report, entries: &[Entry], mut days: Vec<(Date, Vec<&str>)>) {
    // The sort is stable: a day's own entries stay as they stand.
    days.sort_by_key(|(date, _)| *date);
    assert_eq!(days.len(), entries.len());
    for (entry, (date, words)) in entries.iter().zip(&days) {
        assert_eq!(entry.day(), Some(*date));
        assert!(entry.text.split_whitespace().eq(words.iter().copied()), "{date}: {}", entry.text);
    }
    assert_eq!(report.words, days.iter().map(|(_, words)| words.len() as u64).sum::<u64>());
}

#[test]
fn the_example_has_400_entries_and_all_its_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal");
    let (report, entries) = diary(&folder);
    assert_eq!((report.entries, report.files, report.skipped.len()), (400, 349, 0));
    assert_eq!((report.undated, report.empty_entries, report.dates_left_in_text), (0, 0, 0));
    assert_eq!((report.duplicates, report.changes.len(), report.left_out.len()), (0, 0, 0));
    assert_eq!(report.formats, [("Markdown".into(), 356), ("plain text".into(), 44)].into());

    // Read again, the simplest way: a file is its name's day, or its lines that are nothing but a date each open one.
    let files = raw(&folder);
    let mut days: Vec<(Date, Vec<&str>)> = Vec::new();
    for (path, text) in &files {
        if let Ok(date) = path.file_stem().unwrap().to_str().unwrap().parse() {
            days.push((date, text.split_whitespace().collect()));
            continue;
        }
        for line in text.lines() {
            let formats = ["%d %B %Y", "## %A %d %B %Y"];
            match formats.iter().find_map(|format| Date::strptime(format, line).ok()) {
                Some(date) => days.push((date, Vec::new())),
                None => days.last_mut().expect("a date opens each file").1.extend(line.split_whitespace()),
            }
        }
    }
    assert_days(&report, &entries, days);
    assert_eq!(report.words, 33_366); // `cat */* | wc -w`, less the words of 56 lines that are dates
}

#[test]
fn barbellion_has_531_entries_one_a_file() {
    let Some((folder, report, entries)) = shared("barbellion") else { return };
    assert_eq!((report.entries, report.files, report.skipped.len()), (531, 531, 0));
    assert_eq!((report.words, report.undated, report.empty_entries), (95_522, 0, 0));
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let files = raw(&folder);
    // The file's last line feed is all that goes.
    assert_eq!(texts, files.iter().map(|(_, file)| file.trim_matches('\n')).collect::<Vec<_>>());
}

#[test]
fn pepys_has_3413_entries_and_all_his_words() {
    let Some((folder, report, entries)) = shared("pepys") else { return };
    assert_eq!((report.entries, report.files, report.skipped.len()), (3_413, 113, 0));
    // Six of his own dates with a year ("April 1st, 1661. This day…", "December 31, 1664.") are Old Style, ten days
    // before the date line above them: they break the order of dates and stay in the text.
    assert_eq!((report.undated, report.empty_entries, report.dates_left_in_text), (0, 0, 6));

    // Read again, the simplest way: a line that is a date opens a day. The diary holds days out of order too.
    let mut days: Vec<(Date, Vec<&str>)> = Vec::new();
    let files = raw(&folder);
    for line in files.iter().flat_map(|(_, file)| file.lines()) {
        match line.parse() {
            Ok(date) if line.len() == 10 => days.push((date, Vec::new())),
            _ => days.last_mut().expect("a date opens each file").1.extend(line.split_whitespace()),
        }
    }
    assert_days(&report, &entries, days);
    assert_eq!(report.words, 1_177_142); // `cat *.txt | wc -w`, less one word for each date line
}
