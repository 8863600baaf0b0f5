//! What `--strict` says.

use crate::base::Error;

/// The error of `--strict`.
pub fn not_whole() -> Error {
    Error::setting(
        "--strict: something could not be read, or is doubtful (see the lines above)",
        "mend it, leave it out with --glob '!NAME', or leave --strict out",
    )
}
