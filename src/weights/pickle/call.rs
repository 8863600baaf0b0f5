//! What "calling" a name makes: a match over the list of names, and values made from values.

use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::kind::{Kind, Number};
use crate::weights::pickle::names::Name;
use crate::weights::pickle::value::{Form, Heap, Span, Value, View, bytes};
use crate::weights::words::quoted;

/// Extents of a tensor, at most: GPT-2's have two, the mask that old files have four.
const MOST_EXTENTS: usize = 16;

/// What that call makes, and the elements that it copied.
pub(super) fn call(
    name: Name,
    arguments: &[Value],
    pickle: &[u8],
    heap: &mut Heap,
) -> Result<(Value, usize), Fault> {
    let wrong = || Fault::Damaged(format!("{name:?} with arguments that it does not take"));
    let made = match (name, arguments) {
        (Name::OrderedDict, []) => Value::Dict(heap.dict(Form::Ordered, Vec::new())),
        // Python 2's: a list of pairs.
        (Name::OrderedDict, [Value::List(pairs)]) => {
            let pairs = &heap.sequences[*pairs as usize];
            let pair = |pair: &Value| match pair {
                Value::List(at) | Value::Tuple(at) => match heap.sequences[*at as usize].as_slice() {
                    [key, value] => Ok((*key, *value)),
                    _ => Err(wrong()),
                },
                _ => Err(wrong()),
            };
            let items: Vec<_> = pairs.iter().map(pair).collect::<Result<_, _>>()?;
            let cost = items.len();
            return Ok((Value::Dict(heap.dict(Form::Ordered, items)), cost));
        }
        (Name::Namespace, []) => Value::Dict(heap.dict(Form::Namespace, Vec::new())),
        (Name::Set, []) => Value::List(heap.sequence(Vec::new())),
        (Name::Set, [Value::List(at)]) => Value::List(*at),
        (Name::Size, [Value::Tuple(at) | Value::List(at)]) => Value::Tuple(*at),
        (Name::Device, [Value::Str(name), ..]) => Value::Str(*name),
        (Name::RebuildTensor, [storage, offset, shape, stride]) => {
            view(heap, *storage, *offset, [*shape, *stride], None).ok_or_else(wrong)??
        }
        (Name::RebuildTensorV2, [storage, offset, shape, stride, _, _, rest @ ..]) if rest.len() <= 1 => {
            plain(heap, rest)?;
            view(heap, *storage, *offset, [*shape, *stride], None).ok_or_else(wrong)??
        }
        (
            Name::RebuildTensorV3,
            [storage, offset, shape, stride, _, _, Value::Name(Name::Dtype(kind)), rest @ ..],
        ) if rest.len() <= 1 => {
            plain(heap, rest)?;
            view(heap, *storage, *offset, [*shape, *stride], Some(*kind)).ok_or_else(wrong)??
        }
        (Name::RebuildParameter, [Value::Tensor(at), _, _]) => Value::Tensor(*at),
        (Name::RebuildParameterWithState, [Value::Tensor(at), _, _, _]) => Value::Tensor(*at),
        (Name::Encode, [Value::Str(text), Value::Str(coding)])
            if [&b"latin1"[..], b"latin-1"].contains(&bytes(pickle, *coding)) =>
        {
            Value::Latin1(*text)
        }
        (Name::NumpyDtype, [Value::Str(text), ..]) => {
            number(bytes(pickle, *text)).map(Value::Numpy).ok_or_else(|| {
                let name = quoted(&String::from_utf8_lossy(bytes(pickle, *text)));
                Fault::Refused(format!("holds a number of numpy's type {name}"), RESAVE)
            })?
        }
        (Name::NumpyScalar, [Value::Numpy(kind), value]) => {
            raw(pickle, *value).and_then(|raw| scalar(*kind, &raw)).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    Ok((made, 0))
}

/// Refuses a tensor whose numbers are to be negated or conjugated when they are read.
fn plain(heap: &Heap, metadata: &[Value]) -> Result<(), Fault> {
    let [Value::Dict(at)] = metadata else { return Ok(()) };
    if heap.dicts[*at as usize].items.iter().any(|(_, bit)| *bit == Value::Bool(true)) {
        return Err(Fault::Refused(
            "holds a tensor that is the negative or the conjugate of what is stored".into(),
            "save it resolved, in Python: tensor.resolve_neg().resolve_conj()",
        ));
    }
    Ok(())
}

/// A tensor; none where the arguments are no view of a storage.
fn view(
    heap: &mut Heap,
    storage: Value,
    offset: Value,
    [shape, stride]: [Value; 2],
    kind: Option<Kind>,
) -> Option<Result<Value, Fault>> {
    let (Value::Storage(storage), Value::Int(offset)) = (storage, offset) else { return None };
    let extents = |value| match value {
        Value::Tuple(at) | Value::List(at) => Some(&heap.sequences[at as usize]),
        _ => None,
    };
    let (shape, stride) = (extents(shape)?, extents(stride)?);
    if shape.len() != stride.len() {
        return None;
    }
    if shape.len() > MOST_EXTENTS {
        let problem = format!("holds a tensor of {} extents; {MOST_EXTENTS} are read", shape.len());
        return Some(Err(Fault::Refused(problem, RESAVE)));
    }
    let int = |value: &Value| match value {
        Value::Int(n) => Some(*n),
        _ => None,
    };
    let shape = shape.iter().map(|v| usize::try_from(int(v)?).ok()).collect::<Option<_>>()?;
    let stride = stride.iter().map(|v| u64::try_from(int(v)?).ok()).collect::<Option<_>>()?;
    let kind = kind.unwrap_or(heap.storages[storage as usize].kind);
    heap.tensors.push(View { storage, kind, offset: u64::try_from(offset).ok()?, shape, stride });
    Some(Ok(Value::Tensor(heap.tensors.len() as u32 - 1)))
}

/// numpy's name of a type: "f8", "<i4".
fn number(name: &[u8]) -> Option<Number> {
    let name = name.strip_prefix(b"<").or(name.strip_prefix(b"|")).unwrap_or(name);
    match name {
        [b'f', size @ (b'2' | b'4' | b'8')] => Some(Number { kind: b'f', size: size - b'0' }),
        [kind @ (b'i' | b'u'), size @ (b'1' | b'2' | b'4' | b'8')] => {
            Some(Number { kind: *kind, size: size - b'0' })
        }
        [b'b', b'1'] => Some(Number { kind: b'b', size: 1 }),
        _ => None,
    }
}

/// The bytes of a number: eight at most.
fn raw(pickle: &[u8], value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(span @ Span { len: ..=8, .. }) => Some(bytes(pickle, span).to_vec()),
        // A character up to U+00FF takes two bytes at most.
        Value::Latin1(span @ Span { len: ..=16, .. }) => {
            let text = std::str::from_utf8(bytes(pickle, span)).ok()?;
            text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
        }
        _ => None,
    }
}

fn scalar(Number { kind, size }: Number, raw: &[u8]) -> Option<Value> {
    if raw.len() != usize::from(size) {
        return None;
    }
    let sign = kind == b'i' && raw.last().is_some_and(|b| b & 0x80 != 0);
    let mut eight = [if sign { 0xff } else { 0 }; 8];
    eight[..raw.len()].copy_from_slice(raw);
    let bits = u64::from_le_bytes(eight);
    Some(match (kind, size) {
        (b'f', 2) => Value::Float(half::f16::from_bits(bits as u16).to_f64()),
        (b'f', 4) => Value::Float(f32::from_bits(bits as u32).into()),
        (b'f', _) => Value::Float(f64::from_bits(bits)),
        (b'b', _) => Value::Bool(bits != 0),
        (b'u', _) => i64::try_from(bits).map_or(Value::Float(bits as f64), Value::Int),
        _ => Value::Int(bits as i64),
    })
}
