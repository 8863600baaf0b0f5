//! What a record says of the computer that it was made on: enough to set it beside others', and nothing of whose it is.

use crate::device::select::{AdapterReport, Device};
use crate::run::record::now;

/// A device, its driver and this program.
#[derive(Debug, serde::Serialize)]
pub(super) struct About {
    /// This program's version.
    diarist: &'static str,
    /// When, in UTC.
    date: String,
    os: &'static str,
    arch: &'static str,
    /// `cpu`, or the adapter's name.
    device: String,
    /// What is driven, and by what.
    driver: String,
    /// The processor's vector units, where the device is a CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    processor: Option<String>,
    /// What the adapter says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter: Option<AdapterReport>,
}

impl About {
    /// It in a line: the device, its driver, the day.
    pub(super) fn line(&self) -> String {
        let day = self.date.split('T').next().unwrap_or_default();
        format!("{}, {}, {day}", self.device, self.driver)
    }

    /// A device's.
    pub(super) fn of(device: &Device) -> About {
        let gpu = matches!(device, Device::Gpu(_));
        About {
            diarist: env!("CARGO_PKG_VERSION"),
            date: now(),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            device: device.name(),
            driver: device.driver(),
            processor: (!gpu).then(|| device.identity().name),
            adapter: device.report(),
        }
    }
}
