#!/usr/bin/env python3
"""Runs our training step and PyTorch's by turns, so that both meet the same machine, and prints one row of a table.

    alternate.py --rounds 3 --batch 1 --context 256 --threads 2 -- OUR-COMMAND…

OUR-COMMAND does the same work once (the caller sees to batch, context and threads) and prints JSON lines on stdout;
every line with `tokens_per_second` counts, and the run's figure is their median. Peak resident memory is read from the
kernel, for both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

TORCH_STEP = Path(__file__).resolve().with_name("torch_step.py")


def run(command):
    """(tokens/s, peak resident bytes) of one run of a command."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    rates = []
    for line in child.stdout:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "tokens_per_second" in record:
            rates.append(float(record["tokens_per_second"]))
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {child.returncode}")
    if not rates:
        sys.exit(f"{' '.join(command)}: no line of JSON with tokens_per_second on its stdout")
    return statistics.median(rates), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", default="gpt2")
    parser.add_argument("--batch", default="1")
    parser.add_argument("--context", default="256")
    parser.add_argument("--steps", default="5", help="timed steps of PyTorch a round")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--device", default="cpu", help="PyTorch's device")
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused AdamW")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("command", nargs="+", metavar="OUR-COMMAND", help="after --")
    args = parser.parse_args()

    torch_command = [args.python, str(TORCH_STEP), "--json"] + (["--fused"] if args.fused else [])
    for name in ("preset", "batch", "context", "steps", "threads", "device"):
        torch_command += [f"--{name}", getattr(args, name)]
    results = {"ours": [], "torch": []}
    for i in range(args.rounds):
        # Ours first in even rounds, second in odd ones: a machine that warms or tires favours neither.
        turns = [("ours", args.command), ("torch", torch_command)]
        for who, command in turns if i % 2 == 0 else turns[::-1]:
            results[who].append(run(command))
            rate, rss = results[who][-1]
            print(f"round {i + 1}, {who}: {rate:.1f} tokens/s, peak {rss / 1e9:.2f} GB", file=sys.stderr)

    rate = {who: statistics.median(r for r, _ in runs) for who, runs in results.items()}
    spread = {who: (min(r for r, _ in runs), max(r for r, _ in runs)) for who, runs in results.items()}
    rss = {who: max(m for _, m in runs) / 1e9 for who, runs in results.items()}
    print("| work | ours, tokens/s (least–most) | PyTorch, tokens/s (least–most) | ours / PyTorch | ours, peak GB "
          "| PyTorch, peak GB |")
    print("|---|---|---|---|---|---|")
    cells = [f"{args.preset} B={args.batch} T={args.context}, {args.threads} threads, {args.rounds} rounds"]
    cells += [f"{rate[w]:.1f} ({spread[w][0]:.1f}–{spread[w][1]:.1f})" for w in ("ours", "torch")]
    cells += [f"{rate['ours'] / rate['torch']:.2f}", f"{rss['ours']:.2f}", f"{rss['torch']:.2f}"]
    print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
