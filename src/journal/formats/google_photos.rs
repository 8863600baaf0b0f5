//! What Google Photos says of a picture, in a file beside it: the caption, if there is one, with the day of the picture.
//! All else is the app's (a picture without a caption is told in `own`).

use serde_json::{Map, Value};

use crate::journal::format::{Draft, Format, Input, Options, Sink, When};
use crate::journal::syntax::json::{self, text};

/// Google Photos.
pub struct GooglePhotos;

impl Format for GooglePhotos {
    fn name(&self) -> &'static str {
        "Google Photos"
    }

    fn is(&self, input: &Input) -> bool {
        input.extension() == "json" && input.holds_at_an_end("\"photoTakenTime\"")
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let picture: Map<String, Value> = json::whole(&input.text()?)?;
        let taken =
            picture.get("photoTakenTime").and_then(|taken| taken["timestamp"].as_str()?.parse::<i64>().ok());
        let when = taken.and_then(|seconds| When::at_millis(seconds.checked_mul(1000)?, None));
        sink.entry(Draft { when, text: text(&picture, "description").to_string(), ..Draft::default() });
        Ok(())
    }
}
