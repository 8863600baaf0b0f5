//! A kernel: one WGSL entry point and its CPU twin, which take the same bindings in the same order.

use crate::base::{Error, Result};
use crate::device::Step;

/// How a dispatch uses a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Written before it is read, if it is read at all.
    Write,
    /// Read, then written: `+=` and in-place work.
    Update,
}

/// One tensor argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The WGSL variable.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
}

/// A [`Binding`] that is read.
pub const fn read(name: &'static str) -> Binding {
    Binding { name, access: Access::Read }
}

/// A [`Binding`] that is written.
pub const fn write(name: &'static str) -> Binding {
    Binding { name, access: Access::Write }
}

/// A [`Binding`] that is updated in place.
pub const fn update(name: &'static str) -> Binding {
    Binding { name, access: Access::Update }
}

/// A compile-time constant's value: it replaces the default on the shader's line of that name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Const {
    /// `const NAME: u32 = …u;`
    U32(u32),
    /// `const NAME: bool = …;`
    Bool(bool),
    /// `alias NAME = …;`
    Type(&'static str),
}

/// The constants of one dispatch, in the kernel's order.
pub type Consts = Vec<(&'static str, Const)>;

/// One compute kernel. Every kernel of the project is in `ops::KERNELS`.
pub struct Kernel {
    /// The WGSL entry point, and the name by which doctor, bench and the book call it.
    pub name: &'static str,
    /// The file under `shaders/`.
    pub file: &'static str,
    /// That file's text.
    pub source: &'static str,
    /// Texts of `shaders/lib/` that stand before it.
    pub lib: &'static [&'static str],
    /// Its tensors, at `@group(0)`, in order: those that are read first, then those that are written.
    pub bindings: &'static [Binding],
    /// The words of its `Dims` uniform, at `@group(1) @binding(0)`.
    pub dims: &'static [&'static str],
    /// Whether it reads the [`Step`] uniform, at `@group(1) @binding(1)`.
    pub step: bool,
    /// The largest relative L2 difference between an output of the WGSL and of the twin, its reason beside it.
    pub tolerance: f32,
    /// The same function on the CPU.
    pub twin: fn(&mut Call),
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Kernel {
    /// The WGSL text for a set of constants: the library files, then the file with each constant's line replaced.
    ///
    /// # Errors
    /// A constant that the file has no line for.
    pub fn wgsl(&self, consts: &Consts) -> Result<String> {
        let mut text = self.source.to_string();
        for (name, value) in consts {
            let (old, new) = match value {
                Const::U32(x) => (format!("const {name}: u32 ="), format!("const {name}: u32 = {x}u;")),
                Const::Bool(x) => (format!("const {name}: bool ="), format!("const {name}: bool = {x};")),
                Const::Type(x) => (format!("alias {name} ="), format!("alias {name} = {x};")),
            };
            let line =
                text.lines().find(|line| line.starts_with(&old)).map(str::to_string).ok_or_else(|| {
                    Error::bug(format!("kernel {}: shaders/{} has no line `{old} …`", self.name, self.file))
                })?;
            text = text.replacen(&line, &new, 1);
        }
        let mut whole = self.lib.concat();
        whole.push_str(&text);
        Ok(whole)
    }
}

/// One dispatch as its twin sees it.
pub struct Call<'a> {
    pub(crate) reads: Vec<&'a [f32]>,
    pub(crate) writes: Vec<&'a mut [f32]>,
    pub(crate) dims: &'a [u32],
    pub(crate) consts: &'a Consts,
    /// The step's uniform.
    pub step: Step,
}

impl<'a> Call<'a> {
    /// The tensors, in the kernel's order: those that are read, and those that are written.
    pub fn tensors<const R: usize, const W: usize>(&mut self) -> ([&'a [f32]; R], [&'a mut [f32]; W]) {
        let reads = std::mem::take(&mut self.reads).try_into();
        let writes = std::mem::take(&mut self.writes).try_into();
        match (reads, writes) {
            (Ok(r), Ok(w)) => (r, w),
            _ => unreachable!("the executor passes exactly the kernel's bindings"),
        }
    }

    /// The words of the dims uniform, as extents.
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        let words: &[u32; N] = self.dims.try_into().expect("a dispatch carries exactly its kernel's dims");
        words.map(|w| w as usize)
    }

    /// A constant's number.
    pub fn number(&self, name: &str) -> usize {
        match self.find(name) {
            Const::U32(x) => *x as usize,
            other => unreachable!("constant {name} is {other:?}, not a number"),
        }
    }

    /// A constant's truth.
    pub fn flag(&self, name: &str) -> bool {
        match self.find(name) {
            Const::Bool(x) => *x,
            other => unreachable!("constant {name} is {other:?}, not a flag"),
        }
    }

    fn find(&self, name: &str) -> &Const {
        let found = self.consts.iter().find(|(n, _)| *n == name);
        &found.expect("a dispatch carries the constants its twin asks for").1
    }
}

/// A tensor of ids, seen as the words it holds.
pub fn words(tensor: &[f32]) -> &[u32] {
    bytemuck::cast_slice(tensor)
}
