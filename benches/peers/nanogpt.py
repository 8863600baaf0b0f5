#!/usr/bin/env python3
"""Does diarist learn what nanoGPT learns? Trains small models beside PyTorch's on the same text, on the CPU, in f32.

    nanogpt.py replay JOURNAL…       one run from random weights; PyTorch from the same weights, over the same windows: how far
                                     apart is each step's loss?
    nanogpt.py converge JOURNAL…     nanoGPT's `shakespeare_char` settings for a CPU on a journal's bytes, three seeds: is the
                                     held-out loss at the end the same, with windows and initial weights of each one's own?

Exit code 1 where a limit is passed. Needs torch, numpy, safetensors; the model is torch_step.py's.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from torch_step import GPT, adamw

ROOT = Path(__file__).resolve().parents[2]
LAYERS, HEADS, CHANNELS, CONTEXT, BATCH, STEPS = 4, 4, 128, 64, 12, 2000  # shakespeare_char on a CPU
LR, MIN_LR, WARMUP = 1e-3, 1e-4, 100
SCRATCH = ("--from", "scratch", "--preset", "tiny", "--context", CONTEXT)
APART, HELD_OUT = 1e-3, 0.02  # nats/byte: what a step's losses, and the means of the held-out losses, may differ by


# -- diarist -----------------------------------------------------------------------------------------------------------


def train(args, out, *settings):
    """A run's folder: trained, unless it is there already."""
    if not (out / "model.safetensors").exists():
        command = [args.diarist, "train", *args.journal, "--device", "cpu", "--threads", args.threads, "--out", out]
        subprocess.run([str(x) for x in (*command, *settings)], check=True, stdout=subprocess.DEVNULL)
    return out


def beginning(args, seed):
    """A `tiny` model as `--from scratch --seed SEED` draws it. One step is taken, at a rate that changes no drawn weight."""
    return train(args, args.work / f"begin-{seed}", *SCRATCH, "--seed", seed, "--steps", 1, "--lr", 1e-12)


