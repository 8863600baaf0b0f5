//! A kernel: one WGSL entry point and its CPU twin, which take the same bindings in the same order.

use crate::base::{Error, Result};
use crate::device::Step;
use crate::device::element::{Element, View};

/// How a dispatch uses one of its tensors. It is the dispatch's and not the kernel's: `c = a·b` writes, `c += a·b` updates,
/// with one kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read only.
    Read,
    /// Written, whatever it held: the whole of it, or the dispatch's part.
    Write,
    /// Read, then written: `+=` and in-place work.
    Update,
}

/// One tensor argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The WGSL variable.
    pub name: &'static str,
    /// Whether it is bound `read_write`; else `read`.
    pub writable: bool,
    /// What it may be made of.
    pub elements: &'static [Element],
    /// Whether the twin sees it in single precision whatever it is made of; else it widens what it reads itself.
    pub widened: bool,
}

/// A [`Binding`] of numbers that are read.
pub const fn read(name: &'static str) -> Binding {
    Binding { name, writable: false, elements: &[Element::F32], widened: false }
}

/// A [`Binding`] of ids that are read.
pub const fn ids(name: &'static str) -> Binding {
    Binding { name, writable: false, elements: &[Element::U32], widened: false }
}

/// A [`Binding`] of weights that are read, at rest in single or half precision or in quantised blocks.
pub const fn weights(name: &'static str) -> Binding {
    Binding { name, writable: false, elements: &Element::WEIGHTS, widened: false }
}

/// A [`Binding`] of numbers that are written, or updated in place.
pub const fn write(name: &'static str) -> Binding {
    Binding { name, writable: true, elements: &[Element::F32], widened: false }
}

/// A [`Binding`] of activations, or their gradients, that are read: in single or half precision.
pub const fn read_act(name: &'static str) -> Binding {
    Binding { name, writable: false, elements: &Element::ACTIVATIONS, widened: true }
}

/// A [`Binding`] of activations, or their gradients, that are written, or updated in place.
pub const fn write_act(name: &'static str) -> Binding {
    Binding { name, writable: true, elements: &Element::ACTIVATIONS, widened: true }
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
    /// The body of a function on one line, `fn NAME(…) -> … { … }`: how a binding's elements are read, say.
    Body(&'static str),
}

/// The constants of one dispatch, in the kernel's order.
pub type Consts = Vec<(&'static str, Const)>;

/// One compute kernel. Every kernel of the project is in `ops::FAMILIES`.
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
    /// How many of its tensors are read only: they stand before the others.
    pub fn reads(&self) -> usize {
        self.bindings.iter().filter(|b| !b.writable).count()
    }

    /// The WGSL text for a set of constants: what has to be enabled, the library files, then the file, with each constant's line
    /// replaced wherever it stands.
    ///
    /// # Errors
    /// A constant that no text has a line for.
    pub fn wgsl(&self, consts: &Consts) -> Result<String> {
        let mut text = self.lib.concat() + self.source;
        for (name, value) in consts {
            let (old, new) = match value {
                Const::U32(x) => (format!("const {name}: u32 ="), format!("const {name}: u32 = {x}u;")),
                Const::Bool(x) => (format!("const {name}: bool ="), format!("const {name}: bool = {x};")),
                Const::Type(x) => (format!("alias {name} ="), format!("alias {name} = {x};")),
                Const::Body(x) => (format!("fn {name}("), format!("{{ {x} }}")),
            };
            let line =
                text.lines().find(|line| line.starts_with(&old)).map(str::to_string).ok_or_else(|| {
                    Error::bug(format!(
                        "kernel {}: neither shaders/{} nor its lib has a line `{old} …`",
                        self.name, self.file
                    ))
                })?;
            let new = match (value, line.split_once('{')) {
                (Const::Body(_), Some((signature, _))) => format!("{signature}{new}"),
                _ => new,
            };
            text = text.replacen(&line, &new, 1);
        }
        // WGSL has its `enable` before anything else, the library too.
        let (mut enabled, text): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|l| l.starts_with("enable "));
        if consts.iter().any(|(_, value)| matches!(value, Const::Type(of) if of.contains("f16"))) {
            enabled.push("enable f16;");
        }
        enabled.sort_unstable();
        enabled.dedup();
        Ok([enabled, text].concat().join("\n") + "\n")
    }
}

