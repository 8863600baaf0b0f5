//! The header of a GGUF (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>): a magic word, a version, two counts, the
//! metadata, and of each tensor its name, extents, type and place; then, aligned, the tensors.
//!
//! Extents stand innermost first, so that their reverse is the shape of rows as everybody else has it. A header is believed
//! only after all of its claims are held against the file's length.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use crate::base::{Error, Result, disk};
use crate::weights::gguf::metadata::{Header, Metadata};
use crate::weights::gguf::types;
use crate::weights::tensors::{Order, TensorEntry, Tensors, numel, overlap};
use crate::weights::words::{quoted, short};

/// What a GGUF begins with.
pub(super) const MAGIC: [u8; 4] = *b"GGUF";
/// What places are multiples of where a file does not say.
pub(super) const ALIGNMENT: u64 = 32;
/// Extents of a tensor.
const MOST_EXTENTS: u32 = 4;
/// Tensors of a file: the largest models have some thousands.
const MOST_TENSORS: u64 = 65_536;

/// A file whose header passed every check.
#[derive(Debug)]
pub(super) struct Opened {
    pub version: u32,
    pub metadata: Metadata,
    pub tensors: Tensors,
}

/// Opens a file and checks its header.
///
/// # Errors
/// It cannot be read; another version; a header that does not fit the file.
pub(super) fn open(path: &Path) -> Result<Opened> {
    let file = disk::open_file(path)?;
    let about = file.metadata().map_err(Error::io("read", path))?;
    if !about.is_file() {
        return Err(Error::file(path, "not a file", "name a .gguf file"));
    }
    let mut header = Header::new(&file, about.len());
    let damaged = |problem: String| Error::file(path, problem, "download or copy the file again");
    let version = version(&mut header).map_err(|told| match told {
        Told::Damaged(problem) => damaged(problem),
        Told::Other(problem, next) => Error::file(path, problem, next),
    })?;
    let (metadata, entries) = parse(&mut header, about.len()).map_err(damaged)?;
    drop(header);
    Ok(Opened { version, metadata, tensors: Tensors::new(path, file, entries) })
}

