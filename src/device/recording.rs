//! The recording: an ordered list of dispatches over named tensors. See `book/` ("One list").

use std::collections::BTreeMap;

use crate::base::{Error, Result};
use crate::device::element::Element;
use crate::device::kernel::{Access, Consts, Kernel};
use crate::device::variants::{Choices, Limits, Problem, Variant, grid};

/// A tensor of one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tensor(pub(crate) u32);

impl Tensor {
    /// Its place among a recording's tensors.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// As an argument that is read.
    pub fn read(self) -> Arg {
        Arg { tensor: self, access: Access::Read }
    }

    /// As an argument that is written.
    pub fn write(self) -> Arg {
        Arg { tensor: self, access: Access::Write }
    }

    /// As an argument that is read and written.
    pub fn update(self) -> Arg {
        Arg { tensor: self, access: Access::Update }
    }
}

/// A tensor as a dispatch uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    /// Which.
    pub tensor: Tensor,
    /// How.
    pub access: Access,
}

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
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// What it is for.
    pub kind: Kind,
    /// What it is made of.
    pub element: Element,
}

impl TensorInfo {
    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// 32-bit words.
    pub fn words(&self) -> usize {
        self.element.words(self.numel())
    }

    /// Bytes.
    pub fn bytes(&self) -> u64 {
        4 * self.words() as u64
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
    /// Its tensors, in the kernel's order, and how it uses each.
    pub args: Vec<Arg>,
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
    /// The variant that was taken for each problem.
    pub picks: BTreeMap<String, String>,
}

impl Recording {
    /// What a tensor is.
    pub fn info(&self, t: Tensor) -> &TensorInfo {
        &self.tensors[t.index()]
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

/// A part of a [`Flat`] buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The tensor's name.
    pub name: String,
    /// Its first word.
    pub first: usize,
    /// Its words.
    pub words: usize,
}

/// Kept tensors that lie one after another in one buffer, so that one dispatch can take them all: it declares the whole,
/// others a part of it by the part's own name. The words between parts are zero, as every kept tensor is when it is made,
/// and what is done to all (a gradient of zero, a decay, a moment) leaves them so.
#[derive(Debug, Clone)]
pub struct Flat {
    /// The whole's name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What lies in it.
    pub parts: Vec<Part>,
    /// Words of the whole.
    pub words: usize,
}

/// The recordings that share one device and one set of kept tensors.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// In the order they were added.
    pub recordings: Vec<Recording>,
    /// Which kept tensors share a buffer.
    pub flats: Vec<Flat>,
}

impl From<Vec<Recording>> for Program {
    fn from(recordings: Vec<Recording>) -> Program {
        Program { recordings, flats: Vec::new() }
    }
}

impl Program {
    /// The recording of that name.
    pub fn find(&self, name: &str) -> Option<&Recording> {
        self.recordings.iter().find(|r| r.name == name)
    }

    /// The place of the recording of that name, which the program's maker knows to be there.
    pub fn index(&self, name: &str) -> usize {
        let found = self.recordings.iter().position(|r| r.name == name);
        found.unwrap_or_else(|| unreachable!("the program has no recording {name}"))
    }

    /// The variant that was taken for each problem of any recording.
    pub fn picks(&self) -> BTreeMap<String, String> {
        self.recordings.iter().flat_map(|r| r.picks.clone()).collect()
    }
}

/// What an op adds to the list: everything of a [`Dispatch`] but what the recorder derives.
pub struct Launch<'a> {
    /// What runs.
    pub kernel: &'static Kernel,
    /// Its constants.
    pub consts: Consts,
    /// Its tensors, in the kernel's order, and how it uses each.
    pub args: &'a [Arg],
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
    /// The first pick that cannot be honoured.
    dishonoured: Option<String>,
    /// The device's limits.
    pub limits: Limits,
    /// Which variants it takes.
    pub choices: Choices,
}

impl Recorder {
    /// An empty recording.
    pub fn new(name: &'static str, limits: Limits, choices: &Choices) -> Recorder {
        let recording =
            Recording { name, tensors: Vec::new(), dispatches: Vec::new(), picks: BTreeMap::new() };
        Recorder {
            recording,
            scope: Vec::new(),
            too_large: None,
            dishonoured: None,
            limits,
            choices: choices.clone(),
        }
    }

