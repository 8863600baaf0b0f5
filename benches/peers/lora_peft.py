#!/usr/bin/env python3
"""A LoRA run of diarist, by PyTorch + transformers + peft, step by step: `python lora_peft.py RUN BASE [INIT] [--steps N]`.

RUN is a run's folder (`diarist train … --lora … --dropout 0`): its settings, its tokens and, from its log, the windows of every
step. BASE is the model that its adapter stands beside: a folder, or a GGUF, which transformers dequantises to f32. INIT is the
adapter as the run began (a copy of adapter_model.safetensors before the first step); without it peft draws its own.

Prints for each evaluation both held-out losses, for the steps the largest difference of losses, and tokens a second and the
largest resident set of this process. `--full` trains the whole model instead (of a run without --lora).
"""

import argparse
import json
import math
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM


def parse():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("run", type=Path)
    args.add_argument("base", type=Path)
    args.add_argument("init", type=Path, nargs="?")
    args.add_argument("--steps", type=int)
    args.add_argument("--full", action="store_true")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--out", type=Path, help="save the adapter here")
    return args.parse_args()


def base_model(path):
    where = dict(pretrained_model_name_or_path=str(path))
    if path.suffix == ".gguf":
        where = dict(pretrained_model_name_or_path=str(path.parent), gguf_file=path.name)
    return AutoModelForCausalLM.from_pretrained(**where, torch_dtype=torch.float32)


def adapted(model, settings, init):
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    lora = dict(part.split("=") for part in settings["lora"].split(","))
    targets = lora["targets"]
    config = LoraConfig(r=int(lora["r"]), lora_alpha=float(lora["alpha"]), lora_dropout=float(lora["dropout"]),
                        target_modules=targets if targets == "all-linear" else targets.split("+"),
                        task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    if init:
        from safetensors.torch import load_file

        told = set_peft_model_state_dict(model, load_file(init))
        assert not told.unexpected_keys, told.unexpected_keys
    return model


def rate(s, step):
    """The learning rate of a step, as src/optim/schedule.rs has it."""
    if step <= s["warmup"]:
        return s["lr"] * step / s["warmup"]
    done = (step - s["warmup"]) / (s["steps"] - s["warmup"])
    return s["min_lr"] + 0.5 * (1 + math.cos(math.pi * min(done, 1.0))) * (s["lr"] - s["min_lr"])


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    run = json.loads((args.run / "run.json").read_text())
    s, data = run["settings"], run["data"]
    assert s["dropout"] == 0, "masks are diarist's own: compare runs without dropout"
    tokens = np.fromfile(args.run / "tokens.bin", dtype=np.uint32 if data.get("width") == "u32" else np.uint16)
    tokens = torch.from_numpy(tokens.astype(np.int64))
    log = [json.loads(line) for line in (args.run / "log.jsonl").read_text().splitlines()]
    steps = {line["step"]: line for line in log if "windows" in line}
    evals = {line["step"]: line["val_loss"] for line in log if "val_loss" in line}
    model = base_model(args.base)
    if not args.full:
        model = adapted(model, s, args.init)
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    print(f"{sum(p.numel() for p in params):,} parameters train")
    decays = [p for p in params if p.dim() >= 2]
    rest = [p for p in params if p.dim() < 2]
    groups = [dict(params=decays, weight_decay=s["weight_decay"]), dict(params=rest, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=s["lr"], betas=(s["beta1"], s["beta2"]), eps=s["eps"])
    t, val = s["context"], data["val"]

    def evaluate(step):
        total, scored = 0.0, 0
        with torch.no_grad():
            for start in range(val[0], val[1] - 1, t):
                n = min(t, val[1] - 1 - start)
                logits = model(tokens[start:start + n][None]).logits[0]
                total += F.cross_entropy(logits, tokens[start + 1:start + 1 + n], reduction="sum").item()
                scored += n
        ours, theirs = evals[step], total / scored
        print(f"step {step:5}  held-out loss  diarist {ours:.4f}  PyTorch {theirs:.4f}  {abs(ours - theirs):.4f} apart",
              flush=True)

    if 0 in evals:
        evaluate(0)
    apart, seconds = [], []
    for step in range(1, (args.steps or s["steps"]) + 1):
        begun = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate(s, step)
        optimizer.zero_grad()
        windows, total = steps[step]["windows"], 0.0
        for i in range(0, len(windows), s["batch"]):
            starts = windows[i:i + s["batch"]]
            inputs = torch.stack([tokens[a:a + t] for a in starts])
            targets = torch.stack([tokens[a + 1:a + 1 + t] for a in starts])
            logits = model(inputs).logits
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / (len(windows) * t)
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(params, s["grad_clip"])
        optimizer.step()
        seconds.append(time.perf_counter() - begun)
        apart.append(abs(total - steps[step]["loss"]))
        if step % 10 == 0:
            print(f"step {step:5}  loss {total:.4f}  diarist {steps[step]['loss']:.4f}", flush=True)
        if step in evals:
            evaluate(step)
    of_step = len(steps[1]["windows"]) * t
    ours = statistics.median(line["seconds"] for line in steps.values() if line["step"] <= len(seconds))
    print(f"largest difference of a step's loss {max(apart):.2e}, median {statistics.median(apart):.2e}")
    print(f"median tokens/s: PyTorch {of_step / statistics.median(seconds):.0f}, diarist (when it ran) {of_step / ours:.0f}")
    print(f"largest resident set of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if args.out:
        model.save_pretrained(args.out)


main()
