//! Places in a text: from bytes to the UTF-16 units in which a page counts.

use std::ops::Range;

/// The same ranges in UTF-16 units. What lies beyond the text ends with it, and what cuts a character begins with it.
pub fn utf16(text: &str, ranges: &[Range<usize>]) -> Vec<[usize; 2]> {
    let mut ends: Vec<(usize, usize)> =
        ranges.iter().flat_map(|range| [range.start, range.end]).enumerate().map(|(i, at)| (at, i)).collect();
    ends.sort_unstable();
    let mut spans = vec![[0; 2]; ranges.len()];
    let (mut bytes, mut units) = (0, 0);
    let mut chars = text.chars();
    for (at, i) in ends {
        while let Some(next) = chars.clone().next().filter(|c| bytes + c.len_utf8() <= at) {
            bytes += next.len_utf8();
            units += next.len_utf16();
            chars.next();
        }
        spans[i / 2][i % 2] = units;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_utf16_units_in_any_order() {
        let text = "aé😀b";
        assert_eq!(utf16(text, &[7..8, 0..1, 1..3, 3..7]), [[4, 5], [0, 1], [1, 2], [2, 4]]);
    }

    #[test]
    fn odd_places_are_taken_to_the_borders_of_characters() {
        assert_eq!(utf16("aé", &[2..3, 0..99, 50..60]), [[1, 2], [0, 2], [2, 2]]);
        assert_eq!(utf16("", &[0..1, 0..0]), [[0, 0], [0, 0]]);
        assert!(utf16("a", &[]).is_empty());
    }
}
