//! What is told of texts while they are written.

/// A token with how likely it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Likely {
    /// Its id.
    pub id: u32,
    /// Its bytes: a character may need several tokens.
    pub bytes: Vec<u8>,
    /// ln of its probability, by the model's own logits, before they are bent by temperature, penalties and the like; none of the first
    /// token of a prompt.
    pub logprob: Option<f32>,
    /// The likeliest in its place, the likeliest first: bytes and ln.
    pub instead: Vec<(Vec<u8>, f32)>,
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it, a stop string came, or nothing likely was allowed.
    Stop,
    /// It has as many tokens as were asked for.
    Length,
}

/// What happens to one of a wish's texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Its next piece: whole characters, and the tokens that begin in what was told so far (none unless they were asked for).
    Piece {
        /// Which text.
        index: usize,
        /// Whole characters; may be none.
        text: String,
        /// Tokens, where they were asked for.
        tokens: Vec<Likely>,
    },
    /// It has ended.
    Ended {
        /// Which text.
        index: usize,
        /// Why.
        finish: Finish,
        /// All that was written, the tokens of a stop string included.
        ids: Vec<u32>,
        /// Tokens of the texts that were written and are not given, because others were likelier: told with the first that is.
        beside: usize,
    },
}

/// Who is told of a wish's texts.
pub trait Listener {
    /// Hears what happens, in order.
    fn hear(&mut self, event: Event);

    /// Whether nobody listens any more: the wish is given up at the next token.
    fn is_gone(&self) -> bool {
        false
    }
}

impl<F: FnMut(Event) -> std::ops::ControlFlow<()>> Listener for Until<F> {
    fn hear(&mut self, event: Event) {
        if !self.gone {
            self.gone = (self.hears)(event).is_break();
        }
    }

    fn is_gone(&self) -> bool {
        self.gone
    }
}

/// A function that listens until it breaks.
pub struct Until<F> {
    hears: F,
    gone: bool,
}

impl<F: FnMut(Event) -> std::ops::ControlFlow<()>> Until<F> {
    /// Listens with this function.
    pub fn new(hears: F) -> Until<F> {
        Until { hears, gone: false }
    }
}
