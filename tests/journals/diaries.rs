//! The two diaries that the project is proved on, where the checkout has them.

use std::path::{Path, PathBuf};

use diarist::journal::{Entry, Options, Report, read};

/// One of the shared diaries, read; none, with a word, where it is not there.
fn shared(name: &str) -> Option<(PathBuf, Report, Vec<Entry>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals").join(name);
    if !folder.is_dir() {
        eprintln!("{} is not in this checkout: nothing to compare", folder.display());
        return None;
    }
    let mut corpus = read(std::slice::from_ref(&folder), &Options::default(), &mut ()).expect("a diary");
    let entries = corpus.entries().expect("its entries");
    Some((folder, corpus.report, entries))
}

/// Every file of a folder as it stands, by name.
fn raw(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn barbellion_has_531_entries_one_a_file() {
    let Some((folder, report, entries)) = shared("barbellion") else { return };
    assert_eq!((report.entries, report.files, report.skipped.len()), (531, 531, 0));
    assert_eq!((report.words, report.undated, report.empty_entries), (95_522, 0, 0));
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let files = raw(&folder);
    // The file's last line feed is all that goes.
    assert_eq!(texts, files.iter().map(|file| file.trim_matches('\n')).collect::<Vec<_>>());
}

#[test]
fn pepys_has_3413_entries_and_all_his_words() {
    let Some((folder, report, entries)) = shared("pepys") else { return };
    assert_eq!((report.entries, report.files, report.skipped.len()), (3_413, 113, 0));
    // Six of his own dates with a year ("April 1st, 1661. This day…", "December 31, 1664.") are Old Style, ten days
    // before the date line above them: they break the order of dates and stay in the text.
    assert_eq!((report.undated, report.empty_entries, report.dates_left_in_text), (0, 0, 6));

    // Read again, the simplest way: a line that is a date opens a day. The diary holds days out of order too.
    let mut days: Vec<(jiff::civil::Date, Vec<&str>)> = Vec::new();
    let files = raw(&folder);
    for line in files.iter().flat_map(|file| file.lines()) {
        match line.parse() {
            Ok(date) if line.len() == 10 => days.push((date, Vec::new())),
            _ => days.last_mut().expect("a date opens each file").1.extend(line.split_whitespace()),
        }
    }
    days.sort_by_key(|(date, _)| *date);
    assert_eq!(days.len(), entries.len());
    for (entry, (date, words)) in entries.iter().zip(&days) {
        assert_eq!(entry.day(), Some(*date));
        assert!(entry.text.split_whitespace().eq(words.iter().copied()), "{date}: {}", entry.text);
    }
    assert_eq!(report.words, days.iter().map(|(_, words)| words.len() as u64).sum::<u64>());
    assert_eq!(report.words, 1_177_142); // `cat *.txt | wc -w`, less one word for each date line
}
