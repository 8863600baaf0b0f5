//! What stands beside a clock of twelve hours, in many languages: which half of the day it is in.

/// Before noon, without points and spaces, in small letters. Where a language names parts of the day, those before noon.
const MORNING: [&str; 37] = [
    "am",
    "vorm",
    "fm",
    "πμ",
    "ص",
    "öö",
    "sa",
    "de",
    "pg",
    "قظ",
    "上午",
    "凌晨",
    "清晨",
    "早上",
    "午前",
    "오전",
    "tm",
    "damanhã",
    "damadrugada",
    "पूर्वाह्न",
    "मपू",
    "முற்பகல்",
    "ಪೂರ್ವಾಹ್ನ",
    "ਪੂਦੁ",
    "පෙව",
    "ጥዋት",
    "ጠዋት",
    "eparadites",
    "утра",
    "ночи",
    "dop",
    "прпл",
    "претпл",
    "קבלתצהריים",
    "לפנהצ",
    "နံနက်",
    "ກອນທຽງ",
];

/// After noon.
const AFTERNOON: [&str; 33] = [
    "pm",
    "nachm",
    "em",
    "μμ",
    "م",
    "ös",
    "ch",
    "du",
    "ptg",
    "بظ",
    "下午",
    "中午",
    "晚上",
    "午後",
    "오후",
    "datarde",
    "danoite",
    "अपराह्न",
    "मउ",
    "பிற்பகல்",
    "ಅಪರಾಹ್ನ",
    "ਬਾਦੁ",
    "පව",
    "ከሰዓት",
    "epasdites",
    "дня",
    "вечера",
    "odp",
    "слоб",
    "попл",
    "אחהצ",
    "ညနေ",
    "ຫຼັງທ່ຽງ",
];

/// Words between date and time, or behind it, that say nothing of the half.
const JOINING: [&str; 18] = [
    "klo", "kl", "um", "at", "à", "às", "alle", "alas", "в", "ч", "u", "ob", "o", "น", "lúc", "pukul",
    "kell", "uhr",
];

/// The most letters of a word that no list has.
const LONGEST: usize = 24;

/// The half of the day that a time of twelve hours is in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Half<'a> {
    Morning,
    /// With whether it is written `PM`, in capitals.
    Afternoon,
    /// A word that no list has stands there: it may be either half, or another word for a clock.
    Unknown(&'a str),
}

/// Reads the words at the start of a text: the half of the day, if they say it, with whether it is `AM` or `PM` in
/// capitals, and what follows. A word that only joins date and time is passed over.
///
/// Where `ends` is true of what follows, up to three words that no list has may be the half of the day in a language that
/// is not known here.
pub fn read<'a>(text: &'a str, ends: &dyn Fn(&str) -> bool) -> (Option<Half<'a>>, bool, &'a str) {
    let is_part = |c: char| !(c.is_numeric() || "[]()<>{}-–—:;,،/|!?\n\t\"“”«»".contains(c));
    let end = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    let (written, rest) = text.split_at(end);
    let is_sign = |c: char| c.is_whitespace() || is_direction_mark(c) || ".'’\u{5f3}\u{5f4}".contains(c);
    let word: String = written.chars().filter(|c| !is_sign(*c)).flat_map(char::to_lowercase).collect();
    let (word, capitals) = (word.as_str(), written.contains('M'));
    let known = |list: &[&str]| list.contains(&word);
    if known(&MORNING) {
        (Some(Half::Morning), capitals, rest)
    } else if known(&AFTERNOON) {
        (Some(Half::Afternoon), capitals, rest)
    } else if known(&JOINING) {
        (None, false, rest)
    } else if !word.is_empty()
        && word.chars().count() <= LONGEST
        && written.split_whitespace().count() <= 3
        && ends(rest)
    {
        (Some(Half::Unknown(written.trim())), false, rest)
    } else {
        (None, false, text)
    }
}

/// Signs that only say in which direction text runs.
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
