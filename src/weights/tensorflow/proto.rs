//! Protocol buffers, as far as the index of a checkpoint needs them: a message is a list of numbered fields.

/// What a field holds, by its wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// Integers, booleans, enums; a negative one in two's complement.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Strings, bytes and messages.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// The fields of a message with their numbers, in order; an error where it ends too early or is none.
pub(super) fn fields(mut message: &[u8]) -> Result<Vec<(u64, Field<'_>)>, String> {
    let mut all = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut message)?),
            1 => {
                let bytes = take(&mut message, 8)?;
                Field::Fixed64(u64::from_le_bytes(bytes.try_into().expect("8 bytes")))
            }
            2 => {
                let len = varint(&mut message)?;
                Field::Bytes(take(&mut message, len)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(take(&mut message, 4)?.try_into().expect("4 bytes"))),
            other => return Err(format!("a field of wire type {other}, which no checkpoint has")),
        };
        all.push((key >> 3, field));
    }
    Ok(all)
}

/// The next number in seven bits a byte, the lowest first; also what leveldb's tables count with.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        if (bits << shift) >> shift != bits {
            break;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number of more than 64 bits".into())
}

/// The next so many bytes.
pub(super) fn take<'a>(bytes: &mut &'a [u8], len: u64) -> Result<&'a [u8], String> {
    let len = usize::try_from(len).ok().filter(|&len| len <= bytes.len());
    let len = len.ok_or("it ends in the middle of an entry")?;
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    Ok(taken)
}
