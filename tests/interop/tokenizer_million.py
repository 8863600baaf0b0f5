"""A million random Unicode strings: Python's tiktoken against our GPT-2 tokenizer, id for id.

    pip install tiktoken
    python tests/interop/tokenizer_million.py RANKS [COUNT]

RANKS is a file of base64 tokens and their ranks, such as assets/r50k_base.tiktoken of the crate tiktoken-rs in cargo's
registry. The strings are the same every time: whole planes of Unicode, and what journals are made of, mixed.
"""

import base64
import random
import sys
from pathlib import Path

import tiktoken

from ids import ours

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
PARTS = [
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?-()'\" \n\t",
    *["  ", "   ", "\n\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\ufeff", "\u200d", "\ufe0f"],
    *["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "\u2019s", " the", " and", "ing", "tion", "river"],
    *["\u00e9", "e\u0301", "\u00df", "\u017f", "\u0130", "\u65e5\u672c", "\uac00", "\u0639\u0631", "\u0915\u093f", "\u0e44\u0e17\u0e22"],
    *["\u00bd", "\u0663", "\u2167", "\u00b2", "\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "\u2764\ufe0f", "\u2014", "\u2026"],
]
PLANES = [(0, 0x7F), (0x80, 0x24F), (0x250, 0x1FFF), (0x2000, 0x2BFF), (0x3000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x10FFFF)]


def string(draw):
    def piece():
        if draw.random() < 0.5:
            return draw.choice(PARTS)
        return chr(draw.randint(*draw.choice(PLANES)))

    return "".join(piece() for _ in range(draw.randint(1, 24)))


def main():
    ranks = {}
    for line in Path(sys.argv[1]).read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    gpt2 = tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    draw = random.Random(2019)
    texts = [string(draw) for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)]
    theirs = gpt2.encode_ordinary_batch(texts)
    differ = [text for text, a, (b, _) in zip(texts, theirs, ours(texts), strict=True) if a != b]
    characters, tokens = sum(map(len, texts)), sum(map(len, theirs))
    print(f"tiktoken {tiktoken.__version__}: {len(texts)} strings, {characters} characters, {tokens} tokens; {len(differ)} differ")
    for text in differ[:10]:
        print(repr(text))
    sys.exit(bool(differ))


if __name__ == "__main__":
    main()
