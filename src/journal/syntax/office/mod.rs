//! What the files of word processors share: their XML, the page that their paragraphs make, the signs of symbol fonts.

pub mod page;
pub mod symbols;
pub mod xml;
