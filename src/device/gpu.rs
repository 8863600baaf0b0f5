//! The GPU executor: prebuilt pipelines and bind groups; a replay is one encoder, one pass, one submit (more where a
//! submit would run so long that a watchdog could kill it).

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::base::{Error, Result};
use crate::device::Step;
use crate::device::adapter::{GpuDevice, Patch, Pipeline};
use crate::device::executor::{Executor, Options};
use crate::device::lost::quietly;
use crate::device::plan::{Place, Plan};
use crate::device::recording::{Program, Tensor};
use crate::device::time::{Meter, work};

/// A uniform slice starts at a multiple of this: the largest alignment WebGPU allows a device to ask for.
const UNIFORM_ALIGN: u64 = 256;
/// A host copy goes in pieces of this many bytes.
const STAGING: u64 = 16 << 20;

/// A program on a GPU.
pub struct Gpu {
    on: Arc<GpuDevice>,
    program: Program,
    plan: Plan,
    slots: Vec<wgpu::Buffer>,
    launches: Vec<Vec<Launch>>,
    step: wgpu::Buffer,
    staging: Option<wgpu::Buffer>,
    nan: Option<wgpu::Buffer>,
    requested: VecDeque<Requested>,
    spare: HashMap<u64, Vec<wgpu::Buffer>>,
    meter: Meter,
}

struct Launch {
    pipeline: Arc<Pipeline>,
    tensors: wgpu::BindGroup,
    uniforms: wgpu::BindGroup,
    workgroups: [u32; 3],
    work: f64,
}

/// A copy on its way to the host.
struct Requested {
    buffer: wgpu::Buffer,
    /// The submit that it waits for, and no later one: the next step runs on while this is read.
    submission: wgpu::SubmissionIndex,
    /// [`Meter::submitted`] when it was asked for.
    submitted: f64,
}

