//! The parameters of a model on a device: each a kept tensor of its checkpoint key's name, cut into pieces where the whole is
//! larger than one binding, and, where they train, laid one after another in a few flat buffers.

use std::collections::HashMap;

use crate::base::Config;
use crate::base::arch::{self, Layout, Param, Precision, Recompute, Role};
use crate::base::rng::Site;
use crate::device::element::BLOCK;
use crate::device::recording::Part;
use crate::device::{Element, Flat, Kind, Limits, Recorder, Tensor};
use crate::model::linear::{Beside, Linear};
use crate::model::shape::Shape;
use crate::ops::adamw::{STATE, Slot};
use crate::ops::embedding::Chunk;
use crate::ops::linear;
use crate::ops::muon::Matrix;

/// A contiguous range of a parameter's rows, as one device tensor holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The tensor's name: the parameter's, with `[row0..]` where it is one of several chunks.
    pub name: String,
    /// The tensor's extents.
    pub shape: Vec<usize>,
    /// The first row, where the parameter has rows; else 0.
    pub row0: usize,
    /// What it is made of at rest.
    pub element: Element,
}

impl Piece {
    /// Words of the tensor.
    pub fn words(&self) -> usize {
        self.element.words(self.shape.iter().product())
    }
}

/// What a parameter is made of at rest, where matrices are made of `weights`: the embeddings and the head, which every token
/// goes through, no less than q8_0 (llama.cpp's habit); what has no rows of whole blocks, f16 in their place.
fn at_rest(param: &Param, weights: Element) -> Element {
    let whole = param.shape.last().is_some_and(|cols| cols.is_multiple_of(BLOCK));
    match weights {
        _ if !param.may_rest() => Element::F32,
        Element::Q8_0 | Element::Q4_1 if !whole => Element::F16,
        Element::Q4_1 if !matches!(param.part, arch::Part::Block(_)) => Element::Q8_0,
        weights => weights,
    }
}

