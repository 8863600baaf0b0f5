//! Which device: `--device auto|cpu|gpu|gpu:1|gpu:NAME-PART`.

use std::sync::Arc;

use crate::base::memory::{self, Free};
use crate::base::{Error, Result, shell};
use crate::device::adapter::{GpuDevice, Patch, free_of, limits_of};
use crate::device::cpu::Cpu;
use crate::device::executor::{Executor, Options};
use crate::device::gpu::Gpu;
use crate::device::known::Known;
use crate::device::recording::Program;
use crate::device::{Choices, Class, Limits};

/// One adapter, as `diarist devices` shows it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AdapterReport {
    /// What `--device` takes.
    pub device: String,
    /// The adapter's name.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// Vulkan, Metal, Dx12.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// Largest storage binding, bytes.
    pub max_binding: u64,
    /// Largest buffer, bytes.
    pub max_buffer: u64,
    /// Shared memory of a workgroup, bytes.
    pub workgroup_memory: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
    /// The features that later kernels could use.
    pub features: Vec<&'static str>,
}

/// What a device is, as far as the last bits of its numbers depend on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// "gpu" or "cpu".
    pub executor: String,
    /// The adapter's name, or the widest vectors of the CPU: what the last bits of its sums depend on.
    pub name: String,
    /// The driver and its version; empty for a CPU.
    pub driver: String,
    /// "vulkan", "metal", "dx12"; empty for a CPU.
    pub backend: String,
}

impl Identity {
    /// What `--device` takes to open this one again.
    pub fn spec(&self) -> String {
        if self.executor == "cpu" { "cpu".to_string() } else { format!("gpu:{}", self.name) }
    }
}

/// A device that is looked at, and not opened.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What a recording for it may rely on.
    pub limits: Limits,
    /// The class of kernels that suits it.
    pub class: Class,
    /// The memory that is free where its tensors go; none where nothing tells.
    pub free: Option<Free>,
    /// Whether it is a GPU's adapter.
    pub gpu: bool,
    /// The line that is shown of it.
    pub line: String,
    /// What is known of adapters like it.
    pub known: Option<&'static Known>,
}

impl Seen {
    /// The variants that it takes before anything is measured.
    pub fn choices(&self) -> Choices {
        Choices { known: self.known, ..Choices::of(self.class, &self.limits) }
    }
}

/// An opened device, ready for programs.
#[derive(Clone)]
pub enum Device {
    /// The twins, on this many threads (0: every core).
    Cpu(usize),
    /// A GPU adapter.
    Gpu(Arc<GpuDevice>),
}

impl Device {
    /// Opens what `--device` names. `auto` takes the best real GPU; where there is none, the CPU.
    ///
    /// # Errors
    /// A name that fits no adapter; a GPU that does not open.
    pub fn open(wanted: &str, threads: usize) -> Result<Device> {
        Ok(match find(wanted)? {
            Some(adapter) => Device::Gpu(Arc::new(GpuDevice::open(adapter)?)),
            None => Device::Cpu(threads),
        })
    }

    /// Looks at what `--device` names, and opens nothing.
    ///
    /// # Errors
    /// A name that fits no adapter.
    pub fn look(wanted: &str, threads: usize) -> Result<Seen> {
        Ok(match find(wanted)? {
            Some(adapter) => {
                let info = adapter.get_info();
                Seen {
                    limits: limits_of(adapter),
                    class: class_of(&info),
                    free: free_of(&info),
                    gpu: true,
                    line: line_of(&info),
                    known: Known::of(&info.name),
                }
            }
            None => Device::Cpu(threads).seen(),
        })
    }

    /// Lets go of it, to open it once more.
    pub fn close(self) -> Closed {
        match self {
            Device::Cpu(threads) => Closed { adapter: None, threads },
            Device::Gpu(gpu) => Closed { adapter: Some(gpu.info.clone()), threads: 0 },
        }
    }

    /// Puts a program on it.
    ///
    /// # Errors
    /// Too little memory, or a shader that the driver refuses.
    pub fn load(&self, program: Program, options: Options) -> Result<Box<dyn Executor>> {
        self.load_patched(program, options, None)
    }

