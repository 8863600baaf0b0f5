use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::{Date, date};

use super::embed::made::embeddings as embedded;
use super::store;
use super::*;
use crate::journal::{self, Options};

fn made(entries: &[(Date, &str)]) -> Library {
    let entries = entries.iter().map(|(day, text)| (day.to_string(), Some(*day), (*text).to_string()));
    Library::of_entries(entries, None).unwrap()
}

fn days(library: &Library, query: &Query) -> Vec<String> {
    library.find(query, 5).unwrap().into_iter().map(|found| found.name).collect()
}

fn small() -> Library {
    made(&[
        (date(1914, 3, 2), "Walked to the Natural History Museum with my brother. The whale hung there."),
        (date(1914, 5, 9), "My heart again. I was anxious all night, and anxious in the morning too."),
        (date(1915, 5, 9), "Wrote letters. Rain. An anxious letter from my sister about the money she lost."),
        (date(1915, 7, 1), "The doctor listened to the heart and said nothing. Then tea."),
    ])
}

#[test]
fn a_question_is_answered_by_the_entry_that_shares_its_telling_words() {
    let library = small();
    let found = library.find(&Query::new("When was I most anxious?"), 5).unwrap();
    let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["1914-05-09", "1915-05-09"]);
    assert!(found[0].score > found[1].score && found[0].day == Some(date(1914, 5, 9)));
    assert!(library.entry(found[0].entry).unwrap().text.contains(&found[0].text));
    assert_eq!(days(&library, &Query::new("WALKING in the museums")), ["1914-03-02"]);
    assert!(days(&library, &Query::new("zoology")).is_empty());
    assert!(days(&library, &Query::new("")).is_empty());
    assert_eq!(days(&library, &Query::new("my")).len(), 3, "where all words are of grammar, they count");
}

#[test]
fn only_entries_of_the_days_that_were_asked_for_answer() {
    let library = small();
    let year = |text: &str| Query { days: vec![date(1915, 1, 1)..date(1916, 1, 1)], ..Query::new(text) };
    assert_eq!(days(&library, &year("anxious")), ["1915-05-09"]);
    assert_eq!(days(&library, &year("what did I do?")), ["1915-05-09", "1915-07-01"]);
    assert_eq!(days(&library, &year("")), ["1915-05-09", "1915-07-01"]);
    let end = Query { days: vec![date(1915, 1, 1)..date(1915, 7, 1)], ..Query::new("heart doctor") };
    assert!(days(&library, &end).is_empty(), "the last day is not in it");
}

#[test]
fn by_meaning_there_have_to_be_embeddings() {
    let by = |by| Query { by, ..Query::new("anxious") };
    assert!(small().find(&by(By::Meaning), 3).is_err());
    assert_eq!(small().find(&by(By::Both), 3).unwrap().len(), 2);
}

#[test]
fn a_long_entry_answers_once_with_the_passage_that_fits() {
    let filler = "Rain all day and nothing done at the office again. ".repeat(60);
    let text = format!("{filler}\n\nA letter came from the zoological society at last.\n\n{filler}");
    let library = made(&[(date(2020, 1, 1), &text), (date(2020, 1, 2), "Rain.")]);
    let found = library.find(&Query::new("zoological society"), 5).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].text.contains("zoological society") && found[0].text.len() < text.len() / 2);
    assert!(text.contains(&found[0].text));
}

#[test]
fn each_language_is_stemmed_as_its_own() {
    let german = "Heute morgen gingen wir mit den Brüdern zum Fluss hinunter und sprachen lange über den Krieg und die Häuser. ";
    let english = "This morning we went down to the river and talked about the war for hours, my brothers and the neighbours too. ";
    let library = made(&[(date(2020, 1, 1), &german.repeat(2)), (date(2020, 1, 2), &english.repeat(2))]);
    assert_eq!(days(&library, &Query::new("Haus")), ["2020-01-01"]);
    assert_eq!(days(&library, &Query::new("neighbour")), ["2020-01-02"]);
    assert_eq!(days(&library, &Query::new("bruder")), ["2020-01-01"]);
}

