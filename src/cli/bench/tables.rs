//! What the bench measured, as a person reads it.

use crate::base::units::{bytes, si, thousands};
use crate::check::bench::{Bound, Ceilings, Decode, Drift, Lesson, Row, Spread, StepRow};
use crate::check::tune::Measured;
use crate::cli::table::{Align, Table};

/// What the device does at most, in a line.
pub fn ceilings_line(c: &Ceilings) -> String {
    let coop =
        c.coop.map_or(String::new(), |flops| format!("   small matrices of halves {}FLOP/s", si(flops)));
    format!(
        "ceilings   arithmetic {}FLOP/s{coop}   copy {}B/s   read {}B/s",
        si(c.flops),
        si(c.copied),
        si(c.read)
    )
}

/// `1.23 ms`
fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", 1e3 * s),
        s => format!("{:.1} µs", 1e6 * s),
    }
}

/// `±3%`: how far the slowest and the fastest lie apart, about the median.
fn spread(s: &Spread) -> String {
    match s.rounds {
        1 => "once".to_string(),
        _ => format!("±{:.0}%", 50.0 * (s.most - s.least) / s.median),
    }
}

/// `82%`
pub fn percent(part: f64) -> String {
    format!("{:.0}%", 100.0 * part)
}

/// A row a kernel and size.
pub fn kernels(rows: &[Row]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("kernel", l),
        ("variant", l),
        ("where", l),
        ("time", r),
        ("", r),
        ("FLOP/s", r),
        ("B/s", r),
        ("of ceiling", r),
    ]);
    for row in rows {
        let rate = |n: u64| if n == 0 { String::new() } else { si(n as f64 / row.seconds.median) };
        let bound = match row.bound {
            Bound::Arithmetic => "arithmetic",
            Bound::Memory => "memory",
        };
        table.row([
            row.kernel.to_string(),
            row.variant.clone(),
            format!("{} {}", row.label, row.problem.split_once(' ').map_or("", |(_, extents)| extents)),
            time(row.seconds.median),
            spread(&row.seconds),
            rate(row.flops),
            rate(row.bytes),
            format!("{} of {bound}", percent(row.share)),
        ]);
    }
    table
}

/// A row a problem, its variants the fastest first.
pub fn variants(measured: &Measured) -> Table {
    let mut table = Table::new(&[("problem", Align::Left), ("variants, the fastest first", Align::Left)]);
    for (problem, times) in &measured.problems {
        let mut times: Vec<(&String, &Option<f64>)> = times.iter().collect();
        times.sort_by(|a, b| a.1.unwrap_or(f64::INFINITY).total_cmp(&b.1.unwrap_or(f64::INFINITY)));
        let told = times.into_iter().map(|(name, took)| match took {
            Some(took) => format!("{name} {}", time(*took)),
            None => format!("{name} DIFFERS"),
        });
        table.row([problem.trim().to_string(), told.collect::<Vec<_>>().join("   ")]);
    }
    table
}

/// A step in words.
pub fn step_lines(row: &StepRow) -> String {
    format!(
        "{}: {} tokens/s, {} a step ({}), {} to the end of the first\n\
         model FLOPs utilisation {}; {} dispatches, {} each to launch; they move {} at least; {} of memory",
        row.model,
        rate(row.tokens_per_second),
        time(row.seconds.median),
        spread(&row.seconds),
        time(row.first),
        percent(row.mfu),
        thousands(row.dispatches as u64),
        time(row.overhead),
        bytes(row.bytes),
        bytes(row.memory),
    ) + &row.drift.map_or(String::new(), |drift| drift_line(&drift, row.seconds.rounds))
}

/// Whether many steps get slower, or take more memory.
fn drift_line(drift: &Drift, steps: usize) -> String {
    let grown = drift.grown.map_or(String::new(), |grown| format!("; memory grew by {}", bytes(grown)));
    format!(
        "\n{} steps: the last fifth took {:.2} times the first's{grown}",
        thousands(steps as u64),
        drift.slower
    )
}

/// A row a size, the smallest first: what a token takes of time and of memory, as there are more of them.
pub fn growth(rows: &[StepRow]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut rows: Vec<&StepRow> = rows.iter().collect();
    rows.sort_by_key(|row| row.tokens);
    let mut table = Table::new(&[
        ("growth", l),
        ("tokens", r),
        ("a step", r),
        ("a token", r),
        ("memory", r),
        ("a token more takes", r),
    ]);
    let mut last: Option<&StepRow> = None;
    for row in rows {
        let more = last.filter(|last| row.tokens > last.tokens).map_or(String::new(), |last| {
            bytes(row.memory.saturating_sub(last.memory) / (row.tokens - last.tokens) as u64)
        });
        table.row([
            row.model.clone(),
            thousands(row.tokens as u64),
            time(row.seconds.median),
            time(row.seconds.median / row.tokens as f64),
            bytes(row.memory),
            more,
        ]);
        last = Some(row);
    }
    table
}

/// `201`, `17.4`
fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { thousands(per_second.round() as u64) } else { format!("{per_second:.1}") }
}

/// A row an op of a step.
pub fn step(row: &StepRow) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table =
        Table::new(&[(&row.model, l), ("dispatches", r), ("time", r), ("of the step", r), ("of ceiling", r)]);
    for part in &row.parts {
        table.row([
            part.op.to_string(),
            part.dispatches.to_string(),
            time(part.seconds),
            percent(part.of_step),
            percent(part.share),
        ]);
    }
    table
}

/// A row a way to rest, and a number of sequences.
pub fn decode(rows: &[Decode]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("decode", l),
        ("at rest", l),
        ("sequences", r),
        ("a token of each", r),
        ("", r),
        ("tokens/s", r),
        ("bytes", r),
        ("B/s", r),
        ("of ceiling", r),
    ]);
    for row in rows {
        table.row([
            row.model.clone(),
            row.weights.to_string(),
            row.sequences.to_string(),
            time(row.seconds.median),
            spread(&row.seconds),
            rate(row.tokens_per_second),
            bytes(row.bytes),
            si(row.bytes as f64 / row.seconds.median),
            percent(row.share),
        ]);
    }
    table
}

/// A row a lesson.
pub fn ladder(lessons: &[Lesson]) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("ladder", l),
        ("rung", l),
        ("time", r),
        ("", r),
        ("FLOP/s", r),
        ("of ceiling", r),
        ("what changed", l),
    ]);
    for lesson in lessons {
        table.row([
            lesson.ladder.clone(),
            lesson.rung.to_string(),
            time(lesson.seconds.median),
            spread(&lesson.seconds),
            si(lesson.flops as f64 / lesson.seconds.median),
            percent(lesson.share),
            lesson.lesson.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_they_can_bear() {
        assert_eq!(
            [time(12.34), time(1.234), time(0.01234), time(1.2e-5)],
            ["12.3 s", "1.23 s", "12.34 ms", "12.0 µs"]
        );
        assert_eq!([rate(17.44), rate(1234.4)], ["17.4", "1,234"]);
        assert_eq!(spread(&Spread { median: 2.0, least: 1.9, most: 2.1, rounds: 5 }), "±5%");
        assert_eq!(spread(&Spread { median: 2.0, least: 2.0, most: 2.0, rounds: 1 }), "once");
    }
}
