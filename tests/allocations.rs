//! A step on the CPU asks for no memory: what it needs is there from the first one on. The matrix products are the exception:
//! `gemm` asks for the place where it packs an operand, and gives it back, product by product; of a loop cut between threads,
//! `rayon` asks for a block of its queue once in some sixty entries.
//!
//! And the suffix array of a diary takes no more than it may.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use diarist::base::{Config, Gpt2, Llama, Optimizer};
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Choices, Class, Executor, Program, Step};
use diarist::eval::likeness::suffix::Suffixes;
use diarist::model::{self, Shape, input, store};
use diarist::optim::Hyper;
use diarist::optim::adamw::{micro_step, update};

/// How often memory was asked for.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// One test at a time: each counts what is asked for in this process.
static ALONE: Mutex<()> = Mutex::new(());

thread_local! {
    /// Bytes that this thread holds, and the most that it held.
    static HELD: Cell<[isize; 2]> = const { Cell::new([0; 2]) };
}

/// More bytes are held, or fewer.
fn held(more: isize) {
    // A thread that ends has no counter any more, and nobody who looks at it.
    let _ = HELD.try_with(|held| {
        let [now, most] = held.get();
        held.set([now + more, most.max(now + more)]);
    });
}

struct Counting;

// SAFETY: the system's allocator does it all, with what it is given; counters are all that is added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        held(layout.size() as isize);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        held(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        held(size as isize - layout.size() as isize);
        // SAFETY: `at` came from this allocator, which is the system's.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        held(-(layout.size() as isize));
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often memory is asked for by each kernel's dispatches, the least of several replays of each: a queue's block falls to
/// one now and then, and a thread that comes to a kernel for the first time makes its buffers.
fn asked(exec: &mut dyn Executor, recording: &str, step: &Step) -> BTreeMap<&'static str, u64> {
    let program = exec.program();
    let kernels: Vec<&str> =
        program.find(recording).expect("it is there").dispatches.iter().map(|d| d.kernel.name).collect();
    let mut found = BTreeMap::new();
    for (i, kernel) in kernels.iter().enumerate() {
        let mut once = || {
            let before = ASKED.load(Ordering::Relaxed);
            exec.run_range(recording, step, i..i + 1).expect("the CPU is there");
            ASKED.load(Ordering::Relaxed) - before
        };
        let least = (0..12).map(|_| once()).min().unwrap_or(0);
        *found.entry(*kernel).or_default() += least;
    }
    found
}

/// The kernels whose twins are made of `gemm`'s products.
fn multiplies(kernel: &str) -> bool {
    kernel.starts_with("matmul")
        || kernel.starts_with("attention_forward")
        || kernel.starts_with("attention_backward")
}

fn check(config: Config, optimizer: Optimizer, threads: usize) {
    let device = Device::Cpu(threads);
    let limits = device.limits();
    let base = Shape::new(config, 2, 80, limits, Choices::of(Class::Lanes, &limits));
    let shape = Shape { dropout: true, optimizer, ..base };
    let step = update(&shape.slots(), limits, &shape.choices).expect("it fits");
    let mut program: Program = shape.training(step).expect("it fits");
    program.recordings.extend([shape.decode().expect("it fits")]);
    let mut exec = device.load(program, Options::default()).expect("it fits");
    store::initialise(exec.as_mut(), &shape, 1).expect("the CPU is there");
    store::zero_moments(exec.as_mut(), &shape).expect("the CPU is there");
    let vocab = shape.config.vocab_size() as u32;
    let text: Vec<u32> = (0..=160).map(|i: u32| i.wrapping_mul(2_654_435_761) % vocab).collect();
    model::feed(exec.as_mut(), &text[..160], &text[1..]).expect("the CPU is there");
    exec.write(input::TOKEN, 0, &[7]).expect("the CPU is there");
    exec.write(input::PLACES, 0, &[0, 9]).expect("the CPU is there");
    let hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };
    let uniform = |name: &str| match name {
        "micro_step" => micro_step(1.0 / 160.0, 0.1, 1, 1),
        "update" => hyper.step(1, 1e-4),
        _ => Step::default(),
    };
    for recording in ["zero", "micro_step", "update", "decode"] {
        exec.run(recording, &uniform(recording)).expect("the CPU is there");
        let asked = asked(exec.as_mut(), recording, &uniform(recording));
        let (gemms, others): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(kernel, _)| multiplies(kernel));
        println!("{recording} on {threads} threads, gemm's: {gemms:?}");
        let others: Vec<_> = others.into_iter().filter(|(_, asked)| *asked > 0).collect();
        assert_eq!(others, [], "{recording} on {threads} threads");
    }
}

#[test]
fn a_step_and_a_token_ask_for_no_memory() {
    let _alone = ALONE.lock().expect("a test that fails fails the others too");
    let gpt2 = Config::Gpt2(Gpt2 { vocab_size: 509, block_size: 96, n_layer: 2, n_head: 3, n_embd: 96 });
    let llama = Config::Llama(Llama {
        vocab_size: 509,
        block_size: 96,
        n_layer: 2,
        n_head: 4,
        n_kv_head: 2,
        n_embd: 96,
        head_size: 24,
        n_ff: 160,
        rope_theta: 1e4,
        eps: 1e-5,
        window: None,
        tied: true,
    });
    for threads in [1, 2] {
        check(gpt2, Optimizer::Adamw, threads);
        check(gpt2, Optimizer::Muon, threads);
        check(llama, Optimizer::Adamw, threads);
    }
}

#[test]
fn suffixes_take_twelve_bytes_a_word_at_most() {
    let _alone = ALONE.lock().expect("a test that fails fails the others too");
    let n = 300_000;
    let all_different: Vec<u32> = (0..n).map(|i: u32| (i * 7_919) % n).collect();
    let twice = (0..n).map(|i| i % (n / 2)).collect();
    let common = (0..n).map(|i: u32| i.wrapping_mul(2_654_435_761).leading_zeros()).collect();
    let up_and_down = (0..n).map(|i| if i % 2 == 0 { n - 1 - i } else { i }).collect();
    for (what, text) in [
        ("all different", all_different),
        ("each twice", twice),
        ("few words", common),
        ("as deep as can be", up_and_down),
    ] {
        let before = HELD.get()[0];
        HELD.set([before; 2]);
        let suffixes = Suffixes::new(text);
        // The text's own four bytes a word were held before.
        let most = 4 * n as isize + HELD.get()[1] - before;
        println!("{what}: {} bytes of {}", most, 12 * n);
        assert!(most <= 12 * n as isize, "{what}: {most} bytes for {n} words");
        assert_eq!(suffixes.text().len(), n as usize);
    }
}
