//! `diarist --version --verbose`: what is asked for in a report, and what may open a connection.

use crate::cli::out;
use crate::weights::hub::ENDPOINT;

/// Prints it.
///
/// # Errors
/// Output that cannot be written.
pub fn run() -> anyhow::Result<()> {
    let gpus = match std::env::consts::OS {
        "macos" => "Metal",
        "windows" => "Vulkan, DX12",
        _ => "Vulkan",
    };
    out::text(&format!(
        "diarist {}\n\
         for      {} on {}; GPUs by {gpus}\n\
         network  only `diarist fetch`, and `diarist train` where you say yes to its offer, open a connection: to \
         {ENDPOINT}, or the mirror that HF_ENDPOINT names; and `diarist pairs batch --endpoint`, to the address that you give it\n\
         serves   only `diarist serve`, to this computer alone unless --host says otherwise\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
    ))
}
