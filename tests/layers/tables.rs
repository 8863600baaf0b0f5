//! The tables of the order.

/// A module whose children stand in an order: its name, and theirs. The order of the crate's own are the rooms.
pub type Table = &'static [(&'static str, u32)];

/// The rooms, as the map of the house has them. `main.rs` and `lib.rs` stand above all.
pub const ROOMS: Table = &[
    ("base", 0),
    ("journal", 1),
    ("tokens", 1),
    ("device", 1),
    ("weights", 2),
    ("dataset", 2),
    ("ops", 2),
    ("model", 3),
    ("optim", 3),
    ("run", 4),
    ("sample", 4),
    ("eval", 5),
    ("check", 5),
    ("train", 6),
    ("recall", 6),
    ("serve", 7),
    ("cli", 8),
];

/// The order within `journal`. `journal/mod.rs` stands above it.
pub const JOURNAL: Table = &[
    ("entry", 0),
    ("options", 0),
    ("watch", 1),
    ("dates", 1),
    ("text", 1),
    ("source", 2),
    ("format", 3),
    ("syntax", 4),
    ("formats", 5),
    ("corpus", 6),
    ("gather", 7),
];

/// A child's number.
pub fn number(table: Table, child: &str) -> Option<u32> {
    table.iter().find(|(name, _)| *name == child).map(|(_, n)| *n)
}
