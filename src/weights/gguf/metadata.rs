//! What a GGUF says of itself: keys and typed values, read from the file a value at a time.
//!
//! Every count and length is held against what is left of the file before anything is made of it. Arrays are kept as they
//! stand in the file (texts one behind the other, numbers as their bytes), so that a header takes little more memory than
//! it has bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use crate::weights::words::quoted;

/// The longest text outside an array, in bytes: a chat template is far below.
const MOST_TEXT: u64 = 16 << 20;
/// The longest key or name.
const MOST_NAME: u64 = 65_535;
/// The longest header, in bytes: vocabularies take some ten MB.
const MOST_HEADER: u64 = 256 << 20;
/// Arrays within arrays.
const DEEPEST: u32 = 4;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number, of any of eight widths.
    Whole(i128),
    /// A float of 32 or 64 bits.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Texts),
    /// Numbers, or yes and no.
    Numbers(Numbers),
    /// An array of so many arrays: known to be there, and not kept.
    Arrays(u64),
}

/// Many texts, one behind the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Texts {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All, in their order; what is no UTF-8 as U+FFFD.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| String::from_utf8_lossy(&self.bytes[start as usize..end as usize]))
    }
}

/// Many numbers of one type, as they stand in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Numbers {
    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Value> {
        self.bytes.chunks_exact(self.kind.size()).map(|bytes| self.kind.value(bytes))
    }
}

/// The type of a value that is neither text nor array.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    U64,
    I64,
    F64,
}

/// The numbers of texts and of arrays among the types.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

impl Kind {
    fn of(number: u32) -> Option<Kind> {
        use Kind::*;
        let kinds = [U8, I8, U16, I16, U32, I32, F32, Bool];
        let (text, array) = (TEXT as usize, ARRAY as usize);
        match number as usize {
            n if n < text => Some(kinds[n]),
            n if n > array => [U64, I64, F64].get(n - array - 1).copied(),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Kind::U8 | Kind::I8 | Kind::Bool => 1,
            Kind::U16 | Kind::I16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::U64 | Kind::I64 | Kind::F64 => 8,
        }
    }

    /// The value of its bytes.
    fn value(self, bytes: &[u8]) -> Value {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(eight);
        match self {
            Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => Value::Whole(bits.into()),
            Kind::I8 => Value::Whole((bits as i8).into()),
            Kind::I16 => Value::Whole((bits as i16).into()),
            Kind::I32 => Value::Whole((bits as i32).into()),
            Kind::I64 => Value::Whole((bits as i64).into()),
            Kind::F32 => Value::Float(f32::from_bits(bits as u32).into()),
            Kind::F64 => Value::Float(f64::from_bits(bits)),
            Kind::Bool => Value::Bool(bits != 0),
        }
    }
}

/// A GGUF's keys and values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    values: BTreeMap<String, Value>,
}

