//! How much memory this process may still have. A computer that is asked for more than it has kills the process that asked,
//! without a word; so what is known to be needed is compared first.

use std::path::Path;

use crate::base::{Error, Result, units};

/// Memory that can still be had, and what sets the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Bytes.
    pub bytes: u64,
    /// Who has them, as "… has 3.1 GiB free" begins.
    pub who: &'static str,
    /// Whether addresses are counted rather than memory: threads and their heaps take many of those.
    pub addresses: bool,
}

impl std::fmt::Display for Free {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has {} free", self.who, units::bytes(self.bytes))
    }
}

impl Free {
    /// What is left of it for tensors: the rest is for everything that no plan counts, the code and its threads.
    pub fn for_tensors(&self) -> u64 {
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        // glibc gives each thread a heap of 64 MiB of addresses, and aligns it by taking twice that at first.
        let others = (32 << 20) + if self.addresses { (threads + 2) * (128 << 20) } else { 0 };
        self.bytes.saturating_sub(others)
    }

    /// What of that may be offered: it has to be there still when the offer is taken up. A thread's heap is there, or not yet.
    pub fn to_offer(&self) -> u64 {
        let less = if self.addresses { 128 << 20 } else { 0 };
        self.for_tensors().saturating_sub(less) / 100 * 97
    }
}

/// The memory that can be had now; none where the system does not say.
pub fn free() -> Option<Free> {
    let available = |mut system: sysinfo::System| {
        system.refresh_memory_specifics(sysinfo::MemoryRefreshKind::nothing().with_ram());
        system.available_memory()
    };
    let bytes = sysinfo::System::new().ok().map(available).filter(|&bytes| bytes > 0);
    let computer = bytes.map(|bytes| Free { bytes, who: "this computer", addresses: false });
    computer.into_iter().chain(limits(Path::new("/"))).min_by_key(Free::for_tensors)
}

/// The most memory that this process has taken, which Linux keeps, or else what it takes now; none where the system does not say.
/// (What it takes between two products lacks what they pack: memory of the `gemm` crate's that grows with the tokens.)
pub fn own() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let most @ 1.. = in_lines(&status, &["VmHWM:"]) {
        return Some(1024 * most);
    }
    let pid = sysinfo::get_current_pid().ok()?;
    let mut system = sysinfo::System::new().ok()?;
    let memory = sysinfo::ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[pid]), false, memory);
    system.process(pid).map(sysinfo::Process::memory)
}

/// The limits that Linux holds a process to: of its control groups, and of the shell's `ulimit`.
fn limits(root: &Path) -> Vec<Free> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let mut found = Vec::new();
    for line in read("proc/self/cgroup").lines() {
        // `4:memory:/a/b` of version 1, `0::/a/b` of version 2.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let group = Path::new(group.trim_start_matches('/'));
        let (places, limit, usage): (&[&str], _, _) = if controllers.is_empty() {
            (&["sys/fs/cgroup", "sys/fs/cgroup/unified"], "memory.max", "memory.current")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            (&["sys/fs/cgroup/memory"], "memory.limit_in_bytes", "memory.usage_in_bytes")
        } else {
            continue;
        };
        // A group is held to the limits of those above it. In a container its own path may not be there, and the root is it.
        for at in places.iter().flat_map(|place| group.ancestors().map(|g| Path::new(place).join(g))) {
            let number = |name: &str| read(at.join(name).to_str()?).trim().parse::<u64>().ok();
            // "max", or the largest number there is: no limit
            let Some(limit) = number(limit).filter(|&limit| limit < 1 << 60) else { continue };
            let files =
                in_lines(&read(&at.join("memory.stat").to_string_lossy()), &["inactive_file", "active_file"]);
            // What is kept of files is given up before anything is refused.
            let used = number(usage).unwrap_or(0).saturating_sub(files);
            let bytes = limit.saturating_sub(used);
            found.push(Free { bytes, who: "this container (its control group)", addresses: false });
        }
    }
    let (limits, status) = (read("proc/self/limits"), read("proc/self/status"));
    for (name, used) in [("Max address space", "VmSize:"), ("Max data size", "VmData:")] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        let Some(limit) = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()) else {
            continue;
        };
        let bytes = limit.saturating_sub(1024 * in_lines(&status, &[used]));
        found.push(Free { bytes, who: "this shell (its ulimit)", addresses: true });
    }
    found
}

