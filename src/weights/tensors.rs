//! Named tensors that lie in files. A format's reader finds out where each tensor's bytes stand and how they are stored;
//! from there on all formats are one: a tensor goes from its file straight into its destination, a piece at a time, never
//! through a map or a copy of the file. (A map would save no copy, and a file that becomes shorter under it ends the process
//! where a read returns an error.) Training a 124M model takes 2 GB for parameters, gradients and moments; there is no room
//! for a fifth copy.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::base::disk::{self, PIECE};
use crate::base::{Error, Result, memory};
use crate::weights::dtype::Dtype;
use crate::weights::words::quoted;

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorEntry {
    /// The key.
    pub name: String,
    /// How the elements are stored.
    pub dtype: Dtype,
    /// The extents, outermost first; none for a single number.
    pub shape: Vec<usize>,
    /// How its rows lie in the file.
    pub order: Order,
    /// Which of the files it is in.
    pub file: usize,
    /// Where the first element stands, in bytes from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

/// How the rows of a tensor lie in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One behind the other.
    Rows,
    /// A matrix column by column: its bytes are its transpose's, row by row.
    Columns,
    /// Those of every head of so many in pairs: channel `i` of a head's first half, then channel `i` of its second. llama.cpp's
    /// rotary positions turn neighbours, those of Llama's own code the halves.
    Pairs(usize),
}

impl Order {
    // ANCHOR: place
    /// Where a row stands in the file, if it stands there in one piece.
    pub(super) fn place(self, row: usize) -> Option<usize> {
        match self {
            Order::Rows => Some(row),
            Order::Columns => None,
            Order::Pairs(head) => {
                let (first, channel, half) = (row / head * head, row % head, head / 2);
                Some(first + 2 * (channel % half) + channel / half)
            }
        }
    }
    // ANCHOR_END: place
}

impl TensorEntry {
    /// The outermost extent: rows of a matrix, elements of a vector, 1 for a single number.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Elements in one row.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Checks a shape from a file: its elements, and every product of some of its extents, can be counted. An extent of zero
/// hides the others from the product.
pub(super) fn numel(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d.max(1)))?;
    Some(shape.iter().product())
}

/// Two tensors that claim the same bytes, if any do.
pub(super) fn overlap(entries: &[TensorEntry]) -> Option<[&TensorEntry; 2]> {
    let mut occupied: Vec<&TensorEntry> = entries.iter().filter(|e| e.len > 0).collect();
    occupied.sort_by_key(|e| (e.file, e.offset, e.len));
    let both =
        |two: &&[&TensorEntry]| two[0].file == two[1].file && two[0].offset + two[0].len > two[1].offset;
    occupied.windows(2).find(both).map(|two| [two[0], two[1]])
}

/// Open files and the tensors in them.
#[derive(Debug)]
pub struct Tensors {
    files: Vec<(PathBuf, File)>,
    entries: Vec<TensorEntry>,
    index: HashMap<String, usize>,
    /// Where bytes wait to be converted; empty until some are.
    piece: Vec<u8>,
    /// The last tensor that could not be read row by row, whole and in its own order.
    whole: Option<(usize, Vec<f32>)>,
}

impl Tensors {
    /// The tensors of one file, which its format's reader has checked: every range is inside the file and fits its shape,
    /// all names differ.
    pub(super) fn new(path: &Path, file: File, entries: Vec<TensorEntry>) -> Tensors {
        let index = entries.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        Tensors { files: vec![(path.to_path_buf(), file)], entries, index, piece: Vec::new(), whole: None }
    }

    /// The tensors of several files as those of one.
    ///
    /// # Errors
    /// A name that two files have.
    pub(super) fn join(parts: Vec<Tensors>) -> Result<Tensors> {
        let mut all = Tensors {
            files: Vec::new(),
            entries: Vec::new(),
            index: HashMap::new(),
            piece: Vec::new(),
            whole: None,
        };
        for part in parts {
            let first = all.files.len();
            for entry in part.entries {
                if let Some(&other) = all.index.get(&entry.name) {
                    let there = all.files[all.entries[other].file].0.display();
                    let problem = format!("holds tensor {}, and so does {there}", quoted(&entry.name));
                    return Err(Error::file(
                        &part.files[entry.file].0,
                        problem,
                        "download the checkpoint again",
                    ));
                }
                all.index.insert(entry.name.clone(), all.entries.len());
                all.entries.push(TensorEntry { file: first + entry.file, ..entry });
            }
            all.files.extend(part.files);
        }
        Ok(all)
    }

