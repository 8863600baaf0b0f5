#!/usr/bin/env python3
"""Opens a run's folder in transformers and, with --init, trains it again in PyTorch, fp32, from what it wrote down.

    replay.py RUN_DIR                              does transformers open model and tokenizer as they are?
    replay.py RUN_DIR --init FROM_DIR              the same training in PyTorch: do losses, norms and weights agree?

Prints one JSON object on stdout; says what it does on stderr. Exit 1 where the folder cannot be opened or replayed.
Needs torch, transformers, safetensors, numpy.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2LMHeadModel

TEXT = "Tuesday. Rain again, naïve hopes; the café was shut — “tomorrow”, they said. 🌧\n\n"


def weights_of(path):
    """A checkpoint's tensors by GPT-2 key, fp32, without what transformers keeps beside the weights."""
    path = Path(path)
    tensors = load_file(path / "model.safetensors" if path.is_dir() else path)
    tensors = {key.removeprefix("transformer."): x.float() for key, x in tensors.items()}
    return {k: x for k, x in tensors.items() if not k.endswith((".attn.bias", ".attn.masked_bias", "lm_head.weight"))}


def setting(tree, name):
    """The value of a key wherever it stands in run.json; an error where it is missing or has two values."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            found.extend(v for k, v in node.items() if k == name and not isinstance(v, (dict, list)))
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                walk(child)

    walk(tree)
    if not found or any(v != found[0] for v in found):
        sys.exit(f"run.json: expected one value of {name!r}, found {found}")
    return found[0]


def opened(run, prompt, max_tokens):
    """The folder as transformers sees it."""
    model, info = GPT2LMHeadModel.from_pretrained(run, dtype=torch.float32, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(run)
    ids = tokenizer(TEXT)["input_ids"]
    report = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocab_size": model.config.vocab_size,
        "tied": model.lm_head.weight is model.transformer.wte.weight,
        "missing_keys": sorted(info["missing_keys"]),
        "unexpected_keys": sorted(info["unexpected_keys"]),
        "mismatched_keys": sorted(map(str, info["mismatched_keys"])),
        "tokenizer": type(tokenizer).__name__,
        "tokenizer_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "round_trip": tokenizer.decode(ids, clean_up_tokenization_spaces=False) == TEXT,
        "ids": ids,
    }
    if prompt is not None:
        start = tokenizer(prompt)["input_ids"] if prompt else [tokenizer.eos_token_id]
        out = model.eval().generate(torch.tensor([start]), attention_mask=torch.ones(1, len(start), dtype=torch.long),
                                    max_new_tokens=max_tokens, do_sample=False, pad_token_id=tokenizer.eos_token_id)
        new = out[0, len(start):].tolist()
        report["greedy"] = {"prompt_ids": start, "ids": new, "text": tokenizer.decode(new)}
    return model, report


def read_log(run):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines() if line.strip()]
    return [line for line in lines if "windows" in line]


def relative(found, expected):
    return abs(found - expected) / max(abs(expected), 1e-30)


def replay(run, model, init, steps):
    """Trains again from the same weights over the same windows, and compares line by line with the log."""
    settings = json.loads((run / "run.json").read_text())
    names = ("beta1", "beta2", "eps", "weight_decay", "grad_clip", "batch", "accumulate", "context", "dropout")
    s = {name: setting(settings, name) for name in names}
    if s["dropout"] != 0:
        sys.exit(f"the run has dropout {s['dropout']}: only a run without dropout can be replayed")
    if settings["settings"]["freeze"]:
        sys.exit("the run has frozen parts: replay does not know of them")
    log = read_log(run)
    for i, line in enumerate(log, start=1):
        if line["step"] != i or len(line["windows"]) != s["batch"] * s["accumulate"]:
            sys.exit(f"log.jsonl: line {i} is step {line['step']} with {len(line['windows'])} windows, "
                     f"not step {i} with {s['batch']}·{s['accumulate']}")
    log = log[:steps]

    model.config.resid_pdrop = model.config.embd_pdrop = model.config.attn_pdrop = 0.0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    params = {name.removeprefix("transformer."): p for name, p in model.named_parameters()}
    start = weights_of(init)
    if start.keys() != params.keys():
        sys.exit(f"{init}: other tensors than the model's: {sorted(start.keys() ^ params.keys())}")
    with torch.no_grad():
        for name, p in params.items():
            p.copy_(start[name])
    decayed = [p for p in params.values() if p.dim() >= 2]
    others = [p for p in params.values() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": s["weight_decay"]},
                                   {"params": others, "weight_decay": 0.0}],
                                  betas=(s["beta1"], s["beta2"]), eps=s["eps"])
    # ids of 16 bits unless the record says 32, little-endian, nothing before them
    width = "<u4" if settings["data"].get("width") == "u32" else "<u2"
    tokens = np.memmap(run / "tokens.bin", dtype=width, mode="r")
    T, targets_so_far = s["context"], 0
    # a pair is a window as long as it is; what is masked is no target
    pairs = [json.loads(line) for line in (run / "entries.jsonl").read_text().splitlines()]
    length = {pair["start"]: min(pair["end"] - pair["start"] - 1, T) for pair in pairs if pair.get("pair")}
    masked = np.zeros(len(tokens), dtype=bool)
    if settings["data"]["masked"]:
        for start, end in np.fromfile(run / "masked.bin", dtype="<u8").reshape(-1, 2):
            masked[start:end] = True

    def row(starts):
        """Inputs, targets and what sees what of one row: its windows one behind the other, filled up with what is not scored."""
        x, y = np.zeros(T, dtype=np.int64), np.full(T, -100, dtype=np.int64)
        text, end = np.zeros(T, dtype=np.int64), 0
        for i, start in enumerate(starts if isinstance(starts, list) else [starts]):
            n = length.get(start, T)
            x[end:end + n] = tokens[start:start + n]
            y[end:end + n] = np.where(masked[start + 1:start + 1 + n], -100, tokens[start + 1:start + 1 + n].astype(np.int64))
            text[end:] = i
            end += n
        return x, y, (text[:, None] == text[None, :]) & np.tri(T, dtype=bool), end

    rows = []
    model.train()
    for line in log:
        optimizer.zero_grad()
        loss_sum = 0.0
        cut = [row(starts) for starts in line["windows"]]
        scored = sum(int((y != -100).sum()) for _, y, *_ in cut)
        for micro in range(0, len(cut), s["batch"]):
            rows_of = cut[micro:micro + s["batch"]]
            x, y = (torch.from_numpy(np.stack([row[i] for row in rows_of])) for i in (0, 1))
            sees = torch.from_numpy(np.stack([row[2] for row in rows_of]))[:, None]
            sees = torch.zeros(sees.shape).masked_fill(~sees, torch.finfo(torch.float32).min)
            logits = model(input_ids=x, attention_mask=sees, use_cache=False).logits
            loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), y.flatten(), reduction="sum") / max(scored, 1)
            loss.backward()
            loss_sum += loss.item()
            targets_so_far += sum(row[3] for row in rows_of)
        clip = s["grad_clip"] if s["grad_clip"] and s["grad_clip"] > 0 else float("inf")
        norm = torch.nn.utils.clip_grad_norm_(list(params.values()), clip).item()
        for group in optimizer.param_groups:
            group["lr"] = line["lr"]
        if line.get("spike") == "skip":
            # neither weights nor moments moved; the step counts in the corrections of their means all the same
            for state in optimizer.state.values():
                state["step"] += 1
        else:
            optimizer.step()
        rows.append({"step": line["step"], "loss": loss_sum, "grad_norm": norm,
                     "loss_difference": relative(line["loss"], loss_sum),
                     "grad_norm_difference": relative(line["grad_norm"], norm),
                     "tokens_agree": line["tokens"] == targets_so_far})
        print(f"step {line['step']}: loss {loss_sum:.6f}, the run's {line['loss']:.6f}; norm {norm:.6f}, "
              f"the run's {line['grad_norm']:.6f}", file=sys.stderr)
    return rows, params


def weight_differences(params, saved, start):
    """Relative L2 of the run's weights from PyTorch's, and of the whole change since the start.

    The key third of c_attn's bias stands apart: softmax does not see it, its gradient is rounding noise, and Adam makes
    steps of full length out of noise.
    """
    parts = {}
    for name, p in params.items():
        p, q, r = p.detach(), saved[name], start[name]
        if name.endswith("attn.c_attn.bias"):
            for part, a, b, c in zip("qkv", p.chunk(3), q.chunk(3), r.chunk(3)):
                parts[f"{name}[{part}]"] = (a, b, c)
        else:
            parts[name] = (p, q, r)
    seen = {name: x for name, x in parts.items() if not name.endswith("[k]")}
    each = {name: ((b - a).norm() / a.norm().clamp_min(1e-30)).item() for name, (a, b, _) in parts.items()}
    worst = max(seen, key=each.get)

    def over(pick):
        return sum(pick(*x).double().square().sum().item() for x in seen.values()) ** 0.5

    difference = over(lambda a, b, _: b - a)
    return {
        "worst": {"name": worst, "relative_l2": each[worst]},
        "all": difference / over(lambda a, b, _: a),
        "all_of_change": difference / max(over(lambda a, b, c: a - c), 1e-30),
        "key_bias_worst": max((each[n] for n in parts if n.endswith("[k]")), default=None),
        "each": each,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--init", type=Path, help="the weights the run started from: a folder or a .safetensors file")
    parser.add_argument("--steps", type=int, help="replay only the first STEPS (then final weights are not compared)")
    parser.add_argument("--prompt", help="also continue this greedily (empty: from end of text)")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    model, report = opened(args.run, args.prompt, args.max_tokens)
    if args.init:
        rows, params = replay(args.run, model, args.init, args.steps)
        report["replay"] = {
            "steps": len(rows),
            "loss_max_relative_difference": max(r["loss_difference"] for r in rows),
            "grad_norm_max_relative_difference": max(r["grad_norm_difference"] for r in rows),
            "tokens_agree": all(r["tokens_agree"] for r in rows),
            "log": rows,
        }
        if args.steps is None:
            report["replay"]["weights"] = weight_differences(params, weights_of(args.run), weights_of(args.init))
    json.dump(report, sys.stdout, indent=1)
    print()
    wrong = report["missing_keys"] or report["unexpected_keys"] or report["mismatched_keys"]
    sys.exit(1 if wrong or not report["round_trip"] else 0)


if __name__ == "__main__":
    main()
