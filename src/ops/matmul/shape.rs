//! What is multiplied, where it lies, and what is done with it.

use crate::device::Tensor;

/// Which operand is stored transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// a (M,K), b (K,N)
    NN = 0,
    /// a (M,K), b (N,K)
    NT = 1,
    /// a (K,M), b (K,N)
    TN = 2,
}

/// A matrix that starts `offset` elements into a tensor, its rows one after another or further apart.
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// Where it lies.
    pub tensor: Tensor,
    /// Its first element.
    pub offset: usize,
    /// Elements from row to row, where that is not a row's length.
    pub stride: Option<usize>,
}

impl From<Tensor> for Operand {
    fn from(tensor: Tensor) -> Operand {
        Operand { tensor, offset: 0, stride: None }
    }
}

/// What is multiplied: c (m,n) = or += alpha·a·b over a depth of k.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// How a and b are stored.
    pub layout: Layout,
    /// Rows of c.
    pub m: usize,
    /// Columns of c.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Whether c is added to.
    pub accumulate: bool,
    /// The factor; a bias is added as it is.
    pub alpha: f32,
}

impl Product {
    /// The plain product.
    pub fn new(layout: Layout, [m, n, k]: [usize; 3]) -> Product {
        Product { layout, m, n, k, accumulate: false, alpha: 1.0 }
    }

    /// Rows and columns of a and of b as they are stored, and of c.
    pub(super) fn stored(&self) -> [(usize, usize); 3] {
        let (m, n, k) = (self.m, self.n, self.k);
        let a = if self.layout == Layout::TN { (k, m) } else { (m, k) };
        let b = if self.layout == Layout::NT { (n, k) } else { (k, n) };
        [a, b, (m, n)]
    }
}

/// What follows the product, before c is stored.
#[derive(Debug, Clone, Copy)]
pub enum Epilogue {
    /// Nothing.
    None,
    /// c (+)= … + bias: n numbers, from its offset on.
    Bias(Operand),
    /// c = … + bias, and `act` = GELU(c), (m,n) of c's element.
    Gelu {
        /// As [`Epilogue::Bias`]'s.
        bias: Operand,
        /// What is written beside c.
        act: Tensor,
    },
    /// c = …⊙GELU′(pre): the gradient of what GELU was given, `pre`, (m,n) of c's element.
    Slope {
        /// What GELU was given.
        pre: Tensor,
    },
}

impl Epilogue {
    /// A bias, where there is one.
    pub fn bias(bias: Option<Operand>) -> Epilogue {
        bias.map_or(Epilogue::None, Epilogue::Bias)
    }

    /// The place of its kernel among those of a way to multiply.
    pub(super) fn kernel(&self) -> usize {
        match self {
            Epilogue::None => 0,
            Epilogue::Bias(_) => 1,
            Epilogue::Gelu { .. } => 2,
            Epilogue::Slope { .. } => 3,
        }
    }
}
