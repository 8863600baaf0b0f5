//! Whether a file is a chat, a diary whose lines look like one, or in doubt: told from all that is seen of it.
//!
//! People write `5/1/2024, 9:30 - Mum: slept badly` into their diaries too, and jrnl `[2024-01-05 09:30] Work: …` above a
//! blank line. In a chat nearly every line opens so, several people speak, they speak again, and they answer within
//! minutes. A file that a person called a chat, or that may be one, is never read as a diary: see [`Verdict::Doubt`].

use std::collections::{HashMap, HashSet};

use super::notices::MARK;
use super::opening::{Day, Opening, Style, may_open, opening};
use super::speaker::speaker;
use crate::journal::dates;
use crate::journal::format::Options;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No chat.
    Diary,
    /// It may be one: what it holds is taken only where the person says who they are in it, or that all is theirs.
    Doubt,
    Chat,
}

/// What the lines of a file tell.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Lines with words.
    lines: usize,
    /// Those that open as messages do.
    opened: usize,
    /// Who speaks in them, and how often.
    speakers: HashMap<String, usize>,
    /// Opened lines without a speaker, and those of them that speak of one, as the app's notices do.
    nameless: usize,
    notices: usize,
    /// Opened lines below a blank line, and those below another line; the first aside.
    apart: usize,
    close: usize,
    /// Lines of prose before the first message, and lines that are a day: before it, and behind it.
    before: usize,
    days_before: usize,
    days_behind: usize,
    /// Answers of somebody else within minutes.
    answers: usize,
    /// Different words beside the clocks that are not known.
    unknown: usize,
    /// In brackets without seconds, and in brackets without a comma: as jrnl writes.
    as_jrnl: bool,
    no_comma: bool,
    /// The app speaks first.
    announced: bool,
    /// The first line, from 1, of messages that stand together: of two people, three messages.
    pub together: Option<usize>,
}

/// An answer comes within so many minutes.
const SOON: i64 = 15;

/// A line that opens as a message does.
struct Turn<'a> {
    at: Option<(Day, jiff::civil::Time)>,
    speaker: Option<String>,
    rest: &'a str,
}

fn turn(line: &str) -> Option<(Turn<'_>, Option<Opening<'_>>)> {
    if let Some(found) = opening(line) {
        let speaker = speaker(&found, &Options::default()).map(|(name, _)| name).filter(|name| is_name(name));
        let at = found.day.map(|day| (day, found.clock));
        return Some((Turn { at, speaker, rest: found.rest }, Some(found)));
    }
    let rest = may_open(line)?;
    let (name, _) = rest.split_once(": ").or_else(|| rest.split_once(':'))?;
    let speaker = Some(name.trim().to_string()).filter(|name| is_name(name));
    Some((Turn { at: None, speaker, rest }, None))
}

/// Whether it may be somebody's name: "Went to town. Bought" is none.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= 60
        && text.split_whitespace().count() <= 6
        && !text.contains(['!', '?', ';', '…', '“', '”', '"'])
}

impl Evidence {
    /// Looks at all that is seen of a file.
    pub fn of(head: &str) -> Evidence {
        let mut evidence = Evidence::default();
        // Most texts have no such line, and no more is asked of them.
        if !head.lines().any(|line| turn(line).is_some()) {
            return evidence;
        }
        let (mut nameless, mut unknown) = (Vec::new(), HashSet::new());
        let (mut after_blank, mut last) = (false, None::<Turn>);
        let mut run: Vec<(usize, String)> = Vec::new();
        for (number, line) in (1..).zip(head.lines()) {
            if line.trim().is_empty() {
                after_blank = true;
                continue;
            }
            evidence.lines += 1;
            let Some((turn, found)) = turn(line) else {
                evidence.prose(line);
                after_blank = false;
                continue;
            };
            if evidence.opened == 0 {
                let by_app = turn.speaker.is_none() || turn.rest.contains(MARK);
                evidence.announced = turn.rest.starts_with(MARK) || (by_app && is_announcement(turn.rest));
                let brackets = found.filter(|found| found.style == Style::Brackets);
                evidence.as_jrnl = brackets.is_some_and(|found| !found.seconds);
                let stamp = line.split(']').next().unwrap_or("");
                evidence.no_comma = brackets.is_some() && !stamp.contains([',', '،']);
            } else {
                *(if after_blank { &mut evidence.apart } else { &mut evidence.close }) += 1;
            }
            evidence.opened += 1;
            unknown.extend(found.and_then(|found| found.unknown).map(str::to_lowercase));
            match &turn.speaker {
                Some(name) => *evidence.speakers.entry(name.clone()).or_default() += 1,
                None => nameless.push(turn.rest),
            }
            evidence.answers += usize::from(last.as_ref().is_some_and(|last| answers(last, &turn)));
            if after_blank {
                run.clear();
            }
            run.extend(turn.speaker.clone().map(|name| (number, name)));
            if run.len() >= 3 && run.iter().any(|(_, name)| *name != run[0].1) {
                evidence.together.get_or_insert(run[0].0);
            }
            (last, after_blank) = (Some(turn), false);
        }
        let names = || evidence.speakers.keys().filter(|name| name.len() > 1);
        let notices =
            nameless.iter().filter(|rest| is_announcement(rest) || names().any(|n| rest.contains(n)));
        (evidence.notices, evidence.nameless, evidence.unknown) =
            (notices.count(), nameless.len(), unknown.len());
        evidence
    }

