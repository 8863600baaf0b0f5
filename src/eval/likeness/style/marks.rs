//! The marks of a text, counted.

/// How often each mark occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub comma: usize,
    pub full_stop: usize,
    pub semicolon: usize,
    pub colon: usize,
    pub dash: usize,
    pub ellipsis: usize,
    pub question: usize,
    pub exclamation: usize,
    /// Single marks, not pairs.
    pub quotation: usize,
    /// Single marks, not pairs.
    pub bracket: usize,
    pub apostrophe: usize,
    /// Long dashes in the place of a name: ⸺.
    pub blanked: usize,
    /// Quotation marks and apostrophes as typewriters have them.
    pub straight: usize,
    /// Those that lean.
    pub curly: usize,
}

/// The marks of a text. Points, commas and colons within a number (`7.30`) are none; a row of points is one ellipsis, a row
/// of hyphens, or one between spaces, a dash. A hyphen that begins a line is an item's.
pub(super) fn marks(text: &str) -> Marks {
    let chars: Vec<char> = text.chars().collect();
    let (mut marks, mut quoted, mut i) = (Marks::default(), false, 0);
    while let Some(&c) = chars.get(i) {
        let [before, after] = [i.checked_sub(1), Some(i + 1)].map(|i| chars.get(i?).copied());
        let row = || chars[i..].iter().take_while(|d| **d == c).count();
        let mut taken = 1;
        match c {
            '.' | ',' | ':' | '–' if is(before, char::is_numeric) && is(after, char::is_numeric) => {}
            '.' | '…' if c == '…' || row() > 1 => {
                marks.ellipsis += 1;
                taken = row();
            }
            '-' if row() > 1 => {
                marks.dash += 1;
                taken = row();
            }
            '-' if before == Some(' ') && is(after, char::is_whitespace) => marks.dash += 1,
            '–' | '—' | '―' => marks.dash += 1,
            '⸺' | '⸻' => marks.blanked += 1,
            '\n' => quoted = false,
            '\'' | '‘' | '’' => marks.single(c, before, after, &mut quoted),
            _ => marks.plain(c),
        }
        i += taken;
    }
    marks
}

fn is(c: Option<char>, what: fn(char) -> bool) -> bool {
    c.is_some_and(what)
}

impl Marks {
    fn plain(&mut self, c: char) {
        match c {
            ',' | '，' | '、' => self.comma += 1,
            '.' | '。' => self.full_stop += 1,
            ';' | '；' => self.semicolon += 1,
            ':' | '：' => self.colon += 1,
            '?' | '？' | '¿' => self.question += 1,
            '!' | '！' | '¡' => self.exclamation += 1,
            '(' | ')' | '[' | ']' | '{' | '}' | '（' | '）' => self.bracket += 1,
            '"' => (self.quotation, self.straight) = (self.quotation + 1, self.straight + 1),
            '“' | '”' | '„' => (self.quotation, self.curly) = (self.quotation + 1, self.curly + 1),
            '«' | '»' | '「' | '」' | '『' | '』' => self.quotation += 1,
            _ => {}
        }
    }

    /// A single quotation mark or an apostrophe: between letters it is the latter; before a word, a straight one opens a
    /// quotation (`'tis` is misread) and a closing one is an apostrophe (`’tis`); after a word, it closes what is open.
    fn single(&mut self, c: char, before: Option<char>, after: Option<char>, quoted: &mut bool) {
        let [before, after] = [before, after].map(|c| is(c, char::is_alphanumeric));
        let apostrophe = match c {
            '‘' => false,
            _ if before && after => true,
            '’' if after => true,
            _ => !after && before && !*quoted,
        };
        if apostrophe {
            self.apostrophe += 1;
        } else {
            self.quotation += 1;
            *quoted = c == '‘' || after;
        }
        if c == '\'' {
            self.straight += 1;
        } else {
            self.curly += 1;
        }
    }
}

/// Whether a character is shown as an emoji: the blocks of them, without modifiers of skin.
pub(super) fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}')
}
