//! PyTorch's files since 1.6: a zip of one folder, `data.pkl` in it and each storage as `data/KEY`, uncompressed, so that
//! the numbers can be read where they lie (<https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.h>).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::base::disk;
use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::machine;
use crate::weights::pickle::value::{Pickle, Storage};
use crate::weights::pickle::views::{Place, missing, overlap};
use crate::weights::words::quoted;

/// Bytes of a pickle, at most: that of gpt2-xl with its optimizer's state has a hundredth.
pub(super) const MOST_PICKLE: u64 = 64 << 20;

type Zip<'a> = ZipArchive<BufReader<&'a File>>;

/// A member as its entry in the zip has it.
struct Member {
    place: Place,
    stored: bool,
}

/// Reads the pickle and finds every storage of it; `length` is the file's.
pub(super) fn read(file: &File, length: u64) -> Result<(Pickle, Vec<Place>), Fault> {
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(phrase)?;
    if zip.has_duplicate_names() {
        return Err(Fault::Damaged("a zip that holds two members of one name".into()));
    }
    let folder = folder(&zip)?;
    let script = [format!("{folder}constants.pkl"), format!("{folder}code/")];
    if zip.file_names_raw().any(|name| script.iter().any(|s| name.starts_with(s.as_bytes()))) {
        return Err(Fault::Refused(
            "a TorchScript program, its weights among its code".into(),
            "save the weights alone, in Python: torch.save(torch.jit.load(OLD).state_dict(), NEW)",
        ));
    }
    byte_order(&mut zip, &folder, file, length)?;
    let bytes = pickle_bytes(&mut zip, &format!("{folder}data.pkl"), file, length)?;
    let (root, heap, used) = machine::read(&bytes).map_err(|e| match e {
        Fault::Short => Fault::Damaged("its pickle ends in the middle".into()),
        other => other,
    })?;
    if used != bytes.len() {
        return Err(Fault::Damaged("something follows its pickle".into()));
    }
    let pickle = Pickle { bytes, heap, root };
    let mut found = HashMap::new();
    let mut places = Vec::with_capacity(pickle.heap.storages.len());
    for storage in &pickle.heap.storages {
        let key = pickle.str(storage.key);
        let place = match found.get(key) {
            Some(place) => *place,
            None => self::storage(&mut zip, &folder, key, length)?,
        };
        found.insert(key, place);
        places.push(sized(place, storage, key)?);
    }
    if let Some(at) = overlap(found.into_values()) {
        return Err(Fault::Damaged(format!("two of its storages claim the byte at {at}")));
    }
    Ok((pickle, places))
}

/// The folder that all is in, with its slash.
fn folder(zip: &Zip) -> Result<String, Fault> {
    let names = zip.file_names_raw().filter_map(|name| std::str::from_utf8(name).ok());
    let mut folders = names
        .filter_map(|name| name.strip_suffix("data.pkl"))
        .filter(|folder| folder.is_empty() || folder.find('/') == Some(folder.len() - 1));
    match (folders.next(), folders.next()) {
        (Some(folder), None) => Ok(folder.to_string()),
        (None, _) => Err(Fault::Refused(
            "a zip without a data.pkl: none that PyTorch wrote".into(),
            "name a checkpoint, or the folder that holds one",
        )),
        _ => Err(Fault::Damaged("a zip that holds two folders with a data.pkl".into())),
    }
}

/// Numbers are little-endian, as all computers of today have them.
fn byte_order(zip: &mut Zip, folder: &str, file: &File, length: u64) -> Result<(), Fault> {
    let Some(index) = zip.index_for_name_raw(format!("{folder}byteorder").as_bytes()) else { return Ok(()) };
    let Member { place, stored } = member(zip, index, length)?;
    let mut order = vec![0; place.len.min(16) as usize];
    disk::read_at(file, &mut order, place.offset).map_err(Fault::Io)?;
    match order.as_slice() {
        // Packed anew, it says nothing as it stands; then the numbers are packed too, and told for that.
        _ if !stored => Ok(()),
        b"little" => Ok(()),
        b"big" => Err(Fault::Refused("written on a big-endian computer".into(), RESAVE)),
        _ => Err(Fault::Damaged("its byteorder is neither little nor big".into())),
    }
}

