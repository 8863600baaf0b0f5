//! Writes a file of PyTorch's: a pickle of protocol 2, and the zip around it as torch writes it. Streamed: a storage's bytes
//! go straight to the file.

use std::path::Path;

use crate::base::{Error, Result};
use crate::weights::dtype::Dtype;
use crate::weights::output::Output;

/// A pickle being written. Values are written in the order of their places; a container is between its `begin` and `end`.
#[derive(Debug)]
pub(in crate::weights) struct Pickler(Vec<u8>);

impl Pickler {
    pub fn new() -> Pickler {
        Pickler(vec![0x80, 2])
    }

    pub fn bool(&mut self, value: bool) {
        self.0.push(if value { 0x88 } else { 0x89 });
    }

    pub fn none(&mut self) {
        self.0.push(b'N');
    }

    pub fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(small) => {
                self.0.push(b'J');
                self.0.extend(small.to_le_bytes());
            }
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend(value.to_le_bytes());
            }
        }
    }

    pub fn float(&mut self, value: f64) {
        self.0.push(b'G');
        self.0.extend(value.to_be_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn name(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    /// A dict: a text and a value by turns up to [`Pickler::end_dict`].
    pub fn begin_dict(&mut self) {
        self.0.extend(b"}(");
    }

    pub fn begin_ordered_dict(&mut self) {
        self.name("collections", "OrderedDict");
        self.0.extend(b")R(");
    }

    pub fn end_dict(&mut self) {
        self.0.push(b'u');
    }

    pub fn begin_list(&mut self) {
        self.0.extend(b"](");
    }

    pub fn end_list(&mut self) {
        self.0.push(b'e');
    }

    pub fn begin_tuple(&mut self) {
        self.0.push(b'(');
    }

    pub fn end_tuple(&mut self) {
        self.0.push(b't');
    }

    /// A tensor that is all of storage `key`, row by row. Two tensors of one key are one in PyTorch too.
    pub fn tensor(&mut self, key: usize, dtype: &Dtype, shape: &[usize]) {
        self.name("torch._utils", "_rebuild_tensor_v2");
        self.begin_tuple();
        // The persistent id of the storage.
        self.begin_tuple();
        self.text("storage");
        self.name("torch", storage(dtype));
        self.text(&key.to_string());
        self.text("cpu");
        self.int(shape.iter().product::<usize>() as i64);
        self.end_tuple();
        self.0.push(b'Q');
        self.int(0);
        self.ints(shape.iter().copied());
        self.ints((0..shape.len()).map(|i| shape[i + 1..].iter().product()));
        self.bool(false);
        self.begin_ordered_dict();
        self.end_dict();
        self.end_tuple();
        self.0.push(b'R');
    }

    fn ints(&mut self, values: impl Iterator<Item = usize>) {
        self.begin_tuple();
        values.for_each(|n| self.int(n as i64));
        self.end_tuple();
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }
}

/// torch's class of storages.
fn storage(dtype: &Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "FloatStorage",
        Dtype::F16 => "HalfStorage",
        Dtype::BF16 => "BFloat16Storage",
        Dtype::F64 => "DoubleStorage",
        other => unreachable!("{} is none of torch's floats", other.name()),
    }
}

/// The folder in the zip: any name does.
const FOLDER: &str = "archive";
/// Where data begins, as torch aligns it: such a file can be mapped into memory.
const ALIGNMENT: u64 = 64;
/// Sizes are behind the data; names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// Of the zip format: this one needs its 64-bit form.
const VERSION: u16 = 45;
/// What stands in a field of 32 bits whose value is in a field of 64.
const ELSEWHERE: u32 = u32::MAX;

/// A member that is written.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    /// Where its header stands.
    at: u64,
    len: u32,
    crc: u32,
}

/// A file of PyTorch's being written. Dropped before [`TorchWriter::finish`], it takes the unfinished file with it.
#[derive(Debug)]
pub(in crate::weights) struct TorchWriter {
    out: Output,
    members: Vec<Member>,
    /// The member being written: its header's place, name and bytes still to come.
    open: Option<(u64, String, u32)>,
    crc: crc32fast::Hasher,
    len: u32,
}

