//! The recording: an ordered list of dispatches over named tensors. See `book/` ("One list").

use crate::base::{Error, Result};
use crate::device::kernel::{Access, Consts, Kernel};
use crate::device::{Choices, Limits};

/// A tensor of one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tensor(pub(crate) u32);

/// What a tensor is for. All but [`Kind::Scratch`] live from replay to replay and are shared, by name, between the
/// recordings of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Weights.
    Parameter,
    /// Gradients of weights.
    Gradient,
    /// AdamW's moments.
    Moment,
    /// What the host writes before a replay: tokens, targets, buckets.
    Input,
    /// What the host reads: losses, norms, logits of a decoded token.
    Output,
    /// Keys and values of decoded positions.
    Cache,
    /// Everything else: written, read and forgotten within one replay.
    Scratch,
}

impl Kind {
    /// What it is called where memory is reported.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Parameter => "parameters",
            Kind::Gradient => "gradients",
            Kind::Moment => "moments",
            Kind::Input => "inputs",
            Kind::Output => "outputs",
            Kind::Cache => "key/value cache",
            Kind::Scratch => "activations",
        }
    }
}

/// What is known of a tensor before it exists.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// A stable path: `h.0.attn.c_attn.weight`, `h.3.ln_1.out`.
    pub name: String,
    /// Extents, outermost first. Elements are 32 bits.
    pub shape: Vec<usize>,
    /// What it is for.
    pub kind: Kind,
}

impl TensorInfo {
    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes.
    pub fn bytes(&self) -> u64 {
        4 * self.numel() as u64
    }
}

/// One kernel launch.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// A stable path: `h.3.ln_1.forward`.
    pub label: String,
    /// What runs.
    pub kernel: &'static Kernel,
    /// Its compile-time constants.
    pub consts: Consts,
    /// Its tensors, in the kernel's order.
    pub tensors: Vec<Tensor>,
    /// Its dims uniform.
    pub dims: Vec<u32>,
    /// Its grid.
    pub workgroups: [u32; 3],
    /// Arithmetic it performs.
    pub flops: u64,
    /// Bytes it must move at least: each tensor element it touches, once.
    pub bytes: u64,
}

/// An ordered list of dispatches and the tensors they work on.
#[derive(Debug, Clone)]
pub struct Recording {
    /// `micro_step`, `update`, `evaluate`, `prefill`, `decode`…
    pub name: &'static str,
    /// Every tensor, indexed by [`Tensor`].
    pub tensors: Vec<TensorInfo>,
    /// What runs, in order.
    pub dispatches: Vec<Dispatch>,
}

impl Recording {
    /// What a tensor is.
    pub fn info(&self, t: Tensor) -> &TensorInfo {
        &self.tensors[t.0 as usize]
    }

    /// The tensor of that name.
    pub fn find(&self, name: &str) -> Option<Tensor> {
        self.tensors.iter().position(|t| t.name == name).map(|i| Tensor(i as u32))
    }

    /// Total arithmetic of a replay.
    pub fn flops(&self) -> u64 {
        self.dispatches.iter().map(|d| d.flops).sum()
    }

    /// Total bytes moved by a replay, at least.
    pub fn bytes(&self) -> u64 {
        self.dispatches.iter().map(|d| d.bytes).sum()
    }
}

/// The recordings that share one device and one set of kept tensors.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// In the order they were added.
    pub recordings: Vec<Recording>,
}

impl Program {
    /// The recording of that name.
    pub fn find(&self, name: &str) -> Option<&Recording> {
        self.recordings.iter().find(|r| r.name == name)
    }
}

/// What an op adds to the list: everything of a [`Dispatch`] but what the recorder derives.
pub struct Launch<'a> {
    /// What runs.
    pub kernel: &'static Kernel,
    /// Its constants.
    pub consts: Consts,
    /// Its tensors, in the kernel's order.
    pub tensors: &'a [Tensor],
    /// Its dims uniform.
    pub dims: &'a [usize],
    /// Its grid.
    pub workgroups: [u32; 3],
    /// Its arithmetic.
    pub flops: u64,
}

/// Writes a [`Recording`].
pub struct Recorder {
    recording: Recording,
    scope: Vec<String>,
    /// The first dispatch with an extent over 32 bits, or more workgroups than a dimension holds.
    too_large: Option<String>,
    /// The device's limits.
    pub limits: Limits,
    /// The kernels' tiles.
    pub choices: Choices,
}

impl Recorder {
    /// An empty recording.
    pub fn new(name: &'static str, limits: Limits, choices: Choices) -> Recorder {
        let recording = Recording { name, tensors: Vec::new(), dispatches: Vec::new() };
        Recorder { recording, scope: Vec::new(), too_large: None, limits, choices }
    }

