//! Whether a disk has room for a run, before its first step.

use std::path::Path;

use crate::base::units::{bytes, thousands};
use crate::base::{Config, Error, Param, Result, disk, shell};
use crate::run::record::Settings;

/// What a run writes, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The model's file; the root has a copy.
    model: u64,
    /// A state: the model, and the moments of all that trains: two, or one where Muon trains it.
    state: u64,
    /// The tokens, the log and the small files.
    rest: u64,
}

impl Size {
    /// The size of a run over so many tokens; `steps` are still to come.
    pub fn new(config: &Config, settings: &Settings, tokens: u64, steps: u64) -> Size {
        let numel = |params: &[Param]| params.iter().map(|p| p.numel() as u64).sum::<u64>();
        let (saved, trained) = match &settings.lora {
            Some(lora) => (numel(&lora.table(config)), lora.table(config)),
            None => {
                let mut table = config.table();
                let saved = numel(&table);
                table.retain(|p| settings.freeze.trains(p.part));
                (saved, table)
            }
        };
        let model = 4 * saved + (1 << 16);
        let moments = |p: &Param| 1 + u64::from(settings.optimizer.has_second_moment(p));
        let state = model + 4 * trained.iter().map(|p| moments(p) * p.numel() as u64).sum::<u64>();
        // A line of the log has some ten numbers, and a window's start for each sequence.
        let line = 160 + 9 * (settings.batch * settings.accumulate) as u64;
        Size { model, state, rest: 2 * tokens + steps.saturating_mul(line) + (4 << 20) }
    }

    /// What a save takes while the state before it stands: the state, and the root's model where that follows.
    pub fn of_save(&self) -> u64 {
        self.state + self.model
    }

    /// What a new run takes at most: its state and the one before it, the root's model and the copy that replaces it.
    pub fn of_new(&self) -> u64 {
        2 * (self.state + self.model) + self.rest
    }

    /// What a resumed run takes beside what is there.
    pub fn of_resumed(&self) -> u64 {
        self.state + self.model + self.rest
    }
}

/// Checks that a run's disk has room for `most` bytes more; `free` is what it has, where that is known. `next` is told how
/// many are missing.
///
/// # Errors
/// It has not: both figures are told.
pub fn check(run: &Path, most: u64, free: Option<u64>, next: impl FnOnce(u64) -> String) -> Result<()> {
    let Some(free) = free.filter(|&free| free < most) else { return Ok(()) };
    let problem = format!(
        "the run may take {} here (a state, the next one before that goes, and the model beside them), and this disk has \
         {} free",
        bytes(most),
        bytes(free)
    );
    Err(Error::file(run, problem, next(most - free)))
}

/// The error of a disk that was full when a running run wrote to it: `needs` is what its next save takes, `free` what there is
/// now that what was half written is gone, `saved` the step that it can go on from. Any other error stays as it is.
pub fn full(error: Error, run: &Path, needs: u64, free: Option<u64>, saved: Option<u64>) -> Error {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let Error::Io { source, .. } = &error else { return error };
    if ![StorageFull, QuotaExceeded, FileTooLarge].contains(&source.kind()) {
        return error;
    }
    let text = error.to_string();
    let what = text.split("\n  next:").next().unwrap_or_default();
    let has = free.map_or(String::new(), |free| format!(", and there are {} free", bytes(free)));
    let stands = saved.map_or("nothing was saved yet".to_string(), |step| {
        format!("the state of step {} is whole", thousands(step))
    });
    let short = needs.saturating_sub(free.unwrap_or(0));
    let room = match short {
        0 => "make room on it".to_string(),
        short => format!("free {} on it", bytes(short)),
    };
    let next = match saved {
        Some(_) => format!("{room}, then go on: {} train --resume {}", shell::program(), shell::path(run)),
        None => format!("{room}, then train again"),
    };
    Error::file(run, format!("{what}. A save takes {}{has}; {stands}", bytes(needs)), next)
}

/// Where else a new run of so many bytes could go, as advice.
pub fn elsewhere(out: &Path, most: u64, short: u64) -> String {
    let name = out.file_name().unwrap_or("run".as_ref());
    let places = [dirs::home_dir().map(|home| home.join("diarist")), Some(std::env::temp_dir())];
    let place = places.into_iter().flatten().map(|place| place.join(name));
    let place = place.filter(|place| place.symlink_metadata().is_err());
    let free = format!("free {} on it", bytes(short));
    match place.into_iter().find(|place| disk::free(place).is_some_and(|free| free >= most)) {
        Some(place) => format!(
            "{free}, or write to another disk, such as\n    {}",
            shell::again(&[(&["--out"], Some(place.into()))])
        ),
        None => format!(
            "{free}, give --out a folder on a disk that has {}, or train a smaller model",
            bytes(most)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Freeze, Preset};
    use crate::run::record::example;

    #[test]
    fn both_figures_are_told_before_the_first_step() {
        let settings = Settings { lora: None, ..example().settings };
        let size = Size::new(&Preset::Gpt2.config(50_257), &settings, 1000, 10);
        // 124,439,808 parameters of 4 bytes; a state has three such files, and there are two of them and two models.
        assert_eq!(size.of_new() >> 20, ((8 * 4 * 124_439_808_u64) >> 20) + 4);
        let told =
            |free| check(Path::new("run"), size.of_new(), free, |short| format!("free {}", bytes(short)));
        assert!(told(None).is_ok() && told(Some(size.of_new())).is_ok());
        let error = told(Some(1 << 30)).unwrap_err().to_string();
        assert!(
            error.contains("3.7 GiB") && error.contains("1.0 GiB free") && error.contains("free 2.7 GiB"),
            "{error}"
        );
    }

    #[test]
    fn a_full_disk_says_how_much_is_missing() {
        let io = |kind: std::io::ErrorKind| Error::io("write", "run/state/.8.partial/x")(kind.into());
        let full = |kind, saved| full(io(kind), Path::new("run"), 3 << 20, Some(1 << 20), saved).to_string();
        let told = full(std::io::ErrorKind::StorageFull, Some(4));
        for part in
            ["run: could not write", "takes 3.0 MiB", "are 1.0 MiB free", "step 4 is whole", "free 2.0 MiB"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(told.ends_with("train --resume run") && told.matches("next:").count() == 1, "{told}");
        assert!(full(std::io::ErrorKind::QuotaExceeded, None).ends_with("train again"));
        assert!(!full(std::io::ErrorKind::PermissionDenied, None).contains("takes"));
    }

    #[test]
    fn what_is_frozen_has_no_moments() {
        let adapter = example().settings;
        let config = Preset::Tiny.config(257);
        let of = |settings: &Settings| Size::new(&config, settings, 0, 0).of_new();
        let whole = Settings { lora: None, ..adapter.clone() };
        let frozen = Settings { freeze: Freeze { embeddings: true, first: 4 }, ..whole.clone() };
        assert!(of(&frozen) < of(&whole) * 6 / 10);
        assert!(of(&adapter) < of(&frozen), "of an adapter's run the adapter alone is saved");
    }
}
