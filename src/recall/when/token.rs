//! The words of a question, and what each may say of time.

use std::ops::Range;

use super::kind::Kind;
use super::lexicon::{Language, Lexicon, folded};

/// What is between a token and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// White space; or nothing, behind an elision.
    Space,
    /// A comma or a point, and white space.
    Mark,
    /// A dash, a hyphen, a slash or a point, alone, or a dash with space about it.
    Sign(char),
    Other,
}

/// A word of time, or another word.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    /// Its bytes.
    pub at: Range<usize>,
    pub gap: Gap,
    /// An apostrophe stands right before it: `'12`.
    pub apostrophe: bool,
    /// It has a capital.
    pub capital: bool,
    /// A sign of money, of a share or of a decimal fraction touches it.
    pub amount: bool,
}

/// The tokens of a text, by what its language calls time.
pub(super) fn tokens(text: &str, lexicon: &Lexicon) -> Vec<Token> {
    let words = pieces(text);
    let mut tokens: Vec<Token> = Vec::with_capacity(words.len());
    let mut i = 0;
    while let Some(first) = words.get(i) {
        let end_before = tokens.last().map_or(0, |token| token.at.end);
        let gap = gap(text.get(end_before..first.start).unwrap_or_default(), tokens.is_empty());
        let (kind, count) = longest(text, &words[i..], lexicon);
        let last = words.get(i + count - 1).unwrap_or(first);
        let (before, after) = (text[..first.start].chars().next_back(), text[last.end..].chars().next());
        let follows = text[last.end..].chars().nth(1);
        let fraction = matches!(after, Some(',' | '.')) && follows.is_some_and(|c| c.is_ascii_digit());
        tokens.push(Token {
            kind,
            at: first.start..last.end,
            gap,
            apostrophe: matches!(before, Some('\'' | '’' | '‘')),
            capital: text[first.clone()].starts_with(char::is_uppercase),
            amount: matches!(before, Some('£' | '$' | '€' | '#' | ',' | '+'))
                || matches!(after, Some('%' | '‰' | '°' | '€' | '$' | '£'))
                || fraction,
        });
        i += count;
    }
    tokens
}

/// How many words of a text its language knows as words of time, and how many as its own commonest.
pub(super) fn familiar(text: &str, language: Language) -> usize {
    let lexicon = Lexicon::of(language);
    let (words, mut i, mut known) = (pieces(text), 0, 0);
    while let Some(word) = words.get(i) {
        let (kind, count) = longest(text, &words[i..], lexicon);
        let is_own = !matches!(kind, Kind::Word | Kind::Digits(..) | Kind::Decade(_) | Kind::ShortDecade(_));
        if is_own || lexicon.is_common(&folded(&text[word.clone()])) {
            known += count;
        }
        i += count;
    }
    known
}

/// The longest row of words that means something of time, and how many they are; at least one.
fn longest(text: &str, words: &[Range<usize>], lexicon: &Lexicon) -> (Kind, usize) {
    let mut joined = String::new();
    let mut found = None;
    for (count, word) in words.iter().take(Lexicon::LONGEST).enumerate() {
        if count > 0 {
            let between = &text[words[count - 1].end..word.start];
            if !matches!(between, "" | " " | "-" | "\u{a0}" | "'" | "’") {
                break;
            }
            joined.push(' ');
        }
        joined.push_str(&folded(&text[word.clone()]));
        if let Some(kind) = lexicon.get(&joined) {
            found = Some((kind, count + 1));
        }
    }
    let Some(first) = words.first() else { return (Kind::Word, 1) };
    found.unwrap_or_else(|| (alone(&folded(&text[first.clone()]), lexicon), 1))
}

