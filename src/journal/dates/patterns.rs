//! Days as an app's settings say that it writes them: Moment.js' patterns (`dddd, MMMM Do YYYY`) and those of Unicode's
//! kind (`EEEE, do MMMM yyyy`).

use std::path::Path;

use jiff::civil::Date;
use regex::Regex;

use super::{file_dates, names, scan};

/// How an app names days.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// What the groups of the regex are.
    fields: Vec<Field>,
    /// The folders that are part of it: `YYYY/MM/DD` has two.
    folders: usize,
}

/// A part of a pattern that tells of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
}

/// A word in a language, as of a month or a weekday; in Chinese and Japanese months are numbers.
const NAME: &str = r"\p{L}[\p{L}\p{M}.'’-]*|\d{1,2}月";
/// What follows a number that is an ordinal.
const ORDINAL: &str = r"(?:\p{L}{1,4}|[.ºª°])?";

impl Pattern {
    /// A pattern of Moment.js: `YYYY-MM-DD`, `[Journal] DD.MM.YY`, `YYYY/MM-MMMM/Do dddd`. None where it names no day.
    pub fn moment(pattern: &str) -> Option<Pattern> {
        let mut made = Making::default();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            if let Some(end) = rest.find(']').filter(|_| c == '[') {
                made.literal(&rest[1..end]);
                rest = &rest[end + 1..];
                continue;
            }
            if let Some(next) = rest[c.len_utf8()..].chars().next().filter(|_| c == '\\') {
                made.literal(next.encode_utf8(&mut [0; 4]));
                rest = &rest[c.len_utf8() + next.len_utf8()..];
                continue;
            }
            let mut times = rest.len() - rest.trim_start_matches(c).len();
            times /= c.len_utf8();
            let behind = &rest[times * c.len_utf8()..];
            let ordinal = "MDdwWQ".contains(c) && matches!(times, 1 | 3) && behind.starts_with('o');
            match (c, times) {
                ('Y', 2) => made.field(Field::ShortYear, r"\d{2}", false),
                ('Y', _) => made.field(Field::Year, r"\d{4}", false),
                ('M', 1 | 2) => made.number(Field::Month, times, ordinal),
                ('M', _) => made.field(Field::MonthName, NAME, false),
                ('D', 1 | 2) => made.number(Field::Day, times, ordinal),
                ('D', 3) => made.field(Field::DayOfYear, r"\d{1,3}", ordinal),
                ('D', _) => made.field(Field::DayOfYear, r"\d{3}", false),
                ('d', 2..) => made.other(NAME),
                ('d' | 'e' | 'E' | 'w' | 'W' | 'Q' | 'g' | 'G', _) => made.other(r"\d{1,4}\p{L}{0,2}"),
                ('H' | 'h' | 'k' | 'm' | 's' | 'S' | 'x' | 'X', _) => made.other(r"\d+"),
                ('A' | 'a', _) => made.other(r"\p{L}[\p{L}. ]*"),
                ('Z' | 'z', _) => made.other(r"[+\-:\w]*"),
                ('L' | 'l', _) => return None,
                (c, _) => made.literal(&c.to_string().repeat(times)),
            }
            rest = if ordinal { &behind[1..] } else { behind };
        }
        made.finish()
    }

    /// A pattern of Unicode's kind: `yyyy_MM_dd`, `MMM do, yyyy`, `'Journal' EEEE dd.MM.yyyy`. None where it names no day.
    pub fn unicode(pattern: &str) -> Option<Pattern> {
        let mut made = Making::default();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            if c == '\'' {
                let (quoted, behind) = rest[1..].split_once('\'').unwrap_or((&rest[1..], ""));
                made.literal(if quoted.is_empty() { "'" } else { quoted });
                rest = behind;
                continue;
            }
            let mut times = rest.len() - rest.trim_start_matches(c).len();
            times /= c.len_utf8();
            let behind = &rest[times * c.len_utf8()..];
            let ordinal = c == 'd' && times == 1 && behind.starts_with('o');
            match (c, times) {
                ('y' | 'u' | 'Y', 2) => made.field(Field::ShortYear, r"\d{2}", false),
                ('y' | 'u' | 'Y', _) => made.field(Field::Year, r"\d{4}", false),
                ('M' | 'L', 1 | 2) => made.number(Field::Month, times, false),
                ('M' | 'L', _) => made.field(Field::MonthName, NAME, false),
                ('d', _) => made.number(Field::Day, times, ordinal),
                ('D', _) => made.field(Field::DayOfYear, r"\d{1,3}", false),
                ('E' | 'e' | 'c', _) => made.other(NAME),
                ('H' | 'h' | 'k' | 'K' | 'm' | 's' | 'S' | 'w' | 'Q', _) => made.other(r"\d+"),
                ('a', _) => made.other(r"\p{L}[\p{L}. ]*"),
                (c, _) => made.literal(&c.to_string().repeat(times)),
            }
            rest = if ordinal { &behind[1..] } else { behind };
        }
        made.finish()
    }

    /// The day of a file (without its extension) whose folders' names and own name are written so together.
    pub fn day_of_file(&self, path: &Path) -> Option<Date> {
        let mut parts: Vec<&str> = vec![path.file_stem()?.to_str()?];
        let above = path.parent().into_iter().flat_map(|folder| folder.iter().rev());
        parts.extend(above.take(self.folders).filter_map(|part| part.to_str()));
        parts.reverse();
        self.day_in(&parts.join("/"), file_dates::year_above(path))
    }

    /// The day of a name; `year` where the pattern says none.
    fn day_in(&self, name: &str, year: Option<i16>) -> Option<Date> {
        let found = self.regex.captures(name.trim())?;
        let (mut y, mut m, mut d, mut of_year) = (None, None, None, None);
        for (n, field) in self.fields.iter().enumerate() {
            let written = found.get(n + 1)?.as_str();
            let number = || written.trim_end_matches('月').parse::<i16>().ok();
            let (place, value) = match field {
                Field::Year => (&mut y, number()?),
                // As Moment.js has it.
                Field::ShortYear => (&mut y, number().map(|n| n + if n > 68 { 1900 } else { 2000 })?),
                Field::Month => (&mut m, number()?),
                Field::MonthName => match names::month(written.trim_end_matches('.')) {
                    Some((month, _)) => (&mut m, month.into()),
                    None if written.ends_with('月') => (&mut m, number()?),
                    // A language whose names are not known: a number may stand beside it.
                    None => continue,
                },
                Field::Day => (&mut d, number()?),
                Field::DayOfYear => (&mut of_year, number()?),
            };
            if place.is_some_and(|before| before != value) {
                return None;
            }
            *place = Some(value);
        }
        let y = y.or(year)?;
        match (m, d, of_year) {
            (Some(m), Some(d), _) => scan::date(y.into(), m.try_into().ok()?, d.try_into().ok()?),
            (_, _, Some(n)) => scan::date(y.into(), 1, 1)?.with().day_of_year(n).build().ok(),
            _ => None,
        }
    }
}

