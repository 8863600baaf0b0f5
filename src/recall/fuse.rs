//! Several rankings as one, by reciprocal rank (Cormack, Clarke and Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and
//! individual rank learning methods").

use std::collections::BTreeMap;

/// The constant that keeps a first place from deciding alone.
const K: f64 = 60.0;

/// What has a place in a ranking: an entry, its best passage there, and how good it is by that ranking's own measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// The entry.
    pub entry: usize,
    /// Its passage.
    pub part: usize,
    /// More is better.
    pub score: f64,
}

/// Orders what was found, the best first; equals in the order of the diary.
pub fn order(placed: &mut [Placed]) {
    placed.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.entry, a.part).cmp(&(b.entry, b.part))));
}

/// The best passage of each entry, the best entry first.
pub fn by_entry(mut placed: Vec<Placed>) -> Vec<Placed> {
    order(&mut placed);
    let mut seen = std::collections::HashSet::new();
    placed.retain(|one| seen.insert(one.entry));
    placed
}

/// Rankings as one: an entry's score is the sum of `1 / (60 + rank)`, its passage that of the ranking in which it stands highest
/// (of equals, the first ranking).
pub fn fuse(rankings: &[Vec<Placed>]) -> Vec<Placed> {
    let mut sums: BTreeMap<usize, (f64, usize, usize)> = BTreeMap::new();
    for ranking in rankings {
        for (rank, placed) in ranking.iter().enumerate() {
            let (sum, best, part) = sums.entry(placed.entry).or_insert((0.0, usize::MAX, 0));
            *sum += 1.0 / (K + rank as f64 + 1.0);
            if rank < *best {
                (*best, *part) = (rank, placed.part);
            }
        }
    }
    let mut fused: Vec<Placed> =
        sums.into_iter().map(|(entry, (score, _, part))| Placed { entry, part, score }).collect();
    order(&mut fused);
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(entries: &[(usize, usize)]) -> Vec<Placed> {
        entries.iter().map(|&(entry, part)| Placed { entry, part, score: 0.0 }).collect()
    }

    #[test]
    fn what_both_have_high_comes_first() {
        let fused = fuse(&[placed(&[(7, 0), (2, 1), (3, 0)]), placed(&[(2, 5), (9, 0)])]);
        let order: Vec<usize> = fused.iter().map(|placed| placed.entry).collect();
        assert_eq!(order, [2, 7, 9, 3]);
        assert!((fused[0].score - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-12);
        assert_eq!(fused[0].part, 5, "the passage of the ranking in which it stands higher");
    }

    #[test]
    fn an_entry_is_shown_by_its_best_passage() {
        let all = [(1, 0, 2.0), (1, 3, 4.0), (0, 0, 3.0), (2, 1, 3.0)];
        let all = all.map(|(entry, part, score)| Placed { entry, part, score });
        let best = by_entry(all.to_vec());
        let order: Vec<(usize, usize)> = best.iter().map(|placed| (placed.entry, placed.part)).collect();
        assert_eq!(order, [(1, 3), (0, 0), (2, 1)]);
    }
}