    fn prose(&mut self, line: &str) {
        let is_day = dates::recognise(line).is_some_and(|found| found.style.tail.is_none());
        match (is_day, self.opened) {
            (true, 0) => self.days_before += 1,
            (true, _) => self.days_behind += 1,
            (false, 0) => self.before += 1,
            (false, _) => {}
        }
    }

    /// Messages that somebody speaks.
    fn turns(&self) -> usize {
        self.speakers.values().sum()
    }

    /// What the file is. `named` says that it is called as a chat would be.
    pub fn verdict(&self, named: bool) -> Verdict {
        if self.turns() == 0 || self.unknown > 2 + self.opened / 20 {
            return Verdict::Diary;
        }
        if self.announced {
            return Verdict::Chat;
        }
        match self.by_lines(named) {
            Verdict::Diary if named => Verdict::Doubt,
            Verdict::Doubt if named => Verdict::Chat,
            verdict => verdict,
        }
    }

    fn by_lines(&self, named: bool) -> Verdict {
        let (turns, speakers) = (self.turns(), self.speakers.len());
        let again = self.speakers.values().filter(|times| **times > 1).count();
        let odd = self.nameless - self.notices;
        let most = |part: usize| 2 * part >= self.lines;
        // Days are headed in a diary; messages have theirs.
        let headed = self.days_behind * 8 >= turns && self.days_behind > 0;
        if self.apart > self.close {
            let several = speakers > 1 && most(self.opened) && 2 * odd <= turns;
            let days = self.days_before + self.days_behind > 0;
            return if several && !days && !self.no_comma { Verdict::Doubt } else { Verdict::Diary };
        }
        // More prose stands above than messages: they were pasted below it, or are no messages.
        let pasted = self.before > self.opened.max(8);
        if headed || pasted || (self.days_before > 0 && self.before > 1) || odd > turns {
            return Verdict::Diary;
        }
        if speakers == 1 {
            let doubt = most(self.opened) && self.nameless <= turns && (named || !self.as_jrnl);
            return if doubt { Verdict::Doubt } else { Verdict::Diary };
        }
        if again > 1 && self.answers > 0 && 2 * odd <= turns && 10 * self.opened >= self.lines {
            return Verdict::Chat;
        }
        // In a diary of many such lines no name would come again.
        let varied = again == 0 && turns > 3 && odd > 0;
        let dense = 5 * self.opened >= self.lines || (self.before == 0 && again > 1);
        if dense && !varied { Verdict::Doubt } else { Verdict::Diary }
    }

