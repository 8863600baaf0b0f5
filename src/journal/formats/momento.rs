//! Momento: days, each a date underlined with `=`, and below it its moments, each a time on a line of its own, the words,
//! and what the app knows of them (`At:`, `With:`, `Media:`): places, other people's names, files.

use jiff::civil::Time;

use crate::journal::dates;
use crate::journal::format::{DateOrder, Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::stamps;

/// Momento.
pub struct Momento;

const FIELDS: [&str; 6] = ["At: ", "With: ", "Media: ", "Feed: ", "Events: ", "Tags: "];

impl Format for Momento {
    fn name(&self) -> &'static str {
        "Momento"
    }

    fn is(&self, input: &Input) -> bool {
        let lines: Vec<&str> =
            input.head().lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let days: Vec<usize> = (1..lines.len()).filter(|at| is_day(lines[at - 1], lines[*at])).collect();
        // What is seen of a longer file may end with a day.
        let timed = |at: &usize| lines.get(at + 1).is_none_or(|line| clock(line).is_some());
        let known = lines.iter().any(|line| FIELDS.iter().any(|field| line.starts_with(field)));
        matches!(input.extension().as_str(), "" | "txt" | "text")
            && days.first() == Some(&1)
            && days.iter().all(timed)
            && known
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let (mut day, mut moment, mut at) = (None, None, 0);
        while at < lines.len() {
            if lines.get(at + 1).is_some_and(|below| is_day(lines[at], below)) {
                close(moment.take(), sink);
                let month_first = options.date_order == Some(DateOrder::Mdy);
                day = dates::recognise(lines[at]).map(|line| line.reading.day(month_first));
                at += 2;
                continue;
            }
            let time =
                clock(lines[at]).filter(|_| at == 0 || lines[at - 1].is_empty() || underlines(lines[at - 1]));
            match (time, day) {
                (Some(time), Some(day)) => {
                    close(moment.take(), sink);
                    let when = When { day, time: Some(time), offset: None };
                    moment = Some(Moment { when, place: Place::Line(at + 1), lines: Vec::new() });
                }
                _ => {
                    if let Some(moment) = &mut moment {
                        moment.lines.push(lines[at]);
                    }
                }
            }
            at += 1;
        }
        close(moment, sink);
        Ok(())
    }
}

struct Moment<'a> {
    when: When,
    place: Place,
    lines: Vec<&'a str>,
}

fn is_day(line: &str, below: &str) -> bool {
    underlines(below) && dates::recognise(line).is_some_and(|date| date.style.tail.is_none())
}

fn underlines(line: &str) -> bool {
    line.len() > 2 && line.bytes().all(|byte| byte == b'=')
}

fn clock(line: &str) -> Option<Time> {
    stamps::read_time(line)
}

/// Hands over a moment without the lines of the app's at its end.
fn close(moment: Option<Moment>, sink: &mut dyn Sink) {
    let Some(Moment { when, place, mut lines }) = moment else { return };
    let (mut tags, mut known) = (Vec::new(), 0);
    while let Some(last) = lines.last() {
        let field = FIELDS.iter().find(|field| last.starts_with(**field));
        if field.is_none() && !last.is_empty() {
            break;
        }
        if let Some(list) = last.strip_prefix("Tags: ") {
            tags = list.split(',').map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty()).collect();
        }
        known += usize::from(field.is_some());
        lines.pop();
    }
    sink.left_out("metadata lines", known);
    let text = lines.join("\n").trim_matches('\n').to_string();
    sink.entry(Draft { when: Some(when), text, tags, place, ..Draft::default() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, texts};

    #[test]
    fn moments_of_days() {
        let month = "5 March 2024\n============\n\n09:30\nThe fog.\nAt: The weir (51.2, -0.7)\nMedia: a_original.jpg\n\n21:15\nSun,\n\nlate.\nTags: birds\nWith: Ben\n\n6 March 2024\n============\n\n08:00\nRain.\n";
        let found = read("2024.03 - March.txt", month.as_bytes(), &Options::default());
        assert_eq!(texts(&found), ["The fog.", "Sun,\n\nlate.", "Rain."]);
        assert_eq!(found.entries[1].when.unwrap().to_string(), "2024-03-05T21:15:00");
        assert_eq!(found.entries[1].tags, ["birds"]);
        let typed = "5 March 2024\n============\n\n09:30\nFog.\n\n6 March 2024\n====\nNothing. At: home\n";
        assert!(!Momento.is(&Input::from_bytes("a.txt", typed.into())));
    }
}