impl TorchWriter {
    /// Creates the file (mode 0600 on Unix) with its pickle.
    ///
    /// # Errors
    /// There is a file of that name already (nothing is ever overwritten), or it cannot be written.
    pub fn create(path: &Path, pickle: &[u8]) -> Result<TorchWriter> {
        let out = Output::create(path)?;
        let mut writer =
            TorchWriter { out, members: Vec::new(), open: None, crc: Default::default(), len: 0 };
        for (name, bytes) in [("data.pkl", pickle), ("byteorder", b"little"), (".format_version", b"1")] {
            writer.member(name, bytes)?;
        }
        Ok(writer)
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes)
    }

    /// Begins storage `key`, of so many bytes; [`TorchWriter::write`] them.
    ///
    /// # Errors
    /// 4 GiB or more; the file cannot be written.
    ///
    /// # Panics
    /// If bytes of the one before are missing.
    pub fn storage(&mut self, key: usize, len: u64) -> Result<()> {
        self.begin(&format!("data/{key}"), len)
    }

    fn begin(&mut self, name: &str, len: u64) -> Result<()> {
        self.end()?;
        let Some(len) = u32::try_from(len).ok().filter(|len| *len < ELSEWHERE) else {
            let problem = format!("a tensor of {len} bytes; one of 4 GiB and more is not written here");
            return Err(Error::file(self.out.path(), problem, "write safetensors instead: --to hf"));
        };
        let (at, name) = (self.out.written(), format!("{FOLDER}/{name}"));
        let mut header = Vec::from(*b"PK\x03\x04");
        for n in [VERSION, FLAGS, 0, 0, DATE] {
            header.extend(n.to_le_bytes());
        }
        // crc, sizes: behind the data
        header.extend([0; 12]);
        header.extend((name.len() as u16).to_le_bytes());
        // torch's own padding: a field called FB
        let unpadded = at + header.len() as u64 + 2 + name.len() as u64 + 4;
        let padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT;
        header.extend((4 + padding as u16).to_le_bytes());
        header.extend(name.as_bytes());
        header.extend(b"FB");
        header.extend((padding as u16).to_le_bytes());
        header.extend(std::iter::repeat_n(b'Z', padding as usize));
        self.out.write(&header)?;
        self.open = Some((at, name, len));
        self.len = len;
        self.crc = crc32fast::Hasher::new();
        Ok(())
    }

    /// Writes the next bytes of a storage.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    ///
    /// # Panics
    /// If more come than were announced.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (_, name, missing) = self.open.as_mut().expect("a member was begun");
        let n = u32::try_from(bytes.len()).ok().and_then(|n| missing.checked_sub(n));
        *missing = n
            .unwrap_or_else(|| panic!("{} more bytes come for {name}, {missing} are announced", bytes.len()));
        self.crc.update(bytes);
        self.out.write(bytes)
    }

    /// Writes a member's descriptor behind it.
    fn end(&mut self) -> Result<()> {
        let Some((at, name, missing)) = self.open.take() else { return Ok(()) };
        assert_eq!(missing, 0, "every announced byte of {name} was written");
        let (crc, len) = (self.crc.clone().finalize(), self.len);
        let mut descriptor = Vec::from(*b"PK\x07\x08");
        for n in [crc, len, len] {
            descriptor.extend(n.to_le_bytes());
        }
        self.members.push(Member { name, at, len, crc });
        self.out.write(&descriptor)
    }

    /// Writes the zip's end and waits until the file is on the disk; returns its length.
    ///
    /// # Errors
    /// The file cannot be written; it is removed then.
    ///
    /// # Panics
    /// If bytes of the last storage are missing.
    pub fn finish(mut self) -> Result<u64> {
        self.member("version", b"3\n")?;
        self.end()?;
        let at = self.out.written();
        self.out.write(&directory(&self.members, at))?;
        self.out.finish()
    }
}

/// The first day that zips know: a file says nothing of when it was made.
const DATE: u16 = 1 << 5 | 1;

/// The central directory, for its place in the file, and the records after it; 64-bit ones too where places need them.
fn directory(members: &[Member], at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for Member { name, at, len, crc } in members {
        let far = *at >= ELSEWHERE.into();
        out.extend(b"PK\x01\x02");
        for n in [VERSION, VERSION, FLAGS, 0, 0, DATE] {
            out.extend(n.to_le_bytes());
        }
        for n in [*crc, *len, *len] {
            out.extend(n.to_le_bytes());
        }
        // name, extra field, comment, disk, attributes
        for n in [name.len() as u16, if far { 12 } else { 0 }, 0, 0, 0] {
            out.extend(n.to_le_bytes());
        }
        out.extend(0_u32.to_le_bytes());
        out.extend(if far { ELSEWHERE } else { *at as u32 }.to_le_bytes());
        out.extend(name.as_bytes());
        if far {
            out.extend([1, 0, 8, 0]);
            out.extend(at.to_le_bytes());
        }
    }
    let (size, count) = (out.len() as u64, members.len() as u64);
    let far = at >= ELSEWHERE.into() || count >= 0xffff;
    if far {
        let end = at + size;
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([VERSION, VERSION].map(u16::to_le_bytes).concat());
        out.extend([0; 8]);
        for n in [count, count, size, at] {
            out.extend(n.to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(end.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06\0\0\0\0");
    let count = if far { 0xffff } else { count as u16 };
    out.extend([count, count].map(u16::to_le_bytes).concat());
    out.extend((size as u32).to_le_bytes());
    out.extend(if far { ELSEWHERE } else { at as u32 }.to_le_bytes());
    out.extend([0, 0]);
    out
}