    /// As [`Device::load`], with every kernel's WGSL passed through `patch`: how a test breaks a kernel on purpose.
    ///
    /// # Errors
    /// As [`Device::load`].
    pub fn load_patched(
        &self,
        program: Program,
        options: Options,
        patch: Option<Patch>,
    ) -> Result<Box<dyn Executor>> {
        let exec: Box<dyn Executor> = match self {
            Device::Cpu(threads) => Box::new(Cpu::new(program, Options { threads: *threads, ..options })?),
            Device::Gpu(gpu) => Box::new(Gpu::new(gpu.clone(), program, options, patch)?),
        };
        #[cfg(test)]
        let exec = Box::new(crate::device::testing::Failing(exec));
        Ok(exec)
    }

    /// What [`Device::look`] would see of it.
    pub fn seen(&self) -> Seen {
        let gpu = matches!(self, Device::Gpu(_));
        let (limits, class, free, line) = (self.limits(), self.class(), self.free(), self.line());
        Seen { limits, class, free, gpu, line, known: self.known() }
    }

    /// The memory that is free where its tensors go; none where nothing tells.
    pub fn free(&self) -> Option<Free> {
        match self {
            Device::Cpu(_) => memory::free(),
            Device::Gpu(gpu) => gpu.free(),
        }
    }

    /// What a recording for this device may rely on.
    pub fn limits(&self) -> Limits {
        match self {
            Device::Cpu(_) => Limits::DEFAULT,
            Device::Gpu(gpu) => gpu.limits,
        }
    }

    /// The class of kernels that suits it.
    pub fn class(&self) -> Class {
        match self {
            Device::Gpu(gpu) => class_of(&gpu.info),
            Device::Cpu(_) => Class::Lanes,
        }
    }

    /// The variants that it takes before anything is measured.
    pub fn choices(&self) -> Choices {
        Choices { known: self.known(), ..Choices::of(self.class(), &self.limits()) }
    }

    /// What is known of adapters like it.
    fn known(&self) -> Option<&'static Known> {
        match self {
            Device::Cpu(_) => None,
            Device::Gpu(gpu) => Known::of(&gpu.info.name),
        }
    }

    /// `cpu`, or the adapter's name.
    pub fn name(&self) -> String {
        match self {
            Device::Cpu(_) => "cpu".to_string(),
            Device::Gpu(gpu) => gpu.info.name.clone(),
        }
    }

    /// Backend and driver, as a record keeps them.
    pub fn driver(&self) -> String {
        match self {
            Device::Cpu(_) => format!("{} threads available", rayon::current_num_threads()),
            Device::Gpu(gpu) => {
                format!("{} {} {}", gpu.info.backend, gpu.info.driver, gpu.info.driver_info)
            }
        }
    }

    /// What a run records of it.
    pub fn identity(&self) -> Identity {
        match self {
            Device::Cpu(_) => Identity {
                executor: "cpu".into(),
                name: instruction_set().into(),
                driver: String::new(),
                backend: String::new(),
            },
            Device::Gpu(gpu) => Identity {
                executor: "gpu".into(),
                name: gpu.info.name.clone(),
                driver: format!("{} {}", gpu.info.driver, gpu.info.driver_info),
                backend: gpu.info.backend.to_string(),
            },
        }
    }

    /// As `diarist devices` shows it; none of a CPU.
    pub fn report(&self) -> Option<AdapterReport> {
        let Device::Gpu(gpu) = self else { return None };
        let i = adapters().iter().position(|a| same(&a.get_info(), &gpu.info))?;
        Some(report(i, &adapters()[i]))
    }

    /// The line that is shown before long work.
    pub fn line(&self) -> String {
        match self {
            Device::Cpu(n) => match if *n == 0 { rayon::current_num_threads() } else { *n } {
                1 => "cpu, 1 thread".to_string(),
                n => format!("cpu, {n} threads"),
            },
            Device::Gpu(gpu) => line_of(&gpu.info),
        }
    }
}

/// A device that was open.
pub struct Closed {
    adapter: Option<wgpu::AdapterInfo>,
    threads: usize,
}

