//! Rule 3: every kernel against its CPU twin, at every size and for every set of constants it ships with, with the shader
//! checks on and off, every scratch tensor poisoned with NaN where its life begins.

use crate::common::{gpu, turn};
use diarist::check::doctor;
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Choices, Kernel};
use diarist::ops::FAMILIES;

fn agree(choices: Choices, checked: bool) {
    let _turn = turn();
    let options = Options { checked, ..Options::default() };
    let report = doctor(&gpu(), choices, options, None, |_| ()).unwrap();
    for row in report.rows() {
        println!(
            "{:28} {:4} {:9.1e} {:9.1e}  {}",
            row.kernel, row.compared, row.worst, row.tolerance, row.at
        );
    }
    assert_eq!(report.wrong(), Vec::<&str>::new());
    let known: Vec<&str> = FAMILIES.iter().flat_map(|f| f.kernels).map(|k| k.name).collect();
    assert!(report.rows().all(|r| known.contains(&r.kernel)));
    // Every kernel that this set of constants uses was run: all but the other set's matmul.
    let unused = known.len() - report.rows().count();
    assert_eq!(unused, 2, "matmul and matmul_bias, or matmul_lanes and matmul_lanes_bias");
}

#[test]
fn kernels_for_software_adapters() {
    agree(Choices::Lanes, false);
}

#[test]
fn kernels_for_gpus() {
    agree(Choices::Tiles, false);
}

#[test]
fn kernels_for_software_adapters_checked() {
    agree(Choices::Lanes, true);
}

#[test]
fn kernels_for_gpus_checked() {
    agree(Choices::Tiles, true);
}

#[test]
fn the_cpu_agrees_with_itself() {
    let report = doctor(&Device::Cpu(0), Choices::Lanes, Options::default(), None, |_| ()).unwrap();
    assert_eq!(report.wrong(), Vec::<&str>::new());
}

/// Breaks two kernels: in one a ½ of its derivative becomes 0.6, the other returns before it writes anything.
fn corrupt(kernel: &Kernel, wgsl: String) -> String {
    let mut broken = wgsl;
    if kernel.name == "gelu_backward" {
        let at = broken.rfind("0.5 * (1.0 + t)").expect("gelu's derivative has its ½");
        broken.replace_range(at..at + 3, "0.6");
    }
    if kernel.name == "gelu_forward" {
        let start = broken.find("fn gelu_forward").expect("the entry point is there");
        let body = start + broken[start..].find("{\n").expect("it has a body") + 1;
        // Behind a condition that always holds, so that the rest is not unreachable.
        broken.insert_str(body, "\n    if (workgroup.x < 100000u) { return; }");
    }
    broken
}

/// The poison in a tensor that nothing wrote is seen, and neither the kernels after it nor any other are blamed.
#[test]
fn doctor_names_the_kernels_that_were_corrupted() {
    let _turn = turn();
    let report = doctor(&gpu(), Choices::Lanes, Options::default(), Some(corrupt), |_| ()).unwrap();
    assert_eq!(report.wrong(), ["gelu_backward", "gelu_forward"]);
}
