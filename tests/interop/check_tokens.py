"""Our GPT-2 tokenizer against Python's tiktoken, on a million random strings of all sorts of Unicode."""

import json
import random
import unicodedata

import tiktoken
from tiktoken_ext.openai_public import r50k_pat_str

from common import case, finish, our_ids, run_of, same

STRINGS, AT_ONCE = 1_000_000, 50_000


def encoding(run):
    """GPT-2's encoding by tiktoken, with the ranks of vocab.json: tiktoken's own come from the network."""
    shown = [b for b in range(256) if chr(b).isprintable() and b not in (0x20, 0xA0, 0xAD)]
    chars = {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in shown)}
    vocab = json.loads((run / "vocab.json").read_text())
    ranks = {bytes(chars[c] for c in token): id for token, id in vocab.items() if token != "<|endoftext|>"}
    return tiktoken.Encoding("gpt2", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})


def alphabets():
    """Characters by what the pattern does with them, so that each kind is as frequent as any other."""
    everything = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    kinds = {}
    for c in everything:
        kinds.setdefault(unicodedata.category(c)[0], []).append(c)
    white = [c for c in everything if c.isspace()] + list("    \n\n\n\r\t")
    words = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", " ", "  ", " the", "and", "1984", "\r\n", "’s", "👩‍👩‍👧"]
    return [*kinds.values(), white, words, [chr(c) for c in range(128)], [chr(c) for c in range(128)]]


with case("tiktoken"):
    run, choose = run_of("gpt2"), random.Random(1)
    theirs, sorts = encoding(run), alphabets()
    for at in range(0, STRINGS, AT_ONCE):
        strings = ("".join(choose.choice(choose.choice(sorts)) for _ in range(choose.randint(1, 12))) for _ in range(AT_ONCE))
        text = "".join(string + choose.choice(("", "\n")) for string in strings)
        same(f"tiktoken: {AT_ONCE} random strings from {at}", our_ids(run, text), theirs.encode_ordinary(text))
finish()