impl Metadata {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// A whole number, where it is one from 0 to 2³²−1.
    pub fn get_u32(&self, key: &str) -> Option<u32> {
        match self.get(key)? {
            Value::Whole(n) => u32::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A float.
    pub fn get_f64(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// Yes or no.
    pub fn get_bool(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    /// A text.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An array of texts.
    pub fn get_texts(&self, key: &str) -> Option<&Texts> {
        match self.get(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// An array of numbers.
    pub fn get_numbers(&self, key: &str) -> Option<&Numbers> {
        match self.get(key)? {
            Value::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The keys, in the order of the alphabet.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Reads so many keys and values.
    pub(super) fn read<R: Read>(header: &mut Header<R>, count: u64) -> Result<Metadata, String> {
        // A key's length, a type, and a value of one byte.
        header.room(count, 8 + 4 + 1, "keys")?;
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = header.name("key")?;
            let number = header.u32()?;
            let value = value(header, number, 0).map_err(|problem| format!("{} {problem}", quoted(&key)))?;
            if values.contains_key(&key) {
                return Err(format!("the key {} is given twice", quoted(&key)));
            }
            values.insert(key, value);
        }
        Ok(Metadata { values })
    }
}

/// A value of a type, in so many arrays.
fn value<R: Read>(header: &mut Header<R>, number: u32, depth: u32) -> Result<Value, String> {
    if let Some(kind) = Kind::of(number) {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..kind.size()];
        header.fill(bytes)?;
        if kind == Kind::Bool && bytes[0] > 1 {
            return Err(format!("is a yes or no of value {}", bytes[0]));
        }
        return Ok(kind.value(bytes));
    }
    match number {
        TEXT => {
            let len = header.u64()?;
            if len > MOST_TEXT {
                return Err(format!("is a text of {len} bytes, longer than any that is read ({MOST_TEXT})"));
            }
            let mut bytes = Vec::new();
            header.bytes(len, &mut bytes)?;
            Ok(Value::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        ARRAY => array(header, depth),
        _ => Err(format!("has a value of type {number}, which the format does not have")),
    }
}

fn array<R: Read>(header: &mut Header<R>, depth: u32) -> Result<Value, String> {
    let (number, count) = (header.u32()?, header.u64()?);
    if let Some(kind) = Kind::of(number) {
        header.room(count, kind.size() as u64, "elements")?;
        let mut bytes = Vec::new();
        header.bytes(count * kind.size() as u64, &mut bytes)?;
        return Ok(Value::Numbers(Numbers { kind, bytes }));
    }
    match number {
        TEXT => {
            header.room(count, 8, "texts")?;
            let mut texts = Texts { bytes: Vec::new(), ends: Vec::with_capacity(count as usize) };
            for _ in 0..count {
                let len = header.u64()?;
                header.bytes(len, &mut texts.bytes)?;
                texts.ends.push(texts.bytes.len() as u32);
            }
            texts.bytes.shrink_to_fit();
            Ok(Value::Texts(texts))
        }
        ARRAY if depth < DEEPEST => {
            header.room(count, 4 + 8, "arrays")?;
            for _ in 0..count {
                array(header, depth + 1)?;
            }
            Ok(Value::Arrays(count))
        }
        ARRAY => Err("holds arrays in arrays in arrays…".into()),
        _ => Err(format!("is an array of type {number}, which the format does not have")),
    }
}

/// A file's beginning, read on and on, and how much there may still be of it.
#[derive(Debug)]
pub(super) struct Header<R> {
    file: BufReader<R>,
    /// Bytes read.
    at: u64,
    /// The file's length, or the most that a header may have.
    end: u64,
    /// Whether it is the file's length.
    whole: bool,
}

impl<R: Read> Header<R> {
    /// Reads a file of so many bytes from its beginning.
    pub fn new(file: R, length: u64) -> Header<R> {
        let end = length.min(MOST_HEADER);
        Header { file: BufReader::with_capacity(1 << 16, file), at: 0, end, whole: end == length }
    }

    /// Bytes read.
    pub fn at(&self) -> u64 {
        self.at
    }

    fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Checks that so many things can follow, of so many bytes each at least.
    pub fn room(&self, count: u64, each: u64, what: &str) -> Result<(), String> {
        match count.checked_mul(each) {
            Some(bytes) if bytes <= self.left() => Ok(()),
            _ => Err(format!("announces {count} {what}, {}", self.short())),
        }
    }

    fn short(&self) -> String {
        match self.whole {
            true => format!("but the file has only {} bytes more: it is cut short or damaged", self.left()),
            false => format!("more than a header of {MOST_HEADER} bytes holds, and longer ones are not read"),
        }
    }

    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.room(bytes.len() as u64, 1, "bytes")?;
        self.file.read_exact(bytes).map_err(|e| format!("could not be read ({e})"))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Adds so many bytes to `out`.
    fn bytes(&mut self, len: u64, out: &mut Vec<u8>) -> Result<(), String> {
        self.room(len, 1, "bytes")?;
        let start = out.len();
        out.resize(start + len as usize, 0);
        self.fill(&mut out[start..])
    }

    /// A number of 32 bits.
    pub fn u32(&mut self) -> Result<u32, String> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// A number of 64 bits.
    pub fn u64(&mut self) -> Result<u64, String> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The name of something.
    pub fn name(&mut self, of: &str) -> Result<String, String> {
        let len = self.u64()?;
        if len > MOST_NAME {
            return Err(format!("a {of} of {len} bytes; the format allows {MOST_NAME}"));
        }
        let mut bytes = Vec::new();
        self.bytes(len, &mut bytes)?;
        String::from_utf8(bytes).map_err(|e| {
            format!("a {of} that is no UTF-8 ({})", quoted(&String::from_utf8_lossy(e.as_bytes())))
        })
    }
}
