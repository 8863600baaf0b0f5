//! What is wrong with a pickle, before the file that it is in is known.

use std::io;

/// Why a pickle is not read.
#[derive(Debug)]
pub(in crate::weights) enum Fault {
    /// The bytes end before the pickle does.
    Short,
    /// It is not what a pickle, or a file of PyTorch's, has to be: words that follow "FILE: ".
    Damaged(String),
    /// It is whole, and not read: the same words, and what to do next.
    Refused(String, &'static str),
    /// The system could not read the file.
    Io(io::Error),
}

/// What most refused files are put right by.
pub(in crate::weights) const RESAVE: &str = "where you trust the file, open it in Python and save the weights alone: \
     torch.save(model.state_dict(), NEW); or take the safetensors of the same checkpoint";