#[test]
fn a_text_leans_on_what_it_repeats_and_on_nothing_else() {
    let library = small();
    let text = "So I went. The doctor listened to the heart and then he spoke of the whale.";
    let leans = library.leans(text, 3).unwrap();
    assert_eq!((leans[0].name.as_str(), leans[0].words), ("1915-07-01", 7));
    assert_eq!(&text[leans[0].range.clone()], "The doctor listened to the heart and");
    assert_eq!(leans[0].text, "The doctor listened to the heart and");
    assert_eq!(leans.len(), 1, "another entry has the whale, and no more of it: {leans:?}");
    assert!(library.leans("I was anxious of the whale in the museum.", 3).unwrap().is_empty());
    assert!(library.leans("", 3).unwrap().is_empty());
    assert!(library.leans(text, 0).unwrap().is_empty());
}

#[test]
fn a_library_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Library>();
}

/// A folder of three entries and one for the cache.
fn journal() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let whole = tempfile::tempdir().unwrap();
    let (journal, cache) = (whole.path().join("journal"), whole.path().join("cache"));
    std::fs::create_dir(&journal).unwrap();
    for (day, text) in [
        ("2020-01-01", "A walk by the river."),
        ("2020-01-02", "Toothache, and the dentist."),
        ("2020-01-03", "The river rose over the bridge."),
    ] {
        std::fs::write(journal.join(format!("{day}.txt")), text).unwrap();
    }
    (whole, journal, cache)
}

fn open(journal: &Path, cache: &Path) -> Library {
    Library::open_in(Some(cache), &[journal.to_path_buf()], &Options::default(), None, &mut ()).unwrap()
}

#[test]
fn what_stands_is_found_again_and_only_what_changed_is_indexed() {
    let (_whole, journal, cache) = journal();
    assert_eq!(open(&journal, &cache).changed(), Changed { added: 3, removed: 0 });
    let again = open(&journal, &cache);
    assert_eq!((again.changed(), again.len()), (Changed::default(), 3));
    let fresh = again.find(&Query::new("river"), 5).unwrap();
    std::fs::write(journal.join("2020-01-02.txt"), "The dentist pulled it.").unwrap();
    std::fs::write(journal.join("2020-01-04.txt"), "Snow.").unwrap();
    let changed = open(&journal, &cache);
    assert_eq!(changed.changed(), Changed { added: 2, removed: 1 });
    assert!(days(&changed, &Query::new("toothache")).is_empty());
    assert_eq!(days(&changed, &Query::new("dentist")), ["2020-01-02"]);
    assert_eq!(fresh.len(), 2);
    // How an index came about does not show.
    std::fs::remove_dir_all(&cache).unwrap();
    let anew = open(&journal, &cache);
    for asked in ["river", "dentist snow", "over the bridge", "walk"] {
        let query = Query::new(asked);
        assert_eq!(changed.find(&query, 9).unwrap(), anew.find(&query, 9).unwrap(), "{asked}");
    }
    // What was deleted is in no file.
    let kept =
        std::fs::read(store::file(&cache, std::slice::from_ref(&journal), &Options::default())).unwrap();
    assert!(!kept.windows(9).any(|bytes| bytes.eq_ignore_ascii_case(b"toothache")));
}

/// Counts how often it is told that files are read.
struct Reads(usize);

impl journal::Observer for Reads {
    fn progress(&mut self, what: &'static str, _: u64, _: u64) {
        self.0 += usize::from(what == "reading");
    }
}

#[test]
fn no_file_is_read_while_all_stand_and_all_are_when_one_has_changed() {
    let (_whole, journal, cache) = journal();
    let reads = || {
        let mut reads = Reads(0);
        let paths = [journal.clone()];
        Library::open_in(Some(&cache), &paths, &Options::default(), None, &mut reads).unwrap();
        reads.0
    };
    let all = reads();
    assert!(all > 3, "each of three, and the end: {all}");
    assert_eq!(reads(), 0);
    std::fs::write(journal.join("2020-01-02.txt"), "The dentist pulled it.").unwrap();
    assert_eq!(reads(), all);
}

