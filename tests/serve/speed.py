#!/usr/bin/env python3
"""How soon does `diarist serve` begin to write, beside llama.cpp's server on the same file; and what do eight streams at once bring?

    tests/serve/speed.py GGUF --llama COMMAND [--diarist PROGRAM] [--rounds N]

GGUF is a model whose matrices are f16 (`diarist convert MODEL out.gguf --dtype f16`); COMMAND begins llama-server ("chroot /sid llama-server", where
the file has the same path). Both hold the weights in f16 on the processor and are asked in turns, both orders, with prompts of 200 random tokens
that neither has seen before. Medians. Needs Python alone, and a machine with nothing else to do: what is loaded beside it is printed.
"""

import argparse
import json
import os
import random
import shlex
import statistics
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=600)


def first(url, model, ids):
    """Seconds to the first token."""
    start = time.perf_counter()
    with post(f"{url}/v1/completions", {"model": model, "prompt": ids, "max_tokens": 2, "temperature": 0, "stream": True}) as answer:
        for line in answer:
            if line.startswith(b"data: {"):
                return time.perf_counter() - start
    raise SystemExit(f"{url}: no token came")


def tokens_a_second(url, model, streams, tokens, rng, vocabulary):
    """Of so many streams at once, each of a prompt of eight tokens, the reading of which is in it."""
    counts = []

    def one(seed):
        ids = [rng.randrange(vocabulary) for _ in range(8)]
        body = {"model": model, "prompt": ids, "max_tokens": tokens, "temperature": 1, "seed": seed, "ignore_eos": True}
        with post(f"{url}/v1/completions", body) as answer:
            counts.append(json.load(answer)["usage"]["completion_tokens"])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(streams)]
    start = time.perf_counter()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return sum(counts) / (time.perf_counter() - start)


def wait(url, path, process):
    for _ in range(600):
        try:
            urllib.request.urlopen(url + path, timeout=1)
            return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{url} did not come up")
            time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--llama", required=True)
    parser.add_argument("--diarist", type=Path, default=ROOT / "target" / "release" / "diarist")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--vocabulary", type=int, default=50000)
    args = parser.parse_args()
    file, rng = args.gguf.resolve(), random.Random(1)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    ours = subprocess.Popen([args.diarist.resolve(), "serve", file, "--weights", "f16", "--device", "cpu", "--port", "4761", "--context", "1024"],
                            env={**os.environ, "NODEVICE_SELECT": "1"}, **quiet)
    theirs = subprocess.Popen([*shlex.split(args.llama), "-m", str(file), "--port", "4762", "-t", "2", "-tb", "2", "-c", "1024", "-np", "1", "--no-warmup"], **quiet)
    try:
        servers = {"diarist": ("http://localhost:4761", file.name), "llama.cpp": ("http://localhost:4762", "x")}
        wait(servers["diarist"][0], "/health", ours)
        wait(servers["llama.cpp"][0], "/health", theirs)
        prompt = lambda: [rng.randrange(args.vocabulary) for _ in range(200)]
        [first(*server, prompt()) for server in servers.values() for _ in range(2)]
        print(f"load {os.getloadavg()[0]:.1f} before")
        times = {name: [] for name in servers}
        for i in range(args.rounds):
            ids = prompt()
            for name in sorted(servers, reverse=i % 2 == 1):
                times[name].append(first(*servers[name], ids))
        medians = {name: statistics.median(of) for name, of in times.items()}
        for name, of in times.items():
            print(f"first token of 200, {name}: {1000 * medians[name]:.0f} ms ({1000 * min(of):.0f}-{1000 * max(of):.0f})")
        print(f"ratio {medians['diarist'] / medians['llama.cpp']:.2f} (at most 1.2 is asked)")
        theirs.kill()
        rates = {1: [], 8: []}
        for _ in range(3):
            for streams in (1, 8, 8, 1):
                rates[streams].append(tokens_a_second(*servers["diarist"], streams, 192, rng, args.vocabulary))
        one, eight = (statistics.median(rates[streams]) for streams in (1, 8))
        print(f"one stream {one:.1f} tokens/s, eight {eight:.1f}: {eight / one:.2f} times (at least 3 is asked)")
        print(f"load {os.getloadavg()[0]:.1f} after")
    finally:
        ours.kill()
        theirs.kill()


if __name__ == "__main__":
    main()