/// What a word that the lexicon lacks may be: figures, or the possessive of what it has.
fn alone(key: &str, lexicon: &Lexicon) -> Kind {
    let digits = key.bytes().take_while(u8::is_ascii_digit).count();
    let (figures, end) = key.split_at(digits);
    match (figures.parse::<u16>(), digits, end) {
        (Ok(value), 1..=4, "") => Kind::Digits(value, digits as u8),
        (Ok(value), 4, "s" | "'s" | "er" | "ern") if value % 10 == 0 => Kind::Decade(value.cast_signed()),
        (Ok(value), 4, "'s") => Kind::Digits(value, 4),
        (Ok(value), 2, "s" | "'s" | "er" | "ern") if value % 10 == 0 => {
            Kind::ShortDecade(value.cast_signed())
        }
        (Ok(value), 1..=2, "st" | "nd" | "rd" | "th" | "er" | "re" | "o" | "º") if value <= 31 => {
            Kind::Ordinal(value as i8)
        }
        _ => match key.strip_suffix("'s").and_then(|key| lexicon.get(key)) {
            // April's and May's are women's.
            Some(
                kind @ (Kind::Unit(_) | Kind::TheYear | Kind::Season(_) | Kind::Day(_) | Kind::SureFeast(_)),
            ) => kind,
            _ => Kind::Word,
        },
    }
}

fn gap(between: &str, is_first: bool) -> Gap {
    if is_first {
        return Gap::Other;
    }
    let bare = between.trim();
    let is_space = matches!(bare, "" | "'" | "’" | "‘");
    let is_mark = matches!(bare, "," | "." | ", '" | ", ’");
    let mut chars = bare.chars();
    match (chars.next(), chars.next()) {
        (Some(sign @ ('-' | '–' | '—')), None) => Gap::Sign(sign),
        (Some(sign @ ('/' | '.')), None) if bare.len() == between.len() => Gap::Sign(sign),
        _ if is_space => Gap::Space,
        _ if is_mark => Gap::Mark,
        _ => Gap::Other,
    }
}

/// The words of a text: letters and digits with an apostrophe between them, but cut behind `l'`, `d'`, `qu'` and `jusqu'`.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let within = c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c);
        let joins = matches!(c, '\'' | '’') && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        match open {
            Some(start) if joins => {
                let before = &text[start..i];
                let elided =
                    ["l", "d", "qu", "jusqu"].iter().any(|elided| before.eq_ignore_ascii_case(elided));
                if elided {
                    pieces.push(start..i);
                    open = None;
                }
            }
            Some(start) if !within => {
                pieces.push(start..i);
                open = None;
            }
            None if within => open = Some(i),
            _ => {}
        }
    }
    pieces.extend(open.map(|start| start..text.len()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::when::period::Feast;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text, Lexicon::of(Language::English)).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn a_few_words_may_be_one_token_and_figures_are_read() {
        let found = kinds("New Year's Eve, 1912's 3rd of the twenty-first 1910s");
        let eve = Kind::SureFeast(Feast::NewYearsEve);
        let (year, decade) = (Kind::Digits(1912, 4), Kind::Decade(1910));
        assert_eq!(found, [eve, year, Kind::Ordinal(3), Kind::Of, Kind::The, Kind::Ordinal(21), decade]);
    }

    #[test]
    fn an_elision_is_a_word_of_its_own() {
        let texts: Vec<&str> = pieces("l’été d'hiver, aujourd'hui; don't 'tis")
            .into_iter()
            .map(|p| &"l’été d'hiver, aujourd'hui; don't 'tis"[p])
            .collect();
        assert_eq!(texts, ["l", "été", "d", "hiver", "aujourd'hui", "don't", "tis"]);
    }

    #[test]
    fn amounts_are_told_from_years() {
        let amounts: Vec<bool> = tokens("£1912 1912% 1912 1912.5", Lexicon::of(Language::English))
            .into_iter()
            .map(|token| token.amount)
            .collect();
        assert_eq!(amounts[..3], [true, true, false]);
        assert!(amounts[3]);
    }
}