/// Why a file is none of ours: it is damaged, or another kind, and what to do then.
enum Told {
    Damaged(String),
    Other(String, &'static str),
}

impl From<String> for Told {
    fn from(problem: String) -> Told {
        Told::Damaged(problem)
    }
}

/// The magic word, and the version that follows it.
fn version(header: &mut Header<&File>) -> std::result::Result<u32, Told> {
    let mut magic = [0; 4];
    header.fill(&mut magic)?;
    if &magic == b"vers" {
        let told = "a Git LFS pointer, not the model itself".into();
        return Err(Told::Other(told, "run `git lfs pull` in that folder, or download the file itself"));
    }
    if magic != MAGIC {
        let told = format!("begins with {}, not with \"GGUF\"", quoted(&String::from_utf8_lossy(&magic)));
        return Err(Told::Other(told, "name a .gguf file, or a model in another form that is read"));
    }
    match header.u32()? {
        version @ 2..=3 => Ok(version),
        1 => Err(Told::Other(
            "a GGUF of version 1, of August 2023, which is not read (2 and 3 are)".into(),
            "download a newer GGUF of the model, or make one from its weights with llama.cpp's convert_hf_to_gguf.py",
        )),
        // Versions are small: one in the high bytes was written by a computer whose first byte is the highest.
        version if version & 0xffff == 0 && version != 0 => Err(Told::Other(
            "a big-endian GGUF, which is not read".into(),
            "download the little-endian file of the model, or turn this one with gguf-py's gguf-convert-endian",
        )),
        version => Err(Told::Other(
            format!("a GGUF of version {version}, which is not read (2 and 3 are)"),
            "download a GGUF of version 3 of the model",
        )),
    }
}

/// Everything behind the version.
fn parse(
    header: &mut Header<&File>,
    length: u64,
) -> std::result::Result<(Metadata, Vec<TensorEntry>), String> {
    let (tensors, keys) = (header.u64()?, header.u64()?);
    // A name's length, the number of extents, a type, a place.
    header.room(tensors, 8 + 4 + 4 + 8, "tensors")?;
    if tensors > MOST_TENSORS {
        return Err(format!("announces {tensors} tensors, more than are read ({MOST_TENSORS})"));
    }
    let metadata = Metadata::read(header, keys)?;
    let alignment = alignment(&metadata)?;
    let mut infos = Vec::with_capacity(tensors as usize);
    for _ in 0..tensors {
        infos.push(Info::read(header)?);
    }
    let start = header.at().next_multiple_of(alignment);
    let entries: Vec<TensorEntry> = infos
        .into_iter()
        .map(|info| info.entry(start, length, alignment))
        .collect::<std::result::Result<_, _>>()?;
    let mut seen = HashSet::with_capacity(entries.len());
    if let Some(twice) = entries.iter().find(|e| !seen.insert(e.name.as_str())) {
        return Err(format!("tensor {} is listed twice", quoted(&twice.name)));
    }
    if let Some([a, b]) = overlap(&entries) {
        return Err(format!("tensors {} and {} claim the same bytes", quoted(&a.name), quoted(&b.name)));
    }
    Ok((metadata, entries))
}

/// What tensors' places are multiples of.
fn alignment(metadata: &Metadata) -> std::result::Result<u64, String> {
    if metadata.get("general.alignment").is_none() {
        return Ok(ALIGNMENT);
    }
    let said = metadata.get_u32("general.alignment").filter(|n| n.is_power_of_two());
    said.map(u64::from).ok_or_else(|| "general.alignment is no power of two".into())
}

/// One tensor's claims.
struct Info {
    name: String,
    shape: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl Info {
    fn read(header: &mut Header<&File>) -> std::result::Result<Info, String> {
        let name = header.name("tensor's name")?;
        let extents = header.u32()?;
        if extents > MOST_EXTENTS {
            return Err(format!("tensor {} has {extents} extents; ggml has {MOST_EXTENTS}", quoted(&name)));
        }
        let mut shape = (0..extents).map(|_| header.u64()).collect::<std::result::Result<Vec<_>, _>>()?;
        shape.reverse();
        Ok(Info { name, shape, kind: header.u32()?, offset: header.u64()? })
    }

    /// Its entry, where all claims hold.
    fn entry(self, start: u64, length: u64, alignment: u64) -> std::result::Result<TensorEntry, String> {
        let Info { name, shape, kind, offset } = self;
        let shown = quoted(&name);
        let (dtype, block) = types::dtype(kind);
        let too_large =
            || format!("tensor {shown} of shape {} is larger than any file", short(&format!("{shape:?}")));
        let extents = shape.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<Vec<usize>>>();
        let extents = extents.ok_or_else(too_large)?;
        let elements = numel(&extents).ok_or_else(too_large)? as u64;
        // Where ggml's sizes are not known, a tensor is listed and never read.
        let (each, bytes) = block.unwrap_or((1, 0));
        let row = shape.last().copied().unwrap_or(1);
        if row % each != 0 {
            return Err(format!(
                "tensor {shown} is {} in blocks of {each}, and its rows are {row} long",
                dtype.name()
            ));
        }
        let len = (elements / each).checked_mul(bytes).ok_or_else(too_large)?;
        if offset % alignment != 0 {
            return Err(format!(
                "tensor {shown} stands at byte {offset}, which is no multiple of {alignment}"
            ));
        }
        let end = start.checked_add(offset).and_then(|at| at.checked_add(len));
        if end.is_none_or(|end| end > length) && (len > 0 || offset > 0) {
            return Err(format!(
                "tensor {shown} takes {len} bytes from byte {offset} of the data on, but the file ends before: it is cut short or damaged"
            ));
        }
        Ok(TensorEntry {
            name,
            dtype,
            shape: extents,
            order: Order::Rows,
            file: 0,
            offset: start + offset,
            len,
        })
    }
}
