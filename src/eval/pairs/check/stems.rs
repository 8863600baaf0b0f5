//! Words without their endings, so that "walked" supports "walking": a few rules of English, after the idea of Porter (1980,
//! "An algorithm for suffix stripping") but shorter. Stems are compared and never shown.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A word in lower case without its ending, an irregular form as its verb's first form.
pub fn stem(word: &str) -> Cow<'_, str> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    if let Some(base) = BASE.get(word) {
        return Cow::Borrowed(base);
    }
    if word.len() < 4 || !word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut stem = singular(word);
    for ending in ["fully", "ingly", "edly", "ness", "ment", "less", "ful", "ing", "ed", "ly", "er", "est"] {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.len() >= 3
            && rest.contains(is_vowel)
        {
            stem = Cow::Owned(undoubled(rest).to_string());
            break;
        }
    }
    let bare = match stem.strip_suffix('e') {
        Some(bare) if bare.len() >= 3 => bare,
        _ => &stem,
    };
    match bare.strip_suffix('y') {
        Some(rest) if rest.len() >= 2 => Cow::Owned(format!("{rest}i")),
        _ => Cow::Owned(bare.to_string()),
    }
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

fn singular(word: &str) -> Cow<'_, str> {
    if let Some(rest) = word.strip_suffix("ies")
        && rest.len() >= 2
    {
        return Cow::Owned(format!("{rest}y"));
    }
    for ending in ["sses", "shes", "ches", "xes"] {
        if word.ends_with(ending) {
            return Cow::Borrowed(&word[..word.len() - 2]);
        }
    }
    match word.strip_suffix('s') {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => Cow::Borrowed(rest),
        _ => Cow::Borrowed(word),
    }
}

/// `stopp` as `stop`.
fn undoubled(stem: &str) -> &str {
    let mut back = stem.chars().rev();
    match (back.next(), back.next()) {
        (Some(a), Some(b)) if a == b && !is_vowel(a) && !matches!(a, 'l' | 's' | 'z') => {
            &stem[..stem.len() - 1]
        }
        _ => stem,
    }
}

/// The stem of each irregular form. Only ever asked.
static BASE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    IRREGULAR.iter().flat_map(|(forms, base)| forms.split(' ').map(|form| (form, *base))).collect()
});

/// Forms, and the stem of the verb or noun that they are of.
const IRREGULAR: [(&str, &str); 62] = [
    ("went gone goes going", "go"),
    ("saw seen", "see"),
    ("came", "com"),
    ("took taken", "tak"),
    ("gave given", "giv"),
    ("told", "tell"),
    ("said", "sai"),
    ("thought", "think"),
    ("brought", "bring"),
    ("bought", "buy"),
    ("caught", "catch"),
    ("taught", "teach"),
    ("found", "find"),
    ("felt", "feel"),
    ("kept", "keep"),
    ("left", "leav"),
    ("lost", "los"),
    ("met", "meet"),
    ("read", "read"),
    ("sat", "sit"),
    ("stood", "stand"),
    ("understood", "understand"),
    ("spoke spoken", "speak"),
    ("wrote written", "writ"),
    ("rode ridden", "rid"),
    ("rose risen", "ris"),
    ("ran", "run"),
    ("began begun", "begin"),
    ("drank drunk", "drink"),
    ("sang sung", "sing"),
    ("swam swum", "swim"),
    ("ate eaten", "eat"),
    ("fell fallen", "fall"),
    ("knew known", "know"),
    ("grew grown", "grow"),
    ("threw thrown", "throw"),
    ("flew flown", "fli"),
    ("drew drawn", "draw"),
    ("blew blown", "blow"),
    ("slept", "sleep"),
    ("heard", "hear"),
    ("held", "hold"),
    ("paid", "pai"),
    ("sold", "sell"),
    ("sent", "send"),
    ("spent", "spend"),
    ("built", "build"),
    ("lay lain", "li"),
    ("laid", "lai"),
    ("led", "lead"),
    ("broke broken", "break"),
    ("chose chosen", "choos"),
    ("drove driven", "driv"),
    ("forgot forgotten", "forget"),
    ("hid hidden", "hid"),
    ("shook shaken", "shak"),
    ("woke woken", "wak"),
    ("wore worn", "wear"),
    ("won", "win"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            "walk walks walked walking walker",
            "stop stops stopped stopping",
            "hope hopes hoped hoping",
            "worry worries worried",
            "happy happily happiness",
            "go goes went gone",
            "take takes took taking",
            "come comes came coming",
            "write writes wrote writing written",
            "dress dresses dressed",
            "church churches",
            "find finds found finding",
            "pain painful painfully pains",
        ] {
            let stems: Vec<_> = forms.split(' ').map(stem).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{stems:?}");
        }
        assert_ne!(stem("read"), stem("ready"));
        assert_eq!(stem("naïve"), "naïve");
        assert_eq!(stem(""), "");
    }
}
