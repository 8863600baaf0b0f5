//! The `.index` of a checkpoint: a sorted table of keys and values in leveldb's file format (`doc/table_format.md` there), which
//! TensorFlow took over: data blocks, a block that indexes them, and a footer of 48 bytes that says where that one is.

use crate::weights::tensorflow::proto::{take, varint};

/// The last eight bytes.
pub(super) const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Two handles of at most 20 bytes each, padded, and the magic number.
pub(super) const FOOTER: usize = 48;
/// Behind each block: how it is compressed, and its checksum.
const TRAILER: usize = 5;
/// No variable's name comes near this. A key may repeat the beginning of the one before: without a bound, a megabyte of entries
/// could make gigabytes of keys.
const MOST_KEY: usize = 512;

/// Keys with their values.
pub(super) type Entries<'a> = Vec<(Vec<u8>, &'a [u8])>;

/// Every key and its value, in order. An error, in words that follow "FILE: ", where it is no such table, damaged, or compressed.
pub(super) fn entries(file: &[u8]) -> Result<Entries<'_>, String> {
    let Some(at) = file.len().checked_sub(FOOTER) else {
        return Err(format!(
            "only {} bytes long, where its footer alone has {FOOTER}: cut short",
            file.len()
        ));
    };
    let (blocks, mut footer) = file.split_at(at);
    if footer[FOOTER - 8..] != MAGIC.to_le_bytes() {
        return Err(
            "it does not end as the index of a TensorFlow checkpoint: cut short, or another file".into()
        );
    }
    let _metaindex = handle(&mut footer)?;
    let index = handle(&mut footer)?;
    let mut all: Entries = Vec::new();
    let mut end = 0;
    for (_, mut value) in block(blocks, index)? {
        let at = handle(&mut value)?;
        // In order and apart: no block is read twice.
        if at.0 < end {
            return Err("two of its blocks are in one place".into());
        }
        end = at.0.saturating_add(at.1);
        all.extend(block(blocks, at)?);
    }
    match all.windows(2).find(|two| two[0].0 >= two[1].0) {
        Some(two) => Err(format!("its keys are out of order at {:?}", String::from_utf8_lossy(&two[1].0))),
        None => Ok(all),
    }
}

/// Where a block is, and its length without the trailer.
fn handle(bytes: &mut &[u8]) -> Result<(u64, u64), String> {
    Ok((varint(bytes)?, varint(bytes)?))
}

/// The entries of a block. Each key is a part of the one before and some bytes of its own; the places where a whole key stands
/// (the restarts, for searching) are not needed by who reads all.
fn block(file: &[u8], (at, len): (u64, u64)) -> Result<Entries<'_>, String> {
    let outside = || format!("a block of it would be at byte {at}, {len} long: cut short or damaged");
    let begin = usize::try_from(at).ok().filter(|&begin| begin <= file.len()).ok_or_else(outside)?;
    let mut rest = &file[begin..];
    let len = usize::try_from(len).ok().filter(|&len| len <= rest.len()).ok_or_else(outside)?;
    let with_kind = len.checked_add(1).filter(|n| n + TRAILER - 1 <= rest.len()).ok_or_else(outside)?;
    let checksum = u32::from_le_bytes(rest[with_kind..with_kind + 4].try_into().expect("4 bytes"));
    if masked(crc32c(&rest[..with_kind])) != checksum {
        return Err(format!("its block at byte {at} is damaged: the checksum is another"));
    }
    match rest[len] {
        0 => {}
        1 => return Err("its blocks are compressed (snappy), as TensorFlow's own are not".into()),
        other => return Err(format!("its blocks are stored in a way {other} that we do not know")),
    }
    let block = take(&mut rest, len as u64)?;
    let tail = block.len().checked_sub(4).ok_or("a block without an end")?;
    let restarts = u32::from_le_bytes(block[tail..].try_into().expect("4 bytes"));
    let restarts = usize::try_from(restarts).ok().and_then(|n| n.checked_mul(4));
    let mut left = restarts
        .and_then(|n| tail.checked_sub(n))
        .map(|end| &block[..end])
        .ok_or("a block without an end")?;
    let mut all: Entries = Vec::new();
    while !left.is_empty() {
        let (shared, own, value) = (varint(&mut left)?, varint(&mut left)?, varint(&mut left)?);
        let before: &[u8] = all.last().map_or(&[], |(key, _)| key);
        let shared = usize::try_from(shared)
            .ok()
            .and_then(|n| before.get(..n))
            .ok_or("a key that continues nothing")?;
        let own = take(&mut left, own)?;
        if shared.len() + own.len() > MOST_KEY {
            return Err(format!("a name of more than {MOST_KEY} bytes"));
        }
        let key = [shared, own].concat();
        all.push((key, take(&mut left, value)?));
    }
    Ok(all)
}

/// CRC-32C (Castagnoli), a byte at a time: an index has a few kilobytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut x, mut bit) = (i as u32, 0);
            while bit < 8 {
                x = if x & 1 == 1 { (x >> 1) ^ 0x82f6_3b78 } else { x >> 1 };
                bit += 1;
            }
            table[i] = x;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

/// A checksum as it is stored: leveldb turns it, so that a checksum of bytes that hold checksums stays one.
pub(super) fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