#[test]
fn a_damaged_index_is_built_again_and_that_is_said() {
    let (_whole, journal, cache) = journal();
    open(&journal, &cache);
    let file = store::file(&cache, std::slice::from_ref(&journal), &Options::default());
    let whole = std::fs::read(&file).unwrap();
    for length in [0, 10, 47, 48, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let library = open(&journal, &cache);
        assert_eq!(library.notes().len(), 1, "{length}");
        assert!(library.notes()[0].contains("built again"), "{:?}", library.notes());
        assert_eq!(days(&library, &Query::new("river")).len(), 2);
        assert!(open(&journal, &cache).notes().is_empty(), "it is whole again");
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 1;
    std::fs::write(&file, flipped).unwrap();
    assert_eq!(open(&journal, &cache).notes().len(), 1);
}

#[cfg(unix)]
#[test]
fn the_cache_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_whole, journal, cache) = journal();
    open(&journal, &cache);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let files: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn two_at_once_do_not_meet() {
    let (_whole, journal, cache) = journal();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let library = open(&journal, &cache);
                    assert!(library.notes().is_empty(), "{:?}", library.notes());
                    assert_eq!(days(&library, &Query::new("river")).len(), 2);
                }
            });
        }
    });
}

#[test]
fn where_nothing_can_be_kept_questions_are_answered_all_the_same() {
    let (whole, journal, _) = journal();
    let no_folder = whole.path().join("file");
    std::fs::write(&no_folder, "x").unwrap();
    let library = open(&journal, &no_folder.join("below"));
    assert_eq!(library.notes().len(), 1);
    assert_eq!(days(&library, &Query::new("river")).len(), 2);
}

#[test]
fn passages_are_found_by_meaning_and_their_vectors_again() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/static/wordpiece");
    let (_whole, journal, cache) = journal();
    std::fs::write(journal.join("2020-01-05.txt"), "I was most anxious about my heart this evening.")
        .unwrap();
    let open = || {
        let paths = [journal.clone()];
        Library::open_in(Some(&cache), &paths, &Options::default(), Some(&fixture), &mut ()).unwrap()
    };
    let query = Query { by: By::Meaning, ..Query::new("anxious about the heart") };
    let first = open().find(&query, 9).unwrap();
    assert_eq!(first[0].name, "2020-01-05");
    assert_eq!(open().find(&query, 9).unwrap(), first);
    let vectors = std::fs::read_dir(&cache).unwrap().map(|file| file.unwrap().path());
    let vectors: Vec<_> = vectors.filter(|path| path.to_string_lossy().ends_with(".vectors")).collect();
    assert_eq!(vectors.len(), 1);
    std::fs::write(&vectors[0], "cut short").unwrap();
    let library = open();
    assert_eq!(library.notes().len(), 1);
    assert_eq!(library.find(&query, 9).unwrap(), first);
    assert_eq!(library.find(&Query::new("anxious heart"), 9).unwrap()[0].name, "2020-01-05");
}

/// Seven words, the last two near to the first two.
fn few() -> Embeddings {
    let unit = |i: usize| std::array::from_fn::<f32, 5, _>(|j| f32::from(u8::from(i == j)));
    let mut words: Vec<(&str, [f32; 5])> = (0..)
        .map(unit)
        .zip(["clothes", "prop", "rain", "river", "walk"])
        .map(|(v, word)| (word, v))
        .collect();
    words.push(("laundry", [0.9, 0.0, 0.0, 0.0, 0.4]));
    words.push(("pole", [0.0, 0.9, 0.0, 0.4, 0.0]));
    embedded(&words)
}

