//! The README's first command, and what it promises: the model has learned (its held-out loss is below that of an
//! interpolated byte trigram on the same split) and has not memorised (no run of 60 bytes of the samples is copied).

use std::collections::{HashMap, HashSet};
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// Counts of what follows each context of up to two bytes (tokens here).
struct Trigram {
    follows: HashMap<Vec<u16>, HashMap<u16, f64>>,
}

impl Trigram {
    fn new(text: &[u16]) -> Trigram {
        let mut follows: HashMap<Vec<u16>, HashMap<u16, f64>> = HashMap::new();
        for i in 0..text.len() {
            for n in 0..=i.min(2) {
                let context = text[i - n..i].to_vec();
                *follows.entry(context).or_default().entry(text[i]).or_default() += 1.0;
            }
        }
        Trigram { follows }
    }

    /// The share of `next` after `context`; `None` where the context was never seen.
    fn share(&self, context: &[u16], next: u16) -> Option<f64> {
        let seen = self.follows.get(context)?;
        Some(seen.get(&next).copied().unwrap_or(0.0) / seen.values().sum::<f64>())
    }

    /// Nats a byte on a text, with weights for the bigram and the trigram.
    fn loss(&self, text: &[u16], bigram: f64, trigram: f64) -> f64 {
        let mut total = 0.0;
        for i in 2..text.len() {
            // A hundredth is spread over the vocabulary, so that nothing is impossible.
            let mut p = 0.01 / 257.0 + 0.99 * self.share(&[], text[i]).unwrap_or(0.0);
            for (context, weight) in [(&text[i - 1..i], bigram), (&text[i - 2..i], trigram)] {
                if let Some(share) = self.share(context, text[i]) {
                    p = (1.0 - weight) * p + weight * share;
                }
            }
            total -= p.ln();
        }
        total / (text.len() - 2) as f64
    }
}

/// Whether some run of `n` bytes of `text` stands in `source`.
fn copies(text: &[u8], source: &[u8], n: usize) -> Option<String> {
    let known: HashSet<&[u8]> = source.windows(n).collect();
    text.windows(n).find(|w| known.contains(w)).map(|w| String::from_utf8_lossy(w).into_owned())
}

#[test]
fn the_first_model_has_learned_and_not_memorised() {
    let tmp = tempfile::tempdir().unwrap();
    let out = tmp.path().join("first");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(root).env("NODEVICE_SELECT", "1");
    let done =
        command.args(["train", "examples/journal", "--from", "scratch", "--out"]).arg(&out).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let run: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    assert!(
        run["data"]["entries"].as_u64().unwrap() >= 60 && run["data"]["words"].as_u64().unwrap() >= 12_000
    );
    let range = |name: &str| {
        let end = |i: usize| run["data"][name][i].as_u64().unwrap() as usize;
        end(0)..end(1)
    };
    let bytes = std::fs::read(out.join("tokens.bin")).unwrap();
    let ids: Vec<u16> = bytes.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let (train, val) = (&ids[range("train")], &ids[range("val")]);

    // The trigram's weights are the best of a grid on the held-out text itself: a better trigram than it has a right to be.
    let trigram = Trigram::new(train);
    let weights = [0.5, 0.6, 0.7, 0.8, 0.9];
    let losses = weights.iter().flat_map(|&b| weights.iter().map(move |&t| (b, t)));
    let best = losses.map(|(b, t)| trigram.loss(val, b, t)).fold(f64::INFINITY, f64::min);
    let ours = run["last_eval"]["val_loss"].as_f64().unwrap();
    assert_eq!(run["last_eval"]["step"], run["position"]["step"], "measured at the saved state");
    println!("held out: ours {ours:.4}, the trigram {best:.4} nats/byte");
    assert!(ours < best, "held-out loss {ours} is not below the trigram's {best}");

    let source: Vec<u8> = train.iter().map(|&id| if id < 256 { id as u8 } else { 0 }).collect();
    let samples = std::fs::read_to_string(out.join("samples.md")).unwrap();
    let quoted: String =
        samples.lines().filter_map(|l| l.strip_prefix("> ")).map(|l| format!("{l}\n")).collect();
    assert!(!quoted.is_empty(), "samples were shown: {samples:?}");
    // A sample ends where the model ends an entry, and an entry may be a line: more are asked for, so that there is enough to copy.
    let mut command = Command::cargo_bin("diarist").unwrap();
    let more = command.env("NODEVICE_SELECT", "1").arg("sample").arg(&out);
    let more = more.args(["--num-samples", "20", "--seed", "1"]).output().unwrap();
    assert!(more.status.success(), "{}", String::from_utf8_lossy(&more.stderr));
    let written = [quoted.into_bytes(), more.stdout].concat();
    assert!(written.len() > 2000, "{}", String::from_utf8_lossy(&written));
    assert_eq!(copies(&written, &source, 60), None);
}
