//! What a device does at most, as measured.

use crate::base::Result;
use crate::base::rng::Rng;
use crate::check::bench::{Bound, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Class, Clock, Dispatch, Executor, Kind, Program, Recorder, Step};
use crate::ops::{ceiling, matmul};

/// What a device does in a second.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Ceilings {
    /// Operations of multiplications and additions in registers.
    pub flops: f64,
    /// Operations of its units for small matrices of halves; none where it has none.
    pub coop: Option<f64>,
    /// Bytes read and bytes written by a copy, added up.
    pub copied: f64,
    /// Bytes read, where next to nothing is written.
    pub read: f64,
    /// What the times of dispatches are measured by.
    pub clock: Clock,
}

/// Invocations of the arithmetic, and turns of their loops: a third of a second for a processor, half a millisecond for the largest
/// GPU.
const INVOCATIONS: usize = 1 << 18;
const TURNS: usize = 256;
/// Elements that are moved: more bytes than a cache holds, and as many as any device binds.
const MOVED: usize = (128 << 20) / 4;

impl Ceilings {
    /// Measures them.
    ///
    /// # Errors
    /// A device that fails, or that has no room for 256 MiB.
    pub fn measure(device: &Device, rounds: Rounds) -> Result<Ceilings> {
        let recorder = |name| Recorder::new(name, device.limits(), &device.choices());
        let mut arithmetic = recorder("fma");
        let out = arithmetic.kept("out", Kind::Output, &[INVOCATIONS]);
        ceiling::fma(&mut arithmetic, out, TURNS);
        let mut copy = recorder("copy");
        let mut read = recorder("read");
        let [inp, from] = [&mut copy, &mut read].map(|rec| rec.kept("inp", Kind::Input, &[MOVED]));
        let out = copy.kept("copied", Kind::Output, &[MOVED]);
        ceiling::copy(&mut copy, inp, out);
        let sums = read.kept("sums", Kind::Output, &[MOVED / (4 * ceiling::STEPS)]);
        ceiling::read(&mut read, from, sums);
        let mut recorders = vec![arithmetic, copy, read];
        if let Some(kind) = ceiling::coop_kind(&device.limits()) {
            let mut coop = recorder("coop");
            // A GPU has them in hardware; a processor that plays one is a thousand times slower.
            let (groups, rounds) = if device.class() == Class::Lanes { (64, 16) } else { (1024, 1024) };
            ceiling::coop(&mut coop, kind, groups, rounds);
            recorders.push(coop);
        }
        let recordings = recorders.into_iter().map(Recorder::finish);
        let program = Program::from(recordings.collect::<Result<Vec<_>>>()?);
        let priced: Vec<[f64; 2]> =
            program.recordings.iter().map(|r| [r.flops() as f64, r.bytes() as f64]).collect();
        let mut exec = device.load(program, Options::default())?;
        // Numbers, not zeros: some memories and some processors know a zero.
        let mut rng = Rng::new(1, "ceilings");
        let some: Vec<f32> = (0..1 << 20).map(|_| rng.normal()).collect();
        for first in (0..MOVED).step_by(some.len()) {
            exec.write_f32("inp", first, &some)?;
        }
        let mut best = |name| least(exec.as_mut(), name, rounds);
        Ok(Ceilings {
            flops: priced[0][0] / best("fma")?,
            coop: match priced.get(3) {
                Some([flops, _]) => Some(flops / best("coop")?),
                None => None,
            },
            copied: priced[1][1] / best("copy")?,
            read: priced[2][1] / best("read")?,
            clock: exec.clock(),
        })
    }

    /// Bytes a second, however they are best moved.
    pub fn bytes(&self) -> f64 {
        self.copied.max(self.read)
    }

    /// The seconds that a dispatch takes at least, and what it waits for: where it multiplies small matrices of halves, their units.
    pub fn at_least(&self, d: &Dispatch) -> (f64, Bound) {
        let units = self.coop.filter(|_| matmul::cooperates_in_halves(d)).unwrap_or(self.flops);
        self.nearer(d.flops, units, d.bytes)
    }

    fn nearer(&self, flops: u64, units: f64, bytes: u64) -> (f64, Bound) {
        let (arithmetic, memory) = (flops as f64 / units, bytes as f64 / self.bytes());
        if arithmetic > memory { (arithmetic, Bound::Arithmetic) } else { (memory, Bound::Memory) }
    }
}

/// A ceiling is what was reached once: the fastest round.
fn least(exec: &mut dyn Executor, name: &str, rounds: Rounds) -> Result<f64> {
    let all = rounds.run(|| Ok(exec.time_range(name, &Step::default(), 0..1)?[0]))?;
    Ok(Spread::of(all).least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_waits_for_the_nearer_ceiling() {
        let of = Ceilings { flops: 100.0, coop: None, copied: 10.0, read: 20.0, clock: Clock::Calls };
        assert_eq!(of.nearer(1000, of.flops, 20), (10.0, Bound::Arithmetic));
        assert_eq!(of.nearer(100, of.flops, 200), (10.0, Bound::Memory));
    }
}