impl Gpu {
    /// Allocates a program's tensors, builds its pipelines and bind groups.
    ///
    /// # Errors
    /// Too little memory, a shader the driver refuses, or a program that cannot be planned.
    pub fn new(on: Arc<GpuDevice>, program: Program, options: Options, patch: Option<Patch>) -> Result<Gpu> {
        let plan = Plan::new(&program)?;
        plan.check(on.free())?;
        let storage =
            wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let slots: Vec<_> =
            plan.slots.iter().map(|s| on.buffer(&s.name, s.bytes, storage)).collect::<Result<_>>()?;
        let step = on.buffer("step", size_of::<Step>() as u64, uniform)?;
        let mut launches = Vec::new();
        for (recording, places) in program.recordings.iter().zip(&plan.places) {
            let count = recording.dispatches.len() as u64;
            let dims = on.buffer("dims", UNIFORM_ALIGN * count.max(1), uniform)?;
            let mut words = vec![0u32; (UNIFORM_ALIGN / 4 * count.max(1)) as usize];
            let mut list = Vec::new();
            for (i, d) in recording.dispatches.iter().enumerate() {
                let offset = UNIFORM_ALIGN * i as u64;
                words[offset as usize / 4..][..d.dims.len()].copy_from_slice(&d.dims);
                let pipeline = on.pipeline(d, options.checked, patch)?;
                let slice = |buffer, offset, bytes| {
                    wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer,
                        offset,
                        size: std::num::NonZeroU64::new(bytes),
                    })
                };
                let tensors: Vec<_> = (d.args.iter().enumerate())
                    .map(|(b, arg)| {
                        let Place { slot, first, words } = places[arg.tensor.index()];
                        let resource = slice(&slots[slot], 4 * first as u64, 4 * words as u64);
                        wgpu::BindGroupEntry { binding: b as u32, resource }
                    })
                    .collect();
                let dims_bytes = (4 * d.dims.len() as u64).next_multiple_of(16);
                let uniforms = [
                    wgpu::BindGroupEntry { binding: 0, resource: slice(&dims, offset, dims_bytes) },
                    wgpu::BindGroupEntry { binding: 1, resource: slice(&step, 0, size_of::<Step>() as u64) },
                ];
                let group = |layout, entries: &[wgpu::BindGroupEntry]| {
                    on.device.create_bind_group(&wgpu::BindGroupDescriptor {
                        label: Some(&d.label),
                        layout,
                        entries,
                    })
                };
                let tensors = group(&pipeline.tensors, &tensors);
                let uniforms = group(&pipeline.uniforms, &uniforms[..1 + usize::from(d.kernel.step)]);
                list.push(Launch { pipeline, tensors, uniforms, workgroups: d.workgroups, work: work(d) });
            }
            on.queue.write_buffer(&dims, 0, bytemuck::cast_slice(&words));
            launches.push(list);
        }
        // Before anything is measured: what the slowest device of each type does.
        let rate = match on.info.device_type {
            wgpu::DeviceType::DiscreteGpu => 1e12,
            wgpu::DeviceType::Cpu => 2e9,
            _ => 5e10,
        };
        let nan = options
            .poison
            .then(|| -> Result<wgpu::Buffer> {
                let buffer = on.buffer("nan", STAGING, storage)?;
                on.queue.write_buffer(&buffer, 0, &vec![0xff; STAGING as usize]);
                Ok(buffer)
            })
            .transpose()?;
        on.check()?;
        Ok(Gpu {
            on,
            program,
            plan,
            slots,
            launches,
            step,
            staging: None,
            nan,
            requested: VecDeque::new(),
            spare: HashMap::new(),
            meter: Meter::new(rate),
        })
    }

    fn poll(&self, what: wgpu::PollType) -> Result<()> {
        let answer = quietly(|| self.on.device.poll(what));
        self.on.check()?;
        let silent = |why: String| Error::lost(format!("{} stopped answering: {why}", self.on.info.name));
        answer.map_err(silent)?.map_err(|e| silent(e.to_string())).map(drop)
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.on.device.create_command_encoder(&Default::default())
    }

    fn submit(&self, encoder: wgpu::CommandEncoder) -> Result<()> {
        self.on.queue.submit([encoder.finish()]);
        self.on.check()
    }

    fn write_at(&mut self, at: Place, first: usize, words: &[u32]) -> Result<()> {
        for (i, piece) in words.chunks((STAGING / 4) as usize).enumerate() {
            let offset = 4 * (at.first + first) as u64 + i as u64 * STAGING;
            self.on.queue.write_buffer(&self.slots[at.slot], offset, bytemuck::cast_slice(piece));
            if piece.len() as u64 * 4 == STAGING {
                // Large copies are sent at once and waited for, so that the queue's own staging never holds many.
                self.on.queue.submit([]);
                self.poll(wgpu::PollType::wait_indefinitely())?;
            }
        }
        self.on.check()
    }

    fn read_at(&mut self, at: Place, first: usize, out: &mut [u32]) -> Result<()> {
        if self.staging.is_none() {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            self.staging = Some(self.on.buffer("staging", STAGING, usage)?);
        }
        let staging = self.staging.clone().expect("made above");
        for (i, piece) in out.chunks_mut((STAGING / 4) as usize).enumerate() {
            let offset = 4 * (at.first + first) as u64 + i as u64 * STAGING;
            let bytes = 4 * piece.len() as u64;
            let mut encoder = self.encoder();
            encoder.copy_buffer_to_buffer(&self.slots[at.slot], offset, &staging, 0, bytes);
            self.submit(encoder)?;
            staging.slice(..bytes).map_async(wgpu::MapMode::Read, |_| ());
            self.poll(wgpu::PollType::wait_indefinitely())?;
            self.copy_mapped(&staging, bytes, piece)?;
        }
        Ok(())
    }

    /// Copies a mapped buffer's content, and unmaps it.
    fn copy_mapped(&self, buffer: &wgpu::Buffer, bytes: u64, out: &mut [u32]) -> Result<()> {
        let view = buffer
            .slice(..bytes)
            .get_mapped_range()
            .map_err(|e| Error::lost(format!("{}: a result could not be read: {e}", self.on.info.name)))?;
        out.copy_from_slice(bytemuck::cast_slice(&view));
        drop(view);
        buffer.unmap();
        Ok(())
    }

    /// Fills the scratch tensors that dispatch `i` brings to life with NaN.
    fn poison(&self, encoder: &mut wgpu::CommandEncoder, r: usize, i: usize) {
        let Some(nan) = &self.nan else { return };
        for t in &self.plan.births[r][i] {
            let slot = self.plan.places[r][t.index()].slot;
            let size = self.slots[slot].size();
            for offset in (0..size).step_by(STAGING as usize) {
                encoder.copy_buffer_to_buffer(nan, 0, &self.slots[slot], offset, STAGING.min(size - offset));
            }
        }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder, launches: &[Launch]) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for launch in launches {
            pass.set_pipeline(&launch.pipeline.pipeline);
            pass.set_bind_group(0, &launch.tensors, &[]);
            pass.set_bind_group(1, &launch.uniforms, &[]);
            let [x, y, z] = launch.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
    }
}