/// `data.pkl`, unpacked where somebody packed the zip anew.
fn pickle_bytes(zip: &mut Zip, name: &str, file: &File, length: u64) -> Result<Vec<u8>, Fault> {
    let index = zip.index_for_name_raw(name.as_bytes()).ok_or_else(|| missing("data.pkl"))?;
    let declared = zip.by_index_data(index).map_err(phrase)?.size();
    if declared > MOST_PICKLE {
        return Err(Fault::Refused(
            format!("its data.pkl unpacks to {declared} bytes: no checkpoint's does (a zip bomb?)"),
            RESAVE,
        ));
    }
    let Member { place, stored } = member(zip, index, length)?;
    if stored {
        let mut bytes = vec![0; place.len as usize];
        disk::read_at(file, &mut bytes, place.offset).map_err(Fault::Io)?;
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    let member = zip.by_index(index).map_err(phrase)?;
    let unpacked = member.take(declared + 1).read_to_end(&mut bytes);
    if unpacked.is_err() || bytes.len() as u64 != declared {
        return Err(Fault::Damaged("its data.pkl does not unpack to what the zip says of it".into()));
    }
    Ok(bytes)
}

/// Where a storage's bytes are.
fn storage(zip: &mut Zip, folder: &str, key: &str, length: u64) -> Result<Place, Fault> {
    if key.is_empty() || key.contains(['/', '\\', ':']) || key.contains("..") {
        return Err(Fault::Damaged(format!(
            "a storage is called {}, which is no name in its folder",
            quoted(key)
        )));
    }
    let name = format!("{folder}data/{key}");
    let index = zip.index_for_name_raw(name.as_bytes()).ok_or_else(|| missing(key))?;
    let Member { place, stored } = member(zip, index, length)?;
    if !stored {
        return Err(Fault::Refused(
            format!("its storage {} is compressed, which PyTorch does not do", quoted(key)),
            "pack it without compression (zip -0), or save it again with torch.save",
        ));
    }
    Ok(place)
}

/// A storage has the bytes that its elements take.
fn sized(place: Place, storage: &Storage, key: &str) -> Result<Place, Fault> {
    let Storage { kind, numel, .. } = storage;
    if numel.checked_mul(kind.size) != Some(place.len) {
        return Err(Fault::Damaged(format!(
            "its storage {} has {} bytes, which is not what {numel} elements of {} take",
            quoted(key),
            place.len,
            kind.name
        )));
    }
    Ok(place)
}

/// Where a member's bytes are: inside the file.
fn member(zip: &mut Zip, index: usize, length: u64) -> Result<Member, Fault> {
    let member = zip.by_index_raw(index).map_err(phrase)?;
    let name = quoted(&String::from_utf8_lossy(member.name_raw()));
    if member.encrypted() {
        return Err(Fault::Refused(format!("its {name} is encrypted"), "unpack it with its password"));
    }
    let stored = member.compression() == CompressionMethod::Stored;
    let (offset, len) = (member.data_start().unwrap_or(u64::MAX), member.compressed_size());
    if offset.checked_add(len).is_none_or(|end| end > length) {
        return Err(Fault::Damaged(format!(
            "its {name} reaches out of the file: it is cut short or damaged"
        )));
    }
    if stored && member.size() != len {
        return Err(Fault::Damaged(format!("its {name} is uncompressed, and of two lengths")));
    }
    Ok(Member { place: Place { offset, len }, stored })
}

fn phrase(e: ZipError) -> Fault {
    match e {
        ZipError::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => Fault::Io(e),
        other => Fault::Damaged(format!("a damaged zip, or one that is cut short ({other})")),
    }
}
