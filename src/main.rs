//! The `diarist` command; everything is in the library.

fn main() -> std::process::ExitCode {
    diarist::cli::main()
}