/// What a person is told where matrices do not rest in the blocks that were asked for; none where all do.
pub fn not_in_blocks(config: &Config, weights: Element) -> Option<String> {
    let resting: Vec<Param> = config.table().into_iter().filter(Param::may_rest).collect();
    let halves = |p: &&Param| weights.is_quantised() && at_rest(p, weights) == Element::F16;
    let (mut names, mut n) = (Vec::new(), 0);
    for param in resting.iter().filter(halves) {
        n += 1;
        // A matrix is called so in every block.
        let of_block = matches!(param.part, arch::Part::Block(_));
        let name = param.module().splitn(if of_block { 3 } else { 1 }, '.').last()?;
        let name = format!("{name}: {}", param.shape.last()?);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (n > 0).then(|| {
        format!(
            "{n} of {} matrices rest in f16, not in {}, whose blocks are of {BLOCK} numbers: their rows are no whole blocks ({})",
            resting.len(),
            weights.name(),
            names.join(", ")
        )
    })
}

/// How a parameter lies on a device with these limits, at rest in `weights` where it may. Only an embedding or a head is ever
/// cut: every kernel that touches one takes it chunk by chunk.
pub fn pieces(param: &Param, limits: &Limits, weights: Element) -> Vec<Piece> {
    let element = at_rest(param, weights);
    let piece = |name: String, shape: Vec<usize>, row0| Piece { name, shape, row0, element };
    let bytes = |elements: usize| 4 * element.words(elements) as u64;
    if !matches!(param.role, Role::Embedding | Role::Head) || bytes(param.numel()) <= limits.max_binding {
        return vec![piece(param.name.clone(), param.shape.clone(), 0)];
    }
    let (v, c) = (param.shape[0], param.shape[1]);
    // Equal chunks, a multiple of 64 rows where there are that many, so that tiles stay whole.
    let most = (limits.max_binding / bytes(c)).max(1) as usize;
    let even = v.div_ceil(v.div_ceil(most));
    let rows = if even.next_multiple_of(64) <= most { even.next_multiple_of(64) } else { even };
    (0..v)
        .step_by(rows)
        .map(|row0| piece(format!("{}[{row0}..]", param.name), vec![rows.min(v - row0), c], row0))
        .collect()
}

/// What the names of weights begin with that a micro-step in mixed precision reads: those of the matrices, rounded.
const HALF: &str = "half.";

/// Whether a micro-step reads its matrices as halves. What an adapter stands beside rests in what was asked for, and an adapter's own are
/// thin.
fn reads_halves(shape: &Shape) -> bool {
    shape.precision == Precision::Mixed && shape.lora.is_none()
}

/// The pieces of the matrices that a micro-step reads as halves, each beside those halves.
pub fn halves(shape: &Shape) -> Vec<(Piece, Piece)> {
    if !reads_halves(shape) {
        return Vec::new();
    }
    let matrices = shape.config.table().into_iter().filter(Param::may_rest);
    let pieces = matrices.flat_map(|param| pieces(&param, &shape.limits, Element::F32));
    pieces.map(|whole| (whole.clone(), half_of(whole))).collect()
}

/// The halves of a piece.
fn half_of(piece: Piece) -> Piece {
    Piece { name: format!("{HALF}{}", piece.name), element: Element::F16, ..piece }
}

/// Words that a part of a flat buffer starts at a multiple of: every device binds at multiples of 256 bytes.
const ALIGN: usize = 64;

/// Pieces that train together: one range of the flat buffers of weights, gradients and moments.
struct Group {
    slot: Slot,
    parts: Vec<Part>,
}

/// A parameter as Muon sees it. GPT-2 keeps q, k and v side by side in one: three matrices, each orthogonal in itself.
fn matrix(param: &Param) -> Matrix {
    let parts = if param.name.ends_with("attn.c_attn.weight") { 3 } else { 1 };
    Matrix { name: param.name.clone(), rows: param.shape[0], cols: param.shape[1], parts }
}

/// The trained pieces in as few ranges as bindings allow, those that decay apart from those that do not, and Muon's apart
/// from AdamW's.
fn groups(shape: &Shape) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let most = (shape.limits.max_binding / 4) as usize;
    for (decay, muon) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut open = None;
        let alike = |p: &Param| p.decay == decay && shape.optimizer.is_muons(p) == muon;
        for param in shape.trained().into_iter().filter(alike) {
            for piece in pieces(&param, &shape.limits, Element::F32) {
                let words = piece.words();
                let first = |group: &Group| group.slot.words.next_multiple_of(ALIGN);
                if open.is_none_or(|i: usize| first(&groups[i]) + words > most) {
                    groups.push(Group {
                        slot: Slot { name: String::new(), words: 0, decay, matrices: Vec::new() },
                        parts: Vec::new(),
                    });
                    open = Some(groups.len() - 1);
                }
                let group = &mut groups[open.expect("opened above")];
                let first = first(group);
                group.parts.push(Part { name: piece.name, first, words });
                group.slot.words = first + words;
                // Only an embedding is ever cut, which is AdamW's: a matrix is one piece.
                group.slot.matrices.extend(muon.then(|| matrix(&param)));
            }
        }
    }
    for group in &mut groups {
        let [first, .., last] = &group.parts[..] else {
            group.slot.name = group.parts[0].name.clone();
            continue;
        };
        group.slot.name = format!("{}…{}", first.name, last.name);
    }
    groups
}

/// What the optimizer updates.
pub fn slots(shape: &Shape) -> Vec<Slot> {
    groups(shape).into_iter().map(|group| group.slot).collect()
}

/// The flat buffers of what trains.
pub fn flats(shape: &Shape) -> Vec<Flat> {
    let groups = groups(shape);
    let flat = |(prefix, kind): (&str, Kind), group: &Group| {
        let named = |p: &Part| Part { name: format!("{prefix}{}", p.name), ..p.clone() };
        let parts = group.parts.iter().map(named).collect();
        Flat { name: format!("{prefix}{}", group.slot.name), kind, parts, words: group.slot.words }
    };
    let has = |prefix: &str, group: &Group| prefix != "v." || group.slot.matrices.is_empty();
    let all = STATE.into_iter().flat_map(|of| groups.iter().map(move |group| (of, group)));
    all.filter(|((prefix, _), group)| has(prefix, group)).map(|(of, group)| flat(of, group)).collect()
}

/// A parameter in one recording, and its gradient where that is recorded.
#[derive(Debug, Clone, Copy)]
pub struct Trained {
    /// The parameter.
    pub tensor: Tensor,
    /// Its gradient, of its shape.
    pub gradient: Option<Tensor>,
}

