//! The `diarist` command; everything is in the library.

fn main() -> std::process::ExitCode {
    // Mesa's device-select layer looks for a Wayland display and complains where there is none; we choose the adapter
    // ourselves.
    // SAFETY: no other thread exists yet that could read the environment.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    diarist::cli::main()
}
