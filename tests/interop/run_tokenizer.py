"""A run's folder whose tokenizer came with the model, opened by `transformers`: the ids of difficult texts are those of the
tokenizer that it began from.

    pip install torch transformers
    python tests/interop/run_tokenizer.py DIARIST

DIARIST is the program. For each invented tokenizer of tests/fixtures/tokenizers, a tiny GPT-2 of random weights is made, trained
for a step, and its run's folder is opened. No network. (Tested: transformers 5.24.)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel  # noqa: E402  (after the environment is set)

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "tokenizers"
DIARY = "2021-05-01\nA heron.\n\n2021-05-02\nRain, tea.\n" * 20


def differing(program, place, fixture):
    """The texts whose ids differ."""
    config = GPT2Config(vocab_size=540, n_positions=32, n_embd=16, n_layer=1, n_head=2, bos_token_id=None, eos_token_id=None)
    GPT2LMHeadModel(config).save_pretrained(place / "base")
    shutil.copy(fixture / "tokenizer.json", place / "base")
    (place / "diary.txt").write_text(DIARY)
    train = [program, "train", "diary.txt", "--from", "base", "--no-cache", "--keep-duplicates", "--device", "cpu"]
    subprocess.run([*train, "--steps", "1", "--context", "16", "--out", "run"], cwd=place, check=True, capture_output=True)
    tokenizer = AutoTokenizer.from_pretrained(place / "run")
    end = "</s>" if (fixture / "tokenizer.json").read_text().find('"byte_fallback": true') > 0 else "<|endoftext|>"
    assert tokenizer.eos_token == end, tokenizer.eos_token
    cases = json.loads((fixture / "ids.json").read_text())
    return [case["text"] for case in cases if tokenizer(case["text"], add_special_tokens=False)["input_ids"] != case["prompt"]]


def main():
    program, failed = str(Path(sys.argv[1]).resolve()), 0
    for fixture in sorted(FIXTURES.iterdir()):
        if fixture.is_dir():
            with tempfile.TemporaryDirectory() as place:
                differ = differing(program, Path(place), fixture)
            print(f"{fixture.name}: {len(differ)} texts differ", *map(repr, differ[:5]))
            failed += len(differ)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