    /// Who speaks, the one who does so most first.
    pub fn people(&self) -> Vec<&str> {
        let mut people: Vec<_> = self.speakers.iter().collect();
        people.sort_by_key(|(name, times)| (usize::MAX - **times, name.as_str()));
        people.into_iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// What the app writes above a chat, in languages that say it with these words.
fn is_announcement(rest: &str) -> bool {
    const WORDS: [&str; 8] = [
        "end-to-end",
        "Ende-zu-Ende",
        "bout en bout",
        "extremo a extremo",
        "ponta a ponta",
        "end-to-end-versleuteld",
        "сквозн",
        "WhatsApp",
    ];
    WORDS.iter().any(|words| rest.contains(words))
}

/// Whether somebody else speaks within minutes.
fn answers(last: &Turn, turn: &Turn) -> bool {
    let other = last.speaker.is_some() && turn.speaker.is_some() && last.speaker != turn.speaker;
    let (Some((day, from)), Some((same, to))) = (last.at, turn.at) else { return false };
    other && day == same && (from.duration_until(to).as_secs() / 60).abs() <= SOON
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Verdict {
        Evidence::of(text).verdict(false)
    }

    /// Messages of a minute each, a line for every speaker.
    fn talk(stamp: &str, speakers: &[&str]) -> String {
        let line = |(i, name): (usize, &&str)| {
            format!("{}{name}: some words\n", stamp.replace("MM", &(10 + i).to_string()))
        };
        speakers.iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_conversation_is_a_chat_however_it_opens() {
        let group = talk("05/03/2024, 10:MM - ", &["Ann", "Ben", "Cy", "Di", "Ann", "Ben"]);
        assert_eq!(verdict(&group), Verdict::Chat);
        assert_eq!(verdict(&format!("The six of us\n\n{group}")), Verdict::Chat);
        let notices =
            "05/03/2024, 09:00 - Ann created group \"Hike\"\n05/03/2024, 09:01 - Ann added Ben\n".repeat(3);
        let two = talk("05/03/2024, 10:MM - ", &["Ann", "Ben", "Ann", "Ben"]);
        assert_eq!(verdict(&(notices + &two)), Verdict::Chat);
        assert_eq!(
            verdict("05/03/2024, 09:00 - Codes are end-to-end\n05/03/2024, 09:00 - Ben: a\n"),
            Verdict::Chat
        );
    }

    #[test]
    fn what_may_be_a_chat_is_in_doubt() {
        for text in [
            talk("05/03/2024, 10:MM - ", &["Ann", "Ben"]),
            talk("05/03/2024, 10:MM - ", &["Ben"]),
            talk("[05/03/2024, 10:MM:05] ", &["Ben"]),
            talk("05/03/2024, 10:MM - ", &["Ben", "Ben", "Ben"]),
            talk("05/03/2024, 10:MM - ", &["Ann", "Ben", "Ann", "Ben"]).replace('\n', "\n\n"),
            format!("Dear diary\n{}", talk("05/03/2024, 10:MM - ", &["Mum"])),
            talk("21:MM, 14 Mar - ", &["Ann", "Ben", "Ann", "Ben"]),
            // Hours lie between: two who write seldom, or a log of one's own.
            "05.03.2024 09:30 - Work: long\n05.03.2024 12:30 - Lunch: soup\n06.03.2024 09:30 - Work: more\n06.03.2024 12:30 - Lunch: bread\n".into(),
        ] {
            assert_eq!(verdict(&text), Verdict::Doubt, "{text}");
        }
    }

    #[test]
    fn a_diary_is_a_diary() {
        for text in [
            "5/1/2024, 9:30 - Mum: she said I should rest\nSo I did.\n\n6/1/2024, 10:00 - Went out\n\n7/1/2024, 9:00 - Mum: again\n8/1/2024, 9:00 - alone\n".to_string(),
            talk("5/1/2024, 10:MM - ", &["Mum", "Mum", "Mum"]).replace('\n', "\n\n"),
            format!("# 5 January 2024\n\n{}", talk("5/1/2024, 10:MM - ", &["Mum", "Dad", "Mum"]).replace('\n', "\n\n")),
            talk("10:MM - ", &["Mum", "Dad", "Mum", "Dad"]),
            format!("5 January 2024\n{}", talk("10:MM ", &["Work", "Home", "Work", "Home"])),
            talk("[2024-01-05 10:MM] ", &["Work", "Home", "Work"]).replace('\n', "\n\n"),
            talk("[2024-01-05 10:MM] ", &["Work"]),
            "Ann: where were you?\nBen: at the mill.\nAnn: again?\n".repeat(3),
            "5/1/2024, 9:30 walk - the park: fine\n5/1/2024, 9:40 lunch - soup: hot\n6/1/2024, 9:40 nap - bed: cold\n".into(),
            "5/1/2024, 9:30 - Went to town. Was it worth it? Bought: milk\n6/1/2024, 9:30 - Rain\n7/1/2024, 9:30 - Sun! And so: out\n".into(),
            format!("5 March 2024\nA walk.\n\n6 March 2024\nMore rain.\n\n{}", talk("14/03/2024, 10:MM - ", &["Ann", "Ben", "Ann", "Ben"])),
        ] {
            assert_eq!(verdict(&text), Verdict::Diary, "{text}");
        }
    }

    #[test]
    fn a_chat_in_a_diary_is_found() {
        let pasted = talk("14/03/2024, 10:MM - ", &["Ann", "Ben", "Ann"]);
        assert_eq!(Evidence::of(&format!("5 March 2024\nA walk.\n\n{pasted}")).together, Some(4));
        assert_eq!(Evidence::of(&pasted.replace('\n', "\n\n")).together, None);
    }
}
