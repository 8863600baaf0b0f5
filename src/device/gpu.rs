//! The GPU executor: prebuilt pipelines and bind groups; a replay is one encoder, one pass, one submit (more where a
//! submit would run so long that a watchdog could kill it).

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::base::{Error, Result};
use crate::device::Step;
use crate::device::adapter::{GpuDevice, Patch, Pipeline};
use crate::device::clock::{self, Timestamps};
use crate::device::executor::{Clock, Executor, Options};
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
    timestamps: Option<Timestamps>,
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
        let timestamps = Timestamps::of(&on)?;
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
            timestamps,
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
        launches.iter().for_each(|launch| launch.dispatch(&mut pass));
    }

    /// The dispatches from `first` on that are worth one submit, before `end`, and their work.
    fn at_once(&self, r: usize, first: usize, end: usize) -> (Range<usize>, f64) {
        let (mut last, mut priced) = (first, 0.0);
        while last < end && (last == first || priced < self.meter.at_once()) {
            priced += self.launches[r][last].work;
            last += 1;
            if self.nan.is_some() {
                break;
            }
        }
        (first..last, priced)
    }

    /// Runs some dispatches, a pass each, between timestamps.
    fn time_by(&self, timestamps: &Timestamps, launches: &[Launch]) -> Result<Vec<f64>> {
        let mut encoder = self.encoder();
        for (i, launch) in launches.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(timestamps.of_pass(i)),
            });
            launch.dispatch(&mut pass);
        }
        timestamps.resolve(&mut encoder, launches.len());
        self.submit(encoder)?;
        let bytes = 16 * launches.len() as u64;
        timestamps.read.slice(..bytes).map_async(wgpu::MapMode::Read, |_| ());
        self.poll(wgpu::PollType::wait_indefinitely())?;
        let mut words = vec![0; bytes as usize / 4];
        self.copy_mapped(&timestamps.read, bytes, &mut words)?;
        Ok(timestamps.seconds(&words).collect())
    }

    /// Runs some dispatches, each submitted and waited for alone.
    fn time_by_submits(&self, launches: &[Launch]) -> Result<Vec<f64>> {
        let took = |launches: &[Launch]| {
            let mut encoder = self.encoder();
            self.encode(&mut encoder, launches);
            let begun = Instant::now();
            self.submit(encoder)?;
            self.poll(wgpu::PollType::wait_indefinitely())?;
            Ok(begun.elapsed().as_secs_f64())
        };
        self.poll(wgpu::PollType::wait_indefinitely())?;
        let empty = (0..5).map(|_| took(&[])).collect::<Result<Vec<f64>>>()?;
        let empty = empty.into_iter().fold(f64::INFINITY, f64::min);
        launches.chunks(1).map(|launch| Ok((took(launch)? - empty).max(0.0))).collect()
    }
}

impl Launch {
    fn dispatch(&self, pass: &mut wgpu::ComputePass) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.tensors, &[]);
        pass.set_bind_group(1, &self.uniforms, &[]);
        let [x, y, z] = self.workgroups;
        pass.dispatch_workgroups(x, y, z);
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
            let (some, priced) = self.at_once(r, first, end);
            let mut encoder = self.encoder();
            self.poison(&mut encoder, r, first);
            first = some.end;
            self.encode(&mut encoder, &self.launches[r][some]);
            self.submit(encoder)?;
            self.meter.submitted += priced;
        }
        Ok(())
    }

    fn time_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<Vec<f64>> {
        let r = self.program.index(recording);
        self.on.queue.write_buffer(&self.step, 0, bytemuck::bytes_of(step));
        let end = range.end.min(self.launches[r].len());
        let mut first = range.start;
        let mut seconds = Vec::new();
        while first < end {
            let (some, priced) = self.at_once(r, first, end.min(first + clock::AT_ONCE));
            first = some.end;
            let launches = &self.launches[r][some];
            seconds.extend(match &self.timestamps {
                Some(timestamps) => self.time_by(timestamps, launches)?,
                None => self.time_by_submits(launches)?,
            });
            self.meter.submitted += priced;
        }
        Ok(seconds)
    }

    fn clock(&self) -> Clock {
        if self.timestamps.is_some() { Clock::Timestamps } else { Clock::Submits }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::kernel::write;
    use crate::device::recorder::Launch as Recorded;
    use crate::device::select::Device;
    use crate::device::{Choices, Class, Kernel, Kind, Recorder};

    static ZERO: Kernel = Kernel {
        name: "zero",
        file: "",
        source: "struct Dims { N: u32 }
            @group(1) @binding(0) var<uniform> d: Dims;
            @group(0) @binding(0) var<storage, read_write> x: array<f32>;
            @compute @workgroup_size(64)
            fn zero(@builtin(global_invocation_id) at: vec3<u32>) {
                for (var i = at.x; i < d.N; i += 64u) { x[i] = 0.0; }
            }",
        lib: &[],
        bindings: &[write("x")],
        dims: &["N"],
        step: false,
        tolerance: 0.0,
        twin: |call| {
            let ([], [x]) = call.tensors();
            x.fill(0.0);
        },
    };

    /// A device without timestamps is timed too: the same dispatches, all of them run.
    #[test]
    fn both_clocks_time_every_dispatch() {
        let Ok(Device::Gpu(on)) = Device::open("gpu", 0) else { panic!("the tests need a GPU adapter") };
        let mut rec = Recorder::new("zeros", on.limits, &Choices::of(Class::Lanes, &on.limits));
        let sizes = [1 << 10, 1 << 22];
        for n in sizes {
            let x = rec.kept(format!("x{n}"), Kind::Output, &[n]);
            let (args, dims) = (&[x.write()], &[n]);
            let launch =
                Recorded { kernel: &ZERO, consts: vec![], args, dims, workgroups: [1, 1, 1], flops: 0 };
            rec.dispatch("zero", launch);
        }
        let program = Program::from(vec![rec.finish().unwrap()]);
        let mut exec = Gpu::new(on, program, Options::default(), None).unwrap();
        assert_eq!(exec.clock(), Clock::Timestamps, "this driver has them");
        // A driver compiles at the first run.
        exec.run("zeros", &Step::default()).unwrap();
        for clock in [Clock::Timestamps, Clock::Submits] {
            if clock == Clock::Submits {
                exec.timestamps = None;
            }
            assert_eq!(exec.clock(), clock);
            exec.write("x4194304", 0, &[7; 4]).unwrap();
            let seconds = exec.time_range("zeros", &Step::default(), 0..usize::MAX).unwrap();
            // 16 MiB in one workgroup take longer than 4 KiB, and no tick is lost or made up: neither nothing nor minutes.
            assert!(
                seconds[1] > seconds[0] && seconds[1] > 1e-6 && seconds[1] < 60.0,
                "{clock:?}: {seconds:?}"
            );
            let mut now = [1; 4];
            exec.read("x4194304", 0, &mut now).unwrap();
            assert_eq!(now, [0; 4]);
        }
    }
}
