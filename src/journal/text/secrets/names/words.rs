//! Words as names are made of them. (The words that likeness counts live in `eval`, a room above.)

/// A word, where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Its first byte in the text.
    pub at: usize,
}

impl Word<'_> {
    /// The byte after its last.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether it begins with a capital and goes on with a small letter, or is a capital alone, as an initial is.
    pub fn is_capitalised(&self) -> bool {
        let mut chars = self.text.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.next().is_none_or(|c| !c.is_uppercase())
    }

    /// Whether it is one capital.
    pub fn is_initial(&self) -> bool {
        self.text.chars().count() == 1 && self.is_capitalised()
    }

    /// In lower case.
    pub fn lower(&self) -> String {
        self.text.to_lowercase()
    }
}

/// The words of a text: letters, with a hyphen or an apostrophe between them; the `'s` of a genitive is no part of one.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (at, first) = rest.by_ref().find(|(_, c)| c.is_alphabetic())?;
        let mut end = at + first.len_utf8();
        while let Some(&(i, c)) = rest.peek() {
            let after = &text[i + c.len_utf8()..];
            let joins = matches!(c, '\'' | '’' | '-' | '‐')
                && after.starts_with(char::is_alphabetic)
                && !is_genitive(c, after);
            if !c.is_alphabetic() && !joins && !('\u{300}'..='\u{36f}').contains(&c) {
                break;
            }
            end = i + c.len_utf8();
            rest.next();
        }
        Some(Word { text: &text[at..end], at })
    })
}

fn is_genitive(mark: char, after: &str) -> bool {
    mark != '-' && after.starts_with('s') && !after[1..].starts_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_genitive_is_no_part_of_a_name() {
        let found: Vec<&str> =
            words("Anna O’Brien’s Jean-Luc, J. 5th E\u{301}tienne").map(|w| w.text).collect();
        assert_eq!(found, ["Anna", "O’Brien", "s", "Jean-Luc", "J", "th", "E\u{301}tienne"]);
    }
}
