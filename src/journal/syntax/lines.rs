//! Lines of files that are too long to be held whole.

use std::io::{self, BufRead, Read};

/// Reads the next line, or as much of it as `most` bytes hold, over `line`; its line feed is part of it. False at the end.
pub fn next_line(reader: &mut dyn BufRead, most: usize, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(reader.take(most as u64).read_until(b'\n', line)? > 0)
}
