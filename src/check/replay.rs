//! A replay under check: dispatch by dispatch, each twin run on the device's own inputs.

use crate::base::Result;
use crate::device::cpu::run_twin;
use crate::device::{Access, Arg, Element, Executor, Kernel, Step, TensorInfo};

/// One output of one dispatch, compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The dispatch's label.
    pub dispatch: String,
    /// Its kernel.
    pub kernel: &'static str,
    /// The tensor that was compared.
    pub tensor: String,
    /// ‖device − twin‖ / ‖twin‖.
    pub difference: f64,
    /// How far it may be.
    pub tolerance: f64,
}

impl Comparison {
    /// Whether the device computed this right.
    pub fn agrees(&self) -> bool {
        self.difference <= self.tolerance
    }
}

/// How far a device's output may be from the twin's: the kernel's tolerance, and where it is made of halves 2⁻¹⁰, within which of a
/// number each of its neighbours is, whichever way a device rounds.
pub fn tolerance(kernel: &Kernel, output: &TensorInfo) -> f64 {
    let rounding = if output.element == Element::F16 { 2f64.powi(-10) } else { 0.0 };
    f64::from(kernel.tolerance) + rounding
}

/// ‖a − b‖ / ‖b‖ in f64. Elements with the same bits, NaN too, agree; a NaN against a number is infinitely far.
pub fn relative_l2(a: &[f32], b: &[f32]) -> f64 {
    let (mut difference, mut norm) = (0.0_f64, 0.0_f64);
    for (&a, &b) in a.iter().zip(b) {
        if a.to_bits() == b.to_bits() {
            norm += if b.is_finite() { f64::from(b).powi(2) } else { 0.0 };
            continue;
        }
        if !a.is_finite() || !b.is_finite() {
            return f64::INFINITY;
        }
        difference += (f64::from(a) - f64::from(b)).powi(2);
        norm += f64::from(b).powi(2);
    }
    if difference == 0.0 { 0.0 } else { (difference / norm.max(f64::MIN_POSITIVE)).sqrt() }
}

/// Replays a recording one dispatch at a time and compares every output with the twin's on the same inputs.
///
/// # Errors
/// A lost device.
pub fn against_twins(exec: &mut dyn Executor, recording: &str, step: &Step) -> Result<Vec<Comparison>> {
    let list = exec.program().find(recording).expect("the program has this recording").clone();
    let mut found = Vec::new();
    for (i, d) in list.dispatches.iter().enumerate() {
        // Births are poisoned by the executor inside run_range, so a fresh output's content does not matter here: the
        // twin starts from what the device holds, and both write it over.
        let mut host = Vec::new();
        for arg in &d.args {
            host.push(exec.peek(recording, arg.tensor)?);
        }
        exec.run_range(recording, step, i..i + 1)?;
        let born = exec.plan().births[exec.program().index(recording)][i].clone();
        let written: Vec<usize> = (0..d.args.len()).filter(|&b| d.args[b].access != Access::Read).collect();
        let mut device = Vec::new();
        for &b in &written {
            device.push(exec.peek(recording, d.args[b].tensor)?);
        }
        // A newborn tensor holds the executor's poison, not what was peeked before it: the twin starts from that too, so
        // that what neither writes agrees, and what only one of the two writes does not.
        for (&b, device) in written.iter().zip(&device) {
            if born.contains(&d.args[b].tensor) {
                poisoned(&mut host[b], device, list.info(d.args[b].tensor).element);
            }
        }
        let (reads, writes) = host.split_at_mut(d.kernel.reads());
        let tensors = (reads.iter().map(Vec::as_slice), writes.iter_mut().map(Vec::as_mut_slice));
        run_twin(&list, d, step, tensors);
        for (&b, device) in written.iter().zip(device) {
            let info = list.info(d.args[b].tensor);
            let comparison = Comparison {
                dispatch: d.label.clone(),
                kernel: d.kernel.name,
                tensor: info.name.clone(),
                difference: relative_l2(&info.numbers(&device), &info.numbers(&host[b])),
                tolerance: tolerance(d.kernel, info),
            };
            if !comparison.agrees() {
                // The dispatches after it are judged on right inputs, so that none is blamed for another's NaN.
                exec.poke(recording, d.args[b].tensor, &host[b])?;
            }
            found.push(comparison);
        }
    }
    Ok(found)
}

/// Where a newborn tensor holds poison still: of two halves in a word one may have been written.
fn poisoned(twin: &mut [u32], device: &[u32], element: Element) {
    fn take<T: Copy + PartialEq>(twin: &mut [T], device: &[T], poison: T) {
        twin.iter_mut().zip(device).filter(|(_, v)| **v == poison).for_each(|(t, v)| *t = *v);
    }
    match element {
        Element::F16 => take(bytemuck::cast_slice_mut(twin), bytemuck::cast_slice(device), u16::MAX),
        _ => take(twin, device, u32::MAX),
    }
}

/// Replays a recording and names the first dispatch that writes a number that is not finite, and where.
///
/// # Errors
/// A lost device.
pub fn first_not_finite(exec: &mut dyn Executor, recording: &str, step: &Step) -> Result<Option<String>> {
    let list = exec.program().find(recording).expect("the program has this recording").clone();
    let births = exec.plan().births[exec.program().index(recording)].clone();
    for (i, d) in list.dispatches.iter().enumerate() {
        // A dispatch may write a part of a tensor; what lay in the rest is none of its doing.
        for &t in &births[i] {
            exec.poke(recording, t, &vec![0; list.info(t).words()])?;
        }
        exec.run_range(recording, step, i..i + 1)?;
        for &Arg { tensor: t, .. } in d.args.iter().filter(|a| a.access != Access::Read) {
            let words = exec.peek(recording, t)?;
            let values = list.info(t).numbers(&words);
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                let name = &list.info(t).name;
                return Ok(Some(format!(
                    "{} ({}) wrote {} to {name}[{at}]",
                    d.label, d.kernel.name, values[at]
                )));
            }
        }
    }
    Ok(None)
}
