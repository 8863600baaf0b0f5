//! A page of one file: nothing in it asks for another, and nothing in it runs. Whatever comes from journals, names or models is
//! escaped here, and a content policy says to the browser what the page may do, which is nothing.

use std::fmt::Write;
use std::ops::Range;

/// The style of every page.
const STYLE: &str = include_str!("page.css");

/// Text as HTML shows it, in an element or an attribute. What no page may hold, such as a zero byte, becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A whole page; `body` is HTML.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n",
        escaped(title)
    )
}

/// A section under a heading; nothing where it would be empty.
pub fn section(heading: &str, inner: &str) -> String {
    if inner.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{}</h2>\n{inner}</section>\n", escaped(heading))
}

/// A paragraph of plain text.
pub fn paragraph(class: &str, text: &str) -> String {
    format!("<p class=\"{class}\">{}</p>\n", escaped(text))
}

/// Points of plain text.
pub fn points(points: &[String]) -> String {
    let items: String = points.iter().map(|point| format!("<li>{}</li>\n", escaped(point))).collect();
    format!("<ul>\n{items}</ul>\n")
}

/// What there is to know, a row each: a word, and what it is.
pub fn facts(rows: &[(String, String)]) -> String {
    let mut out = "<dl>\n".to_string();
    for (what, value) in rows {
        put(&mut out, format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(what), escaped(value)));
    }
    out + "</dl>\n"
}

/// A table: a heading a column, then rows of as many cells. The first column names its row.
pub fn table(headings: &[String], rows: &[Vec<String>]) -> String {
    let mut out = "<div class=\"wide\"><table>\n<thead><tr>".to_string();
    for heading in headings {
        put(&mut out, format_args!("<th scope=\"col\">{}</th>", escaped(heading)));
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (i, cell) in row.iter().enumerate() {
            let (tag, scope) = if i == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            put(&mut out, format_args!("<{tag}{scope}>{}</{tag}>", escaped(cell)));
        }
        out += "</tr>\n";
    }
    out + "</tbody>\n</table></div>\n"
}

/// A chart with what it shows and its unit. Where there are two drawings of it, the second is for narrow screens.
pub fn figure(title: &str, unit: &str, keys: &str, drawings: &[String], below: &str) -> String {
    let mut out = format!(
        "<figure>\n<figcaption><b>{}</b> <span class=\"unit\">{}</span>{keys}</figcaption>\n",
        escaped(title),
        escaped(unit)
    );
    for (i, svg) in drawings.iter().enumerate() {
        let class = match (drawings.len(), i) {
            (1, _) => "any",
            (_, 0) => "broad",
            _ => "narrow",
        };
        put(&mut out, format_args!("<div class=\"{class}\">{svg}</div>\n"));
    }
    if !below.is_empty() {
        out += &paragraph("note", below);
    }
    out + "</figure>\n"
}

/// A curve's name beside its colour.
pub fn key(variable: &str, name: &str) -> String {
    format!("<span class=\"key\"><i style=\"background:var({variable})\"></i>{}</span>", escaped(name))
}

/// What a model wrote, as it wrote it: at most so many characters of it.
pub fn voice(text: &str) -> String {
    voice_marked(text, &[])
}

/// The same, with some ranges of its bytes marked, each with why. They stand in order; of those that overlap the first is marked.
pub fn voice_marked(text: &str, marks: &[(Range<usize>, &str)]) -> String {
    const MOST: usize = 1500;
    let whole = text.trim();
    let start = text.len() - text.trim_start().len();
    let end = start + whole.char_indices().nth(MOST).map_or(whole.len(), |(i, _)| i);
    if start >= end {
        return paragraph("note", "nothing");
    }
    let (mut shown, mut at) = (String::new(), start);
    for (range, why) in marks {
        if range.start < at || range.end > end {
            continue;
        }
        shown += &escaped(&text[at..range.start]);
        let marked = escaped(&text[range.clone()]);
        put(&mut shown, format_args!("<mark title=\"{}\">{marked}</mark>", escaped(why)));
        at = range.end;
    }
    shown += &escaped(&text[at..end]);
    let more = if end < start + whole.len() { " …" } else { "" };
    format!("<blockquote>{shown}{more}</blockquote>\n")
}

/// Adds to a text.
pub fn put(out: &mut String, what: std::fmt::Arguments) {
    out.write_fmt(what).expect("a string takes what is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_journal_is_markup() {
        let bad = "</title><script>alert('1 & 2')</script>\"\u{0}\u{1b}[31m\n\té";
        let good = "&lt;/title&gt;&lt;script&gt;alert(&#39;1 &amp; 2&#39;)&lt;/script&gt;&quot;\u{fffd}\u{fffd}[31m\n\té";
        assert_eq!(escaped(bad), good);
        let pair = (bad.to_string(), bad.to_string());
        let cells = [bad.to_string()];
        let made = [
            section(bad, "x"),
            paragraph("note", bad),
            points(&[bad.to_string()]),
            facts(&[pair]),
            table(&cells, &[cells.to_vec()]),
            figure(bad, bad, &key("--val", bad), &["<svg></svg>".into()], bad),
            voice(bad),
        ];
        for html in &made {
            assert!(html.contains(good.trim()) && !html.contains("<script"), "{html}");
        }
        let page = page(bad, &made.concat());
        assert!(!page.contains("<script") && page.matches("<title>").count() == 1);
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"), "a page asks for nothing");
    }

    #[test]
    fn a_long_voice_is_cut_and_says_so() {
        assert_eq!(voice(&"é".repeat(1500)).matches('é').count(), 1500);
        let cut = voice(&"é".repeat(1501));
        assert!(cut.matches('é').count() == 1500 && cut.contains(" …"));
        assert!(voice(" \n").contains("nothing"));
        let marked = voice_marked(" a <b> c d", &[(3..6, "no \"b\""), (4..8, "too late"), (9..10, "d")]);
        assert_eq!(
            marked,
            "<blockquote>a <mark title=\"no &quot;b&quot;\">&lt;b&gt;</mark> c <mark title=\"d\">d</mark></blockquote>\n"
        );
    }
}
