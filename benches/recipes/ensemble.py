#!/usr/bin/env python3
"""What the mean of several models knows of what they all hold out: the held-out loss of each, and of their mean probabilities.

    ensemble.py FOLDER FOLDER …       runs of one text and one split (`--split latest`), of other seeds

PyTorch and transformers, which open a run's folder as it is: the model that was the best.
"""

import json
import sys
from pathlib import Path

import numpy
import torch
from transformers import GPT2LMHeadModel


def held_out(folder):
    """The held-out tokens of a run, and the windows that are scored: the same as the program's."""
    record = json.loads((folder / "run.json").read_text())
    start, end = record["data"]["val"]
    tokens = numpy.fromfile(folder / "tokens.bin", numpy.uint16)[start:end].astype(numpy.int64)
    return torch.from_numpy(tokens), record["settings"]["context"]


@torch.no_grad()
def log_probabilities(folder, tokens, context):
    """The log probability of every held-out token but the first, in windows that do not overlap."""
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    parts = []
    for start in range(0, len(tokens) - 1, context):
        window = tokens[start : start + context + 1]
        rows = model(window[None, :-1]).logits[0].log_softmax(-1)
        parts.append(rows.gather(-1, window[1:, None])[:, 0])
    return torch.cat(parts)


def main():
    folders = [Path(name) for name in sys.argv[1:]]
    tokens, context = held_out(folders[0])
    each = []
    for folder in folders:
        other, _ = held_out(folder)
        assert torch.equal(tokens, other), f"{folder} holds out another text"
        each.append(log_probabilities(folder, tokens, context))
        print(f"{folder.name}: {-each[-1].mean():.4f}")
    for n in range(2, len(each) + 1):
        mean = torch.stack(each[:n]).logsumexp(0) - torch.tensor(float(n)).log()
        print(f"the mean of {n}: {-mean.mean():.4f}")


if __name__ == "__main__":
    main()
