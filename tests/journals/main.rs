//! From journals to entries and tokens: every format's samples, exports read back, damage, and two published diaries.

#[path = "../common/mod.rs"]
mod common;

mod corpus;
mod diaries;
mod round_trip;
mod samples;
