//! How sure a figure is: percentile-bootstrap intervals over entries (Efron and Tibshirani 1993, chapter 13), and
//! Wilson's interval for a share (Wilson 1927). Entries are drawn, not words: the words of an entry hang together.

/// A figure and where it lies with 95% confidence.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The figure itself, in its own unit, as are the two ends.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Samples of an interval, where nothing is said against it.
pub const ROUNDS: usize = 1000;

/// 0.975 quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The interval of a statistic of `n` entries: it is computed on all of them, `0..n`, for the value, and on `rounds`
/// samples of `n` drawn with replacement for the ends. `draw` gives 64 random bits; n·rounds are drawn. A round in which
/// the statistic is no number (a ratio to nothing) does not count; if none counts, the ends are the value.
///
/// The percentile interval is a little narrow for few entries (below some 20): it knows only what it was given.
pub fn interval(
    n: usize,
    rounds: usize,
    draw: &mut impl FnMut() -> u64,
    statistic: impl Fn(&[usize]) -> f64,
) -> Interval {
    let mut sample: Vec<usize> = (0..n).collect();
    let value = statistic(&sample);
    let mut found = Vec::with_capacity(if n == 0 { 0 } else { rounds });
    for _ in 0..if n == 0 { 0 } else { rounds } {
        // The bias of the product against a true uniform draw is below n/2⁶⁴.
        sample.iter_mut().for_each(|i| *i = ((u128::from(draw()) * n as u128) >> 64) as usize);
        let x = statistic(&sample);
        if x.is_finite() {
            found.push(x);
        }
    }
    found.sort_by(f64::total_cmp);
    let end = |share| quantile(&found, share).unwrap_or(value);
    Interval { value, low: end(0.025), high: end(0.975) }
}

/// The same of a statistic of two sets of entries, of `a` and of `b` of them, each drawn from by itself.
pub fn interval_of_two(
    [a, b]: [usize; 2],
    rounds: usize,
    draw: &mut impl FnMut() -> u64,
    statistic: impl Fn(&[usize], &[usize]) -> f64,
) -> Interval {
    let whole: [Vec<usize>; 2] = [(0..a).collect(), (0..b).collect()];
    let value = statistic(&whole[0], &whole[1]);
    let mut drawn = |n: usize| -> Vec<usize> {
        (0..n).map(|_| ((u128::from(draw()) * n as u128) >> 64) as usize).collect()
    };
    let rounds = if a.min(b) == 0 { 0 } else { rounds };
    let mut found: Vec<f64> =
        (0..rounds).map(|_| statistic(&drawn(a), &drawn(b))).filter(|x| x.is_finite()).collect();
    found.sort_by(f64::total_cmp);
    let end = |share| quantile(&found, share).unwrap_or(value);
    Interval { value, low: end(0.025), high: end(0.975) }
}

/// The quantile of sorted numbers, between neighbours by straight line (type 7 of Hyndman and Fan 1996).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(place.floor() as usize)?;
    let above = sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// The interval of a share, `k` of `n` (`k` ≤ `n`). Of nothing, the share is given as 0, and may be all from 0 to 1.
pub fn wilson(k: usize, n: usize) -> Interval {
    if n == 0 {
        return Interval { value: 0.0, low: 0.0, high: 1.0 };
    }
    let (size, share) = (n as f64, k.min(n) as f64 / n as f64);
    let scale = 1.0 + Z * Z / size;
    let middle = (share + Z * Z / (2.0 * size)) / scale;
    let half = Z / scale * (share * (1.0 - share) / size + Z * Z / (4.0 * size * size)).sqrt();
    Interval { value: share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::draws;

    fn mean(of: &[f64], sample: &[usize]) -> f64 {
        sample.iter().map(|&i| of[i]).sum::<f64>() / sample.len() as f64
    }

    #[test]
    fn quantiles_by_hand() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.975), Some(3.0));
        // 0.25·3 = 0.75 between the first and the second; 0.5·3 = 1.5 between the second and the third.
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.25), Some(1.75));
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), Some(3.0));
    }

    #[test]
    fn the_mean_of_two_has_a_known_distribution() {
        // Of 0 and 1, two drawn: mean 0, ½, 1 with ¼, ½, ¼. So the 2.5% quantile is 0 and the 97.5% quantile is 1.
        let all = interval(2, 2000, &mut draws(1), |sample| mean(&[0.0, 1.0], sample));
        assert_eq!(all, Interval { value: 0.5, low: 0.0, high: 1.0 });
    }

    #[test]
    fn a_mean_has_the_interval_of_its_standard_error() {
        // 400 numbers 0..400: sd 115.47, standard error 5.774, so 199.5 ± 11.3; the ends wander by some 0.5.
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let of = |seed| interval(400, 2000, &mut draws(seed), |sample| mean(&values, sample));
        let found = of(7);
        assert_eq!(found.value, 199.5);
        assert!((found.low - 188.18).abs() < 1.5 && (found.high - 210.82).abs() < 1.5, "{found:?}");
        assert_eq!(found, of(7));
        assert_ne!(found, of(8));
    }

    #[test]
    fn the_difference_of_two_means_has_the_interval_of_both() {
        // Twice 200 numbers of sd 57.7, the second 100 higher: standard error 57.7·√(2/200) = 5.77, so −100 ± 11.3.
        let values: Vec<f64> = (0..200).map(f64::from).collect();
        let off = |a: &[usize], b: &[usize]| mean(&values, a) - mean(&values, b) - 100.0;
        let found = interval_of_two([200, 200], 2000, &mut draws(3), off);
        assert_eq!(found.value, -100.0);
        assert!((found.low + 111.3).abs() < 1.5 && (found.high + 88.7).abs() < 1.5, "{found:?}");
        let none = interval_of_two([0, 3], 100, &mut draws(1), |_, b| b.len() as f64);
        assert_eq!(none, Interval { value: 3.0, low: 3.0, high: 3.0 });
    }

    #[test]
    fn nothing_and_no_number_are_borne() {
        let none = interval(0, 100, &mut draws(1), |sample| sample.len() as f64);
        assert_eq!(none, Interval { value: 0.0, low: 0.0, high: 0.0 });
        // No number whenever the sample lacks entry 0: such rounds do not count, the others are 1.
        let some = interval(3, 100, &mut draws(1), |s| if s.contains(&0) { 1.0 } else { f64::NAN });
        assert_eq!(some, Interval { value: 1.0, low: 1.0, high: 1.0 });
    }

    #[test]
    fn wilson_as_published() {
        // 81 of 263 (Newcombe 1998, table I): 0.2553 to 0.3662; 15 of 148: 0.0624 to 0.1605; 0 of 20: 0 to 0.1611.
        for (k, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let found = wilson(k, n);
            assert!(
                (found.low - low).abs() < 6e-5 && (found.high - high).abs() < 6e-5,
                "{k} of {n}: {found:?}"
            );
        }
        assert_eq!(wilson(0, 0), Interval { value: 0.0, low: 0.0, high: 1.0 });
    }
}
