#!/usr/bin/env python3
"""Times training steps of a char GPT, ours and the Rust peers' by turns, so that all meet the same machine, and prints a table.

    char_gpt.py --ours 'diarist bench step --preset small --sizes 8x256 --device gpu --json -' [--rounds 2] [--steps 6]
                [--target DIR] [burn ferrotensor meganeura]

The work is in work.rs: 6 layers, 6 heads, 384 channels, 8×256 tokens a step. For each peer, ours runs first and then the peer;
in the next round the peer runs first. Our command does the same work and prints what it measured, or the same line of JSON as the
peers do: `what`, `first_s`, `steps_s` (the steps after the first two, which compile and tune), `tokens`. A peer that was not built or that fails
is a row of its own and stops nothing. Peak resident memory is read from the kernel; a software adapter's memory is in it.

All get one new, empty folder as the user's cache (XDG_CACHE_HOME), so that in the first round each tunes and compiles anew, and
in the later rounds finds what it kept. The table's first step is the first round's; --cache DIR names a folder that stays.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("burn", "ferrotensor", "meganeura")


def ours_as_theirs(record):
    """A line of JSON that `diarist bench step --json -` printed, in the peers' words: of its rounds the fastest, the median and
    the slowest."""
    if not record.get("step"):
        return record
    step = record["step"][0]
    seconds = [step["seconds"][which] for which in ("least", "median", "most")]
    return {"what": f"{step['model']} on {record['device']}", "version": record["diarist"], "first_s": step["first"],
            "steps_s": seconds, "tokens": step["tokens"]}


def run(command, cache, folder=None, words=lambda record: record):
    """The record of one run of a command, with its peak resident bytes; or None and why."""
    try:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder,
                                 env={**os.environ, "XDG_CACHE_HOME": cache})
    except OSError as error:
        return None, str(error)
    found = None
    for line in child.stdout:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and "steps_s" in words(record):
            found = words(record)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        return None, f"exit status {child.returncode}"
    if not found or not found["steps_s"]:
        return None, "no line of JSON with steps_s: too few steps?"
    found["peak"] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return found, None


def row(who, records, ours):
    """A row of the table, from the records of one program's runs."""
    warm = [s for r in records for s in r["steps_s"]]
    median = statistics.median(warm)
    first = records[0]["first_s"] + records[0].get("setup_s", 0)
    name = f"{who} {records[0].get('version', '')}".strip()
    odd = "" if all(r.get("falls", True) for r in records) else " (the loss does not fall)"
    cells = [f"{name}: {records[0].get('what', 'char GPT')}{odd}", f"{first:.1f}",
             f"{median:.2f} ({min(warm):.2f}–{max(warm):.2f})", f"{records[0]['tokens'] / median:.0f}",
             f"{median / ours:.2f}", f"{max(r['peak'] for r in records) / 1e9:.2f}"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="our command, split as a shell would")
    parser.add_argument("--rounds", type=int, default=2, help="an even number is fair")
    parser.add_argument("--steps", type=int, default=6, help="of each run of a peer, the two that warm up among them")
    parser.add_argument("--target", type=Path, help="where the peers were built: DIR/PEER/release/peer-PEER")
    parser.add_argument("--cache", type=Path, help="the user's cache, in place of a new one")
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(PEERS)}; all without")
    args = parser.parse_args()

    def binary(peer):
        folder = args.target.resolve() / peer if args.target else HERE / peer / "target"
        return [str(folder / "release" / f"peer-{peer}"), str(args.steps)]

    if args.cache:
        table(args, binary, str(args.cache.resolve()))
    else:
        with tempfile.TemporaryDirectory() as cache:
            table(args, binary, cache)


def table(args, binary, cache):
    ours, failed = [], {}
    theirs = {peer: [] for peer in args.peers or PEERS}
    for i in range(args.rounds):
        for peer in theirs:
            turns = ["ours", peer] if i % 2 == 0 else [peer, "ours"]
            for who in turns:
                if peer in failed:  # then ours has no turn beside it either
                    continue
                if who == "ours":
                    record, why = run(shlex.split(args.ours), cache, words=ours_as_theirs)
                else:  # burn keeps what it tuned beside the outermost Cargo.toml, so not in our repository
                    record, why = run(binary(peer), cache, folder=cache)
                if why and who == "ours":
                    sys.exit(f"{args.ours}: {why}")
                if why:
                    failed[peer] = why
                    print(f"{peer}: {why}", file=sys.stderr)
                    continue
                (ours if who == "ours" else theirs[peer]).append(record)
                print(f"round {i + 1}, {who}: {statistics.median(record['steps_s']):.2f} s a warm step, "
                      f"peak {record['peak'] / 1e9:.2f} GB", file=sys.stderr)
    step = statistics.median(s for r in ours for s in r["steps_s"])
    print("| what | until the first step is done, s | a warm step, s: median (least–most) | tokens/s | times ours | peak GB |")
    print("|---|---|---|---|---|---|")
    print(row("ours", ours, step))
    for peer, records in theirs.items():
        print(row(peer, records, step) if records else f"| {peer}: {failed[peer]} | – | – | – | – | – |")


if __name__ == "__main__":
    main()