/// The sum of the numbers that follow some words at the beginnings of lines.
fn in_lines(text: &str, names: &[&str]) -> u64 {
    let number = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|name| names.contains(name)).and_then(|_| words.next()?.parse::<u64>().ok())
    };
    text.lines().filter_map(number).sum()
}

/// Checks that so many bytes can be had, for `what`.
///
/// # Errors
/// They cannot: both figures are told.
pub fn check(bytes: u64, free: Option<Free>, what: &str, next: impl FnOnce() -> String) -> Result<()> {
    match free {
        Some(free) if bytes > free.for_tensors() => Err(short(bytes, &free, what, next())),
        _ => Ok(()),
    }
}

/// The error of [`check`].
pub fn short(bytes: u64, free: &Free, what: &str, next: impl Into<String>) -> Error {
    let ours = if bytes > free.bytes { "" } else { ", a part of it for the program and its threads" };
    Error::memory(format!("{what} needs {} of memory, and {free}{ours}", units::bytes(bytes)), next)
}

/// `len` zeros; an error where the system refuses them, instead of the process's end.
///
/// # Errors
/// There is no memory for them.
pub fn zeros<T: Copy + Default>(len: usize, what: &str) -> Result<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(len).map_err(|_| {
        let bytes = units::bytes((len as u64).saturating_mul(size_of::<T>() as u64));
        Error::memory(
            format!("the system refused {bytes} of memory for {what}"),
            "close other programs, or ask for less: a smaller model, batch or context",
        )
    })?;
    all.resize(len, T::default());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> Vec<Free> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        limits(dir.path())
    }

    #[test]
    fn control_groups_of_both_versions_and_above_are_asked() {
        let free = system(&[
            ("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n"),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "700\n"),
            ("sys/fs/cgroup/memory/a/memory.stat", "cache 1\ninactive_file 100\nactive_file 50\n"),
        ]);
        assert_eq!(free.iter().map(|f| f.bytes).collect::<Vec<_>>(), [450]);
        let free = system(&[
            ("proc/self/cgroup", "0::/user/one\n"),
            ("sys/fs/cgroup/user/one/memory.max", "max\n"),
            // Inside a container the group is the root.
            ("sys/fs/cgroup/memory.max", "1000\n"),
            ("sys/fs/cgroup/memory.current", "400\n"),
        ]);
        assert_eq!(free.iter().map(|f| f.bytes).collect::<Vec<_>>(), [600]);
        assert!(free[0].who.contains("container"));
        assert_eq!(system(&[]), []);
    }

    #[test]
    fn the_shells_limit_counts() {
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax data size   unlimited unlimited bytes\n\
                      Max address space         10240000             unlimited            bytes     \n";
        let free = system(&[
            ("proc/self/limits", limits),
            ("proc/self/status", "VmPeak:  9 kB\nVmSize:\t 1000 kB\n"),
        ]);
        assert_eq!((free.len(), free[0].bytes, free[0].addresses), (1, 10_240_000 - 1_024_000, true));
    }

    #[test]
    fn both_figures_are_told_and_what_is_not_known_is_no_obstacle() {
        let free = Free { bytes: 3 << 30, who: "this computer", addresses: false };
        let told = |bytes, free| check(bytes, free, "this model", || "use a smaller one".into());
        let error = told(4 << 30, Some(free)).unwrap_err().to_string();
        assert_eq!(
            error,
            "this model needs 4.0 GiB of memory, and this computer has 3.0 GiB free\n  next: use a smaller one"
        );
        assert!(told(2 << 30, Some(free)).is_ok() && told(1 << 60, None).is_ok());
        assert!(told(3 << 30, Some(free)).is_err(), "the code and its threads need some too");
    }

    #[test]
    fn what_cannot_be_had_is_an_error_and_not_the_end() {
        assert_eq!(zeros::<u32>(3, "ids").unwrap(), [0; 3]);
        let error = zeros::<u64>(usize::MAX / 64, "logits").unwrap_err().to_string();
        assert!(error.contains("for logits") && error.contains("next: "), "{error}");
        assert!(zeros::<u64>(usize::MAX, "logits").is_err());
    }

    #[test]
    fn this_computer_says_what_it_has() {
        let free = free().expect("the systems that we know all say it");
        assert!(free.bytes > 1 << 20, "{free}");
        let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(own().expect("and what a process takes") > taken.len() as u64);
    }
}
