//! How long to wait, for an answer and before the next try.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How long to wait, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For an answer, from the connection to its last byte.
    pub whole: Duration,
    /// After the first try that came to nothing; twice as long after each that follows.
    pub pause: Duration,
    /// The longest wait that a server may ask for.
    pub longest: Duration,
    /// Tries in all.
    pub tries: u32,
}

impl Default for Patience {
    /// Half an hour for an answer: a model on a processor writes a few words a second.
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(10),
            whole: Duration::from_mins(30),
            pause: Duration::from_secs(2),
            longest: Duration::from_mins(15),
            tries: 6,
        }
    }
}

impl Patience {
    /// The wait after so many tries, from 1.
    pub fn after(&self, tries: u32) -> Duration {
        self.pause.saturating_mul(1_u32 << tries.saturating_sub(1).min(16)).min(self.longest)
    }
}

/// What a `Retry-After` asks for: seconds, or a moment by HTTP's clock (RFC 9110, section 10.2.3); one that has passed is no wait.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // So many digits that they do not fit are a very long wait, and not none.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let then = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// Sleeps, unless told to stop: then it returns at once, and says so by `false`.
pub fn rest(wait: Duration, stop: &AtomicBool) -> bool {
    let begun = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = wait.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_a_moment() {
        let now: Timestamp = "2024-03-05T10:00:00Z".parse().unwrap();
        let seconds = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("Tue, 05 Mar 2024 10:01:30 GMT"), Some(90));
        assert_eq!(seconds("Tue, 05 Mar 2024 09:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999999999999999"), Some(u64::from(u32::MAX)));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-3"), None);
        assert_eq!(seconds(""), None);
    }

    #[test]
    fn waits_grow_and_end() {
        let patience = Patience::default();
        let waits: Vec<u64> = (1..=5).map(|tries| patience.after(tries).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32]);
        assert_eq!(patience.after(u32::MAX), patience.longest);
    }

    #[test]
    fn a_rest_is_broken_off_when_told_to_stop() {
        assert!(rest(Duration::from_millis(1), &AtomicBool::new(false)));
        assert!(!rest(Duration::from_mins(10), &AtomicBool::new(true)));
    }
}
