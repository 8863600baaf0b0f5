#!/usr/bin/env python3
"""How often does `diarist ask` find the entry that answers? Sixty questions about the two diaries of ../shared/journals
(questions.json: each with its answer and every day whose entry has it; half of them in a word or two that the entry has, half with next to none in common), by
words alone, by meaning alone, and by both.

    tests/recall/measure.py [--diarist PROGRAM] [--embeddings DIR] [--model DIR] [--misses]

Recall@k is the share of questions with a right entry among the first k. With --model a model answers from the entries, too: then also the
share of answers that were given a right entry, and of quotations in them that stand in none. Needs Python alone. The searches take under a minute; a model's
answers, its own time.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOURNALS = ROOT.parent / "shared" / "journals"


def ask(program, question, *more):
    args = [program, "ask", question["question"], "--journal", JOURNALS / question["diary"], "--json", *more]
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))}\n{done.stderr}")
    return json.loads(done.stdout)


def wilson(right, of, z=1.96):
    """95% of a share (Wilson 1927)."""
    p, n = right / of, of
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def share(hits):
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)} of {len(hits)}: {sum(hits) / len(hits):.0%} ({low:.0%}-{high:.0%})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--diarist", type=Path, default=ROOT / "target" / "release" / "diarist")
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--misses", action="store_true", help="list the questions that are not answered")
    args = parser.parse_args()
    program = args.diarist.resolve()
    questions = json.loads((Path(__file__).parent / "questions.json").read_text())
    meaning = ("--embeddings", args.embeddings.resolve()) if args.embeddings else ()
    ways = [("words", ()), *([("meaning", meaning), ("both", meaning)] if meaning else [])]
    for way, more in ways:
        ranks = []
        for question in questions:
            found = ask(program, question, "--by", way, *more)["entries"]
            right = [i for i, entry in enumerate(found) if entry["name"][:10] in question["entries"]]
            ranks.append(right[0] if right else None)
            if args.misses and not right:
                print(f"  {way}: {question['diary']}: {question['question']} {question['entries']}")
        for k in (1, 5):
            hits = [rank is not None and rank < k for rank in ranks]
            print(f"by {way}, recall@{k}: {share(hits)}", flush=True)
        for diary in ("barbellion", "pepys"):
            hits = [rank is not None for rank, q in zip(ranks, questions) if q["diary"] == diary]
            print(f"by {way}, recall@5, {diary}: {share(hits)}")
        for whose, named in (("own", "in the writer's own words"), ("other", "in other words")):
            hits = [rank is not None for rank, q in zip(ranks, questions) if q["words"] == whose]
            print(f"by {way}, recall@5, {named}: {share(hits)}")
        timed = [rank is not None for rank, q in zip(ranks, questions) if q.get("time")]
        if timed:
            print(f"by {way}, recall@5, with a time in the question: {share(timed)}")
    if args.model:
        right, quoted, invented = [], 0, 0
        for question in questions:
            answered = ask(program, question, "--model", args.model.resolve(), "--seed", 1, "--max-tokens", 60, "--temperature", 0, *meaning)
            sources = [answered["entries"][i]["name"][:10] for i in answered["answer"]["sources"]] if answered["answer"] else []
            right.append(any(source in question["entries"] for source in sources))
            text = answered["answer"]["text"] if answered["answer"] else ""
            quoted += text.count("“") + text.count('"') // 2
            invented += len(answered["answer"]["unsupported"]) if answered["answer"] else 0
            print(f"  {question['question']}\n    {' '.join(text.split())[:200]}\n    [{question['answer']}]", flush=True)
        print(f"answers that were given a right entry: {share(right)}")
        print(f"quotations: {quoted}, marked as standing in no source: {invented}")


if __name__ == "__main__":
    main()
