//! Dates as people write them: what a line, a file's name and a folder tell of days, and where dates divide a text.
//!
//! | file | what it knows |
//! |---|---|
//! | `names`, `parts`, `reading` | months and weekdays by name; what a date is made of; the day that it means |
//! | `scan`, `clock` | the grammar of a date and of the time behind it |
//! | `recognise` | which lines are dates |
//! | `file_dates` | what files' names and folders tell |
//! | `patterns` | days as an app's settings say that it names them |
//! | `times` | times as heads within a day |
//! | `date_lines`, `entries` | where dates divide a long file into entries |

mod clock;
mod date_lines;
pub mod entries;
pub mod file_dates;
mod names;
mod parts;
mod patterns;
mod reading;
mod recognise;
mod scan;
pub mod times;

pub use file_dates::in_file_name;
pub use patterns::{DayNames, Pattern};
pub use reading::Reading;
pub use recognise::{Style, recognise};
