//! How numbers are stored, by the names that torch and numpy have for it.

use crate::weights::dtype::Dtype;

/// Storages of one element type each.
const STORAGES: [(&str, &str); 15] = [
    ("FloatStorage", "float32"),
    ("HalfStorage", "float16"),
    ("BFloat16Storage", "bfloat16"),
    ("DoubleStorage", "float64"),
    ("LongStorage", "int64"),
    ("IntStorage", "int32"),
    ("ShortStorage", "int16"),
    ("CharStorage", "int8"),
    ("ByteStorage", "uint8"),
    ("BoolStorage", "bool"),
    ("ComplexFloatStorage", "complex64"),
    ("ComplexDoubleStorage", "complex128"),
    ("QInt8Storage", "qint8"),
    ("QUInt8Storage", "quint8"),
    ("QInt32Storage", "qint32"),
];

/// torch's element types, and bytes of one.
const DTYPES: [(&str, u64); 24] = [
    ("float32", 4),
    ("float16", 2),
    ("bfloat16", 2),
    ("float64", 8),
    ("int64", 8),
    ("int32", 4),
    ("int16", 2),
    ("int8", 1),
    ("uint8", 1),
    ("uint16", 2),
    ("uint32", 4),
    ("uint64", 8),
    ("bool", 1),
    ("complex32", 4),
    ("complex64", 8),
    ("complex128", 16),
    ("qint8", 1),
    ("quint8", 1),
    ("qint32", 4),
    ("float8_e4m3fn", 1),
    ("float8_e4m3fnuz", 1),
    ("float8_e5m2", 1),
    ("float8_e5m2fnuz", 1),
    ("float8_e8m0fnu", 1),
];

/// How one number of numpy's is stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) struct Number {
    /// b, i, u or f.
    pub kind: u8,
    pub size: u8,
}

/// How the elements of a storage are stored: torch's name, and the bytes of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) struct Kind {
    pub name: &'static str,
    pub size: u64,
}

impl Kind {
    pub fn dtype(self) -> Dtype {
        match self.name {
            "float32" => Dtype::F32,
            "float16" => Dtype::F16,
            "bfloat16" => Dtype::BF16,
            "float64" => Dtype::F64,
            other => Dtype::Other(other.into()),
        }
    }

    /// By the name of torch's dtype.
    pub fn of_dtype(name: &str) -> Option<Kind> {
        DTYPES.iter().find(|(known, _)| *known == name).map(|&(name, size)| Kind { name, size })
    }

    /// By the name of torch's class of storages.
    pub fn of_storage(name: &str) -> Option<Kind> {
        if ["UntypedStorage", "_UntypedStorage"].contains(&name) {
            // Bytes, whatever they mean.
            return Some(Kind { name: "untyped", size: 1 });
        }
        STORAGES.iter().find(|(known, _)| *known == name).and_then(|(_, dtype)| Kind::of_dtype(dtype))
    }
}
