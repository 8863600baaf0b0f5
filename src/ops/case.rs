//! What an op tells of itself: its kernels, the ways to build them, and small recordings that try them.

use crate::base::rng::Rng;
use crate::device::element::Element;
use crate::device::{Choices, Kernel, Limits, Recorder, Recording, TensorInfo, Variant, element};

/// An op's kernels and the recordings that try them.
pub struct Family {
    /// The op, and its file.
    pub name: &'static str,
    /// Its kernels.
    pub kernels: &'static [&'static Kernel],
    /// The ways to build them.
    pub variants: &'static [Variant],
    /// Small recordings that use every kernel, at sizes 1, a workgroup ± 1, a prime and a real one.
    pub cases: fn(Limits, &Choices) -> Vec<Case>,
}

/// What a test case puts into a kept tensor before the replay.
#[derive(Debug, Clone)]
pub enum Fill {
    /// Normal numbers of this scale.
    Normal(f32),
    /// The absolute values of normal numbers of this scale (second moments).
    Positive(f32),
    /// These words.
    Words(Vec<u32>),
}

/// A small recording with its inputs.
pub struct Case {
    /// The op and the size: `layernorm 3x5x97`.
    pub name: String,
    /// What is replayed.
    pub recording: Recording,
    /// Inputs by tensor name; every other kept tensor is normal with scale 1.
    pub fills: Vec<(String, Fill)>,
}

/// A case of each size, and where a device's shaders store halves one of each with its activations made of those.
pub(crate) fn elements<S: Copy>(limits: &Limits, sizes: &[S], one: impl Fn(Element, S) -> Case) -> Vec<Case> {
    let elements = if limits.f16 { &Element::ACTIVATIONS[..] } else { &Element::ACTIVATIONS[..1] };
    elements
        .iter()
        .flat_map(|&element| sizes.iter().map(|&size| one(element, size)).collect::<Vec<_>>())
        .collect()
}

impl Case {
    /// Records a case.
    pub(crate) fn new(
        name: String,
        limits: Limits,
        choices: &Choices,
        fills: Vec<(&str, Fill)>,
        record: impl FnOnce(&mut Recorder),
    ) -> Case {
        let mut rec = Recorder::new("case", limits, choices);
        record(&mut rec);
        let recording = rec.finish().expect("test cases fit every device");
        let fills = fills.into_iter().map(|(n, f)| (n.to_string(), f)).collect();
        Case { name, recording, fills }
    }

    /// The words of a kept tensor of this case: the same on every device.
    pub fn data(&self, tensor: &TensorInfo) -> Vec<u32> {
        let (name, numel) = (tensor.name.as_str(), tensor.numel());
        let fill = self.fills.iter().find(|(n, _)| n == name).map(|(_, f)| f.clone());
        let mut rng = Rng::new(1, name);
        let numbers: Vec<f32> = match fill.unwrap_or(Fill::Normal(1.0)) {
            Fill::Normal(scale) => (0..numel).map(|_| scale * rng.normal()).collect(),
            Fill::Positive(scale) => (0..numel).map(|_| scale * rng.normal().abs()).collect(),
            Fill::Words(words) => {
                assert_eq!(words.len(), numel, "{name}: one word an element");
                return words;
            }
        };
        match tensor.element {
            Element::F32 => bytemuck::cast_vec(numbers),
            Element::F16 => element::pack_f16(&numbers),
            Element::Q8_0 | Element::Q4_1 => {
                // A scale, a minimum and whole numbers of every size; numbers about as large as the others'.
                let block = |numbers: &[f32]| {
                    let by = if tensor.element == Element::Q8_0 { 64.0 } else { 8.0 };
                    let first = element::pack_f16(&[numbers[0] / by, numbers[1]])[0];
                    let more = (1..tensor.element.words(element::BLOCK))
                        .map(|_| rng.next_u64() as u32)
                        .collect::<Vec<u32>>();
                    std::iter::once(first).chain(more)
                };
                numbers.chunks(element::BLOCK).flat_map(block).collect()
            }
            Element::U32 => unreachable!("{name}: ids are given as words"),
        }
    }
}
