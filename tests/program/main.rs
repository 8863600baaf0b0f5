//! The program as a person runs it.

#[path = "../common/browser.rs"]
mod browser;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/hub.rs"]
mod hub;

#[cfg(unix)]
mod advice;
#[cfg(unix)]
mod again;
mod bench;
mod best;
mod cli;
mod convert;
#[cfg(unix)]
mod crash;
mod explain;
mod fetch;
mod first_model;
mod likeness;
mod limits;
#[cfg(unix)]
mod lora;
mod mixed;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod network; // a filter of system calls is Linux's; elsewhere only `fetch` is known to connect by reading
mod pairs;
mod report;
#[cfg(unix)]
mod safe;
mod secrets;
#[cfg(unix)]
mod served;
mod spikes;
#[cfg(unix)]
mod talk;
mod tokenizers;
mod tokens;
mod watched;