/// A pattern that is being read.
#[derive(Default)]
struct Making {
    regex: String,
    fields: Vec<Field>,
}

impl Making {
    fn literal(&mut self, text: &str) {
        self.regex += &regex::escape(text);
    }

    fn other(&mut self, regex: &str) {
        self.regex += &format!("(?:{regex})");
    }

    fn field(&mut self, field: Field, regex: &str, ordinal: bool) {
        self.regex += &format!("({regex}){}", if ordinal { ORDINAL } else { "" });
        self.fields.push(field);
    }

    fn number(&mut self, field: Field, digits: usize, ordinal: bool) {
        self.field(field, if digits == 2 { r"\d{2}" } else { r"\d{1,2}" }, ordinal);
    }

    fn finish(self) -> Option<Pattern> {
        let has = |field| self.fields.contains(&field);
        let tells =
            has(Field::DayOfYear) || (has(Field::Day) && (has(Field::Month) || has(Field::MonthName)));
        let regex = tells.then(|| Regex::new(&format!("(?i)^{}$", self.regex.trim())))?.ok()?;
        Some(Pattern { regex, fields: self.fields, folders: self.regex.matches('/').count() })
    }
}

/// The names of days in one folder of an app's.
#[derive(Debug, Clone)]
pub struct DayNames {
    /// The folder, below the app's; empty where it may be any.
    pub folder: String,
    pub pattern: Pattern,
}

