//! A template's source, made ready: what `transformers` adds to Jinja is put in Jinja's own words, what could grow without bound is
//! watched, and what no chat template needs is refused.
//!
//! - `{% generation %}`, which marks what an assistant says for training, becomes `{% with %}`: a block with names of its own.
//! - Whatever is kept, by `{% set … %}` or as a macro's argument, goes through `checked` ([`functions`](super::functions)), so that a text
//!   which is doubled again and again is stopped.
//! - What it writes is counted, its own letters where they are many.
//! - `*` and `**`, more than 64 joints (`~`, `+`) in one tag, recursive loops, and other templates are refused: a few of them could fill the memory.

/// The longest source, in bytes; known ones have less than a third of it.
const MOST_BYTES: usize = 64 << 10;
/// The most `~` and `+` in one tag.
const MOST_JOINTS: usize = 64;
/// The most letters of its own, in bytes, that it may write without being counted.
const MOST_LETTERS: usize = 512;

/// A template's source as it is run; or, of the template, what is wrong with it.
pub(super) fn prepared(source: &str) -> Result<String, String> {
    if source.len() > MOST_BYTES {
        return Err(format!("is longer than {} KiB, which none is", MOST_BYTES >> 10));
    }
    if source.trim().is_empty() {
        return Err("is empty".into());
    }
    // As Jinja reads lines.
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut made = String::with_capacity(source.len() + 256);
    let mut rest = source.as_str();
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        made.push_str(&counted(&rest[..at])?);
        rest = &rest[at..];
        let (tag, behind) = match &rest[..2] {
            "{#" => until(rest, "#}")?,
            "{{" => {
                let (tag, behind) = tag(rest, "}}")?;
                check(&tag[2..tag.len() - 2])?;
                (tag, behind)
            }
            _ => {
                let (tag, behind) = tag(rest, "%}")?;
                made.push_str(&statement(tag)?);
                rest = behind;
                if words(tag).next() == Some("raw") {
                    let end = raw_end(rest).ok_or("has a {% raw %} that is not closed")?;
                    if end > MOST_LETTERS {
                        return Err(format!("has a {{% raw %}} of more than {MOST_LETTERS} bytes"));
                    }
                    made.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
                continue;
            }
        };
        made.push_str(tag);
        rest = behind;
    }
    Ok(made + &counted(rest)?)
}

/// A template's own letters, between two of which it is counted how often they are written, if they are many.
fn counted(letters: &str) -> Result<String, String> {
    if letters.len() <= MOST_LETTERS {
        return Ok(letters.to_string());
    }
    // Where no white space stands beside it, the tag takes none away.
    let pairs = letters.char_indices().zip(letters.chars().skip(1));
    let place = pairs.map(|((at, one), two)| (at + one.len_utf8(), one, two));
    let place =
        place.into_iter().find(|(_, one, two)| [one, two].iter().all(|c| !c.is_whitespace() && **c != '{'));
    let (at, ..) = place.ok_or("writes long white space, which none does")?;
    Ok(format!("{}{{{{ counted({}) }}}}{}", &letters[..at], letters.len(), &letters[at..]))
}

/// What a text begins with, up to and with `end`.
fn until<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), String> {
    let at = text[2..].find(end).ok_or_else(|| format!("has a {} that is not closed", &text[..2]))?;
    Ok(text.split_at(2 + at + end.len()))
}

