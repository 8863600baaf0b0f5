//! Who speaks in the lines of a chat, in the ways that apps write it.

use std::collections::{HashMap, HashSet};

use crate::journal::dates;
use crate::journal::syntax::stamps;

/// The lines with words that are seen of a file.
pub struct Lines<'a> {
    /// Each with whether a blank line stands above it.
    lines: Vec<(&'a str, bool)>,
}

/// So many lines are looked at.
const MOST: usize = 2000;

/// A program writes what it is into so many lines at the top.
const OPENING: usize = 8;

impl<'a> Lines<'a> {
    pub fn of(head: &'a str) -> Lines<'a> {
        let (mut lines, mut below_blank) = (Vec::new(), false);
        for line in head.lines() {
            if !line.trim().is_empty() {
                lines.push((line.trim_end(), below_blank));
            }
            below_blank = line.trim().is_empty();
            if lines.len() == MOST {
                break;
            }
        }
        Lines { lines }
    }

    pub fn all(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().map(|(line, _)| *line)
    }

    /// The first of them.
    pub fn opening(&self) -> impl Iterator<Item = &'a str> {
        self.all().take(OPENING)
    }

    /// Whether days head what stands below them, as in a diary: two lines or more that are a date and nothing else.
    pub fn have_days(&self) -> bool {
        let is_day = |line: &str| dates::recognise(line).is_some_and(|found| found.style.tail.is_none());
        self.all().filter(|line| is_day(line)).nth(1).is_some()
    }

    /// Each with the one below it.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.all().zip(self.all().skip(1))
    }

    /// Whether a third of the lines are spoken so, and by more than one.
    pub fn most(&self, speaker: fn(&str) -> Option<&str>) -> bool {
        let speakers: Vec<&str> = self.all().filter_map(speaker).collect();
        speakers.len() > 1
            && 3 * speakers.len() >= self.lines.len()
            && speakers.iter().collect::<HashSet<_>>().len() > 1
    }
}

/// Whether what somebody says stands below lines that are a name with a date and time: some speak again, and not each
/// below a blank line, as the entries of jrnl are.
pub fn is_conversation(lines: &Lines) -> bool {
    let (mut speakers, mut apart, mut turns) = (HashMap::<&str, usize>::new(), 0, 0);
    let mut bracket_leads = false;
    for (line, below_blank) in &lines.lines {
        let Some((name, leads)) = name_and_stamp(line) else { continue };
        *speakers.entry(name).or_default() += 1;
        turns += 1;
        apart += usize::from(*below_blank);
        bracket_leads |= leads;
    }
    let again = speakers.values().any(|times| *times > 1);
    let apart = bracket_leads && 2 * apart >= turns;
    turns > 2 && speakers.len() > 1 && again && 3 * speakers.len() <= 2 * turns && !apart
}

/// The name in `[3/15/2024 10:00 AM] Ben`, as Teams and Skype copy it, with true, and in `Ben, [05.03.2024 10:00]`, as
/// Telegram does, or `Ben  0:01`, as what was spoken is written down.
fn name_and_stamp(line: &str) -> Option<(&str, bool)> {
    let is_stamp = |text: &str| stamps::read(text).is_some_and(|stamp| stamp.time.is_some());
    if let Some((stamp, name)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        return (is_name(name) && is_stamp(stamp)).then_some((name, true));
    }
    if let Some((name, clock)) = line.rsplit_once("  ") {
        let minutes =
            clock.split(':').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        return (minutes && clock.contains(':') && is_name(name)).then_some((name.trim_end(), false));
    }
    let (name, stamp) = line.strip_suffix(']')?.rsplit_once(" [")?;
    let name = name.trim_end_matches(',');
    (is_name(name) && (is_stamp(stamp) || stamps::read_time(stamp).is_some())).then_some((name, false))
}

/// Whether it may be somebody's name.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.chars().count() <= 40
        && text.split_whitespace().count() <= 4
        && !text.contains([':', ',', '!', '?', ';', '\t', '…', '“', '"'])
        && !text.ends_with('.')
}

/// A text behind a time of day, with or without a day before it.
fn behind_clock(line: &str) -> Option<&str> {
    let end = line.find(|c: char| !(c.is_numeric() || "-/.:, [(T".contains(c)))?;
    let (clock, mut rest) = line.split_at(end);
    for half in ["AM", "PM", "am", "pm"] {
        rest = rest.strip_prefix(half).unwrap_or(rest);
    }
    let rest = rest.strip_prefix([']', ')']).unwrap_or(rest);
    clock.contains(':').then_some(rest)
}

