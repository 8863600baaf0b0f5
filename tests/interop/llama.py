"""llama.cpp, as installed or within a root folder of its own (DIARIST_LLAMA=DIR, made by debootstrap)."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import torch

import forms
from common import say, skip

ROOT = os.environ.get("DIARIST_LLAMA")
HOW = ("llama.cpp is not here. As root on Debian: debootstrap --variant=minbase --include=ca-certificates sid DIR; "
       "chroot DIR apt-get install -y --no-install-recommends llama.cpp-tools; mount --bind /proc DIR/proc; "
       "then DIARIST_LLAMA=DIR tests/interop/run")


TIE = 0.02  # nats between the two likeliest tokens
COARSE = {"f32": 0.02, "f16": 0.02, "q8_0": 0.5, "q4_1": 2.0}  # nats that one log probability may be off


def alike(what, model, start, ours, theirs, tie=TIE):
    """64 tokens alike; or alike up to a place where the model itself has a tie, of `tie` nats."""
    if ours == theirs:
        return say(True, what, f"{len(ours)} alike, {len(set(ours))} different")
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), None)
    if at is None:
        return say(False, what, f"{len(ours)} tokens and {len(theirs)}")
    row = forms.logits(model, start + ours[:at])[-1].log_softmax(-1)
    gap = (row[ours[at]] - row[theirs[at]]).item()
    say(abs(gap) < tie, what, f"{at} alike, then {ours[at]} and {theirs[at]}, {gap:.4f} nats apart")


@contextmanager
def activations(model, kind):
    """A model of PyTorch that meanwhile multiplies as llama.cpp does on a CPU: with matrices in blocks, what they are
    multiplied with is put in blocks of 32 too, of 8 bits and a scale in f16; with f16 it is rounded to f16."""

    def blocks(x):
        parts = x.reshape(-1, 32)
        step = parts.abs().amax(1, True) / 127
        whole = torch.where(step > 0, parts / step, 0).round()
        return (whole * step.half().to(x.dtype)).view(x.shape)

    rounded = {"f32": lambda x: x, "f16": lambda x: x.half().to(x.dtype)}.get(kind, blocks)
    layers = (m for m in model.modules() if isinstance(m, torch.nn.Linear))
    hooks = [layer.register_forward_pre_hook(lambda _, given: (rounded(given[0]),)) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def roundings(model, kind, ids, count=500):
    """Nats by which `activations` move the log probabilities of the likeliest next tokens: what may be between llama.cpp's
    and ours where all is right."""
    row = forms.logits(model, ids)[-1].log_softmax(-1)
    with activations(model, kind):
        moved = forms.logits(model, ids)[-1].log_softmax(-1)
    return (moved - row)[row.topk(count).indices].abs().max().item()


def furthest(server, model, ids, count=500):
    """Nats between the log probabilities of the likeliest next tokens, llama.cpp's and PyTorch's in float64."""
    theirs = server.log_probabilities(ids, min(model.config.vocab_size, count))
    row = forms.logits(model, ids)[-1].log_softmax(-1)
    return (torch.tensor(list(theirs.values())).double() - row[list(theirs)]).abs().max().item()


def found():
    if ROOT:
        return (Path(ROOT) / "usr/bin/llama-server").exists()
    return shutil.which("llama-server") is not None


def missing(what):
    """Says that a check cannot be made without llama.cpp: skipped, or with --need-llama failed."""
    if os.environ.get("DIARIST_NEED_LLAMA"):
        say(False, what, HOW)
    else:
        skip(what, HOW)


@contextmanager
def _seen(path):
    """The path by which llama.cpp sees a file: within its root, a copy."""
    if not ROOT:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(dir=Path(ROOT) / "tmp") as folder:
        shutil.copy(path, folder)
        yield f"/tmp/{Path(folder).name}/{Path(path).name}"


def command(*args):
    return [*(["chroot", ROOT] if ROOT else []), *args]


def version():
    done = subprocess.run(command("llama-server", "--version"), capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()[0]


class Server:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, **body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=600) as answer:
            return json.load(answer)

    def ids(self, text):
        """The ids of a text that holds no special tokens' names."""
        return self.ask("/tokenize", content=text, add_special=False, parse_special=False)["tokens"]

    def greedy(self, ids, count):
        """The ids that follow, each the likeliest, up to end of text."""
        return self.completion(ids, count)["tokens"]

    def log_probabilities(self, ids, count):
        """The `count` likeliest next tokens with their log probabilities, by id, from the logits as they are.
        Of an end of text as the one token chosen it would tell nothing."""
        likeliest = self.completion(ids, 1, n_probs=count, ignore_eos=True)["completion_probabilities"][0]["top_logprobs"]
        return {token["id"]: token["logprob"] for token in likeliest}

    def completion(self, ids, count, **more):
        # Without a cache of prompts, the same question takes the same sums each time.
        return self.ask("/completion", prompt=ids, n_predict=count, temperature=0, return_tokens=True, cache_prompt=False,
                        **more)


@contextmanager
def server(gguf, context, lora=None, scale=1):
    """A llama-server with this file on a free port, ended afterwards. An error shows what it said. `lora`: an adapter's GGUF,
    which counts `scale` times."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with _seen(gguf) as path, _seen(lora or gguf) as beside, tempfile.TemporaryFile("w+") as log:
        adapter = ["--lora-scaled", f"{beside}:{scale}"] if lora else []
        program = subprocess.Popen(
            command("llama-server", "-m", path, "--host", "127.0.0.1", "--port", str(port), "-c", str(context), "-np", "1",
                    "-t", "2", "-fa", "off", "-ctk", "f32", "-ctv", "f32", "--no-warmup", *adapter),
            stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C"})
        try:
            this, until = Server(port), time.time() + 120
            while True:
                try:
                    if this.ask("/tokenize", content="a"):
                        break
                except OSError:
                    if program.poll() is not None or time.time() > until:
                        log.seek(0)
                        said = [line for line in log.read().splitlines() if " E " in line or "error" in line] or ["nothing"]
                        raise RuntimeError("llama-server does not open it: " + " | ".join(said[:4])) from None
                    time.sleep(0.1)
            yield this
        finally:
            program.terminate()
            program.wait()


def quantise(source, out, kind, pure=True):
    """llama-quantize: another GGUF with the matrices in `kind` (Q8_0, Q4_K_S, ...)."""
    with _seen(source) as path:
        made = path + ".out"
        done = subprocess.run(command("llama-quantize", *(["--pure"] if pure else []), path, made, kind),
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-1000:])
        shutil.move(f"{ROOT or ''}{made}", out)
