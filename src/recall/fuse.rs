//! Two rankings as one, by the mean of their scores, each brought to between 0 and 1 (Bruch, Gai and Ingber 2023, "An analysis of
//! fusion functions for hybrid retrieval"): unlike ranks, these say how far the first is ahead.

use std::collections::BTreeMap;

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

/// Rankings as one, each with its weight, the best of each first and `depth` of it at most: an entry's score is the mean of what it has
/// in them, its passage that of the ranking to which it owes the most (of equals, the first). In a ranking the first has 1, and what
/// comes behind those that count has 0, or what has a score of nothing where none does.
pub fn fuse(rankings: &[(f64, &[Placed])], depth: usize) -> Vec<Placed> {
    let mut sums: BTreeMap<usize, (f64, f64, usize)> = BTreeMap::new();
    let all: f64 = rankings.iter().map(|(weight, _)| weight).sum();
    for (weight, ranking) in rankings {
        let most = ranking.first().map_or(0.0, |first| first.score);
        let least = ranking.get(depth).map_or(0.0, |behind| behind.score);
        for placed in ranking.iter().take(depth) {
            let share = if most > least { (placed.score - least) / (most - least) } else { 1.0 };
            let share = weight / all * share;
            let (sum, best, part) = sums.entry(placed.entry).or_insert((0.0, f64::MIN, 0));
            *sum += share;
            if share > *best {
                (*best, *part) = (share, placed.part);
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

    fn placed(entries: &[(usize, usize, f64)]) -> Vec<Placed> {
        entries.iter().map(|&(entry, part, score)| Placed { entry, part, score }).collect()
    }

    #[test]
    fn what_both_have_high_comes_first_unless_one_is_far_ahead() {
        let words = placed(&[(7, 0, 9.0), (2, 1, 8.0), (3, 0, 1.0)]);
        let meaning = placed(&[(2, 5, 0.5), (9, 0, 0.4), (7, 4, 0.1)]);
        let fused = fuse(&[(1.0, &words), (1.0, &meaning)], 9);
        let order: Vec<usize> = fused.iter().map(|placed| placed.entry).collect();
        assert_eq!(order, [2, 7, 9, 3]);
        assert!((fused[0].score - 17.0 / 18.0).abs() < 1e-12);
        assert_eq!(fused[0].part, 5, "the passage of the ranking to which it owes the most");
        let ahead = placed(&[(7, 0, 9.0), (2, 1, 1.0)]);
        assert_eq!(fuse(&[(2.0, &ahead), (1.0, &meaning)], 9)[0].entry, 7);
    }

    #[test]
    fn what_stands_below_the_depth_has_no_say() {
        let one = placed(&[(0, 0, 3.0), (1, 0, 2.0), (2, 0, 1.0)]);
        let fused = fuse(&[(1.0, &one)], 2);
        assert_eq!(fused, placed(&[(0, 0, 1.0), (1, 0, 0.5)]));
        let equal = placed(&[(0, 0, 3.0), (1, 0, 3.0), (2, 0, 3.0)]);
        assert_eq!(fuse(&[(1.0, &equal)], 2), placed(&[(0, 0, 1.0), (1, 0, 1.0)]));
        assert!(fuse(&[(1.0, &[]), (1.0, &[])], 2).is_empty());
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
