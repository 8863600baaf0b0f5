"""llama.cpp's published tokenizer checks against ours: its test strings, and the ids that it expects for them.

    pip install gguf
    python tests/interop/llama_vocab.py LLAMA_CPP/models

The folder `models` of llama.cpp's sources holds, for each vocabulary, `ggml-vocab-NAME.gguf`, the strings (`.inp`) and the ids
(`.out`); its sources are inside the PyPI package llama-cpp-python too. Checked are those whose pre-tokenizer is one of ours.
"""

import sys
from pathlib import Path

from gguf import GGUFReader

from ids import ours

NAMES = ["gpt-2", "mpt", "starcoder", "refact", "command-r", "llama-bpe", "qwen2"]


def parts(path):
    """What our GGUF reader gives a tokenizer, from the vocabulary's file."""
    fields = GGUFReader(path).fields
    value = lambda key: fields[f"tokenizer.ggml.{key}"].contents()
    return {
        "tokens": value("tokens"),
        "types": value("token_type"),
        "merges": [[merge[: (at := merge.index(" ", 1))], merge[at + 1 :]] for merge in value("merges")],
        "pre": value("pre"),
        "eos": value("eos_token_id"),
    }


def main():
    models, failed = Path(sys.argv[1]), 0
    for name in NAMES:
        path = models / f"ggml-vocab-{name}.gguf"
        texts = Path(f"{path}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
        expected = [[int(id) for id in line.split()] for line in Path(f"{path}.out").read_text().splitlines()]
        # Behind the last string stands nothing.
        texts = texts[: len(expected)]
        made = parts(path)
        found = ours(texts, made)
        # A token that was added as a word is found in every text there, in prompts only here.
        own = any(kind == 4 for kind in made["types"])
        differ = [text for text, want, both in zip(texts, expected, found, strict=True) if want != both[own]]
        print(f"{name} ({made['pre']}, {len(made['tokens'])} tokens): {len(texts)} strings, {len(differ)} differ")
        for text, want, both in zip(texts, expected, found):
            if text in differ:
                print("   ", repr(text)[:100], want[:20], both[own][:20])
        failed += len(differ)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