/// The parameters of a model in one recording, by their keys: the model's, and the adapter's.
pub struct Parameters<'a> {
    shape: &'a Shape,
    /// Of each its chunks, and those of its gradient, where there is one.
    declared: HashMap<String, (Vec<Chunk>, Vec<Chunk>)>,
}

impl<'a> Parameters<'a> {
    /// Declares the weights, and where it `trains` the gradients of what does.
    pub fn declare(rec: &mut Recorder, shape: &'a Shape, trains: bool) -> Parameters<'a> {
        let mut all = Parameters { shape, declared: HashMap::new() };
        let (weights, gradients) = (STATE[0], STATE[1]);
        let halved = trains && reads_halves(shape);
        for param in shape.config.table().into_iter().chain(shape.adapters()) {
            let chunks = if halved && param.may_rest() {
                let halves = pieces(&param, &shape.limits, Element::F32).into_iter().map(half_of);
                halves.map(|piece| chunk(rec, piece, weights)).collect()
            } else {
                chunks(rec, shape, &param, weights, shape.weights)
            };
            all.declared.insert(param.name, (chunks, Vec::new()));
        }
        for param in shape.trained().into_iter().filter(|_| trains) {
            let chunks = chunks(rec, shape, &param, gradients, Element::F32);
            all.declared.entry(param.name).and_modify(|(_, gradient)| *gradient = chunks);
        }
        all
    }

    /// Whether what is cheap to compute twice is kept all the same.
    pub fn keeps(&self) -> bool {
        self.shape.recompute == Recompute::None
    }

    /// Whether a forward leaves GELU's output to its backward: it is kept, or a block was computed anew for it just before.
    pub fn leaves_gelu(&self) -> bool {
        self.shape.recompute != Recompute::Gelu
    }

    /// The rows of an embedding or a head, in chunks.
    pub fn rows(&self, name: &str) -> &[Chunk] {
        &self.declared[name].0
    }

    /// The rows of its gradient.
    pub fn row_gradients(&self, name: &str) -> Option<&[Chunk]> {
        Some(self.declared[name].1.as_slice()).filter(|chunks| !chunks.is_empty())
    }

    /// A parameter that is not cut.
    pub fn one(&self, name: &str) -> Trained {
        let (chunks, gradient) = &self.declared[name];
        Trained { tensor: chunks[0].tensor, gradient: gradient.first().map(|chunk| chunk.tensor) }
    }

    /// A linear layer of a block, whose keys begin with `layer`: its matrix, its bias where it has one, and the adapter beside
    /// it. `place` is its place in its block.
    pub fn linear(
        &self,
        layer: &str,
        name: &'static str,
        layout: Layout,
        (block, place): (usize, usize),
    ) -> Linear {
        let of = |what: &str| {
            let key = format!("{layer}{name}.{what}");
            self.declared.contains_key(&key).then(|| self.one(&key))
        };
        let (weight, bias) = (self.one(&format!("{layer}{name}.weight")), of("bias"));
        let adapter = of("lora_A.weight").zip(of("lora_B.weight")).zip(self.shape.lora.as_ref());
        let beside = adapter.map(|((a, b), lora)| Beside {
            a: linear::Linear { scale: lora.scale(), ..linear::Linear::nn_linear(a.tensor, None) },
            b: linear::Linear::nn_linear(b.tensor, None),
            gradients: a.gradient.zip(b.gradient).map(|(da, db)| [da, db]),
            mask: self.shape.dropout.then_some((8 * block + place, Site::Adapter)),
        });
        let layer =
            linear::Linear { weight: weight.tensor, layout, bias: bias.map(|b| b.tensor), scale: 1.0 };
        Linear { name, layer, dweight: weight.gradient, dbias: bias.and_then(|b| b.gradient), beside }
    }
}

/// Declares the chunks of a parameter, or of what belongs to it, its name behind a prefix.
fn chunks(
    rec: &mut Recorder,
    shape: &Shape,
    param: &Param,
    of: (&str, Kind),
    weights: Element,
) -> Vec<Chunk> {
    pieces(param, &shape.limits, weights).into_iter().map(|piece| chunk(rec, piece, of)).collect()
}

/// Declares a piece.
fn chunk(rec: &mut Recorder, p: Piece, (prefix, kind): (&str, Kind)) -> Chunk {
    let tensor = rec.kept_of(format!("{prefix}{}", p.name), kind, &p.shape, p.element);
    Chunk { tensor, row0: p.row0, rows: p.shape[0] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Freeze, Preset};
    use crate::device::{Choices, Class};

    fn gpt2() -> Shape {
        let limits = Limits::DEFAULT;
        Shape::new(Preset::Gpt2.config(50_257), 1, 8, limits, Choices::of(Class::Lanes, &limits))
    }

    #[test]
    fn wte_is_cut_where_a_binding_is_too_small_and_nothing_else_is() {
        let table = gpt2().config.table();
        for weights in Element::WEIGHTS {
            let of = |p: &Param| pieces(p, &Limits::DEFAULT, weights);
            let cut: Vec<&Param> = table.iter().filter(|p| of(p).len() > 1).collect();
            if weights != Element::F32 {
                assert!(cut.is_empty(), "77 MiB, or fewer, fit in one binding");
                continue;
            }
            assert_eq!(cut.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["wte.weight"]);
            let pieces = of(cut[0]);
            assert_eq!(pieces.iter().map(|p| p.shape[0]).sum::<usize>(), 50_257);
            for (i, p) in pieces.iter().enumerate() {
                assert!(4 * p.words() as u64 <= Limits::DEFAULT.max_binding);
                assert_eq!(p.row0, pieces[..i].iter().map(|p| p.shape[0]).sum::<usize>());
            }
        }
    }

    #[test]
    fn what_has_no_whole_blocks_rests_in_halves_and_the_embeddings_in_eight_bits() {
        let element = |config: crate::base::Config, weights| {
            let table = config.table();
            move |name: &str| {
                at_rest(table.iter().find(|p| p.name == name).expect("a name of the table"), weights)
            }
        };
        let gpt2 = gpt2().config;
        for (weights, embedding) in [(Element::Q8_0, Element::Q8_0), (Element::Q4_1, Element::Q8_0)] {
            let of = element(gpt2, weights);
            assert_eq!(
                ["wte.weight", "h.3.mlp.c_fc.weight", "wpe.weight", "h.3.ln_1.weight", "h.3.mlp.c_fc.bias"]
                    .map(of),
                [embedding, weights, Element::F32, Element::F32, Element::F32]
            );
            let odd =
                crate::base::Gpt2 { vocab_size: 101, block_size: 23, n_layer: 1, n_head: 3, n_embd: 72 };
            let of = element(odd.into(), weights);
            assert_eq!(
                ["wte.weight", "h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight"].map(of),
                [Element::F16, weights, Element::F16]
            );
            let told = not_in_blocks(&odd.into(), weights).unwrap();
            assert!(
                told.starts_with(&format!("4 of 5 matrices rest in f16, not in {}", weights.name())),
                "{told}"
            );
            assert!(told.ends_with("(wte: 72, attn.c_attn: 216, attn.c_proj: 72, mlp.c_proj: 72)"), "{told}");
            assert_eq!(not_in_blocks(&gpt2, weights), None);
            assert_eq!(not_in_blocks(&odd.into(), Element::F16), None);
        }
    }

    #[test]
    fn what_trains_lies_in_a_few_aligned_ranges() {
        let mut shape = gpt2();
        let total = |shape: &Shape| {
            let slots = slots(shape);
            assert!(slots.iter().all(|s| 4 * s.words as u64 <= shape.limits.max_binding));
            let parts: Vec<Part> = flats(shape).into_iter().take(slots.len()).flat_map(|f| f.parts).collect();
            assert!(parts.iter().all(|p| p.first % ALIGN == 0));
            (slots.len(), parts.iter().map(|p| p.words as u64).sum::<u64>())
        };
        let (ranges, words) = total(&shape);
        assert_eq!(words, shape.config.num_params());
        // 474 MiB in bindings of 128, no piece cut: five or six ranges that decay, and one that does not.
        assert!((6..=7).contains(&ranges), "{ranges}");
        shape.freeze = Freeze { embeddings: true, first: 11 };
        // A block of 768 channels (12·C² + 13·C) and the last norm.
        assert_eq!(total(&shape), (2, 12 * 768 * 768 + 13 * 768 + 2 * 768));
    }
}
