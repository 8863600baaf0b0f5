//! Where bytes come from and where texts wait: files, zips and the spool.

pub mod archive;
pub mod input;
pub mod place;
pub mod spool;