/// The tag that a text begins with, up to and with the `end` that is in no string and no bracket.
fn tag<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), String> {
    let mut depth = 0_usize;
    for (at, c) in Letters::of(&text[2..]) {
        if depth == 0 && text[2 + at..].starts_with(end) {
            return Ok(text.split_at(2 + at + end.len()));
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Err(format!("has a {} that is not closed", &text[..2]))
}

/// Where `{% endraw %}` begins.
fn raw_end(text: &str) -> Option<usize> {
    text.match_indices("{%").map(|(at, _)| at).find(|at| {
        let inner = text[at + 2..].trim_start_matches(['-', '+']).trim_start();
        inner
            .strip_prefix("endraw")
            .is_some_and(|rest| rest.trim_start_matches(['-', '+', ' ']).starts_with("%}"))
    })
}

/// What stands in a tag: without its brackets and the signs that take away white space.
fn inside(tag: &str) -> &str {
    let inner = &tag[2..tag.len() - 2];
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    inner.strip_suffix(['-', '+']).unwrap_or(inner)
}

/// The words of a tag.
fn words(tag: &str) -> impl Iterator<Item = &str> {
    inside(tag).split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// A statement as it is run.
fn statement(tag: &str) -> Result<String, String> {
    let inner = inside(tag);
    check(inner)?;
    let start = tag.len() - tag[2..].trim_start_matches(['-', '+']).len();
    let (open, close) = (&tag[..start], &tag[start + inner.len()..]);
    match words(tag).next() {
        Some("generation") => Ok(format!("{open} with {close}")),
        Some("endgeneration") => Ok(format!("{open} endwith {close}")),
        Some("set") => Ok(match assigned(inner) {
            Some(at) => format!("{open}{} checked(({})) {close}", &inner[..=at], &inner[at + 1..]),
            None => tag.to_string(),
        }),
        // There are no others; and of itself it would be without end.
        Some(word @ ("include" | "import" | "from" | "extends" | "block")) => {
            Err(format!("takes in another template ({word}), and there is none"))
        }
        Some("for") if words(tag).last() == Some("recursive") => {
            Err("has a recursive loop, which is not run".into())
        }
        Some("macro") => {
            // The check takes the white space behind it as the tag itself would.
            let checks = arguments(inner).map(|name| format!("{{% set {name} = checked({name}) {close}"));
            Ok(std::iter::once(tag.to_string()).chain(checks).collect())
        }
        _ => Ok(tag.to_string()),
    }
}

/// Refuses what could fill the memory within one tag.
fn check(inner: &str) -> Result<(), String> {
    let mut joints = 0;
    for (_, c) in Letters::of(inner) {
        match c {
            '*' => return Err("multiplies (*), which is not run".into()),
            '~' | '+' => joints += 1,
            _ => {}
        }
    }
    if joints > MOST_JOINTS {
        return Err(format!("joins more than {MOST_JOINTS} texts in one tag, which is not run"));
    }
    Ok(())
}

/// Where the `=` of an assignment stands, if it is one.
fn assigned(inner: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in Letters::of(inner) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // The first is the assignment's: targets hold no comparisons.
            '=' if depth == 0 => return Some(at),
            // A block's: what is kept of it is what it writes, which is bounded; its filter is no assignment.
            '|' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The names of a macro's arguments.
fn arguments(inner: &str) -> impl Iterator<Item = &str> {
    let list = inner.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(list, _)| list);
    let (mut depth, mut borders) = (0_usize, vec![0]);
    for (at, c) in Letters::of(list) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => borders.push(at + 1),
            _ => {}
        }
    }
    let names = borders.into_iter().map(|at| {
        let rest = list[at..].trim_start();
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    });
    names.filter(|name| !name.is_empty())
}

/// The characters of an expression that stand in no string, with their places.
struct Letters<'a> {
    all: std::str::CharIndices<'a>,
}

impl<'a> Letters<'a> {
    fn of(text: &'a str) -> Letters<'a> {
        Letters { all: text.char_indices() }
    }
}

impl Iterator for Letters<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        loop {
            let (at, c) = self.all.next()?;
            if c != '\'' && c != '"' {
                return Some((at, c));
            }
            // A string: to its end, past what is escaped.
            loop {
                match self.all.next()? {
                    (_, '\\') => _ = self.all.next(),
                    (_, end) if end == c => break,
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_checked_and_the_rest_stands() {
        for (source, expected) in [
            ("a{# {% set #}b", "a{# {% set #}b"),
            ("{%- set x = y ~ '%}=' -%}", "{%- set x = checked(( y ~ '%}=' )) -%}"),
            ("{% set ns.x, b = 1, 2 %}", "{% set ns.x, b = checked(( 1, 2 )) %}"),
            ("{% set x %}a{% endset %}", "{% set x %}a{% endset %}"),
            ("{% set x | replace('=', 'b') %}", "{% set x | replace('=', 'b') %}"),
            ("{% if a == b %}{{ {'a': {'}}': 1}} }}", "{% if a == b %}{{ {'a': {'}}': 1}} }}"),
            ("{%- generation -%}x{% endgeneration %}", "{%- with -%}x{% endwith %}"),
            (
                "{%- macro f(a, b=[1, 2]) -%}",
                "{%- macro f(a, b=[1, 2]) -%}{% set a = checked(a) -%}{% set b = checked(b) -%}",
            ),
            (
                "{% raw %}{{ a * b }}{% set x = 1 %}{%- endraw -%}é",
                "{% raw %}{{ a * b }}{% set x = 1 %}{%- endraw -%}é",
            ),
            ("a\r\nb\rc", "a\nb\nc"),
            (
                &format!("{{% if x %}}\n é{}", "é".repeat(300)),
                &format!("{{% if x %}}\n é{{{{ counted(604) }}}}{}", "é".repeat(300)),
            ),
        ] {
            assert_eq!(prepared(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_bounded_is_refused() {
        for (source, told) in [
            ("", "empty"),
            ("{{ 'x' * 9 }}", "multiplies"),
            ("{% set x = 2 ** 9 %}", "multiplies"),
            ("{% for x in y recursive %}", "recursive"),
            ("{%- include 'chat' %}", "include"),
            ("{% if x", "not closed"),
            ("{{ 'x }}", "not closed"),
            ("{% raw %}x", "not closed"),
            ("{%", "not closed"),
            (&format!("{{{{ {} x }}}}", "x ~ ".repeat(65)), "64 texts"),
            (&"x".repeat(MOST_BYTES + 1), "64 KiB"),
            (&format!("a{}", " ".repeat(600)), "white space"),
            (&format!("{{% raw %}}{}{{% endraw %}}", "x".repeat(600)), "raw"),
        ] {
            let problem = prepared(source).unwrap_err();
            assert!(problem.contains(told), "{source:.30}: {problem}");
        }
    }
}
