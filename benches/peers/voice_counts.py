#!/usr/bin/env python3
"""What changed in words: `python voice_counts.py NAME=FILE...`. A FILE is a text, or what `diarist sample --json` printed.

Counts a thousand words: "I", dashes, semicolons, exclamation and question marks, capitals inside sentences; the mean length of a
sentence; the share of its words that are among the thousand commonest of the first FILE that is a text.
"""

import json
import re
import sys
from collections import Counter


def texts(path):
    text = open(path, encoding="utf-8").read()
    if text.startswith('{"samples"'):
        return [s["text"] for s in json.loads(text)["samples"]], True
    return [text], False


def words(text):
    return re.findall(r"[\w’']+", text)


def main():
    given = [arg.split("=", 1) for arg in sys.argv[1:]]
    read = {name: texts(path) for name, path in given}
    own = next(t for t, sampled in read.values() if not sampled)
    common = {w for w, _ in Counter(w.lower() for t in own for w in words(t)).most_common(1000)}
    print("| | words | I | — | ; | ! | ? | words a sentence | of the diary's 1,000 words |\n|---|---|---|---|---|---|---|---|---|")
    for name, (all_texts, _) in read.items():
        text = "\n\n".join(all_texts)
        found = words(text)
        each = lambda n: f"{1000 * n / len(found):.1f}"
        sentences = [s for s in re.split(r"[.!?]+[\"”’)]*\s+", text) if words(s)]
        share = sum(w.lower() in common for w in found) / len(found)
        row = [len(found), each(sum(w == "I" for w in found)), each(len(re.findall(r"—|–|--", text))), each(text.count(";")),
               each(text.count("!")), each(text.count("?")), f"{len(found) / len(sentences):.1f}", f"{100 * share:.0f}%"]
        print(f"| {name} | " + " | ".join(str(x) for x in row) + " |")


main()
