//! 750words (750words.com): a text file a month, each entry below a line `------ ENTRY ------` (since 2022
//! `===== ENTRY =====`) and some lines with its day and its counts, which are the site's.

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};

/// 750words.
pub struct Words750;

impl Format for Words750 {
    fn name(&self) -> &'static str {
        "750words"
    }

    fn is(&self, input: &Input) -> bool {
        let mut lines = input.head().lines().filter(|line| !line.trim().is_empty());
        let opens = lines.next().is_some_and(opens) && lines.next().is_some_and(|line| date(line).is_some());
        matches!(input.extension().as_str(), "" | "txt" | "text") && opens
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        let mut entry: Option<Draft> = None;
        let (mut in_head, mut body): (bool, Vec<&str>) = (false, Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            if opens(line) {
                close(entry.take(), &mut body, sink);
                entry = Some(Draft { place: Place::Line(number), ..Draft::default() });
                in_head = true;
            } else if in_head {
                let Some(entry) = &mut entry else { continue };
                entry.when = entry.when.or_else(|| date(line).and_then(|date| date.parse().ok()));
                in_head = !ends_head(line);
                sink.left_out("metadata lines", usize::from(!line.trim().is_empty()));
            } else {
                body.push(line);
            }
        }
        close(entry, &mut body, sink);
        Ok(())
    }
}

fn opens(line: &str) -> bool {
    matches!(line.trim(), "------ ENTRY ------" | "===== ENTRY =====")
}

/// `Date:    2019-11-24`, `=== DATE: 2023-01-01 ===`.
fn date(line: &str) -> Option<&str> {
    let line = line.trim().trim_matches('=').trim();
    let date = line.strip_prefix("Date:").or_else(|| line.strip_prefix("DATE:"))?.trim();
    date.parse::<When>().is_ok().then_some(date)
}

fn ends_head(line: &str) -> bool {
    line.trim().is_empty() || line.trim() == "=== BODY ==="
}

fn close(entry: Option<Draft>, body: &mut Vec<&str>, sink: &mut dyn Sink) {
    let text = std::mem::take(body).join("\n").trim_matches('\n').to_string();
    let Some(entry) = entry else { return };
    if entry.when.is_none() {
        sink.trouble(entry.place, "no date that can be read".to_string());
    }
    sink.entry(Draft { text, ..entry });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, texts};

    #[test]
    fn both_forms_of_the_site() {
        for month in [
            "------ ENTRY ------\nDate:    2019-11-24\nWords:   752\nMinutes: 18\n\nRain.\n\nMore.\n\n------ ENTRY ------\nDate:    2019-11-25\nWords:   3\n\nSun.\n",
            "===== ENTRY =====\n=== DATE: 2019-11-24 ===\n=== TITLE: Sunday ===\n=== BODY ===\n\nRain.\n\nMore.\n\n===== ENTRY =====\n=== DATE: 2019-11-25 ===\n=== BODY ===\n\nSun.\n",
        ] {
            let found = read("2019-11.txt", month.as_bytes(), &Options::default());
            assert_eq!(texts(&found), ["Rain.\n\nMore.", "Sun."], "{month}");
            assert_eq!(found.entries[1].when.unwrap().to_string(), "2019-11-25");
        }
        let typed = Input::from_bytes("a.txt", b"------ ENTRY ------\nRain.\n".to_vec());
        assert!(!Words750.is(&typed));
    }
}