#[test]
fn the_words_of_a_question_are_stood_in_for_by_those_of_the_diary() {
    let entry = |day: i8, text: &str| {
        let day = date(1917, 1, day);
        (day.to_string(), Some(day), text.to_string())
    };
    let entries = || {
        let entries =
            ["The clothes-prop looks like a gibbet.", "Rain by the river.", "A walk. A prop. The river."];
        (1..).zip(entries).map(|(day, text)| entry(day, text)).collect::<Vec<_>>()
    };
    let library = Library::of_entries(entries(), Some(few())).unwrap();
    let by = |by| Query { by, ..Query::new("laundry pole") };
    assert!(days(&library, &by(By::Words)).is_empty());
    assert_eq!(days(&library, &by(By::Both))[0], "1917-01-01");
    let near = library.leans("laundry pole", 3).unwrap();
    assert!(near.is_empty(), "a text leans on what it shares: {near:?}");
}

#[test]
fn a_sentence_of_a_long_entry_answers_by_meaning() {
    let filler = "Rain again by the river today, rain all morning, and rain all night as well, rain, rain. "
        .repeat(30);
    let long = format!(
        "{filler}The clothes and the prop went with the wind, and clothes lay about for hours on end. {filler}"
    );
    let library = [(1, long.clone()), (2, "A walk in the rain by the river with clothes on.".repeat(3))];
    let library = library.map(|(day, text)| (day.to_string(), Some(date(1917, 1, day)), text));
    let library = Library::of_entries(library, Some(few())).unwrap();
    let found = library.find(&Query { by: By::Meaning, ..Query::new("laundry pole") }, 5).unwrap();
    assert_eq!(found[0].name, "1");
    assert!(found[0].text.contains("clothes and the prop"), "{}", found[0].text);
    assert!(found.iter().all(|found| found.score > 0.0 && found.score < 1.0));
}

/// Where the real diaries are.
fn diaries() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals");
    [beside, PathBuf::from("/work/shared/journals")].into_iter().find(|path| path.is_dir())
}

