//! The char GPT of `../work.rs` with meganeura, on Vulkan or Metal through blade.
//!
//! Its attention knows no batch. Here row t·8 + b is the token at position t of window b, so that a row of eight windows' heads,
//! 48 of them, is one position of a single causal attention: the same sums, without a copy.

#[path = "../../work.rs"]
mod work;

use meganeura::{Graph, NodeId, SessionConfig, build};
use work::*;

/// The graph, and what each parameter begins with.
struct Model {
    g: Graph,
    begin: Vec<(String, Vec<f32>)>,
    seed: u64,
}

impl Model {
    /// Weights from about a normal distribution: the sum of four uniform numbers.
    fn drawn(&mut self, name: &str, shape: &[usize]) -> NodeId {
        let mut uniform = || {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let values = (0..shape.iter().product())
            .map(|_| SPREAD * 3f32.sqrt() * (0..4).map(|_| uniform()).sum::<f32>());
        self.begin.push((name.into(), values.collect()));
        self.g.parameter(name, shape)
    }

    fn filled(&mut self, name: &str, size: usize, value: f32) -> NodeId {
        self.begin.push((name.into(), vec![value; size]));
        self.g.parameter(name, &[size])
    }

    fn linear(&mut self, name: &str, x: NodeId, inputs: usize, outputs: usize) -> NodeId {
        let weight = self.drawn(&format!("{name}.weight"), &[inputs, outputs]);
        let bias = self.filled(&format!("{name}.bias"), outputs, 0.0);
        let product = self.g.matmul(x, weight);
        self.g.bias_add(product, bias)
    }

    fn norm(&mut self, name: &str, x: NodeId) -> NodeId {
        let gain = self.filled(&format!("{name}.weight"), CHANNELS, 1.0);
        let bias = self.filled(&format!("{name}.bias"), CHANNELS, 0.0);
        self.g.layer_norm(x, gain, bias, 1e-5)
    }

    fn block(&mut self, name: &str, x: NodeId) -> NodeId {
        let inner = self.norm(&format!("{name}.norm1"), x);
        let [q, k, v] = ["q", "k", "v"].map(|part| {
            let rows = self.linear(&format!("{name}.{part}"), inner, CHANNELS, CHANNELS);
            self.g.reshape(rows, &[CONTEXT, BATCH * CHANNELS])
        });
        let heads = (BATCH * HEADS) as u32;
        let seen = self.g.causal_attention(q, k, v, heads, heads, (CHANNELS / HEADS) as u32);
        let seen = self.g.reshape(seen, &[TOKENS, CHANNELS]);
        let seen = self.linear(&format!("{name}.out"), seen, CHANNELS, CHANNELS);
        let x = self.g.add(x, seen);
        let inner = self.norm(&format!("{name}.norm2"), x);
        let inner = self.linear(&format!("{name}.up"), inner, CHANNELS, 4 * CHANNELS);
        let inner = self.g.gelu(inner);
        let inner = self.linear(&format!("{name}.down"), inner, 4 * CHANNELS, CHANNELS);
        self.g.add(x, inner)
    }

    fn loss(&mut self) -> NodeId {
        let (ids, places) = (self.g.input_u32("tokens", &[TOKENS]), self.g.input_u32("positions", &[TOKENS]));
        let (tokens, positions) =
            (self.drawn("wte", &[VOCAB, CHANNELS]), self.drawn("wpe", &[CONTEXT, CHANNELS]));
        let (tokens, positions) = (self.g.embedding(ids, tokens), self.g.embedding(places, positions));
        let mut x = self.g.add(tokens, positions);
        for layer in 0..LAYERS {
            x = self.block(&format!("block{layer}"), x);
        }
        let x = self.norm("norm", x);
        let head = self.drawn("head", &[CHANNELS, VOCAB]);
        let logits = self.g.matmul(x, head);
        let targets = self.g.input("targets", &[TOKENS, VOCAB]);
        self.g.cross_entropy_loss(logits, targets)
    }
}

/// From eight windows one after another to one position of all eight after another.
fn by_position(values: &[u32]) -> Vec<u32> {
    (0..TOKENS).map(|row| values[row % BATCH * CONTEXT + row / BATCH]).collect()
}

fn main() {
    let clock = Clock::start("meganeura");
    let mut model = Model { g: Graph::new(), begin: Vec::new(), seed: 1 };
    let loss = model.loss();
    model.g.set_outputs(vec![loss]);
    let (mut session, _) = build(&model.g, SessionConfig::from_env());
    for (name, values) in &model.begin {
        session.set_parameter(name, values);
    }
    eprintln!("meganeura: {} parameters", model.begin.iter().map(|(_, v)| v.len()).sum::<usize>());
    let (tokens, targets) = text();
    let mut one_hot = vec![0.0; TOKENS * VOCAB];
    for (row, target) in by_position(&targets).into_iter().enumerate() {
        one_hot[row * VOCAB + target as usize] = 1.0;
    }
    session.set_input_u32("tokens", &by_position(&tokens));
    session.set_input_u32("positions", &(0..TOKENS).map(|row| (row / BATCH) as u32).collect::<Vec<_>>());
    session.set_input("targets", &one_hot);
    session.set_adam(RATE, BETA1, BETA2, EPSILON);
    session.set_weight_decay(DECAY);
    session.set_grad_clip_norm(CLIP);
    let info = session.device_information();
    let adapter = format!("{}, {}", info.device_name, info.driver_info);

    clock.steps(&adapter, || {
        session.step();
        session.wait();
        session.read_loss()
    });
}
