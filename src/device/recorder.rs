//! The pen that writes a [`Recording`]: ops call it, models call ops.

use crate::base::{Error, Result};
use crate::device::element::{BLOCK, Element};
use crate::device::kernel::{Access, Consts, Kernel};
use crate::device::recording::{Arg, Dispatch, Kind, Recording, Tensor, TensorInfo};
use crate::device::variants::{Choices, Limits, Problem, Variant, grid};

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
    /// The problem that a variant was last picked for.
    problem: String,
    /// The first dispatch with an extent over 32 bits, or more workgroups than a dimension holds.
    too_large: Option<String>,
    /// The first pick that cannot be honoured.
    dishonoured: Option<String>,
    /// The device's limits.
    pub limits: Limits,
    /// Which variants it takes.
    pub choices: Choices,
    /// What [`Recorder::activation`] makes its tensors of.
    pub activations: Element,
}

impl Recorder {
    /// An empty recording.
    pub fn new(name: &'static str, limits: Limits, choices: &Choices) -> Recorder {
        let recording = Recording::new(name);
        Recorder {
            recording,
            scope: Vec::new(),
            problem: String::new(),
            too_large: None,
            dishonoured: None,
            limits,
            choices: choices.clone(),
            activations: Element::F32,
        }
    }

    /// The variant for a problem of an op: what was chosen for it, or what suits the device's class. The dispatches that
    /// follow, up to the next pick, are that problem's.
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
        self.problem = problem.to_string();
        let valid = variants.iter().filter(|v| (v.valid)(v, &problem, &self.limits)).map(|v| v.name);
        self.recording.candidates.entry(self.problem.clone()).or_insert_with(|| valid.collect());
        self.recording.picks.insert(self.problem.clone(), picked.name.to_string());
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

    /// A tensor of f32 of this replay alone.
    pub fn scratch(&mut self, name: &str, shape: &[usize]) -> Tensor {
        self.scratch_of(name, shape, Element::F32)
    }

    /// As [`Recorder::scratch`], of an activation or its gradient: what those are made of.
    pub fn activation(&mut self, name: &str, shape: &[usize]) -> Tensor {
        self.scratch_of(name, shape, self.activations)
    }

    /// As [`Recorder::scratch`], of any element.
    pub fn scratch_of(&mut self, name: &str, shape: &[usize], element: Element) -> Tensor {
        let name = self.path(name);
        self.add(TensorInfo { name, shape: shape.to_vec(), kind: Kind::Scratch, element })
    }

    fn add(&mut self, info: TensorInfo) -> Tensor {
        let whole = info.shape.last().is_some_and(|cols| cols.is_multiple_of(BLOCK));
        assert!(!info.element.is_quantised() || whole, "{}: rows of whole blocks", info.name);
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
            // wgpu refuses one buffer as read-only and read-write in one dispatch. To read it twice is fine: x·xᵀ.
            let both = |a: &Arg| a.access != Access::Read || arg.access != Access::Read;
            let twice = args[..i].iter().any(|a| a.tensor == arg.tensor && both(a));
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
            problem: self.problem.clone(),
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
        const NEXT: &str = "ask for less at once: a smaller batch, context or model";
        if let Some(problem) = self.dishonoured {
            return Err(Error::device(
                format!("a kernel that was chosen for this run cannot be had: {problem}"),
                "resume it with the diarist that began it, or begin a new run from its model: give its folder to --from",
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