    /// The variant for a problem of an op: what was chosen for it, or what suits the device's class.
    pub fn pick(
        &mut self,
        op: &'static str,
        variants: &'static [Variant],
        extents: &[usize],
    ) -> &'static Variant {
        let problem = Problem { op, extents };
        let picked = self.choices.pick(&problem, variants, &self.limits).unwrap_or_else(|e| {
            self.dishonoured.get_or_insert(e);
            &variants[0]
        });
        self.recording.picks.insert(problem.to_string(), picked.name.to_string());
        picked
    }

    /// A grid whose workgroups cover `n` things, `each` of them one.
    pub fn groups(&self, n: usize, each: u32) -> [u32; 3] {
        grid((n as u64).div_ceil(each.into()), &self.limits)
    }

    /// A tensor of f32 that lives from replay to replay; asking twice for a name gives the same tensor.
    pub fn kept(&mut self, name: impl Into<String>, kind: Kind, shape: &[usize]) -> Tensor {
        self.kept_of(name, kind, shape, Element::F32)
    }

    /// As [`Recorder::kept`], of ids.
    pub fn kept_ids(&mut self, name: impl Into<String>, kind: Kind, shape: &[usize]) -> Tensor {
        self.kept_of(name, kind, shape, Element::U32)
    }

    /// As [`Recorder::kept`], of any element.
    pub fn kept_of(
        &mut self,
        name: impl Into<String>,
        kind: Kind,
        shape: &[usize],
        element: Element,
    ) -> Tensor {
        let name = name.into();
        match self.recording.find(&name) {
            Some(t) => {
                assert_eq!(self.shape(t), shape, "{name} was declared with another shape");
                assert_eq!(self.element(t), element, "{name} was declared of another element");
                t
            }
            None => self.add(TensorInfo { name, shape: shape.to_vec(), kind, element }),
        }
    }

    /// A tensor of this replay alone.
    pub fn scratch(&mut self, name: &str, shape: &[usize]) -> Tensor {
        let name = self.path(name);
        self.add(TensorInfo { name, shape: shape.to_vec(), kind: Kind::Scratch, element: Element::F32 })
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

    /// A tensor's elements.
    pub fn numel(&self, t: Tensor) -> usize {
        self.recording.info(t).numel()
    }

    /// What a tensor is made of.
    pub fn element(&self, t: Tensor) -> Element {
        self.recording.info(t).element
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
        let bytes = (launch.args.iter())
            .map(|a| self.recording.info(a.tensor).bytes() * if a.access == Access::Update { 2 } else { 1 })
            .sum();
        self.dispatch_moving(label, launch, bytes);
    }

    /// As [`Recorder::dispatch`], for a kernel that touches only `bytes` of its tensors.
    pub fn dispatch_moving(&mut self, label: &str, launch: Launch, bytes: u64) {
        let Launch { kernel, consts, args, dims, workgroups, flops } = launch;
        assert_eq!(args.len(), kernel.bindings.len(), "{}: one tensor a binding", kernel.name);
        assert_eq!(dims.len(), kernel.dims.len(), "{}: one number a dim", kernel.name);
        for (i, (arg, binding)) in args.iter().zip(kernel.bindings).enumerate() {
            let (kernel, name, element) = (kernel.name, self.name(arg.tensor), self.element(arg.tensor));
            // wgpu refuses one buffer as read-only and read-write in one dispatch; two names for one tensor never help.
            let twice = args[..i].iter().any(|a| a.tensor == arg.tensor);
            assert!(!twice, "{kernel}: {name} is bound twice");
            assert_eq!(binding.writable, arg.access != Access::Read, "{kernel}: how {name} is used");
            assert!(binding.elements.contains(&element), "{kernel}: {name} is made of {element:?}");
        }
        let label = self.path(label);
        let too_many = workgroups.iter().any(|&n| n > self.limits.max_workgroups);
        if (too_many || dims.iter().any(|&x| u32::try_from(x).is_err())) && self.too_large.is_none() {
            self.too_large = Some(label.clone());
        }
        let dims = dims.iter().map(|&x| x as u32).collect();
        let args = args.to_vec();
        self.recording.dispatches.push(Dispatch {
            label,
            kernel,
            consts,
            args,
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
    /// setting that makes it smaller; a variant that was asked for and cannot be had.
    pub fn finish(self) -> Result<Recording> {
        const NEXT: &str =
            "use a smaller --batch with a larger --accumulate, or a smaller --context or model";
        if let Some(problem) = self.dishonoured {
            return Err(Error::device(
                format!("a kernel that was chosen for this run cannot be had: {problem}"),
                "resume it on the device, and with the diarist, that began it (run.json names both)",
            ));
        }
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
