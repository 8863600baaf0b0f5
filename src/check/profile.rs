//! What a step's time went to, dispatch by dispatch, in the form that Perfetto (ui.perfetto.dev) and chrome://tracing open.

use serde_json::{Value, json};

use crate::base::Result;
use crate::device::{Executor, Step};

/// A dispatch that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The recording that it is of.
    pub recording: &'static str,
    /// Its label: `h.3.ln_1.forward`.
    pub label: String,
    /// Its kernel.
    pub kernel: &'static str,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Its arithmetic.
    pub flops: u64,
    /// The bytes that it must move.
    pub bytes: u64,
}

/// Replays a recording, and adds what its dispatches took.
///
/// # Errors
/// A lost device.
pub fn replay(exec: &mut dyn Executor, recording: &str, step: &Step, spans: &mut Vec<Span>) -> Result<()> {
    let seconds = exec.time_range(recording, step, 0..usize::MAX)?;
    let list = exec.program().find(recording).expect("the program has what it replays");
    spans.extend(list.dispatches.iter().zip(seconds).map(|(d, seconds)| Span {
        recording: list.name,
        label: d.label.clone(),
        kernel: d.kernel.name,
        seconds,
        flops: d.flops,
        bytes: d.bytes,
    }));
    Ok(())
}

/// The trace of some spans, one behind the other, on a row for the recordings and one for their dispatches. Times are in
/// microseconds, as the format has them (Google's Trace Event Format, complete events).
pub fn trace(spans: &[Span]) -> Value {
    let event = |row: u32, name: &str, at: f64, took: f64, args: Value| json!({ "ph": "X", "pid": 1, "tid": row, "name": name, "ts": 1e6 * at, "dur": 1e6 * took, "args": args });
    let row = |row: u32, name: &str| json!({ "ph": "M", "pid": 1, "tid": row, "name": "thread_name", "args": { "name": name } });
    let mut events = vec![row(1, "recordings"), row(2, "dispatches")];
    let mut at = 0.0;
    for group in spans.chunk_by(|a, b| a.recording == b.recording) {
        let took: f64 = group.iter().map(|span| span.seconds).sum();
        events.push(event(1, group[0].recording, at, took, json!({ "dispatches": group.len() })));
        for span in group {
            let rate = |n: u64| (n as f64 / span.seconds.max(1e-9) / 1e9 * 10.0).round() / 10.0;
            let args = json!({
                "kernel": span.kernel,
                "flops": span.flops,
                "bytes": span.bytes,
                "GFLOP/s": rate(span.flops),
                "GB/s": rate(span.bytes),
            });
            events.push(event(2, &span.label, at, span.seconds, args));
            at += span.seconds;
        }
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_one_another_under_their_recording() {
        let span = |recording, label: &str, seconds| Span {
            recording,
            label: label.to_string(),
            kernel: "gelu_forward",
            seconds,
            flops: 2_000_000,
            bytes: 8_000,
        };
        let spans = [span("zero", "a", 1e-3), span("micro_step", "b", 2e-3), span("micro_step", "c", 4e-3)];
        let trace = trace(&spans);
        let events = trace["traceEvents"].as_array().unwrap();
        let of = |row: u64| {
            let rows = events.iter().filter(|e| e["ph"] == "X" && e["tid"] == row);
            rows.map(|e| (e["name"].as_str().unwrap(), e["ts"].as_f64().unwrap(), e["dur"].as_f64().unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(1), [("zero", 0.0, 1e3), ("micro_step", 1e3, 6e3)]);
        assert_eq!(of(2), [("a", 0.0, 1e3), ("b", 1e3, 2e3), ("c", 3e3, 4e3)]);
        assert_eq!(events.last().unwrap()["args"]["GFLOP/s"], 0.5);
    }
}
