//! Numbers as people read them.

use std::path::Path;
use std::time::Duration;

/// `1234567` as `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// `1 entry`, `1,200 entries`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// A path for a terminal and for JSON: what is not UTF-8 reads as U+FFFD, and a line break or an escape sequence in a name
/// is written out, `\n`.
pub fn shown(path: &Path) -> String {
    let lossy = path.to_string_lossy();
    lossy.chars().fold(String::with_capacity(lossy.len()), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        out
    })
}

/// Bytes in binary units: `497.8 MiB`.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// A count in decimal units, for FLOPs: `190.2 G`.
pub fn si(n: f64) -> String {
    scaled(n, 1000.0, &["", "k", "M", "G", "T", "P"])
}

fn scaled(mut x: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while x >= base && unit + 1 < units.len() {
        x /= base;
        unit += 1;
    }
    let number = if unit == 0 { format!("{x:.0}") } else { format!("{x:.1}") };
    format!("{number} {}", units[unit]).trim_end().to_string()
}

/// A span of time in its two largest units: `2 h 05 min`, `3 min 20 s`, `4.2 s`.
pub fn duration(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..=9 => format!("{:.1} s", d.as_secs_f64()),
        10..=59 => format!("{s} s"),
        60..=3599 => format!("{} min {:02} s", s / 60, s % 60),
        3600..=86_399 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {:02} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_can_read_them() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "day", "days"), "1 day");
        assert_eq!(counted(1000, "day", "days"), "1,000 days");
        assert_eq!(shown(Path::new("a b/\u{e9}\n\u{1b}[31m.txt")), "a b/é\\n\\u{1b}[31m.txt");
        assert_eq!(bytes(497_759_232), "474.7 MiB");
        assert_eq!(si(190.2e9), "190.2 G");
        assert_eq!(duration(Duration::from_secs(7500)), "2 h 05 min");
    }
}
