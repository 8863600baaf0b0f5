//! How long dispatches take by the device's own clock: a timestamp where each begins and where it ends.

use crate::base::Result;
use crate::device::adapter::GpuDevice;

/// Dispatches that are timed in one submit.
pub(super) const AT_ONCE: usize = 512;

/// A device's timestamps, and how they come to the host.
pub(super) struct Timestamps {
    queries: wgpu::QuerySet,
    /// Where the device writes them.
    resolved: wgpu::Buffer,
    /// Where the host reads them.
    pub(super) read: wgpu::Buffer,
    /// Seconds a tick.
    period: f64,
}

impl Timestamps {
    /// Those of a device; none where it has none.
    ///
    /// # Errors
    /// No memory for them.
    pub(super) fn of(on: &GpuDevice) -> Result<Option<Timestamps>> {
        if !on.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let count = 2 * AT_ONCE as u32;
        let queries = on.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let buffer =
            |usage| on.buffer("timestamps", 8 * u64::from(count), usage | wgpu::BufferUsages::COPY_DST);
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC)?;
        let read = buffer(wgpu::BufferUsages::MAP_READ)?;
        let period = f64::from(on.queue.get_timestamp_period()) * 1e-9;
        Ok(Some(Timestamps { queries, resolved, read, period }))
    }

    /// What the pass of the i-th dispatch writes.
    pub(super) fn of_pass(&self, i: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        let first = 2 * i as u32;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }
    }

    /// Sends those of `n` dispatches towards the host.
    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder, n: usize) {
        encoder.resolve_query_set(&self.queries, 0..2 * n as u32, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.read, 0, 16 * n as u64);
    }

    /// The seconds between the pairs of what was read.
    pub(super) fn seconds(&self, words: &[u32]) -> impl Iterator<Item = f64> {
        let tick = |pair: &[u32]| u64::from(pair[0]) | u64::from(pair[1]) << 32;
        let took = move |ticks: &[u32]| tick(&ticks[2..]).saturating_sub(tick(&ticks[..2]));
        words.chunks_exact(4).map(move |ticks| took(ticks) as f64 * self.period)
    }
}
