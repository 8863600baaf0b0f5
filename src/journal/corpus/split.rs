//! Which entries are held out for validation.

use crate::base::rng::Rng;

/// Chooses whole entries for validation: true for an entry that is held out. The entries are drawn in an order that
/// the seed gives, and one is taken where it brings the total length nearer to `fraction` of the whole; then single
/// entries are added, dropped or exchanged until none of that comes nearer. All but one entry at most are taken, and,
/// for a fraction above 0 and two entries or more, at least one.
///
/// `lengths` are the entries' lengths in any one unit (tokens, here).
pub fn validation(lengths: &[usize], fraction: f64, seed: u64) -> Vec<bool> {
    let mut held = vec![false; lengths.len()];
    // A fraction that is not a number holds nothing out either.
    if lengths.len() < 2 || fraction.is_nan() || fraction <= 0.0 {
        return held;
    }
    let whole: usize = lengths.iter().sum();
    let target = (whole as f64 * fraction.min(1.0)).round() as usize;
    let mut drawn: Vec<usize> = (0..lengths.len()).collect();
    Rng::new(seed, "split").shuffle(&mut drawn);

    let (mut total, mut taken) = (0_usize, 0);
    for &i in &drawn {
        let nearer = (total + lengths[i]).abs_diff(target) < total.abs_diff(target);
        if nearer && taken + 1 < lengths.len() {
            held[i] = true;
            total += lengths[i];
            taken += 1;
        }
    }
    if taken == 0 {
        let nearest = drawn.iter().min_by_key(|i| lengths[**i].abs_diff(target));
        held[*nearest.expect("two entries or more")] = true;
    }
    while let Some((out, into)) = best_move(lengths, &held, &drawn, target) {
        out.into_iter().for_each(|i| held[i] = false);
        into.into_iter().for_each(|i| held[i] = true);
    }
    held
}

/// The entry to drop, the entry to add, or both, that bring the held total nearest to `target`; none where no move
/// comes nearer than the total is. At least one entry stays held and one free.
fn best_move(
    lengths: &[usize],
    held: &[bool],
    drawn: &[usize],
    target: usize,
) -> Option<(Option<usize>, Option<usize>)> {
    let (inside, mut free): (Vec<usize>, Vec<usize>) = drawn.iter().partition(|i| held[**i]);
    free.sort_by_key(|i| lengths[*i]); // stable: the seed's order among equals
    let total: usize = inside.iter().map(|i| lengths[*i]).sum();
    let (mut nearest, mut best) = (total.abs_diff(target), None);
    for out in inside.iter().copied().map(Some).chain([None]) {
        let others = total - out.map_or(0, |i| lengths[i]);
        let at = free.partition_point(|i| others + lengths[*i] < target);
        let around = free[at.saturating_sub(1)..].iter().take(2).copied().map(Some);
        for into in around.chain([None]) {
            let allowed = match (out, into) {
                (Some(_), None) => inside.len() > 1,
                (None, Some(_)) => free.len() > 1,
                _ => true,
            };
            let gap = (others + into.map_or(0, |i| lengths[i])).abs_diff(target);
            if allowed && gap < nearest {
                (nearest, best) = (gap, Some((out, into)));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_scale() {
        assert_eq!(validation(&[], 0.5, 1), [] as [bool; 0]);
        assert_eq!(validation(&[5], 0.5, 1), [false]);
        assert_eq!(validation(&[5, 5], 0.0, 1), [false, false]);
        assert_eq!(validation(&[5, 5], f64::NAN, 1), [false, false]);
        for fraction in [1e-9, 0.1, 0.5, 0.9, 1.0, 7.0] {
            let held = validation(&[5, 5], fraction, 1);
            assert_eq!(held.iter().filter(|h| **h).count(), 1, "{fraction}");
        }
        assert_eq!(validation(&[90, 1000, 2000], 0.03, 1), [true, false, false]);
    }

    #[test]
    fn seeds_choose_and_repeat() {
        let lengths: Vec<usize> = (0..200).map(|i| 50 + i % 37).collect();
        assert_eq!(validation(&lengths, 0.1, 3), validation(&lengths, 0.1, 3));
        assert_ne!(validation(&lengths, 0.1, 3), validation(&lengths, 0.1, 4));
        // Over 200 seeds at 10%, every entry is held out sometimes: missing one has odds of 0.9²⁰⁰ = 7e-10 each.
        let ever = (0..200).fold(vec![false; 200], |ever: Vec<bool>, seed| {
            ever.iter().zip(validation(&lengths, 0.1, seed)).map(|(a, b)| *a || b).collect()
        });
        assert!(ever.iter().all(|e| *e));
    }

    proptest! {
        #[test]
        fn as_near_as_entries_allow(
            lengths in prop::collection::vec(1usize..500, 2..80),
            fraction in 0.001f64..0.9,
            seed: u64,
        ) {
            let held = validation(&lengths, fraction, seed);
            let chosen = held.iter().filter(|h| **h).count();
            prop_assert!(chosen >= 1 && chosen < lengths.len());
            let target = (lengths.iter().sum::<usize>() as f64 * fraction).round() as usize;
            let total: usize = lengths.iter().zip(&held).filter(|(_, h)| **h).map(|(l, _)| l).sum();
            let gap = total.abs_diff(target);
            // No entry added, dropped or exchanged comes nearer.
            for (i, a) in lengths.iter().enumerate() {
                let (alone, last) = (chosen == 1, chosen + 1 == lengths.len());
                prop_assert!(!held[i] || alone || (total - a).abs_diff(target) >= gap);
                prop_assert!(held[i] || last || (total + a).abs_diff(target) >= gap);
                for (j, b) in lengths.iter().enumerate() {
                    prop_assert!(!held[i] || held[j] || (total - a + b).abs_diff(target) >= gap);
                }
            }
        }
    }
}