    /// The same again, on handles of its own.
    ///
    /// # Errors
    /// The system gives no more handles.
    pub(super) fn again(&self) -> Result<Tensors> {
        let handle = |(path, file): &(PathBuf, File)| {
            Ok((path.clone(), file.try_clone().map_err(Error::io("open", path))?))
        };
        let files = self.files.iter().map(handle).collect::<Result<_>>()?;
        let (entries, index) = (self.entries.clone(), self.index.clone());
        Ok(Tensors { files, entries, index, piece: Vec::new(), whole: None })
    }

    /// Some of these; `name` says under which name, and leaves out the rest.
    pub(super) fn kept(mut self, name: impl Fn(&str) -> Option<String>) -> Tensors {
        let kept = self.entries.into_iter().filter_map(|e| Some(TensorEntry { name: name(&e.name)?, ..e }));
        self.entries = kept.collect();
        self.index = self.entries.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        self.whole = None;
        self
    }

    /// These, with `others` in the place of those of the same name, or beside them.
    pub(super) fn replaced(mut self, others: Tensors) -> Tensors {
        self.replace(others);
        self
    }

    /// Puts others in the place of those of the same name, or beside them.
    pub(super) fn replace(&mut self, others: Tensors) {
        let first = self.files.len();
        for entry in others.entries {
            let entry = TensorEntry { file: first + entry.file, ..entry };
            match self.index.get(&entry.name) {
                Some(&at) => self.entries[at] = entry,
                None => {
                    self.index.insert(entry.name.clone(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        self.files.extend(others.files);
        self.whole = None;
    }

    /// Every tensor under another name.
    ///
    /// # Errors
    /// Two tensors get one name.
    pub(super) fn renamed(mut self, name: impl Fn(&str) -> String) -> Result<Tensors> {
        let mut index = HashMap::with_capacity(self.entries.len());
        for (i, entry) in self.entries.iter().enumerate() {
            if let Some(other) = index.insert(name(&entry.name), i) {
                let (a, b) = (quoted(&self.entries[other].name), quoted(&entry.name));
                return Err(Error::file(
                    self.file_of(entry),
                    format!("{a} and {b} are one parameter twice"),
                    "check that config.json and the weights come from one checkpoint, and download both again",
                ));
            }
        }
        for (name, &i) in &index {
            self.entries[i].name = name.clone();
        }
        self.index = index;
        Ok(self)
    }

    /// Sees the rows of some tensors as tensors of their own, one behind the other; `parts` says which, and how many rows each has:
    /// in all, those of the whole. What is not stored in whole blocks a row stays as it is.
    pub(super) fn split<const N: usize>(
        &mut self,
        parts: impl Fn(&TensorEntry) -> Option<[(String, usize); N]>,
    ) {
        let mut entries = Vec::with_capacity(self.entries.len());
        for whole in std::mem::take(&mut self.entries) {
            let row = whole.dtype.bytes(whole.row_len() as u64);
            let Some((parts, row)) = parts(&whole).zip(row) else {
                entries.push(whole);
                continue;
            };
            let mut offset = whole.offset;
            for (name, rows) in parts {
                let mut shape = whole.shape.clone();
                shape[0] = rows;
                let len = rows as u64 * row;
                entries.push(TensorEntry { name, shape, offset, len, ..whole.clone() });
                offset += len;
            }
        }
        self.entries = entries;
        self.index = self.entries.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        self.whole = None;
    }

    /// Sees some matrices as their transposes. Of what lies in pairs there is none.
    pub(super) fn transpose(&mut self, which: impl Fn(&TensorEntry) -> bool) {
        for entry in self.entries.iter_mut().filter(|e| which(e)) {
            entry.order = match entry.order {
                Order::Rows => Order::Columns,
                Order::Columns => Order::Rows,
                Order::Pairs(_) => continue,
            };
            entry.shape.reverse();
        }
        self.whole = None;
    }

    /// Sees heads in halves whose rows lie in pairs. `which` says how many rows a head has; what is no whole heads stays as it
    /// is, and is told by its shape.
    pub(super) fn pairs(&mut self, which: impl Fn(&TensorEntry) -> Option<usize>) {
        for entry in &mut self.entries {
            let whole = |head: &usize| head.is_multiple_of(2) && entry.rows().is_multiple_of(*head);
            if let Some(head) = which(entry).filter(|head| *head > 0).filter(whole) {
                entry.order = Order::Pairs(head);
            }
        }
    }

    /// The (first) file.
    pub fn path(&self) -> &Path {
        &self.files[0].0
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// The file of a tensor.
    pub fn file_of(&self, entry: &TensorEntry) -> &Path {
        &self.files[entry.file].0
    }

    /// Every tensor, in the order of its reader.
    pub fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// The tensor of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<&TensorEntry> {
        self.index.get(name).map(|&i| &self.entries[i])
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn entry(&self, name: &str) -> Result<&TensorEntry> {
        Ok(&self.entries[self.at(name)?])
    }

    fn at(&self, name: &str) -> Result<usize> {
        self.index.get(name).copied().ok_or_else(|| {
            Error::file(
                self.path(),
                format!("holds no tensor {}", quoted(name)),
                "check that this is the right file; a damaged one has to be downloaded or copied again",
            )
        })
    }

    /// Reads a whole tensor into `out`, which is cleared first.
    ///
    /// # Errors
    /// As [`Tensors::read_rows_f32`]; or the computer has not that much memory.
    pub fn read_f32(&mut self, name: &str, out: &mut Vec<f32>) -> Result<()> {
        let entry = self.entry(name)?;
        let rows = entry.rows();
        *out = memory::zeros(entry.numel(), name)?;
        self.read_rows_f32(name, 0..rows, out)
    }

    /// Reads some rows of a tensor (elements, where it has one extent) into `sink`, as f32. A transposed one is read whole
    /// at its first rows, and kept until another is.
    ///
    /// # Errors
    /// No such tensor or rows, a dtype that is not read, or a file that cannot be read to there.
    ///
    /// # Panics
    /// If `sink` is not as long as those rows.
    pub fn read_rows_f32(&mut self, name: &str, rows: Range<usize>, sink: &mut [f32]) -> Result<()> {
        let at = self.at(name)?;
        let entry = &self.entries[at];
        let width = entry.row_len();
        if rows.start > rows.end || rows.end > entry.rows() {
            let problem =
                format!("rows {rows:?} of {} were asked for; it has {}", quoted(name), entry.rows());
            let next = "check that config.json and the weights belong together";
            return Err(Error::file(self.file_of(entry), problem, next));
        }
        assert_eq!(sink.len(), rows.len() * width, "the destination is as long as the rows");
        if entry.dtype.block().is_none() {
            return Err(Error::file(self.file_of(entry), not_floats(entry), UNQUANTIZED));
        }
        let start = rows.start * width;
        let order = entry.order;
        if order != Order::Columns && entry.dtype.bytes(width as u64).is_some() {
            if order == Order::Rows {
                return self.read_run(at, start, sink);
            }
            for (row, out) in rows.zip(sink.chunks_exact_mut(width.max(1))) {
                let place = order.place(row).expect("rows are in one piece");
                self.read_run(at, place * width, out)?;
            }
            return Ok(());
        }
        if self.whole.as_ref().is_none_or(|(kept, _)| *kept != at) {
            self.whole = None;
            self.whole = Some((at, self.read_whole(at)?));
        }
        let (_, whole) = self.whole.as_ref().expect("read above");
        sink.copy_from_slice(&whole[start..start + sink.len()]);
        Ok(())
    }

    /// A tensor in its own order, whatever the order of its bytes.
    fn read_whole(&mut self, at: usize) -> Result<Vec<f32>> {
        let (name, rows, width) =
            (self.entries[at].name.clone(), self.entries[at].rows(), self.entries[at].row_len());
        let mut stored = memory::zeros(rows * width, &name)?;
        self.read_run(at, 0, &mut stored)?;
        if self.entries[at].order != Order::Columns {
            return Ok(stored);
        }
        let mut out = memory::zeros(rows * width, &name)?;
        transpose(&stored, width, rows, &mut out);
        Ok(out)
    }

    /// Adds some rows of a tensor to `out` as their bytes are in the file.
    ///
    /// # Errors
    /// No such tensor, or a file that cannot be read to there.
    ///
    /// # Panics
    /// If it has no such rows, or they do not stand in the file in one piece each, as whole blocks.
    pub(super) fn read_rows_stored(&self, name: &str, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let entry = &self.entries[self.at(name)?];
        assert!(rows.end <= entry.rows(), "{name} has {} rows", entry.rows());
        let (path, file) = &self.files[entry.file];
        let row = entry.dtype.bytes(entry.row_len() as u64).expect("rows are whole blocks") as usize;
        let begin = out.len();
        out.resize(begin + rows.len() * row, 0);
        let out = &mut out[begin..];
        let failed = |e| unreadable(path, name, e);
        if entry.order == Order::Rows {
            let place = entry.offset + (rows.start * row) as u64;
            return disk::read_at(file, out, place).map_err(failed);
        }
        for (i, out) in rows.zip(out.chunks_exact_mut(row.max(1))) {
            let place = entry.order.place(i).expect("a row stands in one piece");
            disk::read_at(file, out, entry.offset + (place * row) as u64).map_err(failed)?;
        }
        Ok(())
    }

    /// Elements as they are stored, from one on; both its place and their number end blocks.
    fn read_run(&mut self, at: usize, start: usize, sink: &mut [f32]) -> Result<()> {
        let TensorEntry { name, dtype, file, offset, .. } = &self.entries[at];
        let (path, file) = &self.files[*file];
        let (elements, bytes) = dtype.block().expect("checked by the caller");
        let mut place = offset + (start / elements * bytes) as u64;
        let failed = |e| unreadable(path, name, e);
        if *dtype == Dtype::F32 && cfg!(target_endian = "little") {
            return disk::read_at(file, bytemuck::cast_slice_mut(sink), place).map_err(failed);
        }
        self.piece.resize(PIECE, 0);
        for part in sink.chunks_mut(PIECE / bytes * elements) {
            let piece = &mut self.piece[..part.len() / elements * bytes];
            disk::read_at(file, piece, place).map_err(failed)?;
            dtype.decode(piece, part);
            place += piece.len() as u64;
        }
        Ok(())
    }
}

/// A tensor's bytes that could not be read.
fn unreadable(path: &Path, name: &str, e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::UnexpectedEof => Error::file(
            path,
            format!("became shorter while {} was read", quoted(name)),
            "let whatever is writing the file finish, then try again",
        ),
        _ => Error::io("read", path)(e),
    }
}

/// What to do with weights that are stored as something else than floats.
pub(super) const UNQUANTIZED: &str = "use the checkpoint's unquantized float version";

/// Of a tensor that is not read.
pub(super) fn not_floats(entry: &TensorEntry) -> String {
    format!(
        "tensor {} is stored as {:?}, which is not read (F32, F16, BF16 and F64 are, and of a GGUF Q4_0 to Q8_0 and the K-quants)",
        quoted(&entry.name),
        entry.dtype.name()
    )
}

/// `out[j][i] = stored[i][j]`, of `rows` stored rows of `width`: in squares, so that both sides stay in the cache, and on all
/// cores.
pub(super) fn transpose(stored: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    const SIDE: usize = 32;
    if rows == 0 {
        return;
    }
    out.par_chunks_mut(SIDE * rows).enumerate().for_each(|(band, out)| {
        let j0 = band * SIDE;
        for i0 in (0..rows).step_by(SIDE) {
            for (j, row) in out.chunks_exact_mut(rows).enumerate() {
                for (i, x) in row.iter_mut().enumerate().take((i0 + SIDE).min(rows)).skip(i0) {
                    *x = stored[i * width + j0 + j];
                }
            }
        }
    });
}