impl Closed {
    /// Opens it: the same adapter, looked for anew, since the one that was found may be gone with its driver.
    ///
    /// # Errors
    /// It is not there, or does not open.
    pub fn open(&self) -> Result<Device> {
        let Some(was) = &self.adapter else { return Ok(Device::Cpu(self.threads)) };
        match find_adapters().iter().find(|adapter| same(was, &adapter.get_info())) {
            Some(adapter) => Ok(Device::Gpu(Arc::new(GpuDevice::open(adapter)?))),
            None => Err(Error::lost(format!("{} is not there any more", was.name))),
        }
    }
}

/// The adapter that `--device` names; none where it is the CPU. `auto` takes the best real GPU; where there is none, the CPU.
fn find(wanted: &str) -> Result<Option<&'static wgpu::Adapter>> {
    if wanted == "cpu" {
        return Ok(None);
    }
    let adapters = adapters();
    let found = match wanted {
        "auto" => adapters.iter().find(|a| !is_software(a)),
        "gpu" => adapters.first(),
        _ => match wanted.strip_prefix("gpu:") {
            Some(part) => match part.parse::<usize>() {
                Ok(i) => adapters.get(i),
                Err(_) => {
                    let part = part.to_lowercase();
                    adapters.iter().find(|a| a.get_info().name.to_lowercase().contains(&part))
                }
            },
            None => {
                return Err(Error::usage(
                    format!("--device {wanted} is not a device"),
                    format!(
                        "use auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME; `{} devices` lists them",
                        shell::program()
                    ),
                ));
            }
        },
    };
    match found {
        Some(adapter) => Ok(Some(adapter)),
        None if wanted == "auto" => Ok(None),
        None => Err(Error::device(
            format!("no adapter for --device {wanted}; this computer has {}", names(adapters)),
            format!("see `{} devices`; --device cpu needs no driver", shell::program()),
        )),
    }
}

/// Whether two are one adapter.
fn same(a: &wgpu::AdapterInfo, b: &wgpu::AdapterInfo) -> bool {
    a.name == b.name && a.backend == b.backend && a.device_pci_bus_id == b.device_pci_bus_id
}

/// The class of kernels that suits an adapter.
fn class_of(info: &wgpu::AdapterInfo) -> Class {
    if info.device_type == wgpu::DeviceType::Cpu { Class::Lanes } else { Class::Tiles }
}

fn line_of(info: &wgpu::AdapterInfo) -> String {
    format!("{} ({})", info.name, info.backend)
}

/// What the last bits of a CPU's sums depend on: the widest vectors it has.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return "x86-64 with AVX-512";
        }
        if std::is_x86_feature_detected!("fma") {
            return "x86-64 with AVX2 and FMA";
        }
    }
    std::env::consts::ARCH
}

/// Whether the only adapters here are software ones, and their names; for the sentence that `auto` owes.
pub fn why_cpu() -> String {
    let adapters = adapters();
    if adapters.is_empty() {
        "no GPU adapter was found".to_string()
    } else {
        format!("the only adapter is a software one ({})", names(adapters))
    }
}

/// Every adapter of this computer, the best first.
pub fn list() -> Vec<AdapterReport> {
    adapters().iter().enumerate().map(|(i, a)| report(i, a)).collect()
}

/// This computer's adapters, looked for once in a process.
fn adapters() -> &'static [wgpu::Adapter] {
    static ADAPTERS: std::sync::OnceLock<Vec<wgpu::Adapter>> = std::sync::OnceLock::new();
    ADAPTERS.get_or_init(find_adapters)
}

fn find_adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters.sort_by_key(|a| match a.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

fn is_software(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().device_type == wgpu::DeviceType::Cpu
}

fn names(adapters: &[wgpu::Adapter]) -> String {
    let names: Vec<String> = adapters.iter().map(|a| a.get_info().name).collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

fn report(i: usize, adapter: &wgpu::Adapter) -> AdapterReport {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let known = [
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative matrices"),
    ];
    AdapterReport {
        device: format!("gpu:{i}"),
        name: info.name,
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "other",
        },
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        max_binding: limits.max_storage_buffer_binding_size,
        max_buffer: limits.max_buffer_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        invocations: limits.max_compute_invocations_per_workgroup,
        features: known.iter().filter(|(f, _)| features.contains(*f)).map(|(_, name)| *name).collect(),
    }
}
