//! The char GPT of `../work.rs` with burn: its `TransformerEncoder` with a causal mask, on wgpu, with autotune and fusion.

#[path = "../../work.rs"]
mod work;

use burn::module::Initializer;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::prelude::*;
use work::*;

#[derive(Module, Debug)]
struct Gpt {
    tokens: Embedding,
    positions: Embedding,
    blocks: TransformerEncoder,
    norm: LayerNorm,
    head: Linear,
}

impl Gpt {
    fn new(device: &Device) -> Gpt {
        let normal = Initializer::Normal { mean: 0.0, std: SPREAD as f64 };
        let blocks = TransformerEncoderConfig::new(CHANNELS, 4 * CHANNELS, HEADS, LAYERS);
        Gpt {
            tokens: EmbeddingConfig::new(VOCAB, CHANNELS).with_initializer(normal.clone()).init(device),
            positions: EmbeddingConfig::new(CONTEXT, CHANNELS).with_initializer(normal.clone()).init(device),
            blocks: blocks.with_dropout(0.0).with_norm_first(true).init(device),
            norm: LayerNormConfig::new(CHANNELS).init(device),
            head: LinearConfig::new(CHANNELS, VOCAB).with_bias(false).with_initializer(normal).init(device),
        }
    }

    fn loss(&self, work: &Work) -> Tensor<1> {
        let x = self.tokens.forward(work.tokens.clone()) + self.positions.forward(work.positions.clone());
        let x = self.blocks.forward(TransformerEncoderInput::new(x).mask_attn(work.mask.clone()));
        let logits = self.head.forward(self.norm.forward(x));
        work.criterion.forward(logits.reshape([TOKENS, VOCAB]), work.targets.clone())
    }
}

struct Work {
    tokens: Tensor<2, Int>,
    positions: Tensor<2, Int>,
    targets: Tensor<1, Int>,
    mask: Tensor<3, Bool>,
    criterion: CrossEntropyLoss,
}

fn ints(values: Vec<u32>) -> Vec<i32> {
    values.into_iter().map(|v| v as i32).collect()
}

fn main() {
    let clock = Clock::start("burn");
    let (device, setup) = Device::wgpu_options().init_with_setup().expect("an adapter");
    let device = device.autodiff();
    let info = setup.adapter.get_info();
    let (tokens, targets) = text();
    let positions: Vec<i32> = (0..CONTEXT as i32).collect();
    let work = Work {
        tokens: Tensor::from_data(TensorData::new(ints(tokens), [BATCH, CONTEXT]), &device),
        positions: Tensor::from_data(TensorData::new(positions, [1, CONTEXT]), &device),
        targets: Tensor::from_data(TensorData::new(ints(targets), [TOKENS]), &device),
        mask: generate_autoregressive_mask(BATCH, CONTEXT, &device),
        criterion: CrossEntropyLossConfig::new().init(&device),
    };
    let mut gpt = Gpt::new(&device);
    let mut optimizer = AdamWConfig::new()
        .with_beta_1(BETA1)
        .with_beta_2(BETA2)
        .with_epsilon(EPSILON)
        .with_weight_decay(DECAY)
        .init();
    eprintln!("burn: {} parameters", gpt.num_params());
    clock.steps(&format!("{}, {}", info.name, info.driver_info), || {
        let loss = gpt.loss(&work);
        let grads = GradientsParams::from_grads(loss.backward(), &gpt);
        gpt = optimizer.step(RATE as f64, gpt.clone(), grads);
        let loss = loss.into_scalar::<f32>();
        device.sync().expect("the device answers");
        loss
    });
}