/// Who speaks in `10:00 AM<tab>Ben<tab>words`.
pub fn tabbed(line: &str) -> Option<&str> {
    let (stamp, rest) = line.split_once('\t')?;
    let (name, words) = rest.split_once('\t')?;
    let clock = stamps::read_time(stamp).is_some();
    (clock && is_name(name) && !words.trim().is_empty()).then_some(name)
}

/// Who speaks in `[벤] [오전 10:00] words`.
pub fn in_two_brackets(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix('[')?.split_once("] [")?;
    let (clock, _) = rest.split_once(']')?;
    (is_name(name) && stamps::read_time(clock).is_some()).then_some(name)
}

/// Who speaks in `Mar 5, 2024 at 10:00, Ben : words`.
pub fn behind_comma(line: &str) -> Option<&str> {
    let (before, _) = line.split_once(" : ")?;
    let (stamp, name) = before.rsplit_once(", ")?;
    stamps::find_time(stamp)?;
    is_name(name).then_some(name)
}

/// Who speaks in `21:15 <ann> words`, `[21:15:00] <@ann> words`, `<ann> words`, and as WeeChat writes it,
/// `2024-03-05 10:00:00<tab>ann<tab>words`.
pub fn nick(line: &str) -> Option<&str> {
    let is_nick = |nick: &str| !nick.is_empty() && nick.len() <= 32 && !nick.contains(char::is_whitespace);
    let bare = |nick: &str| nick.len() - nick.trim_start_matches(['@', '+', '%', '&', '~', ' ']).len();
    let rest = behind_clock(line).unwrap_or(line);
    if let Some((nick, words)) = rest.trim_start().strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let nick = &nick[bare(nick)..];
        return (is_nick(nick) && words.starts_with(' ')).then_some(nick);
    }
    let mut columns = line.splitn(3, '\t');
    let (stamp, nick, words) = (columns.next()?, columns.next()?, columns.next()?);
    let nick = &nick[bare(nick)..];
    let stamped = stamps::read(stamp).is_some_and(|stamp| stamp.time.is_some());
    (stamped && is_nick(nick) && !words.is_empty()).then_some(nick)
}

/// Who speaks in `10:00:00 From Ben Sample to Everyone:`.
pub fn from_to(line: &str) -> Option<&str> {
    let rest = behind_clock(line)?.trim_start().strip_prefix("From ")?;
    let (name, _) = rest.split_once(" to ").or_else(|| rest.split_once(" : "))?;
    is_name(name).then_some(name.trim())
}

/// Who speaks in `[10:00:00] Ben: words`, with the seconds that a program writes.
pub fn clock_in_brackets(line: &str) -> Option<&str> {
    let (clock, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let seconds = clock.matches(':').count() == 2 && stamps::read_time(clock).is_some();
    let (name, _) = rest.split_once(": ")?;
    (seconds && is_name(name)).then_some(name)
}

/// Who speaks in `(10:00:00) ben: words`.
pub fn clock_in_parentheses(line: &str) -> Option<&str> {
    let (clock, rest) = line.strip_prefix('(')?.split_once(") ")?;
    let (name, _) = rest.split_once(": ")?;
    (stamps::read_time(clock).is_some() && is_name(name)).then_some(name)
}

/// Whose words stand below `**Ben:**` or `## Ben`.
pub fn alone(line: &str) -> Option<&str> {
    let bold = line.strip_prefix("**").and_then(|rest| rest.strip_suffix("**"));
    let name = bold.or_else(|| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')))?;
    Some(name.trim().trim_end_matches(':').trim()).filter(|name| is_name(name))
}

/// Who speaks in two lines that open a message as what exports Apple's Messages writes it: a date and a time with seconds,
/// when it was read perhaps, which it says with true, and below it a name.
pub fn below_stamp<'a>(stamp: &str, name: &'a str) -> Option<(&'a str, bool)> {
    let (stamp, read) = stamp.split_once(" (Read by ").map_or((stamp, false), |(stamp, _)| (stamp, true));
    let seconds = stamp.matches(':').count() == 2 && stamp.ends_with(['M', 'm']);
    let is_stamp = || stamps::read(stamp).is_some_and(|stamp| stamp.time.is_some());
    (seconds && is_name(name) && is_stamp()).then_some((name, read))
}
