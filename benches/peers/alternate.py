#!/usr/bin/env python3
"""Runs our work and a peer's by turns, so that both meet the same machine, and prints one row of a table.

    alternate.py --batch 1 --context 256 -- diarist bench step --device cpu --sizes 1x256 --json -
    alternate.py --peer "python generate.py" -- diarist bench decode --device cpu --weights f32 --json -
    alternate.py --peer "llama-bench -m gpt2.f16.gguf -p 0 -n 64 -d 96 -o jsonl" -- diarist bench decode --weights f16 --json -

The peer is PyTorch's training step at --batch and --context unless --peer names another; ours is the command behind --, which
does the same work (the caller sees to it). Both print JSON on stdout: every `tokens_per_second` in it counts, however deep, and
a run's figure is their median. Peak resident memory is read from the kernel, for both.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

TORCH_STEP = Path(__file__).resolve().with_name("torch_step.py")


def rates_in(record):
    """Every `tokens_per_second` of a JSON value, and what llama-bench calls so."""
    if isinstance(record, list):
        return [rate for item in record for rate in rates_in(item)]
    if not isinstance(record, dict):
        return []
    own = [float(record[name]) for name in ("tokens_per_second", "avg_ts") if name in record]
    return own + [rate for item in record.values() for rate in rates_in(item)]


def run(command):
    """(tokens/s, peak resident bytes) of one run of a command."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    rates = []
    for line in child.stdout:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        rates += rates_in(record)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {child.returncode}")
    if not rates:
        sys.exit(f"{' '.join(command)}: no line of JSON with tokens_per_second on its stdout")
    return statistics.median(rates), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", help="another peer's command, instead of PyTorch's training step")
    parser.add_argument("--what", help="what the row is called")
    parser.add_argument("--preset", default="gpt2")
    parser.add_argument("--batch", default="1")
    parser.add_argument("--context", default="256")
    parser.add_argument("--steps", default="5", help="timed steps of PyTorch a round")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--device", default="cpu", help="PyTorch's device")
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused AdamW")
    parser.add_argument("--bf16", action="store_true", help="PyTorch's products in bf16")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("command", nargs="+", metavar="OUR-COMMAND", help="after --")
    args = parser.parse_args()

    torch_command = [args.python, str(TORCH_STEP), "--json"] + ["--fused"] * args.fused + ["--bf16"] * args.bf16
    for name in ("preset", "batch", "context", "steps", "threads", "device"):
        torch_command += [f"--{name}", getattr(args, name)]
    peer_command = shlex.split(args.peer) if args.peer else torch_command
    results = {"ours": [], "peer": []}
    for i in range(args.rounds):
        # Ours first in even rounds, second in odd ones: a machine that warms or tires favours neither.
        turns = [("ours", args.command), ("peer", peer_command)]
        for who, command in turns if i % 2 == 0 else turns[::-1]:
            results[who].append(run(command))
            rate, rss = results[who][-1]
            print(f"round {i + 1}, {who}: {rate:.1f} tokens/s, peak {rss / 1e9:.2f} GB", file=sys.stderr)

    rate = {who: statistics.median(r for r, _ in runs) for who, runs in results.items()}
    spread = {who: (min(r for r, _ in runs), max(r for r, _ in runs)) for who, runs in results.items()}
    rss = {who: max(m for _, m in runs) / 1e9 for who, runs in results.items()}
    print("| work | ours, tokens/s (least–most) | the peer, tokens/s (least–most) | ours / the peer's | ours, peak GB "
          "| the peer, peak GB |")
    print("|---|---|---|---|---|---|")
    usual = f"{args.preset} B={args.batch} T={args.context}, {args.threads} threads"
    cells = [f"{args.what or args.peer or usual}, {args.rounds} rounds"]
    cells += [f"{rate[w]:.1f} ({spread[w][0]:.1f}–{spread[w][1]:.1f})" for w in ("ours", "peer")]
    cells += [f"{rate['ours'] / rate['peer']:.2f}", f"{rss['ours']:.2f}", f"{rss['peer']:.2f}"]
    print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
