//! One opened adapter: its device and queue, the pipelines built so far, and what went wrong on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::base::memory::{self, Free};
use crate::base::{Error, Result, units};
use crate::device::kernel::{Consts, Kernel};
use crate::device::lost::Told;
use crate::device::recording::Dispatch;
use crate::device::{Coop, Coops, Limits};

/// One opened adapter. A process opens one and shares it: several devices at once have hung drivers.
pub struct GpuDevice {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// What the adapter says of itself.
    pub(super) info: wgpu::AdapterInfo,
    /// What a recording may rely on.
    pub limits: Limits,
    pipelines: Mutex<HashMap<PipelineKey, Arc<Pipeline>>>,
    told: Told,
}

type PipelineKey = (&'static str, Consts, bool);

/// A kernel built for a set of constants.
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) tensors: wgpu::BindGroupLayout,
    pub(super) uniforms: wgpu::BindGroupLayout,
}

/// Rewrites a kernel's WGSL before it is built; a test corrupts a kernel with it.
pub type Patch = fn(&Kernel, String) -> String;

/// What is asked for where an adapter has it: what times a dispatch, lanes that hand each other their values, and halves.
const WANTED: wgpu::Features =
    wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::SUBGROUP).union(wgpu::Features::SHADER_F16);
/// And where it has matrices of a kind that we know.
const COOPERATIVE: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;

/// What a recording may rely on on an adapter.
pub(super) fn limits_of(adapter: &wgpu::Adapter) -> Limits {
    let limits = adapter.limits();
    let subgroups = adapter.features().contains(wgpu::Features::SUBGROUP);
    Limits {
        subgroup: if subgroups { adapter.get_info().subgroup_min_size } else { 0 },
        subgroup_most: if subgroups { adapter.get_info().subgroup_max_size } else { 0 },
        f16: adapter.features().contains(wgpu::Features::SHADER_F16),
        coop: coops_of(adapter),
        max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        max_workgroups: limits.max_compute_workgroups_per_dimension,
        max_invocations: limits.max_compute_invocations_per_workgroup,
        max_shared: limits.max_compute_workgroup_storage_size,
    }
}

/// Which cooperative matrices an adapter has, of those that kernels are written for. The feature alone says nothing of sizes and types.
fn coops_of(adapter: &wgpu::Adapter) -> Coops {
    use wgpu::CooperativeScalarType::{F16, F32};
    if !adapter.features().contains(COOPERATIVE | wgpu::Features::SUBGROUP) {
        return Coops::default();
    }
    let of = |p: &wgpu::CooperativeMatrixProperties| match (
        [p.m_size, p.n_size, p.k_size],
        p.ab_type,
        p.cr_type,
    ) {
        ([8, 8, 8], F16, F32) => Some(Coop::F16_8),
        ([16, 16, 16], F16, F32) => Some(Coop::F16_16),
        _ => None,
    };
    adapter.cooperative_matrix_properties().iter().filter_map(of).fold(Coops::default(), Coops::with)
}

/// What is free where an adapter's memory is the computer's: that of a processor's graphics, or of a software adapter. Of
/// memory of its own wgpu tells nothing; a buffer that has no room there is refused.
pub(super) fn free_of(info: &wgpu::AdapterInfo) -> Option<Free> {
    let shared = matches!(info.device_type, wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::Cpu);
    if shared { memory::free() } else { None }
}

impl GpuDevice {
    /// Opens an adapter with all the limits that it has.
    ///
    /// # Errors
    /// The driver's refusal.
    pub(super) fn open(adapter: &wgpu::Adapter) -> Result<GpuDevice> {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let cooperates = limits_of(adapter).coop.any();
        let cooperative = if cooperates { COOPERATIVE } else { wgpu::Features::empty() };
        // SAFETY: the feature is wgpu's experiment: its checks of shaders that use it may have gaps. The one that does is ours, bounds
        // every index, and is tried against its twin before it is taken for training.
        let experiments =
            if cooperates { unsafe { wgpu::ExperimentalFeatures::enabled() } } else { Default::default() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("diarist"),
            required_features: (adapter.features() & WANTED) | cooperative,
            experimental_features: experiments,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(|e| {
            Error::device(
                format!("{} did not open: {e}", info.name),
                "update its driver, or use --device cpu",
            )
        })?;
        let told = Told::default();
        told.listen(&device);
        #[cfg(test)]
        crate::device::testing::OPENED.with_borrow_mut(|opened| opened.push(device.clone()));
        let limits = limits_of(adapter);
        Ok(GpuDevice { device, queue, info, limits, pipelines: Mutex::default(), told })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Its driver and that one's version.
    pub fn driver(&self) -> String {
        format!("{} {}", self.info.driver, self.info.driver_info)
    }

    /// What is free of its memory.
    pub(super) fn free(&self) -> Option<Free> {
        free_of(&self.info)
    }

    /// Vulkan, Metal, Dx12.
    pub fn backend(&self) -> String {
        self.info.backend.to_string()
    }

    /// What the driver reported, as our error.
    pub(super) fn check(&self) -> Result<()> {
        self.told.check(&self.info.name)
    }

    pub(super) fn pipeline(
        &self,
        d: &Dispatch,
        checked: bool,
        patch: Option<Patch>,
    ) -> Result<Arc<Pipeline>> {
        let key = (d.kernel.name, d.consts.clone(), checked);
        let mut pipelines = self.pipelines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let (Some(p), None) = (pipelines.get(&key), patch) {
            return Ok(p.clone());
        }
        let mut source = d.kernel.wgsl(&d.consts)?;
        if let Some(patch) = patch {
            source = patch(d.kernel, source);
        }
        let built = Arc::new(self.build(d.kernel, source, checked));
        self.check()?;
        if patch.is_none() {
            pipelines.insert(key, built.clone());
        }
        Ok(built)
    }

    fn build(&self, kernel: &Kernel, source: String, checked: bool) -> Pipeline {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        let module = if checked {
            self.device.create_shader_module(descriptor)
        } else {
            // SAFETY: the shaders are ours, and their tests run them with checks on too. Loops are bounded by constants and
            // dims, which the recorder takes from the extents of the tensors that are bound; every index that comes out of a
            // buffer or of the step is compared with an extent first (the hostile tests of `tests/kernels/twins.rs`).
            unsafe {
                self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
            }
        };
        let entry = |binding: usize, ty| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let storage = |writable: bool| wgpu::BufferBindingType::Storage { read_only: !writable };
        let tensors: Vec<_> =
            kernel.bindings.iter().enumerate().map(|(i, b)| entry(i, storage(b.writable))).collect();
        let uniforms: Vec<_> =
            (0..1 + usize::from(kernel.step)).map(|i| entry(i, wgpu::BufferBindingType::Uniform)).collect();
        let layout = |entries: &[wgpu::BindGroupLayoutEntry]| {
            self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(kernel.name),
                entries,
            })
        };
        let (tensors, uniforms) = (layout(&tensors), layout(&uniforms));
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&tensors), Some(&uniforms)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(kernel.name),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Pipeline { pipeline, tensors, uniforms }
    }

    pub(super) fn buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        match pollster::block_on(scope.pop()) {
            // After a loss it is none, and wgpu does not say so.
            None => self.check().map(|()| buffer),
            Some(_) => Err(Error::memory(
                format!("{} has no room for {label} ({})", self.info.name, units::bytes(size)),
                "close other programs that use the GPU, ask for less (a smaller model, batch or context), or use \
                 --device cpu",
            )),
        }
    }
}
