// What changes from one replay to the next. The Rust side is src/device/step.rs; a test holds them together.
struct Step {
    lr: f32,                // learning rate of this update
    beta1: f32,             // Adam's decay of the first moment
    beta2: f32,             // Adam's decay of the second moment
    eps: f32,               // Adam's epsilon
    weight_decay: f32,      // decoupled, times lr
    bias1: f32,             // 1 - beta1^t
    bias2: f32,             // sqrt(1 - beta2^t)
    grad_clip: f32,         // largest global gradient norm; 0 leaves gradients as they are
    loss_scale: f32,        // 1 / scored targets of the optimizer step
    dropout_key: u32,       // the micro-step's part of every mask's key
    dropout_threshold: u32, // a random word below it drops its element
    dropout_scale: f32,     // 1 / (1 - p)
    pos: u32,               // position of a sequence's first row
    norm_limit: f32,        // an update whose gradient norm is above it is skipped; infinity for none
    loss_limit: f32,        // the same of its loss
    grad_scale: f32,        // what gradients are multiplied by until the update; a power of two, 1 but where they pass through f16
}
