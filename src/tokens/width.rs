//! How many bytes an id takes in a token file.

use serde::{Deserialize, Serialize};

/// The bytes of an id in a token file, little-endian: two where the tokenizer has 65,536 ids at most, else four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    /// Two bytes: GPT-2's vocabulary, and most others of its time. What a record that says nothing means.
    #[default]
    U16,
    /// Four.
    U32,
}

impl Width {
    /// The narrower one that holds so many ids: 0 to `ids` − 1.
    pub fn of(ids: usize) -> Width {
        if ids <= 1 << 16 { Width::U16 } else { Width::U32 }
    }

    /// Bytes an id.
    pub fn bytes(self) -> usize {
        match self {
            Width::U16 => 2,
            Width::U32 => 4,
        }
    }

    /// Whether there is no other than the narrow one to speak of: `run.json` says nothing then.
    pub fn is_narrow(&self) -> bool {
        *self == Width::U16
    }

    /// Adds ids to bytes.
    ///
    /// # Panics
    /// If an id does not fit: a tokenizer's own width holds all of its ids.
    pub fn put(self, ids: &[u32], bytes: &mut Vec<u8>) {
        match self {
            Width::U16 => {
                bytes.extend(ids.iter().flat_map(|&id| {
                    u16::try_from(id).expect("a tokenizer's width holds its ids").to_le_bytes()
                }))
            }
            Width::U32 => bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes())),
        }
    }

    /// The ids that bytes are; what is over at the end is left out.
    pub fn ids(self, bytes: &[u8]) -> Vec<u32> {
        match self {
            Width::U16 => bytes.as_chunks().0.iter().map(|two| u16::from_le_bytes(*two).into()).collect(),
            Width::U32 => bytes.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_take_the_bytes_that_their_vocabulary_asks_for() {
        assert_eq!([1, 65_536, 65_537].map(Width::of), [Width::U16, Width::U16, Width::U32]);
        for (width, ids) in [(Width::U16, [0, 0x1234, 0xffff]), (Width::U32, [0, 0x1234, 0xffff_fffe])] {
            let mut bytes = Vec::new();
            width.put(&ids, &mut bytes);
            assert_eq!((bytes.len(), &bytes[width.bytes()..][..2]), (3 * width.bytes(), &[0x34, 0x12][..]));
            assert_eq!(width.ids(&bytes), ids);
        }
        let json = [Width::U16, Width::U32].map(|width| serde_json::to_string(&width).unwrap());
        assert_eq!(json, [r#""u16""#, r#""u32""#]);
    }
}
