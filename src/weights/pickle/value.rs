//! What a pickle may hold here: plain values, and tensors whose numbers stand elsewhere in the file.
//!
//! A value is a few bytes and is copied freely; what it contains lies in the [`Heap`], by index. So a list that is in a
//! thousand lists is there once, a list that contains itself is no circle of owners, and nothing here is walked or dropped
//! by recursion.

use crate::weights::pickle::kind::{Kind, Number};
use crate::weights::pickle::names::Name;

/// Bytes of the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) struct Span {
    pub at: u32,
    pub len: u32,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::weights) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits, its bytes as they stand.
    Wide(Span),
    Float(f64),
    /// Valid UTF-8: checked when it was read.
    Str(Span),
    Bytes(Span),
    /// Bytes that are written as a text of the characters up to U+00FF: how protocol 2 has them.
    Latin1(Span),
    Tuple(u32),
    /// A list or a set.
    List(u32),
    Dict(u32),
    Storage(u32),
    Tensor(u32),
    /// Something that a pickle may name: a class or a function, never looked up anywhere.
    Name(Name),
    /// numpy's dtype object.
    Numpy(Number),
}

/// A dict, and how it came to be.
#[derive(Debug)]
pub(super) struct Dict {
    pub items: Vec<(Value, Value)>,
    pub form: Form,
}

/// What a dict is in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// An OrderedDict: may be given attributes (`_metadata`), which say nothing here.
    Ordered,
    /// argparse's: an object whose attributes are the dict.
    Namespace,
}

/// What a persistent id says: elements that stand somewhere else in the file.
#[derive(Debug)]
pub(super) struct Storage {
    pub kind: Kind,
    pub key: Span,
    /// Elements.
    pub numel: u64,
}

/// A tensor: a view of a storage.
#[derive(Debug)]
pub(super) struct View {
    /// Of the heap's.
    pub storage: u32,
    pub kind: Kind,
    /// Elements before the first.
    pub offset: u64,
    pub shape: Vec<usize>,
    /// Elements from one to the next, along each extent.
    pub stride: Vec<u64>,
}

/// What values contain.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub sequences: Vec<Vec<Value>>,
    pub dicts: Vec<Dict>,
    pub storages: Vec<Storage>,
    pub tensors: Vec<View>,
}

impl Heap {
    /// Keeps a sequence. The machine has not steps enough for 2³² of anything.
    pub fn sequence(&mut self, values: Vec<Value>) -> u32 {
        self.sequences.push(values);
        self.sequences.len() as u32 - 1
    }

    /// Keeps a dict.
    pub fn dict(&mut self, form: Form, items: Vec<(Value, Value)>) -> u32 {
        self.dicts.push(Dict { items, form });
        self.dicts.len() as u32 - 1
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(in crate::weights) struct Pickle {
    pub(super) bytes: Vec<u8>,
    pub(super) heap: Heap,
    pub(super) root: Value,
}

impl Pickle {
    /// What was pickled.
    pub fn root(&self) -> Value {
        self.root
    }

    /// What a dict has for that key: the last of them, as Python would have it.
    pub fn get(&self, dict: Value, key: &str) -> Option<Value> {
        let items = self.items(dict)?;
        items.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// The keys and values of a dict.
    pub fn items(&self, dict: Value) -> Option<&[(Value, Value)]> {
        match dict {
            Value::Dict(at) => Some(&self.heap.dicts[at as usize].items),
            _ => None,
        }
    }

    /// The elements of a tuple or a list.
    pub fn elements(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(at) | Value::List(at) => Some(&self.heap.sequences[at as usize]),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Str(span) => Some(self.str(span)),
            _ => None,
        }
    }

    pub(super) fn str(&self, span: Span) -> &str {
        std::str::from_utf8(bytes(&self.bytes, span)).unwrap_or_default()
    }
}

/// A span's bytes; none of a span of another pickle.
pub(super) fn bytes(pickle: &[u8], Span { at, len }: Span) -> &[u8] {
    pickle.get(at as usize..).and_then(|rest| rest.get(..len as usize)).unwrap_or_default()
}
