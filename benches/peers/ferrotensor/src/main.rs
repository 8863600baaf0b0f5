//! The char GPT of `../work.rs` with ferrotensor, on wgpu; `peer-ferrotensor STEPS cpu` computes on its CPU device.

#[path = "../../work.rs"]
mod work;

use ferrotensor::prelude::*;
use work::*;

struct Block {
    norm1: nn::LayerNorm,
    attention: nn::MultiHeadAttention,
    norm2: nn::LayerNorm,
    up: nn::Linear,
    down: nn::Linear,
}

impl Block {
    fn new(device: &Device) -> Block {
        Block {
            norm1: nn::LayerNorm::new(&[CHANNELS], device),
            attention: nn::MultiHeadAttention::new(CHANNELS, HEADS, device).causal(true),
            norm2: nn::LayerNorm::new(&[CHANNELS], device),
            up: nn::Linear::new(CHANNELS, 4 * CHANNELS, device),
            down: nn::Linear::new(4 * CHANNELS, CHANNELS, device),
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let x = x.add(&self.attention.forward(&self.norm1.forward(x)));
        let inner = F::gelu(&self.up.forward(&self.norm2.forward(&x)));
        x.add(&self.down.forward(&inner))
    }

    fn parts(&self) -> [&dyn Module; 5] {
        [&self.norm1, &self.attention, &self.norm2, &self.up, &self.down]
    }
}

fn main() {
    let clock = Clock::start("ferrotensor");
    let device =
        if std::env::args().nth(2).as_deref() == Some("cpu") { Device::cpu() } else { Device::new() };
    let (tokens, targets) = text();
    let ids = Tensor::from_vec(tokens.iter().map(|&t| t as f32).collect(), &[BATCH, CONTEXT], &device);
    let places = Tensor::from_vec((0..CONTEXT).map(|p| p as f32).collect(), &[CONTEXT], &device);
    let targets = Tensor::from_vec(targets.iter().map(|&t| t as f32).collect(), &[TOKENS], &device);

    let tokens = nn::Embedding::new(VOCAB, CHANNELS, &device);
    let positions = nn::Embedding::new(CONTEXT, CHANNELS, &device);
    let blocks: Vec<Block> = (0..LAYERS).map(|_| Block::new(&device)).collect();
    let norm = nn::LayerNorm::new(&[CHANNELS], &device);
    let head = nn::Linear::new_no_bias(CHANNELS, VOCAB, &device);
    let mut parts: Vec<&dyn Module> = vec![&tokens, &positions, &norm, &head];
    parts.extend(blocks.iter().flat_map(Block::parts));
    let parameters: Vec<Tensor> = parts.iter().flat_map(|part| part.parameters()).collect();
    eprintln!("ferrotensor: {} parameters", parameters.iter().map(Tensor::numel).sum::<usize>());
    let mut optimizer =
        optim::AdamW::with_params(parameters, RATE, BETA1, BETA2, EPSILON, DECAY).clip_grad_norm(CLIP);

    clock.steps(&format!("{}, {}", device.name(), device.backend()), || {
        optimizer.zero_grad();
        let mut x = tokens.forward(&ids).add(&positions.forward(&places));
        for block in &blocks {
            x = block.forward(&x);
        }
        let logits = head.forward(&norm.forward(&x)).reshape(&[TOKENS, VOCAB]);
        let loss = F::cross_entropy(&logits, &targets);
        loss.backward();
        optimizer.step();
        device.synchronize();
        loss.item()
    });
}
