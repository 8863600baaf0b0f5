//! What a pickle may name. Python would import and call whatever a pickle names; here a name is looked up in this list, and
//! what is not in it is refused.

use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::kind::Kind;
use crate::weights::tensors::UNQUANTIZED;
use crate::weights::words::quoted;

/// A class or a function that plain weights are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Name {
    OrderedDict,
    Set,
    Namespace,
    /// `torch.Size`: a tuple.
    Size,
    /// `torch.device`: kept as its name.
    Device,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildParameterWithState,
    Storage(Kind),
    Dtype(Kind),
    /// `_codecs.encode`: how protocol 2 has bytes.
    Encode,
    NumpyDtype,
    NumpyScalar,
}

impl Name {
    /// The name of that module.
    pub(super) fn find(module: &str, name: &str) -> Result<Name, Fault> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Name::OrderedDict,
            ("builtins" | "__builtin__", "set" | "frozenset") => Name::Set,
            ("argparse", "Namespace") => Name::Namespace,
            ("torch", "Size") => Name::Size,
            ("torch", "device") => Name::Device,
            ("torch._utils", "_rebuild_tensor") => Name::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v2") => Name::RebuildTensorV2,
            ("torch._utils", "_rebuild_tensor_v3") => Name::RebuildTensorV3,
            ("torch._utils", "_rebuild_parameter") => Name::RebuildParameter,
            ("torch._utils", "_rebuild_parameter_with_state") => Name::RebuildParameterWithState,
            ("_codecs", "encode") => Name::Encode,
            ("numpy", "dtype") => Name::NumpyDtype,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Name::NumpyScalar,
            ("torch" | "torch.cuda" | "torch.storage", storage) if storage.ends_with("Storage") => {
                return Kind::of_storage(storage).map(Name::Storage).ok_or_else(|| refused(module, name));
            }
            ("torch", other) => match Kind::of_dtype(other) {
                Some(kind) => Name::Dtype(kind),
                None => return Err(refused(module, name)),
            },
            _ => return Err(refused(module, name)),
        })
    }
}

/// What is not in the list, by its name.
pub(super) fn refused(module: &str, name: &str) -> Fault {
    let whole = quoted(&format!("{module}.{name}"));
    let (what, next) = match (module, name) {
        ("torch._utils", "_rebuild_qtensor") => ("a quantized tensor", UNQUANTIZED),
        ("torch._utils", "_rebuild_sparse_tensor") => {
            ("a sparse tensor", "save the tensor whole, in Python: tensor.to_dense()")
        }
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => {
            ("a tensor without numbers (meta)", "save the model after its weights are loaded")
        }
        ("torch._tensor", "_rebuild_from_type_v2") | ("torch._utils", "_rebuild_wrapper_subclass") => {
            ("a tensor of a class of its own", RESAVE)
        }
        _ => (
            "neither a plain value nor a tensor; opened in Python, a pickle runs what it names, and diarist runs nothing",
            RESAVE,
        ),
    };
    Fault::Refused(format!("its pickle calls for {whole}, {what}"), next)
}
