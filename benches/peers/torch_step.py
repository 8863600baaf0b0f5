#!/usr/bin/env python3
"""Times whole training steps of a plain GPT-2 in PyTorch, fp32: the peer that our own steps are measured against.

A step is zero_grad, forward, backward, clip, AdamW, as in nanoGPT. The model is written out below, so that nothing but
torch is needed; its weights are random, which changes no timing.
"""

import argparse
import json
import math
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# name: vocabulary, positions, layers, heads, channels
PRESETS = {"gpt2": (50257, 1024, 12, 12, 768), "char": (257, 256, 6, 6, 384)}


class Block(nn.Module):
    def __init__(self, heads, channels, bias, gelu):
        super().__init__()
        self.heads, self.gelu = heads, gelu

        def linear(inputs, outputs):  # in multiples of C
            return nn.Linear(inputs * channels, outputs * channels, bias=bias)

        self.ln_1, self.ln_2 = nn.LayerNorm(channels, bias=bias), nn.LayerNorm(channels, bias=bias)
        self.attn = nn.ModuleDict({"c_attn": linear(1, 3), "c_proj": linear(1, 1)})
        self.mlp = nn.ModuleDict({"c_fc": linear(1, 4), "c_proj": linear(4, 1)})

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, self.heads, C // self.heads).transpose(1, 2)
                   for part in self.attn.c_attn(self.ln_1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate=self.gelu))


class GPT(nn.Module):
    """GPT-2; without `bias` and with `gelu="none"`, the exact one, what nanoGPT trains from scratch.

    Parameters have GPT-2's keys; the matrices of the blocks are PyTorch's, (outputs, inputs).
    """

    def __init__(self, vocab, positions, layers, heads, channels, bias=True, gelu="tanh"):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, channels), nn.Embedding(positions, channels)
        self.h = nn.ModuleList(Block(heads, channels, bias, gelu) for _ in range(layers))
        self.ln_f = nn.LayerNorm(channels, bias=bias)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if name.endswith("proj.weight") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets, reduction="mean"):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.size(1), device=tokens.device))
        for block in self.h:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)  # the head is wte
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.flatten(), reduction=reduction)


def adamw(model, beta2=0.95, **more):
    """AdamW as nanoGPT sets it up: matrices and embeddings decay, gains and biases do not."""
    params = list(model.parameters())
    groups = [{"params": [p for p in params if p.dim() >= 2], "weight_decay": 0.1},
              {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, beta2), eps=1e-8, **more)


def steps(args):
    """Seconds of every timed step, and the parameters' number."""
    torch.manual_seed(0)
    vocab, *shape = PRESETS[args.preset]
    model = GPT(vocab, *shape).to(args.device)
    params = list(model.parameters())
    fused = args.fused or args.device == "cuda"  # nanoGPT's choice; on the CPU it is an option
    optimizer = adamw(model, fused=fused)
    text = torch.randint(vocab, (args.batch, args.context + 1), device=args.device)
    seconds = []
    for _ in range(args.warmup + args.steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
            loss = model(text[:, :-1], text[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        loss.item()  # waits for the device
        if args.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds[args.warmup:], sum(p.numel() for p in params)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=PRESETS, default="gpt2")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--fused", action="store_true", help="AdamW's fused kernel on the CPU too")
    parser.add_argument("--bf16", action="store_true", help="products in bf16, by autocast")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False  # fp32 means fp32
    torch.backends.cudnn.allow_tf32 = False

    seconds, num_params = steps(args)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = {
        "peer": f"torch {torch.__version__}", "preset": args.preset, "parameters": num_params, "device": args.device,
        "batch": args.batch, "context": args.context, "threads": args.threads, "fused": args.fused, "bf16": args.bf16,
        "seconds": [round(s, 4) for s in seconds],
        "tokens_per_second": args.batch * args.context / statistics.median(seconds),
        "peak_rss_bytes": rss if sys.platform == "darwin" else rss * 1024,  # macOS counts bytes, Linux KiB
    }
    if args.json:
        print(json.dumps(report))
        return
    print(f"{report['peer']} · {args.preset} ({num_params:,} parameters) · {args.device} · B={args.batch} "
          f"T={args.context} · {args.threads} threads")
    print("seconds a step:", "  ".join(f"{s:.3f}" for s in seconds))
    print(f"median {report['tokens_per_second']:.1f} tokens/s · peak resident {report['peak_rss_bytes'] / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
