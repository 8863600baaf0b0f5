//! How much a template may hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use crate::dataset::pairs::Role;

/// What is said where it is more.
pub(super) const TOO_MUCH: &str = "it makes far more text than the conversation has";

/// Bytes of any one value and of what is rendered; and, so many times over, of all that is written on the way.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    written: AtomicUsize,
}

/// How often what is rendered may be written on the way to where it stands: in blocks that are kept, in macros that call macros.
const AGAIN: usize = 16;

/// Values within values, at most.
const PARTS: usize = 200_000;
/// Values within each other, at most.
const DEPTH: usize = 32;

impl Room {
    /// The room that a conversation gives: its letters twice, since a template may write some of them again; for every message what stands
    /// around it; and what a template has of its own.
    pub fn of(said: &[(Role, &str)]) -> Room {
        let bytes: usize = said.iter().map(|(_, content)| content.len()).sum();
        Room { most: (256 << 10) + 2 * bytes + (1 << 10) * said.len(), written: AtomicUsize::new(0) }
    }

    /// In bytes.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether so many bytes may be written: into what is rendered, or a block that is kept.
    ///
    /// # Errors
    /// They are too many, or were with those before.
    pub fn write(&self, bytes: usize) -> Result<(), Error> {
        self.take(bytes)?;
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > AGAIN * self.most { Err(too_much()) } else { Ok(()) }
    }

    /// Whether so many bytes may be made.
    ///
    /// # Errors
    /// They are too many.
    pub fn take(&self, bytes: usize) -> Result<(), Error> {
        if bytes > self.most { Err(too_much()) } else { Ok(()) }
    }

    /// A value, where it is small enough with all that is in it.
    ///
    /// # Errors
    /// It is not.
    pub fn checked(&self, value: Value) -> Result<Value, Error> {
        let (mut bytes, mut parts) = (0, 0);
        self.weigh(&value, (&mut bytes, &mut parts), 0)?;
        Ok(value)
    }

    fn weigh(
        &self,
        value: &Value,
        (bytes, parts): (&mut usize, &mut usize),
        depth: usize,
    ) -> Result<(), Error> {
        *parts += 1;
        *bytes += value.as_str().map_or(0, str::len);
        if *parts > PARTS || depth > DEPTH {
            return Err(too_much());
        }
        self.take(*bytes)?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                for inner in value.try_iter()? {
                    self.weigh(&inner, (bytes, parts), depth + 1)?;
                }
            }
            ValueKind::Map => {
                for key in value.try_iter()? {
                    self.weigh(&value.get_item(&key)?, (bytes, parts), depth + 1)?;
                    self.weigh(&key, (bytes, parts), depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn too_much() -> Error {
    Error::new(ErrorKind::InvalidOperation, TOO_MUCH)
}
