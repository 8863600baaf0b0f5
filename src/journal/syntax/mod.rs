//! What several formats share: of a syntax, or of what apps make of it.
//!
//! | file | what it knows |
//! |---|---|
//! | `html/`, `xml/`, `json`, `csv`, `lines` | reading these, of any length where a file may be long |
//! | `markup/` | Markdown as apps write it |
//! | `front_matter/`, `head` | the block that opens a file, and what a file knows of its entries |
//! | `office/` | documents of word processors |
//! | `stamps`, `titles`, `editor` | dates, titles and texts as apps write them |
//! | `by_dates`, `notes` | a text divided by its date lines; a note that is a page of days |
//! | `lists` | pages that are nothing but links |
//! | `exported` | the files that `diarist` itself writes |

pub mod by_dates;
pub mod csv;
pub mod editor;
pub mod exported;
pub mod front_matter;
pub mod head;
pub mod html;
pub mod json;
pub mod lines;
pub mod lists;
pub mod markers;
pub mod markup;
pub mod notes;
pub mod office;
pub mod stamps;
pub mod titles;
pub mod xml;