#[test]
fn the_real_diaries_answer() {
    let Some(diaries) = diaries() else { return };
    let cache = tempfile::tempdir().unwrap();
    let static_model = std::env::var_os("DIARIST_STATIC").map(PathBuf::from);
    for (diary, asked, answer, leaning) in [
        (
            "pepys",
            "When did the fire of London begin?",
            "1666-09-12",
            "some of our maids sitting up late last night to get things ready",
        ),
        (
            "barbellion",
            "the essay on how cats spend their time",
            "1903-01-03",
            "have abandoned the idea of writing on",
        ),
    ] {
        let paths = [diaries.join(diary)];
        let time = Instant::now();
        journal::read(&paths, &Options::default(), &mut ()).unwrap();
        let read = time.elapsed();
        let time = Instant::now();
        let open = |cache| {
            Library::open_in(Some(cache), &paths, &Options::default(), static_model.as_deref(), &mut ())
                .unwrap()
        };
        let library = open(cache.path());
        let built = time.elapsed();
        let time = Instant::now();
        let again = open(cache.path());
        let opened = time.elapsed();
        assert_eq!(again.changed(), Changed::default());
        let time = Instant::now();
        let found = again.find(&Query::new(asked), 10).unwrap();
        let first = time.elapsed();
        let time = Instant::now();
        for _ in 0..20 {
            again.find(&Query::new(asked), 10).unwrap();
        }
        let each = time.elapsed() / 20;
        let time = Instant::now();
        let leans = again.leans(leaning, 3).unwrap();
        let first_leans = time.elapsed();
        let time = Instant::now();
        again.leans(leaning, 3).unwrap();
        report(&format!(
            "{diary}: {} entries, {} passages; read {read:?}, built {built:?}, opened {opened:?}, first {first:?}, each {each:?}, leans {first_leans:?} then {:?}",
            library.len(),
            library.passages(),
            time.elapsed()
        ));
        let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
        report(&format!("{names:?}"));
        assert!(names.contains(&answer), "{asked}: {names:?}");
        assert!(found.iter().all(|found| library.entry(found.entry).unwrap().text.contains(&found.text)));
        assert!(leans[0].name.starts_with(answer) && leans[0].words >= 7, "{leans:?}");
    }
    let size: u64 =
        std::fs::read_dir(cache.path()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    report(&format!("cache {size} bytes"));
}

/// Questions and the days that answer them, found by reading. Pepys's days are those of the Gregorian calendar.
const ASKED: [(&str, &str, &str); 14] = [
    ("pepys", "When did the great fire of London begin?", "1666-09-12"),
    ("pepys", "Which cheese did I bury to save it from the flames?", "1666-09-14"),
    ("pepys", "When did I drink tea for the first time?", "1660-10-05"),
    ("pepys", "When did I first see houses marked because of the plague?", "1665-06-17"),
    ("pepys", "When did I watch a general being executed at Charing Cross?", "1660-10-23"),
    ("pepys", "When did our young cat jump down the stairs and frighten us?", "1667-12-09"),
    ("pepys", "When did a colonel with a wooden leg dine with us?", "1660-04-14"),
    ("pepys", "Who gave my wife a present of turtledoves?", "1660-09-06"),
    ("barbellion", "What was the essay about how cats spend their time?", "1903-01-03"),
    ("barbellion", "When did I read about vacancies in the zoology department of the museum?", "1910-03-22"),
    ("barbellion", "When did I discover a diarist who is just like me?", "1914-10-14"),
    ("barbellion", "Which night did airships come and we put out the lights?", "1915-10-14"),
    ("barbellion", "When did I give up the post at Plymouth?", "1910-12-10"),
    ("barbellion", "When did I see a funeral cross Tower Bridge?", "1914-10-24"),
];

#[test]
fn most_questions_have_their_answer_among_the_first_five() {
    let Some(diaries) = diaries() else { return };
    let static_model = std::env::var_os("DIARIST_STATIC").map(PathBuf::from);
    let open = |diary: &str| {
        let paths = [diaries.join(diary)];
        Library::open_in(None, &paths, &Options::default(), static_model.as_deref(), &mut ()).unwrap()
    };
    let libraries = ["pepys", "barbellion"].map(|diary| (diary, open(diary)));
    let ways = if static_model.is_some() { &[By::Words, By::Meaning, By::Both][..] } else { &[By::Words] };
    for &by in ways {
        let right = |(diary, asked, answer): &&(&str, &str, &str)| {
            let (_, library) = libraries.iter().find(|(name, _)| name == diary).unwrap();
            let names = days(library, &Query { by, ..Query::new(*asked) });
            let right = names.iter().any(|name| name.starts_with(answer));
            if !right {
                report(&format!("{by:?} misses {asked} {answer}: {names:?}"));
            }
            right
        };
        let right = ASKED.iter().filter(right).count();
        report(&format!("{by:?}: {right} of {}", ASKED.len()));
        assert!(right >= 7, "{by:?}: {right}");
    }
}

#[test]
fn the_sixty_questions_are_answered_by_words_as_often_as_the_book_says() {
    let Some(diaries) = diaries() else { return };
    let open = |diary: &str| {
        let paths = [diaries.join(diary)];
        Library::open_in(None, &paths, &Options::default(), None, &mut ()).unwrap()
    };
    let libraries = ["pepys", "barbellion"].map(|diary| (diary, open(diary)));
    let questions = include_str!("../../tests/recall/questions.json");
    let questions: Vec<serde_json::Value> = serde_json::from_str(questions).unwrap();
    let is_right = |one: &&serde_json::Value| {
        let (_, library) = libraries.iter().find(|(diary, _)| one["diary"] == *diary).unwrap();
        let asked = library.ask(one["question"].as_str().unwrap(), date(2026, 12, 1), By::Words, 5).unwrap();
        let days = one["entries"].as_array().unwrap();
        asked.found.iter().any(|found| days.iter().any(|day| found.name[..10] == *day.as_str().unwrap()))
    };
    let right = questions.iter().filter(is_right).count();
    report(&format!("by words, recall@5: {right} of {}", questions.len()));
    // 34 when it was measured; of questions that others wrote, one is within chance.
    assert!(right >= 33, "{right}");
}

/// What was measured, for `--nocapture`.
#[expect(clippy::print_stderr, reason = "a measurement is to be seen")]
fn report(line: &str) {
    eprintln!("{line}");
}