def narrowed(begin, out):
    """A folder with a model of `shakespeare_char`'s shape: the corner of a `tiny` one, which has as many layers and thus the
    same distribution in every matrix. So these weights are diarist's own draw too."""
    out.mkdir(exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "special_tokens_map.json"):
        if (begin / name).exists():
            (out / name).write_bytes((begin / name).read_bytes())
    config = json.loads((begin / "config.json").read_text())
    wide, tensors = config["n_embd"], {}
    assert (config["n_layer"], config["n_head"], config["n_positions"]) == (LAYERS, HEADS, CONTEXT), config
    (out / "config.json").write_text(json.dumps(config | {"n_embd": CHANNELS}))
    for name, x in load_file(begin / "model.safetensors").items():
        for axis, extent in enumerate(x.shape):
            if extent % wide == 0:  # one part of C channels, three of c_attn, four of c_fc
                x = x.unflatten(axis, (extent // wide, wide)).narrow(axis + 1, 0, CHANNELS).flatten(axis, axis + 1)
        tensors[name] = x.contiguous()
    save_file(tensors, out / "model.safetensors", {"format": "pt"})
    return out


class Run:
    """What a finished run wrote down."""

    def __init__(self, folder):
        record = json.loads((folder / "run.json").read_text())
        self.settings, self.data = record["settings"], record["data"]
        width = "<u4" if self.data.get("width") == "u32" else "<u2"
        self.tokens = torch.from_numpy(np.fromfile(folder / "tokens.bin", dtype=width).astype(np.int64))
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        self.steps = [line for line in log if "windows" in line]
        self.held_out = {line["step"]: line["val_loss"] for line in log if "val_loss" in line}


# -- PyTorch -----------------------------------------------------------------------------------------------------------


def load(model, folder):
    """Weights of a GPT-2's folder, whose matrices within blocks are (inputs, outputs)."""
    tensors = {name.removeprefix("transformer."): x for name, x in load_file(folder / "model.safetensors").items()}
    model.load_state_dict({name: x.T if name.startswith("h.") and x.dim() == 2 else x for name, x in tensors.items()})


def windows(tokens, starts, context):
    """(B,T) inputs and targets."""
    text = torch.stack([tokens[s:s + context + 1] for s in starts])
    return text[:, :-1], text[:, 1:]


def steps(model, optimizer, tokens, context, rates_and_starts):
    """Trains; each step's loss, before its update."""
    for rate, starts in rates_and_starts:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = model(*windows(tokens, starts, context))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss.item()


@torch.no_grad()
def evaluated(model, run, context):
    """Nats a token over the held-out range, every token once, as diarist counts."""
    start, end = run.data["val"]
    total = sum(model(*windows(run.tokens, [s], min(context, end - 1 - s)), reduction="sum").item()
                for s in range(start, end - 1, context))
    return total / (end - 1 - start)


def nanogpt_rate(step):
    """nanoGPT's learning rate, steps from 0."""
    if step < WARMUP:
        return LR * (step + 1) / (WARMUP + 1)
    return MIN_LR + 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) * (LR - MIN_LR)


def nanogpt(run, seed, beta2, **shape):
    """The held-out loss of a model with nanoGPT's initialisation, windows (they begin anywhere) and rates."""
    torch.manual_seed(seed)
    model = GPT(257, CONTEXT, LAYERS, HEADS, CHANNELS, **shape)
    first, end = run.data["train"]
    drawn = ((nanogpt_rate(step), first + torch.randint(end - first - CONTEXT, (BATCH,))) for step in range(STEPS))
    for _ in steps(model, adamw(model, beta2), run.tokens, CONTEXT, drawn):
        pass
    return evaluated(model, run, CONTEXT)


# -- The two questions -------------------------------------------------------------------------------------------------


def replay(args):
    begin = beginning(args, 1)
    run = Run(train(args, args.work / "replayed", *SCRATCH, "--seed", 1, "--steps", args.steps))
    s = run.settings
    assert s["accumulate"] == 1 and s["dropout"] == 0 and s["grad_clip"] == 1 and round(s["weight_decay"], 6) == 0.1, s
    shape = json.loads((begin / "config.json").read_text())
    model = GPT(*(shape[name] for name in ("vocab_size", "n_positions", "n_layer", "n_head", "n_embd")))
    load(model, begin)
    apart, logged = [], ((line["lr"], line["windows"]) for line in run.steps)
    print(" step    diarist    PyTorch    apart")
    for line, theirs in zip(run.steps, steps(model, adamw(model), run.tokens, s["context"], logged), strict=True):
        apart.append(abs(line["loss"] - theirs))
        print(f"{line['step']:5}  {line['loss']:9.6f}  {theirs:9.6f}  {apart[-1]:.1e}", flush=True)
    last, theirs = max(run.held_out), evaluated(model, run, s["context"])
    print(f"held out, after step {last}: diarist {run.held_out[last]:.6f}, PyTorch {theirs:.6f}")
    print(f"{len(apart)} steps: furthest {max(apart):.1e} apart, at step {1 + apart.index(max(apart))}; "
          f"median {statistics.median(apart):.1e}; limit {APART:.0e}")
    return max(apart) <= APART


def converge(args):
    # The second: biases, GELU by tanh, beta2 0.95, as diarist has them. The third: none, exact, 0.99, as `shakespeare_char` has.
    names = ("diarist", "the same in PyTorch", "nanoGPT's own")
    print("held out after", STEPS, "steps, nats/byte\n")
    print("| seed | " + " | ".join(names) + " |\n|" + "---|" * (1 + len(names)))
    rows = []
    for seed in range(1, args.seeds + 1):
        begin = narrowed(beginning(args, seed), args.work / f"narrow-{seed}")
        run = Run(train(args, args.work / f"converged-{seed}", "--from", begin, "--seed", seed, "--steps", STEPS, "--split", "latest",
                        "--context", CONTEXT, "--batch", BATCH, "--accumulate", 1, "--lr", LR, "--warmup", WARMUP,
                        "--dropout", 0, "--optimizer", "adamw", "--eval-every", STEPS, "--sample-every", STEPS))
        rows.append((run.held_out[STEPS], nanogpt(run, seed, 0.95), nanogpt(run, seed, 0.99, bias=False, gelu="none")))
        print(f"| {seed} | " + " | ".join(f"{x:.4f}" for x in rows[-1]) + " |", flush=True)
    means = [statistics.mean(column) for column in zip(*rows)]
    print("| mean | " + " | ".join(f"{x:.4f}" for x in means) + " |")
    if len(rows) > 1:
        print("| standard deviation | " + " | ".join(f"{statistics.stdev(column):.4f}" for column in zip(*rows)) + " |")
    print("| diarist's mean less it | | " + " | ".join(f"{means[0] - x:+.4f}" for x in means[1:]) + " |")
    return all(abs(means[0] - x) <= HELD_OUT for x in means[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("replay", "converge"))
    parser.add_argument("journal", nargs="+", type=Path, metavar="JOURNAL")
    parser.add_argument("--diarist", type=Path, default=ROOT / "target/release/diarist")
    parser.add_argument("--work", type=Path, help="keep the runs here, and use those that are here already")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of replay")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as work:
        args.work = args.work or Path(work)
        args.work.mkdir(parents=True, exist_ok=True)
        sys.exit(not {"replay": replay, "converge": converge}[args.what](args))


if __name__ == "__main__":
    main()
