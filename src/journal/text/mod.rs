//! Text as such: bytes to text whatever the encoding, damage repaired, style changed where it is asked for.

pub mod decode;
mod mac_roman;
pub mod repair;
pub mod scripts;
pub mod secrets;
pub mod style;
