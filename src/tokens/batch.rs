//! The inputs and targets of some windows, as the device takes them.

use crate::base::Result;
use crate::tokens::TokenFile;
use crate::tokens::windows::Row;

/// A target that is not scored: it adds nothing to the loss and has no gradient.
pub const IGNORE: u32 = u32::MAX;

/// `B` rows of `T` tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// (B,T) token ids. Positions after a row's last window hold id 0; as nothing after them is scored, and no
    /// position sees a later one, what they hold changes no result.
    pub inputs: Vec<u32>,
    /// (B,T) the token that follows each input, or [`IGNORE`] where it is masked and after the last window's end.
    pub targets: Vec<u32>,
    /// (B,T) where in its row the window of each position begins: no position sees another window. What is after the last is of it.
    pub begins: Vec<u32>,
    /// How many targets are scored.
    pub scored: u32,
}

impl Batch {
    /// Of rows that are one window each.
    pub fn of_texts(inputs: Vec<u32>, targets: Vec<u32>) -> Batch {
        let scored = targets.iter().filter(|target| **target != IGNORE).count() as u32;
        Batch { begins: vec![0; inputs.len()], inputs, targets, scored }
    }
}

/// The batch of some rows of windows `(start, targets)`, one behind the other: each has inputs start..start+targets and the tokens
/// after them as targets. A row is filled up to `t`.
///
/// The windows have to lie in the file, with their last target, and those of a row have at most `t` targets in all; those of
/// [`Epochs`](crate::tokens::Epochs) and [`validation`](crate::tokens::validation) do.
///
/// # Errors
/// The file cannot be read.
pub fn batch(tokens: &TokenFile, rows: &[Row], t: usize) -> Result<Batch> {
    let mut inputs = vec![0; rows.len() * t];
    let mut targets = vec![IGNORE; rows.len() * t];
    let mut begins = vec![0; rows.len() * t];
    let mut scored = 0;
    let placed = rows.iter().enumerate().flat_map(|(row, windows)| {
        let ends = windows.iter().scan(0, |end, window| {
            let begin = *end;
            *end += window.1;
            Some((begin, *window))
        });
        ends.map(move |(begin, window)| (row, begin, window))
    });
    for (row, begin, (start, len)) in placed {
        assert!(begin + len <= t, "windows of {} targets in a row of {t}", begin + len);
        begins[row * t + begin..(row + 1) * t].fill(begin as u32);
        let cells = row * t + begin..row * t + begin + len;
        let ids = tokens.read(start..start + len + 1)?;
        inputs[cells.clone()].iter_mut().zip(&ids).for_each(|(cell, &id)| *cell = id);
        let masked = tokens.masked(start + 1..start + 1 + len);
        for ((cell, &id), masked) in targets[cells].iter_mut().zip(&ids[1..]).zip(masked) {
            if !masked {
                *cell = id;
                scored += 1;
            }
        }
    }
    Ok(Batch { inputs, targets, begins, scored })
}

/// Groups positions by the token they hold, for the embedding's backward pass. `dwte[v]` is the sum over all positions whose
/// input is v; added up wherever a thread happens to come by, its rounding would depend on timing. So the host says which
/// positions belong to a token, and one worker adds them in this order.
///
/// Returns (B·T,3) rows (token id, first, end), one for each token that occurs, ids ascending, those left over zeros, so that
/// first = end; and (B·T) the positions b·T+t, grouped by token, ascending within each: `order[first..end]` are a token's.
pub fn buckets(inputs: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let count = u32::try_from(inputs.len()).expect("a batch has fewer than 2³² positions");
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_unstable_by_key(|&bt| (inputs[bt as usize], bt));
    let mut rows = Vec::with_capacity(3 * inputs.len());
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| inputs[a as usize] == inputs[b as usize]) {
        let end = first + group.len() as u32;
        rows.extend([inputs[group[0] as usize], first, end]);
        first = end;
    }
    rows.resize(3 * inputs.len(), 0);
    (rows, order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Width;
    use proptest::prelude::*;

    fn token_file(ids: &[u32]) -> (tempfile::TempDir, TokenFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        let mut bytes = Vec::new();
        let width = Width::of(ids.iter().max().map_or(0, |id| *id as usize + 1));
        width.put(ids, &mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let file = TokenFile::open(&path, ids.len(), width).unwrap();
        (folder, file)
    }

    #[test]
    fn masked_tokens_are_inputs_and_no_targets() {
        let (_folder, mut file) = token_file(&[5, 6, 7, 5, 8, 9, 3]);
        file.mask(vec![0..2, 2..2, 3..5, 6..7]);
        let batch = batch(&file, &[vec![(0, 3)], vec![(3, 3)]], 3).unwrap();
        assert_eq!(batch.inputs, [5, 6, 7, 5, 8, 9]);
        assert_eq!(batch.targets, [IGNORE, 7, IGNORE, IGNORE, 9, IGNORE]);
        assert_eq!(batch.scored, 2);
    }

    #[test]
    fn windows_of_a_row_stand_one_behind_the_other() {
        let (_folder, file) = token_file(&[5, 6, 7, 5, 8, 9, 3]);
        let batch = batch(&file, &[vec![(3, 2), (0, 3)], vec![(1, 4)]], 6).unwrap();
        assert_eq!(batch.inputs, [5, 8, 5, 6, 7, 0, 6, 7, 5, 8, 0, 0]);
        let i = IGNORE;
        assert_eq!(batch.targets, [8, 9, 6, 7, 5, i, 7, 5, 8, 9, i, i]);
        assert_eq!(batch.begins, [0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(batch.scored, 9);
    }

    #[test]
    fn targets_are_the_inputs_a_token_on() {
        let (_folder, file) = token_file(&[5, 6, 7, 5, 8, 9, 65_536]);
        let batch = batch(&file, &[vec![(3, 3)], vec![(0, 2)]], 3).unwrap();
        assert_eq!(batch.inputs, [5, 8, 9, 5, 6, 0]);
        assert_eq!(batch.targets, [8, 9, 65_536, 6, 7, IGNORE]);
        assert_eq!(batch.scored, 5);
        let (rows, order) = buckets(&batch.inputs);
        assert_eq!(order, [5, 0, 3, 4, 1, 2]);
        assert_eq!(rows, [0, 0, 1, 5, 1, 3, 6, 3, 4, 8, 4, 5, 9, 5, 6, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn buckets_hold_every_position_once_under_its_token(
            inputs in prop_oneof![
                prop::collection::vec(0_u32..6, 0..200),
                prop::collection::vec(0_u32..65_536, 0..200),
            ],
        ) {
            let (rows, order) = buckets(&inputs);
            prop_assert_eq!(rows.len(), 3 * inputs.len());
            let mut seen = vec![0; inputs.len()];
            let (mut last_id, mut last_end) = (None, 0);
            for row in rows.chunks_exact(3) {
                let (id, first, end) = (row[0], row[1], row[2]);
                if first == end {
                    prop_assert_eq!(row, [0, 0, 0]);
                    continue;
                }
                prop_assert!(last_id < Some(id), "ids ascend");
                prop_assert_eq!(first, last_end);
                (last_id, last_end) = (Some(id), end);
                let group = &order[first as usize..end as usize];
                prop_assert!(group.is_sorted());
                for &bt in group {
                    prop_assert_eq!(inputs[bt as usize], id);
                    seen[bt as usize] += 1;
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }
    }
}
