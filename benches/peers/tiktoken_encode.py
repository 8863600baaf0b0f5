"""How fast Python's tiktoken encodes a text with GPT-2's tokenizer, on one core: the peer of benches/tokenizer.rs.

    pip install tiktoken
    python benches/peers/tiktoken_encode.py RANKS FILE

RANKS is a file of base64 tokens and their ranks, such as assets/r50k_base.tiktoken of the crate tiktoken-rs in cargo's
registry. Prints the median of seven runs, in MB/s, after one to warm up, and a hash of the ids.
"""

import base64
import hashlib
import pathlib
import statistics
import struct
import sys
import time

import tiktoken

ranks = {}
for line in pathlib.Path(sys.argv[1]).read_bytes().splitlines():
    token, rank = line.split()
    ranks[base64.b64decode(token)] = int(rank)
pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
gpt2 = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

text = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
ids = gpt2.encode_ordinary(text)
seconds = []
for _ in range(7):
    start = time.perf_counter()
    gpt2.encode_ordinary(text)
    seconds.append(time.perf_counter() - start)
size = len(text.encode())
digest = hashlib.sha256(struct.pack(f"<{len(ids)}H", *ids)).hexdigest()[:16]
print(f"tiktoken {tiktoken.__version__}: {size / statistics.median(seconds) / 1e6:.1f} MB/s, {len(ids)} tokens, {digest}")