    /// A tensor that lives from replay to replay; asking twice for a name gives the same tensor.
    pub fn kept(&mut self, name: impl Into<String>, kind: Kind, shape: &[usize]) -> Tensor {
        let name = name.into();
        match self.recording.find(&name) {
            Some(t) => {
                assert_eq!(self.shape(t), shape, "{name} was declared with another shape");
                t
            }
            None => self.add(TensorInfo { name, shape: shape.to_vec(), kind }),
        }
    }

    /// A tensor of this replay alone.
    pub fn scratch(&mut self, name: &str, shape: &[usize]) -> Tensor {
        let name = self.path(name);
        self.add(TensorInfo { name, shape: shape.to_vec(), kind: Kind::Scratch })
    }

    fn add(&mut self, info: TensorInfo) -> Tensor {
        self.recording.tensors.push(info);
        Tensor(self.recording.tensors.len() as u32 - 1)
    }

    /// A tensor's extents.
    pub fn shape(&self, t: Tensor) -> &[usize] {
        &self.recording.info(t).shape
    }

    /// A tensor's extents, where their number is known: `let [m, k] = rec.extents(inp);`
    pub fn extents<const N: usize>(&self, t: Tensor) -> [usize; N] {
        let shape = self.shape(t);
        shape.try_into().unwrap_or_else(|_| unreachable!("{} has extents {shape:?}, not {N}", self.name(t)))
    }

    /// A tensor's name.
    pub fn name(&self, t: Tensor) -> &str {
        &self.recording.info(t).name
    }

    /// Everything that `f` records stands under `name.` in labels.
    pub fn scoped<R>(&mut self, name: impl Into<String>, f: impl FnOnce(&mut Recorder) -> R) -> R {
        self.scope.push(name.into());
        let result = f(self);
        self.scope.pop();
        result
    }

    fn path(&self, leaf: &str) -> String {
        let mut path = self.scope.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path + leaf
    }

    /// Adds a dispatch, labelled by the scope and `label`. Its bytes are its tensors', each once (updates twice).
    pub fn dispatch(&mut self, label: &str, launch: Launch) {
        let bytes = (launch.kernel.bindings.iter().zip(launch.tensors))
            .map(|(b, &t)| self.recording.info(t).bytes() * if b.access == Access::Update { 2 } else { 1 })
            .sum();
        self.dispatch_moving(label, launch, bytes);
    }

    /// As [`Recorder::dispatch`], for a kernel that touches only `bytes` of its tensors.
    pub fn dispatch_moving(&mut self, label: &str, launch: Launch, bytes: u64) {
        let Launch { kernel, consts, tensors, dims, workgroups, flops } = launch;
        assert_eq!(tensors.len(), kernel.bindings.len(), "{}: one tensor a binding", kernel.name);
        assert_eq!(dims.len(), kernel.dims.len(), "{}: one number a dim", kernel.name);
        for (i, t) in tensors.iter().enumerate() {
            // wgpu refuses one buffer as read-only and read-write in one dispatch; two names for one tensor never help.
            assert!(!tensors[..i].contains(t), "{}: {} is bound twice", kernel.name, self.name(*t));
        }
        let label = self.path(label);
        let too_many = workgroups.iter().any(|&n| n > self.limits.max_workgroups);
        if (too_many || dims.iter().any(|&x| u32::try_from(x).is_err())) && self.too_large.is_none() {
            self.too_large = Some(label.clone());
        }
        let dims = dims.iter().map(|&x| x as u32).collect();
        let tensors = tensors.to_vec();
        self.recording.dispatches.push(Dispatch {
            label,
            kernel,
            consts,
            tensors,
            dims,
            workgroups,
            flops,
            bytes,
        });
    }

    /// The finished list.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding, or a dispatch larger than its largest grid, named with the
    /// setting that makes it smaller.
    pub fn finish(self) -> Result<Recording> {
        const NEXT: &str =
            "use a smaller --batch with a larger --accumulate, or a smaller --context or model";
        let large = self.recording.tensors.iter().filter(|t| t.bytes() > self.limits.max_binding);
        if let Some(t) = large.max_by_key(|t| t.bytes()) {
            return Err(Error::device(
                format!(
                    "{} needs {} in one piece; this device binds {} at most",
                    t.name,
                    crate::base::units::bytes(t.bytes()),
                    crate::base::units::bytes(self.limits.max_binding)
                ),
                NEXT,
            ));
        }
        if let Some(label) = self.too_large {
            return Err(Error::device(format!("{label} is too large for one dispatch on this device"), NEXT));
        }
        Ok(self.recording)
    }
}
