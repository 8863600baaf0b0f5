"""What Hugging Face's `transformers` makes of a run's tokenizer files.

    check_tokenizer.py FOLDER TEXT

opens FOLDER's tokenizer twice, by AutoTokenizer (tokenizer.json) and by GPT2Tokenizer from vocab.json and merges.txt
alone, encodes the file TEXT (UTF-8, read as it is) with both, checks that they agree, and prints one JSON object:

    {"ids": [...], "decoded": "...", "end_of_text": 50256, "vocab_size": 50257, "model_max_length": 1024}

The ids are to be compared with ours; `decoded` is what the ids decode to, and should be the text. TEXT should not hold
a literal <|endoftext|>: `transformers` reads one as the special token, and we, on purpose, as plain text.

Needs transformers 5 (tested: 5.23). Reads nothing but its arguments, and no network.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

from transformers import AutoTokenizer, GPT2Tokenizer  # noqa: E402  (after the environment is set)


def opened(folder: Path, text: str) -> tuple[object, list[int]]:
    """The tokenizer of tokenizer.json, and its ids of the text, on which vocab.json with merges.txt must agree."""
    auto = AutoTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as bare:
        for name in ("vocab.json", "merges.txt"):
            shutil.copy(folder / name, bare)
        plain = GPT2Tokenizer.from_pretrained(bare)
    ids = auto(text)["input_ids"]
    if ids != plain(text)["input_ids"]:
        raise ValueError(f"{folder}: tokenizer.json and vocab.json with merges.txt give different ids")
    return auto, ids


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, text = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes().decode("utf-8")
    try:
        auto, ids = opened(folder, text)
    except ValueError as e:
        sys.exit(str(e))

    json.dump(
        {
            "ids": ids,
            "decoded": auto.decode(ids),
            "end_of_text": auto.eos_token_id,
            "vocab_size": len(auto),
            "model_max_length": auto.model_max_length,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
