//! Counter-based randomness: every draw is a pure function of a key and a position, so nothing has a hidden state
//! that a resumed run could lose. The dropout hash is the same 32-bit arithmetic in `shaders/lib/dropout.wgsl` and in
//! `tests/fixtures/generate.py`; the fixtures hold the three together.

/// A 32-bit finaliser of low bias (Wellons' `lowbias32`).
#[inline]
pub fn mix32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Folds one word into a hash: `mix32((h + φ) ^ x)`.
#[inline]
pub fn chain32(h: u32, x: u32) -> u32 {
    mix32(h.wrapping_add(0x9e37_79b9) ^ x)
}

/// The part of a dropout mask's key that changes from one micro-step to the next: the host computes it, the step's
/// uniform carries it.
pub fn dropout_key(seed: u64, micro_step: u64) -> u32 {
    let words = [(seed >> 32) as u32, micro_step as u32, (micro_step >> 32) as u32];
    words.into_iter().fold(mix32(seed as u32), chain32)
}

/// Where in the model a mask is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// On `wte + wpe`. (row, col) = (b·T+t, c), layer 0.
    Embedding = 0,
    /// On the attention probabilities. (row, col) = (b·NH+h, query·T+key).
    Attention = 1,
    /// On the attention projection, before it joins the residual. (b·T+t, c).
    AttentionResidual = 2,
    /// On the MLP projection, before it joins the residual. (b·T+t, c).
    MlpResidual = 3,
    /// On an adapter's input; its layer is the block's times 8 plus the linear layer's place in it. (b·T+t, c).
    Adapter = 4,
}

/// The key of one mask of one micro-step.
#[inline]
pub fn mask_key(dropout_key: u32, layer: u32, site: u32) -> u32 {
    chain32(chain32(dropout_key, layer), site)
}

/// The random word of one logical element; the element is kept where it is at least the threshold.
#[inline]
pub fn mask_bits(mask_key: u32, row: u32, col: u32) -> u32 {
    chain32(chain32(mask_key, row), col)
}

/// `⌊p·2³²⌋`: an element whose word is below it is dropped.
pub fn dropout_threshold(p: f32) -> u32 {
    (f64::from(p) * 4_294_967_296.0) as u32
}

/// A stream of draws: SplitMix64 (Steele et al. 2014) over a counter.
#[derive(Debug, Clone)]
pub struct Rng {
    key: u64,
    counter: u64,
}

impl Rng {
    /// The stream of a seed and a purpose; streams of different purposes are unrelated.
    pub fn new(seed: u64, purpose: &str) -> Rng {
        // FNV-1a of the purpose, so that a stream is named by a word and not by a number to keep apart.
        let hash = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Rng { key: mix64(seed ^ hash), counter: 0 }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        mix64(self.key.wrapping_add(self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Uniform in 0..n, without bias (Lemire 2019).
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a draw from nothing");
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }

    /// A permutation in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

fn mix64(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed that differs from one call to the next, for whoever names none.
pub fn seed_of_the_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |passed| passed.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_they_should() {
        let mut rng = Rng::new(7, "test");
        let n = 200_000;
        let normals: Vec<f64> = (0..n).map(|_| f64::from(rng.normal())).collect();
        let mean = normals.iter().sum::<f64>() / n as f64;
        let var = normals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        // Five standard errors: 5/√n = 0.011 for the mean, 5·√(2/n) = 0.016 for the variance.
        assert!(mean.abs() < 0.011 && (var - 1.0).abs() < 0.016, "{mean} {var}");
        assert!((0..10_000).all(|_| rng.below(7) < 7));
    }

    #[test]
    fn a_mask_drops_its_share_in_every_direction() {
        let (p, n) = (0.1, 512_u32);
        let (key, threshold) =
            (mask_key(dropout_key(42, 3), 5, Site::Attention as u32), dropout_threshold(p));
        let dropped = |row: u32, col: u32| (mask_bits(key, row, col) < threshold) as u32;
        let total: u32 = (0..n * n).map(|i| dropped(i / n, i % n)).sum();
        // Binomial: six standard deviations, 6·√(p(1−p)/n²) = 0.0035.
        assert!((f64::from(total) / f64::from(n * n) - 0.1).abs() < 0.0035);
        // No row and no column is special: √(p(1−p)/n) = 0.0133, six of them for 1,024 looks.
        for i in 0..n {
            let row: u32 = (0..n).map(|j| dropped(i, j)).sum();
            let col: u32 = (0..n).map(|j| dropped(j, i)).sum();
            for share in [row, col] {
                assert!((f64::from(share) / f64::from(n) - 0.1).abs() < 0.08, "{i}: {share}");
            }
        }
    }
}