/// The most tensors that a kernel has on one side, read or written: wgpu's default limits let a stage bind so many in all.
pub(crate) const MOST: usize = 8;

/// A dispatch's tensors on one side. They lie in place, because a replay asks for no memory.
pub(crate) struct Few<T> {
    items: [Option<T>; MOST],
    len: usize,
}

impl<T> Few<T> {
    /// The first `N`, which are all.
    fn take<const N: usize>(&mut self) -> [T; N] {
        assert_eq!(self.len, N, "the executor passes exactly the kernel's bindings");
        self.len = 0;
        std::array::from_fn(|i| self.items[i].take().expect("as many as were counted"))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(from: I) -> Few<T> {
        let mut few = Few { items: std::array::from_fn(|_| None), len: 0 };
        for item in from {
            few.items[few.len] = Some(item);
            few.len += 1;
        }
        few
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<T>, MOST>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().flatten()
    }
}

/// One dispatch as its twin sees it.
pub struct Call<'a> {
    pub(crate) reads: Few<View<'a>>,
    pub(crate) writes: Few<&'a mut [f32]>,
    pub(crate) dims: &'a [u32],
    pub(crate) consts: &'a Consts,
    /// The step's uniform.
    pub step: Step,
    /// The kernel of the dispatch behind this one, where it runs too, on the same tensors with the same dims and constants.
    pub(crate) next: Option<&'static Kernel>,
    /// Whether the twin has done that one's work with its own.
    pub(crate) took_next: bool,
}

impl<'a> Call<'a> {
    /// The tensors, in the kernel's order: those that are read, all of them f32, and those that are written.
    pub fn tensors<const R: usize, const W: usize>(&mut self) -> ([&'a [f32]; R], [&'a mut [f32]; W]) {
        let (reads, writes) = self.views();
        (reads.map(|view| view.f32()), writes)
    }

    /// The tensors, those that are read as what they are made of.
    pub fn views<const R: usize, const W: usize>(&mut self) -> ([View<'a>; R], [&'a mut [f32]; W]) {
        (self.reads.take(), self.writes.take())
    }

    /// Whether the dispatch behind this one is of this kernel, on the same tensors. If so, this twin has to write what that one
    /// writes, in the same bits, and that one is passed over: what both compute is computed once.
    pub(crate) fn take_next(&mut self, kernel: &Kernel) -> bool {
        self.took_next = self.next.is_some_and(|next| next.name == kernel.name);
        self.took_next
    }

    /// The words of the dims uniform, as extents.
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        let words: &[u32; N] = self.dims.try_into().expect("a dispatch carries exactly its kernel's dims");
        words.map(|w| w as usize)
    }

    /// A constant's number.
    pub fn number(&self, name: &str) -> usize {
        self.find_number(name).expect("a dispatch carries the constants its twin asks for")
    }

    /// As [`Call::number`], of a constant that not all of the kernel's variants have.
    pub fn find_number(&self, name: &str) -> Option<usize> {
        self.consts.iter().find(|(n, _)| *n == name).map(|(_, value)| match value {
            Const::U32(x) => *x as usize,
            other => unreachable!("constant {name} is {other:?}, not a number"),
        })
    }

    /// A constant's truth.
    pub fn flag(&self, name: &str) -> bool {
        let found = self.consts.iter().find(|(n, _)| *n == name);
        match found.expect("a dispatch carries the constants its twin asks for").1 {
            Const::Bool(x) => x,
            ref other => unreachable!("constant {name} is {other:?}, not a flag"),
        }
    }
}
