//! What each of the Rust peers does, and the line that each prints: `#[path = "../../work.rs"] mod work;`.
//!
//! A char GPT: 6 layers, 6 heads, 384 channels, a vocabulary of 257, 8 windows of 256 tokens a step, AdamW. The tokens are
//! those of `diarist bench step`, the same in every step, so the loss falls if the program trains.

use std::time::Instant;

pub const VOCAB: usize = 257;
pub const LAYERS: usize = 6;
pub const HEADS: usize = 6;
pub const CHANNELS: usize = 384;
pub const CONTEXT: usize = 256;
pub const BATCH: usize = 8;
pub const TOKENS: usize = BATCH * CONTEXT;

pub const RATE: f32 = 3e-4;
pub const BETA1: f32 = 0.9;
pub const BETA2: f32 = 0.95;
pub const EPSILON: f32 = 1e-8;
pub const DECAY: f32 = 0.1;
#[allow(dead_code)] // not every peer can clip by the norm of all gradients
pub const CLIP: f32 = 1.0;
/// The deviation of weights drawn from a normal distribution, where a peer lets one say it.
#[allow(dead_code)] // not every peer lets one say it
pub const SPREAD: f32 = 0.02;

/// Tokens and what comes after each: `TOKENS` of both.
pub fn text() -> (Vec<u32>, Vec<u32>) {
    let text: Vec<u32> = (0..=TOKENS as u32).map(|i| i.wrapping_mul(2_654_435_761) % VOCAB as u32).collect();
    (text[..TOKENS].to_vec(), text[1..].to_vec())
}

/// Seconds of setting up, then of each step, and the losses; printed as one line of JSON when the steps are done.
pub struct Clock {
    peer: &'static str,
    begun: Instant,
}

impl Clock {
    /// From here on, time counts as setting up.
    pub fn start(peer: &'static str) -> Clock {
        Clock { peer, begun: Instant::now() }
    }

    /// Runs as many steps as the first argument says. `step` does one and gives its loss, read back from the device.
    pub fn steps(self, adapter: &str, mut step: impl FnMut() -> f32) {
        let setup = self.begun.elapsed().as_secs_f64();
        let wanted = std::env::args().nth(1).map_or(6, |n| n.parse().expect("the number of steps"));
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        for i in 1..=wanted {
            let begun = Instant::now();
            losses.push(step());
            seconds.push(begun.elapsed().as_secs_f64());
            eprintln!("{} step {i}: {:.2} s, loss {}", self.peer, seconds[i - 1], losses[i - 1]);
        }
        let falls = losses.len() > 1 && losses.last() < losses.first();
        if !falls {
            eprintln!("{}: the loss does not fall: this is not training", self.peer);
        }
        let list = |values: &[f64]| {
            let each: Vec<String> = values
                .iter()
                .map(|v| if v.is_finite() { format!("{v:.4}") } else { "null".into() })
                .collect();
            each.join(",")
        };
        println!(
            r#"{{"peer":"{}","version":"{}","what":"char GPT {BATCH}x{CONTEXT} on {}","setup_s":{setup:.4},"first_s":{},"second_s":{},"steps_s":[{}],"tokens":{TOKENS},"loss":[{}],"falls":{falls}}}"#,
            self.peer,
            env!("CARGO_PKG_VERSION"),
            adapter.replace(['"', '\\'], "'"),
            seconds.first().map_or("null".into(), |&s| list(&[s])),
            seconds.get(1).map_or("null".into(), |&s| list(&[s])),
            list(seconds.get(2..).unwrap_or_default()),
            list(&losses.iter().map(|&l| l as f64).collect::<Vec<_>>()),
        );
    }
}