impl DayNames {
    /// The day of a file, by its path below the app's folder.
    pub fn day(&self, path: &Path) -> Option<Date> {
        let below = path.starts_with(self.folder.trim_matches('/'));
        below.then(|| self.pattern.day_of_file(path)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_moment_js() {
        for (pattern, name, day) in [
            ("YYYY-MM-DD", "2024-03-05", "2024-03-05"),
            ("MM-DD-YYYY", "03-05-2024", "2024-03-05"),
            ("DD-MM-YY", "05-03-24", "2024-03-05"),
            ("YYMMDD", "240305", "2024-03-05"),
            ("dddd, MMMM Do YYYY", "Tuesday, March 5th 2024", "2024-03-05"),
            ("dddd D MMMM YYYY", "mardi 5 mars 2024", "2024-03-05"),
            ("Do MMM YYYY", "1er janv. 2024", "2024-01-01"),
            ("D. MMMM YYYY", "5. März 2024", "2024-03-05"),
            ("YYYY年M月D日", "2024年3月5日", "2024-03-05"),
            ("[Journal] YYYY-MM-DD", "Journal 2024-03-05", "2024-03-05"),
            ("YYYY-MM-DD-[W]WW-ddd", "2024-03-05-W10-Tue", "2024-03-05"),
            ("YYYY-DDDD", "2024-065", "2024-03-05"),
            ("YYYY-MM-DD-ddd", "2024-03-05-วัน", "2024-03-05"),
            ("YYYY-MM MMMM/DD", "2024-03 มีนาคม/05", "2024-03-05"),
            ("YYYY-MM-DD HHmm", "2024-03-05 0930", "2024-03-05"),
            (r"YYYY\-MM\-DD", "2024-03-05", "2024-03-05"),
            ("YYYY-MM-DD", "2024-13-05", ""),
            ("YYYY-MM-DD", "2024-03-05 walk", ""),
            ("YYYY/YYYY-MM-DD", "2023/2024-03-05", ""),
        ] {
            let read = Pattern::moment(pattern).unwrap().day_in(name, None);
            assert_eq!(read.map(|day| day.to_string()).unwrap_or_default(), day, "{pattern} {name}");
        }
        for pattern in ["", "YYYY-[W]ww", "gggg", "MMMM", "LL", "[DD MM]"] {
            assert!(Pattern::moment(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn patterns_of_unicode_s_kind() {
        for (pattern, name) in [
            ("yyyy_MM_dd", "2024_03_05"),
            ("MMM do, yyyy", "Mar 5th, 2024"),
            ("do MMMM yyyy", "5th March 2024"),
            ("E, dd.MM.yyyy", "Tue, 05.03.2024"),
            ("EEEE, MM/dd/yyyy", "Tuesday, 03/05/2024"),
            ("yyyy-MM-dd EEEE", "2024-03-05 Tuesday"),
            ("yyyyMMdd", "20240305"),
            ("yyyy年MM月dd日", "2024年03月05日"),
            ("'day' d.M.yy", "day 5.3.24"),
        ] {
            let read = Pattern::unicode(pattern).unwrap().day_in(name, None);
            assert_eq!(read.unwrap().to_string(), "2024-03-05", "{pattern}");
        }
    }

    #[test]
    fn folders_are_part_of_a_name() {
        let names = |folder: &str, pattern| DayNames {
            folder: folder.into(),
            pattern: Pattern::moment(pattern).unwrap(),
        };
        let day = |names: &DayNames, path: &str| names.day(Path::new(path)).map(|day| day.to_string());
        let deep = names("Journal", "YYYY/MM-MMMM/YYYY-MM-DD-dddd");
        let expected = Some("2024-03-05".to_string());
        assert_eq!(day(&deep, "Journal/2024/03-March/2024-03-05-Tuesday.md"), expected);
        assert_eq!(day(&deep, "2024/03-March/2024-03-05-Tuesday.md"), None);
        assert_eq!(day(&names("", "YYYY/DD-MM"), "a/2024/05-03.md"), expected);
        assert_eq!(day(&names("", "DD-MM"), "a/2024/05-03.md"), expected);
        assert_eq!(day(&names("/Journal/", "DDMMYY"), "Recipes/050324.md"), None);
    }
}
