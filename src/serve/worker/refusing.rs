//! Errors of ours as whoever asked is told of them.

use crate::base::Error;
use crate::sample::talk::Misfit;
use crate::serve::job::{Kind, Refusal};
use crate::serve::manner::Place;

/// What went wrong in the device or in a model's files, for whoever asked.
pub(super) fn broken(error: &Error) -> Refusal {
    Refusal { kind: Kind::Broken, message: on_a_line(error), param: None }
}

/// Why a conversation cannot be gone on from.
pub(super) fn misfit(misfit: Misfit) -> Refusal {
    let kind = if matches!(misfit, Misfit::TooLong { .. }) { Kind::TooLong } else { Kind::Invalid };
    Refusal { kind, message: on_a_line(&misfit.told()), param: Some("messages") }
}

/// An error of ours is of several lines: what happened, and what to do next.
pub(super) fn on_a_line(error: &Error) -> String {
    let told = error.to_string().replace("\n  next: ", ". Next: ");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why a model is not opened: it was there and is gone, or something else.
pub(super) fn unopened(place: &Place, error: &Error) -> Refusal {
    if !place.has_vanished() {
        return broken(error);
    }
    let message = format!(
        "{} is gone: what was at its path is no longer there; put it back, or ask for another model",
        place.name
    );
    Refusal { kind: Kind::NotFound, message, param: Some("model") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_at_a_path_can_be_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        std::fs::create_dir(&path).unwrap();
        let error = Error::setting("no memory for it", "close other programs");
        let (run, fetched) = (Place::new("run", &path, &path), Place::new("gpt2", "gpt2", "gpt2"));
        let told = |place: &Place| {
            let Refusal { kind, message, .. } = unopened(place, &error);
            (kind, message)
        };
        let why = (Kind::Broken, "no memory for it. Next: close other programs".to_string());
        assert_eq!(told(&run), why);
        std::fs::remove_dir(&path).unwrap();
        let (kind, message) = told(&run);
        assert!(kind == Kind::NotFound && message.starts_with("run is gone: "), "{message}");
        assert_eq!(told(&fetched), why, "a name is no path");
    }
}
