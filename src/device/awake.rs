//! Worker threads that stay awake while a recording is replayed.
//!
//! A decoded token is some sixty parallel loops of a tenth of a millisecond each, with a little between them that one thread
//! does alone. A worker of `rayon` that finds nothing to do falls asleep meanwhile, and to wake it takes as long as a part of
//! the next loop: it comes late to every one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a worker looks for work before it may sleep all the same: longer than one thread is alone between two loops, and
/// short enough that a processor that others wait for is not kept from them.
const PATIENCE: Duration = Duration::from_millis(1);
/// The most workers that are kept awake. Each looks at the queues of all: many would be in each other's way.
const MOST: usize = 7;

/// Runs `run` on this worker of a pool, while so many others, or the most that is good, stay awake.
pub(super) fn beside(others: usize, run: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    let here = rayon::current_thread_index();
    let look = || {
        // On the thread that `run` waits on, this would wait for itself.
        if rayon::current_thread_index() != here {
            look_for_work(&done);
        }
    };
    with(others.min(MOST), &look, || {
        // Set by a drop, so that a panic of `run` leaves nobody waiting.
        let _done = Done(&done);
        run();
    });
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs `run` here, and `look` on `others` workers. A join asks for no memory, as a task of a scope would.
fn with(others: usize, look: &(impl Fn() + Sync), run: impl FnOnce() + Send) {
    match others {
        0 => run(),
        _ => {
            rayon::join(|| with(others - 1, look, run), look);
        }
    }
}

/// Does what other threads have left to do, until `done` or out of patience.
fn look_for_work(done: &AtomicBool) {
    let mut idle_since = Instant::now();
    while !done.load(Ordering::Acquire) {
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => idle_since = Instant::now(),
            _ if idle_since.elapsed() > PATIENCE => return,
            _ => (0..16).for_each(|_| std::hint::spin_loop()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn what_runs_beside_them_is_done_once_and_has_their_help() {
        for threads in [1, 2, 3, 12] {
            let pool = pool(threads);
            for n in [0, 1, 100] {
                let mut found = Vec::new();
                pool.install(|| {
                    beside(threads - 1, || {
                        use rayon::prelude::*;
                        found.push((0..n).into_par_iter().map(|i| i * i).sum::<u64>());
                        // Longer than anyone's patience.
                        std::thread::sleep(3 * PATIENCE);
                        found.push((0..n).into_par_iter().sum());
                    });
                });
                assert_eq!(found, [(0..n).map(|i| i * i).sum::<u64>(), (0..n).sum()]);
            }
        }
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let pool = pool(3);
        let run = || pool.install(|| beside(2, || panic!("as ordered")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        assert_eq!(pool.install(|| 7), 7);
    }
}