impl Executor for Gpu {
    fn program(&self) -> &Program {
        &self.program
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn allocated(&self) -> u64 {
        self.slots.iter().map(wgpu::Buffer::size).sum()
    }

    fn write(&mut self, name: &str, first: usize, words: &[u32]) -> Result<()> {
        self.write_at(self.plan.kept(name), first, words)
    }

    fn read(&mut self, name: &str, first: usize, out: &mut [u32]) -> Result<()> {
        self.read_at(self.plan.kept(name), first, out)
    }

    fn run_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<()> {
        let r = self.program.index(recording);
        // write_buffer lands before the next submit, which is why each micro-step is a submit of its own.
        self.on.queue.write_buffer(&self.step, 0, bytemuck::bytes_of(step));
        let end = range.end.min(self.launches[r].len());
        let mut first = range.start;
        while first < end {
            let mut last = first;
            let mut priced = 0.0;
            while last < end && (last == first || priced < self.meter.at_once()) {
                priced += self.launches[r][last].work;
                last += 1;
                if self.nan.is_some() {
                    break;
                }
            }
            let mut encoder = self.encoder();
            self.poison(&mut encoder, r, first);
            self.encode(&mut encoder, &self.launches[r][first..last]);
            self.submit(encoder)?;
            self.meter.submitted += priced;
            first = last;
        }
        Ok(())
    }

    fn request(&mut self, name: &str) -> Result<()> {
        let Place { slot, first, words } = self.plan.kept(name);
        let bytes = 4 * words as u64;
        let buffer = match self.spare.get_mut(&bytes).and_then(Vec::pop) {
            Some(buffer) => buffer,
            None => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                self.on.buffer("requested", bytes, usage)?
            }
        };
        let mut encoder = self.encoder();
        encoder.copy_buffer_to_buffer(&self.slots[slot], 4 * first as u64, &buffer, 0, bytes);
        let submission = self.on.queue.submit([encoder.finish()]);
        buffer.slice(..).map_async(wgpu::MapMode::Read, |_| ());
        self.requested.push_back(Requested { buffer, submission, submitted: self.meter.submitted });
        self.on.check()
    }

    fn receive(&mut self) -> Result<Vec<u32>> {
        let Requested { buffer, submission, submitted } =
            self.requested.pop_front().expect("every receive follows its request");
        self.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: None })?;
        let mut out = vec![0; (buffer.size() / 4) as usize];
        self.copy_mapped(&buffer, buffer.size(), &mut out)?;
        self.spare.entry(buffer.size()).or_default().push(buffer);
        self.meter.receive(submitted);
        Ok(out)
    }

    fn wait(&mut self) -> Result<()> {
        self.poll(wgpu::PollType::wait_indefinitely())
    }

    fn peek(&mut self, recording: &str, tensor: Tensor) -> Result<Vec<u32>> {
        let place = self.plan.places[self.program.index(recording)][tensor.index()];
        let mut out = vec![0; place.words];
        self.read_at(place, 0, &mut out)?;
        Ok(out)
    }

    fn poke(&mut self, recording: &str, tensor: Tensor, words: &[u32]) -> Result<()> {
        self.write_at(self.plan.places[self.program.index(recording)][tensor.index()], 0, words)
    }
}
