// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415), GPT-2's gelu_new, and its slope.
//
// tanh(u) is computed as 1 - 2 / (exp(2u) + 1) with u held to where it is not yet 1 in f32: some drivers' tanh overflows.

const S: f32 = 0.7978845608028654; // sqrt(2 / pi)

fn tanh_of(u: f32) -> f32 {
    return 1.0 - 2.0 / (exp(2.0 * clamp(u, -10.0, 10.0)) + 1.0);
}

fn gelu(x: f32) -> f32 {
    let t = tanh_of(S * (x + 0.044715 * x * x * x));
    return 0.5 * x * (1.0 + t);
}

fn gelu_slope(x: f32) -> f32 {
    let t = tanh_of(S * (x + 0.044715 * x * x * x));
    let du = S * (1.0 + 3.0 * 0.044715 * x * x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du;
}

