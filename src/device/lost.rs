//! What goes wrong on an adapter while it runs. wgpu tells it through callbacks, and after a loss its calls do nothing and say
//! nothing; so what they told is kept here and asked for after each call.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex, Once, PoisonError};

use crate::base::{Error, Result};

/// What an adapter's callbacks have told; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    /// The adapter had no memory for something.
    memory: Option<String>,
    /// The device is gone, for good.
    lost: Option<String>,
    /// Anything else: the first.
    other: Option<String>,
}

impl Told {
    fn note(&self, note: impl FnOnce(&mut Trouble)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Listens to a device.
    pub fn listen(&self, device: &wgpu::Device) {
        let told = self.clone();
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            told.note(|trouble| match e {
                wgpu::Error::OutOfMemory { source } => trouble.memory = Some(source.to_string()),
                e => drop(trouble.other.get_or_insert_with(|| e.to_string())),
            });
        }));
        let told = self.clone();
        device.set_device_lost_callback(move |_, why| {
            told.note(|trouble| {
                // wgpu gives up a device that has no memory for what it cannot do without, and says no more than this of it.
                if why.eq_ignore_ascii_case("out of memory") {
                    trouble.memory = Some(why.clone());
                }
                trouble.lost = Some(why);
            });
        });
    }

    /// The error of what was told, and where the device lives on, no more of it.
    ///
    /// # Errors
    /// [`Error::Memory`], [`Error::Lost`], and [`Error::Device`] of all else.
    pub fn check(&self, name: &str) -> Result<()> {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &trouble.memory {
            let error = Error::memory(
                format!("{name} has no memory left: {why}"),
                "close other programs that use the GPU, or ask for less: a smaller batch or context",
            );
            if trouble.lost.is_none() {
                trouble.memory = None;
            }
            return Err(error);
        }
        let other = trouble.other.take();
        match (&trouble.lost, other) {
            (Some(why), other) => {
                let why = [Some(why.clone()).filter(|why| !why.is_empty()), other];
                let why: Vec<String> = why.into_iter().flatten().collect();
                let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
                Err(Error::lost(format!("{name} was lost{why}")))
            }
            (None, Some(e)) => Err(Error::device(
                format!("{name}: {e}"),
                "resume the run; if it happens again, `diarist doctor` tells whether the driver computes rightly",
            )),
            (None, None) => Ok(()),
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls what panics where a device is lost, which is how wgpu's `poll` tells it, and returns that panic as the error that it
/// is; nothing is printed of it.
pub(super) fn quietly<T>(call: impl FnOnce() -> T) -> std::result::Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let out = catch_unwind(AssertUnwindSafe(call));
    QUIET.set(false);
    out.map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(memory: Option<&str>, lost: Option<&str>, other: Option<&str>) -> Told {
        let of = |text: Option<&str>| text.map(str::to_string);
        Told(Arc::new(Mutex::new(Trouble { memory: of(memory), lost: of(lost), other: of(other) })))
    }

    #[test]
    fn the_kinds_are_told_apart_and_a_loss_stays() {
        let passing = told(Some("no room"), None, None);
        assert!(matches!(passing.check("gpu"), Err(Error::Memory { .. })));
        assert!(passing.check("gpu").is_ok(), "told once");
        let other = told(None, None, Some("a bad shader"));
        assert!(matches!(other.check("gpu"), Err(Error::Device { .. })) && other.check("gpu").is_ok());
        let gone = told(None, Some("Device is lost"), Some("a map failed"));
        for _ in 0..2 {
            assert!(matches!(gone.check("gpu"), Err(Error::Lost { .. })));
        }
        let both = told(Some("Out of memory"), Some("Out of memory"), None);
        for _ in 0..2 {
            assert!(matches!(both.check("gpu"), Err(Error::Memory { .. })));
        }
    }

    #[test]
    fn a_panic_is_an_error_and_another_stays_one() {
        assert_eq!(quietly(|| 3), Ok(3));
        let why = "lost".to_string();
        assert_eq!(quietly(|| -> u32 { panic!("{why} here") }), Err("lost here".to_string()));
        assert!(!QUIET.get());
    }
}
