"""What every check uses: the diarist to be judged, a place for files, and the lines that say how it went.

A check prints one line a finding, `ok`, `FAILED` or `skipped`, and its program ends with 1 if any failed. From the
environment: DIARIST (default: target/release/diarist), DIARIST_INTEROP_WORK (default: a temporary folder, removed).
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
warnings.filterwarnings("ignore")
sys.stdout.reconfigure(line_buffering=True)

import torch  # noqa: E402  (after the environment is set)
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers.utils import logging  # noqa: E402

logging.disable_progress_bar()
torch.set_num_threads(2)

HERE = Path(__file__).resolve().parent
DIARIST = os.environ.get("DIARIST", HERE.parents[1] / "target/release/diarist")
PROMPTS = ("Tuesday, 14", "At work nobody", "Walked home", "Evening: soup.")  # of the page
PAGE, JOURNAL = HERE / "page.txt", HERE.parents[1] / "examples/journal"

if "DIARIST_INTEROP_WORK" in os.environ:
    WORK = Path(os.environ["DIARIST_INTEROP_WORK"])
else:
    WORK = Path(tempfile.mkdtemp(prefix="diarist-interop-"))
    atexit.register(shutil.rmtree, WORK, ignore_errors=True)

LIMIT = 1e-5  # relative: what two programs' fp32 may differ by
failed = 0


# -- Findings ----------------------------------------------------------------------------------------------------------


def say(good, what, figure=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'FAILED':8}{what}{': ' if figure else ''}{figure}")


def skip(what, why):
    print(f"skipped {what}: {why}")


def within(what, figure, limit):
    say(figure <= limit, what, f"{figure:.2e} (limit {limit:.0e})")


def same(what, ours, theirs):
    """Two lists, told by where they first differ."""
    if list(ours) == list(theirs):
        return say(True, what, f"{len(theirs)} alike")
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    say(False, what, f"{len(ours)} and {len(theirs)}, different from {at}: {list(ours)[at:at + 5]}, {list(theirs)[at:at + 5]}")


@contextmanager
def case(what):
    """An error within is this case's failure, and the others go on."""
    try:
        yield
    except Exception as e:  # noqa: BLE001  (whatever a foreign program or a wrong file brings up)
        say(False, what, " ".join(f"{type(e).__name__}: {e}".split())[:400])


def finish():
    sys.exit(1 if failed else 0)


# -- diarist -----------------------------------------------------------------------------------------------------------


def diarist(*args, fails=False):
    """Its standard output; with `fails`, what it says on standard error when it refuses, as it should."""
    done = subprocess.run([DIARIST, *map(str, args)], capture_output=True, text=True)
    if fails:
        if done.returncode not in (1, 2):
            raise RuntimeError(f"diarist {' '.join(map(str, args))} ended with {done.returncode}, and should refuse")
        return done.stderr
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()][-3:]
        raise RuntimeError(f"diarist {' '.join(map(str, args))}: {' '.join(said)}")
    return done.stdout


_files = 0


def fresh(name):
    """A path in WORK where nothing is."""
    global _files
    _files += 1
    WORK.mkdir(parents=True, exist_ok=True)
    return WORK / f"{Path(sys.argv[0]).stem}-{_files}-{name}"


def our_loss(path, ids, *more, device="cpu"):
    file = fresh("ids.json")
    file.write_text(json.dumps(ids))
    return json.loads(diarist("eval", path, "--ids", file, "--device", device, "--json", *more))["loss"]


def our_greedy(path, prompt, count, *more):
    args = ("--prompt", prompt, "--temperature", 0, "--max-tokens", count, "--device", "cpu", "--json", *more)
    return json.loads(diarist("sample", path, *args))["samples"][0]["ids"]


def our_ids(path, text):
    """The ids that a model's own tokenizer, read by us, gives for a text."""
    file = fresh("text.txt")
    file.write_text(text)
    return json.loads(diarist("info", path, "--ids", file, "--json"))["ids"]


def convert(source, to, dtype="f32", *more):
    """`diarist convert` of a file or folder to a new one, whose path this is."""
    out = fresh({"hf": "hf", "gguf": f"{dtype}.gguf", "llmc": f"{dtype}.bin", "nanogpt": "ckpt.pt", "gguf-lora": f"{dtype}.lora.gguf"}[to])
    diarist("convert", source, out, "--to", to, "--dtype", dtype, *more)
    return out


def run_of(tokenizer):
    """A run that diarist trained from scratch on the page until it knows it nearly by heart: so that what it writes
    greedily is words, each far likelier than the next."""
    run = WORK / f"run-{tokenizer}"
    if not (run / "model.safetensors").exists():
        steps = {"bytes": 300, "gpt2": 80}[tokenizer]
        diarist("train", PAGE, "--from", "scratch", "--tokenizer", tokenizer, "--out", run, "--steps", steps, "--context", 128,
                "--batch", 4, "--accumulate", 1, "--sample-every", steps, "--eval-every", steps, "--device", "cpu")
    return run


# -- Numbers -----------------------------------------------------------------------------------------------------------


def relative(ours, theirs):
    """|ours - theirs| / |theirs|, of numbers or of tensors (L2)."""
    if isinstance(ours, torch.Tensor):
        return ((ours.double() - theirs.double()).norm() / theirs.double().norm().clamp_min(1e-300)).item()
    return abs(ours - theirs) / max(abs(theirs), 1e-300)


def tensors_of(folder):
    """A Hugging Face folder's weights by GPT-2's keys or by Llama's, without a tied head."""
    out = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        out |= {name.removeprefix("transformer."): x for name, x in load_file(file).items()}
    head = out.get("lm_head.weight")
    tied = head is None or "model.embed_tokens.weight" not in out or torch.equal(head, out["model.embed_tokens.weight"])
    return {name: x for name, x in out.items() if name != "lm_head.weight" or not tied}


def equal(what, ours, theirs):
    """The same tensors, name by name, bit by bit (two zeros are one)."""
    if ours.keys() != theirs.keys():
        return say(False, what, f"other tensors: {sorted(ours.keys() ^ theirs.keys())[:4]}")
    wrong = [k for k, x in theirs.items() if ours[k].dtype != x.dtype or not torch.equal(ours[k], x)]
    say(not wrong, what, f"{len(theirs)} tensors" if not wrong else f"{len(wrong)} of {len(theirs)} differ: {wrong[:4]}")


@torch.no_grad()
def windowed_loss(model, ids, context, stride):
    """Nats a token as `diarist eval` counts: windows every `stride` tokens, each token scored in the first that has it."""
    model, total, start, scored = model.double().eval(), 0.0, 0, 1
    while scored < len(ids):
        window = torch.tensor(ids[start:start + context])
        targets = torch.tensor(ids[start + 1:start + context + 1])
        rows = model(input_ids=window[None], use_cache=False).logits[0][:len(targets)]
        new = scored - start - 1
        total += F.cross_entropy(rows[new:], targets[new:], reduction="sum").item()
        scored = start + 1 + len(targets)
        start += stride
    return total / (len(ids) - 1)
