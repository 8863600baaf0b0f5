//! What an English word is filed under: its inflections together, nothing more. It need not be a word, for nobody sees it.

use std::borrow::Cow;

/// The key of a word in lower case: without `-s`, `-ed`, `-ing`, `-ly`, with `y` and `i` at the end as one and no `e` there.
///
/// It errs on the side of keeping apart: `going` and `went` are two, `general` and `generous` are never one.
pub fn stem(word: &str) -> Cow<'_, str> {
    if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    let mut stem = word.to_string();
    strip_plural(&mut stem);
    strip_verb(&mut stem);
    if stem.len() > 5 && stem.ends_with("ly") {
        stem.truncate(stem.len() - 2);
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 2 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    Cow::Owned(stem)
}

fn strip_plural(word: &mut String) {
    if let Some(base) = word.strip_suffix("ies") {
        *word = if base.len() > 1 { format!("{base}y") } else { format!("{base}ie") };
    } else if ["sses", "xes", "ches", "shes", "zes"].iter().any(|end| word.ends_with(end)) {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.pop();
    }
}

/// `walked` and `walking` to `walk`, `dropping` to `drop`, `hoped` to `hop`, where `hope` goes without its `e` too.
fn strip_verb(word: &mut String) {
    let Some(base) = word.strip_suffix("ing").or_else(|| word.strip_suffix("ed")) else { return };
    let voiced = base.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
    if base.len() < 3 || !voiced || word.ends_with("eed") {
        return;
    }
    let doubled = {
        let bytes = base.as_bytes();
        let last = bytes[bytes.len() - 1];
        bytes[bytes.len() - 2] == last && !matches!(last, b'l' | b's' | b'z' | b'e' | b'o')
    };
    word.truncate(base.len() - usize::from(doubled));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_meet_and_other_words_do_not() {
        let together = [
            "walk walks walked walking",
            "hope hopes hoped hoping",
            "drop drops dropped dropping",
            "write writes writing",
            "study studies studied studying",
            "church churches",
            "kiss kisses kissed",
            "call calls called calling",
            "glad gladly",
            "house houses",
            "tie ties",
        ];
        for family in together {
            let stems: Vec<_> = family.split(' ').map(stem).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
        let apart =
            ["thing think", "bed be", "king kin", "glass gla", "spring spr", "feed fe", "general generous"];
        for pair in apart {
            let (a, b) = pair.split_once(' ').unwrap();
            assert_ne!(stem(a), stem(b));
        }
        assert_eq!(stem("naïve"), "naïve");
        assert_eq!(stem(""), "");
    }
}
