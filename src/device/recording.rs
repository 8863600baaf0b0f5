//! The recording: an ordered list of dispatches over named tensors. See `book/` ("One list").

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::device::element::{Element, widened};
use crate::device::kernel::{Access, Consts, Kernel};

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
    /// The optimizer's moments.
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
    /// All of them, as they are reported.
    pub const ALL: [Kind; 7] = [
        Kind::Parameter,
        Kind::Gradient,
        Kind::Moment,
        Kind::Scratch,
        Kind::Input,
        Kind::Output,
        Kind::Cache,
    ];

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

    /// Its words as the numbers they are; ids as the numbers of the same bits.
    pub fn numbers<'a>(&self, words: &'a [u32]) -> Cow<'a, [f32]> {
        match self.element {
            Element::F16 => Cow::Owned(widened(words, self.numel())),
            _ => Cow::Borrowed(bytemuck::cast_slice(words)),
        }
    }
}

/// One kernel launch.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// A stable path: `h.3.ln_1.forward`.
    pub label: String,
    /// What runs.
    pub kernel: &'static Kernel,
    /// What its variant was picked for: a key of [`Recording::picks`].
    pub problem: String,
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
    /// Those that are valid for it, in their op's order.
    pub candidates: BTreeMap<String, Vec<&'static str>>,
}

impl Recording {
    /// One with nothing in it.
    pub fn new(name: &'static str) -> Recording {
        let (tensors, dispatches) = (Vec::new(), Vec::new());
        Recording { name, tensors, dispatches, picks: BTreeMap::new(), candidates: BTreeMap::new() }
    }

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
