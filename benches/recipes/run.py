#!/usr/bin/env python3
"""Trains by each of a list of settings and says which held-out loss each reached: a table and a plot a question.

    run.py run                 trains what is not in results.jsonl yet, in experiments.toml's order
    run.py run decay-1 …       only these runs, and what they begin from
    run.py keep                writes down how far runs came that have not ended
    run.py draw                writes results.md and a plot a question from results.jsonl, and trains nothing

Only losses are compared, never times, so other work may go on beside it: `nice -n 19 run.py run --jobs 2`. A run that was
interrupted is taken up where it stopped. Python 3.11, its standard library, and the diarist program.
"""

import argparse
import hashlib
import json
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plot import plot

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results.jsonl"
BOOK = ROOT / "book/src"
# Neither says anything of what is learned: the CPU's bits do not depend on its threads, nor on when a sample is written.
ALWAYS = {"--device": "cpu", "--threads": "1", "--sample-every": "1000000"}
WRITING = threading.Lock()


# -- What is asked for -------------------------------------------------------------------------------------------------


def flags_of(text):
    """A command line's flags, in their order: {"--steps": "1000", "--insist": None}."""
    flags, words = {}, shlex.split(text)
    while words:
        name = words.pop(0)
        flags[name] = words.pop(0) if words and not words[0].startswith("--") else None
    return flags


class Run:
    """A line of experiments.toml: a journal, flags, and what it begins from."""

    def __init__(self, name, told, runs):
        like = runs[told["like"]] if "like" in told else None
        self.name = name
        self.label = told.get("label", name)
        self.journal = told.get("journal", like and like.journal)
        self.flags = (like.flags if like else {}) | flags_of(told.get("flags", ""))
        self.base = told.get("from", like and like.base)
        self.begins = runs.get(self.base)

    def key(self):
        """What makes it this run and no other: that what changes is trained again."""
        begins = self.begins.key() if self.begins else self.base
        text = json.dumps([self.journal, begins, sorted(self.flags.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def folder(self, work):
        return work / f"{self.name}-{self.key()}"


def experiments():
    """Every run by its name, in the file's order, and the questions."""
    told = tomllib.loads((HERE / "experiments.toml").read_text())
    runs = {}
    for name, line in told["run"].items():
        runs[name] = Run(name, line, runs)
    return runs, told["question"]


# -- Training ----------------------------------------------------------------------------------------------------------


def command(args, run):
    """What trains it, or takes it up; none where a base is wanted that nobody named."""
    folder = run.folder(args.work)
    if (folder / "state").is_dir():
        return [args.diarist, "train", "--resume", folder, "--threads", "1"]
    if folder.exists():  # stopped before its first saved state
        shutil.rmtree(folder)
    if run.begins:
        base = run.begins.folder(args.work)
    elif run.base and run.base != "scratch":
        base = args.bases.get(run.base)
    else:
        base = "scratch"
    if base is None:
        return None
    said = [word for flag in (run.flags | ALWAYS).items() for word in flag if word is not None]
    return [args.diarist, "train", args.journals / run.journal, "--from", base, "--out", folder, *said]


def finished(folder):
    """Whether the run's last step is logged with its evaluation."""
    if not (folder / "log.jsonl").exists():
        return False
    steps = json.loads((folder / "run.json").read_text())["settings"]["steps"]
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return any(line["step"] == steps and "val_loss" in line for line in log)


def result(run, folder):
    """What is kept of a run: numbers, and no text."""
    record = json.loads((folder / "run.json").read_text())
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    s, data = record["settings"], record["data"]
    held_out = {line["step"]: line["val_loss"] for line in log if "val_loss" in line}
    loss = {line["step"]: line["loss"] for line in log if "loss" in line}
    # As many as a tenth of the whole run has, so that the mean of one that was cut short is as smooth.
    came_to = max(held_out)
    last = [loss[step] for step in sorted(loss) if step <= came_to][-max(1, s["steps"] // 10):]
    step_tokens = s["batch"] * s["accumulate"] * s["context"]
    return {
        "name": run.name, "key": run.key(), "journal": run.journal, "from": run.base or "scratch", "flags": run.flags,
        "diarist": record["diarist"], "tokenizer": record["tokenizer"], "seed": s["seed"], "words": data["words"],
        "steps": s["steps"], "came_to": came_to, "step_tokens": step_tokens,
        "epochs": round(came_to * step_tokens / (data["train"][1] - data["train"][0]), 2),
        "held_out_tokens": data["val"][1] - data["val"][0],
        "held_out": sorted(held_out.items()), "trained": round(statistics.mean(last), 4) if last else None,
    }


def keep(line):
    """Writes a run down."""
    with WRITING, open(RESULTS, "a") as kept:
        kept.write(json.dumps(line) + "\n")


def train(args, run, waits_for):
    """Trains a run, once what it begins from is there. A sentence of how it went."""
    if waits_for and waits_for.result() is None:
        return None
    folder = run.folder(args.work)
    if not finished(folder):
        words = command(args, run)
        if words is None:
            print(f"{run.name}: left out; say --base {run.base}=FILE to train it", flush=True)
            return None
        with open(f"{folder}.txt", "a") as told:
            ended = subprocess.run([str(x) for x in words], stdout=told, stderr=subprocess.STDOUT, check=False)
        if ended.returncode != 0 or not finished(folder):
            print(f"{run.name}: it failed; {folder}.txt says why", flush=True)
            return None
    line = result(run, folder)
    keep(line)
    print(f"{run.name}: {line['held_out'][-1][1]:.4f} after {line['steps']} steps", flush=True)
    return line


def results():
    """The newest line of each run, by its name."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return {line["name"]: line for line in map(json.loads, lines)}


def is_there(line, run):
    """Whether a kept line is this run's, whole."""
    return line is not None and line["key"] == run.key() and line["came_to"] == line["steps"]


def keep_all(args):
    there = results()
    for run in experiments()[0].values():
        log = run.folder(args.work) / "log.jsonl"
        if not is_there(there.get(run.name), run) and log.exists() and '"val_loss"' in log.read_text():
            line = result(run, run.folder(args.work))
            if line["trained"] is not None:
                keep(line)
                print(f"{run.name}: {line['held_out'][-1][1]:.4f} after {line['came_to']} of {line['steps']} steps")


def train_all(args):
    runs, _ = experiments()
    for name in args.names:
        if name not in runs:
            sys.exit(f"{name}: experiments.toml has no such run; it has {', '.join(runs)}")
    wanted = args.names or list(runs)
    there, futures = results(), {}
    args.work.mkdir(parents=True, exist_ok=True)
    # A run waits in a worker for what it begins from, which was handed out before it: so there is always one that works.
    with ThreadPoolExecutor(args.jobs) as pool:
        def ask(run):
            if run.begins and run.begins.name not in futures:
                ask(run.begins)
            if run.name not in futures:
                futures[run.name] = pool.submit(train, args, run, futures.get(run.begins.name) if run.begins else None)
        for name in wanted:
            if not is_there(there.get(name), runs[name]):
                ask(runs[name])
        for future in futures.values():
            future.result()


# -- Showing -----------------------------------------------------------------------------------------------------------


def table(title, lines, labels):
    """A Markdown table, a row a run. Runs are compared where all of them were measured last, the least of it in bold;
    `training` is the mean of a run's last steps, a tenth of them."""
    together = max(set.intersection(*({step for step, _ in line["held_out"]} for line in lines)), default=None)
    least = min((dict(line["held_out"]).get(together, 0) for line in lines))
    common = f" at step {together:,} |" if together else ""
    rows = [f"| {title} | steps | epochs |{common} lowest | at step | the last | training |",
            "|---|---:|---:|" + ("---:|" if together else "") + "---:|---:|---:|---:|"]
    for line, label in zip(lines, labels):
        held_out = dict(map(tuple, line["held_out"]))
        best = min(held_out, key=held_out.get)
        steps = f"{line['steps']:,}"
        if line["came_to"] < line["steps"]:
            steps = f"{line['came_to']:,} of {steps}"
        there = f"{held_out[together]:.3f}" if together else ""
        there = f" **{there}** |" if together and held_out[together] == least else f" {there} |" if together else ""
        rows.append(f"| {label} | {steps} | {line['epochs']:.1f} |{there} {held_out[best]:.3f} | {best:,} "
                    f"| {held_out[line['came_to']]:.3f} | {line['trained']:.3f} |")
    return "\n".join(rows)


def draw(_):
    runs, questions = experiments()
    there, parts = results(), ["<!-- Written by run.py from results.jsonl. -->"]
    for question in questions:
        names = [name for name in question["runs"] if name in there]
        if len(names) < 2:  # nothing to compare
            continue
        lines, labels = [there[name] for name in names], [runs[name].label for name in names]
        unit = "nats a byte" if lines[0]["tokenizer"] == "bytes" else "nats a token"
        told = table(question["title"], lines, labels)
        parts.append(f"<!-- ANCHOR: {question['name']} -->\n{told}\n<!-- ANCHOR_END: {question['name']} -->")
        curves = [(label, line["held_out"]) for line, label in zip(lines, labels)]
        (BOOK / f"recipes-{question['name']}.svg").write_text(plot(question["title"], f"held-out loss, {unit}", curves))
        missing = [name for name in question["runs"] if name not in there]
        print(f"{question['name']}: {len(names)} runs" + (f"; not there: {', '.join(missing)}" if missing else ""))
    (HERE / "results.md").write_text("\n\n".join(parts) + "\n")


def base(text):
    """NAME=FILE."""
    name, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(f"{text}: write it as NAME=FILE")
    return name, Path(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of = parser.add_subparsers(required=True, metavar="run|draw")
    run = of.add_parser("run", help="trains")
    run.add_argument("names", nargs="*", metavar="RUN")
    run.add_argument("--diarist", type=Path, default=ROOT / "target/release/diarist")
    run.add_argument("--journals", type=Path, required=True, help="the folder that holds barbellion and pepys")
    run.add_argument("--base", dest="bases", type=base, action="append", default=[], help="NAME=FILE, a model to tune")
    run.add_argument("--jobs", type=int, default=1, help="runs at a time, of a thread each")
    run.set_defaults(do=train_all)
    kept = of.add_parser("keep", help="writes down how far runs came that have not ended")
    kept.set_defaults(do=keep_all)
    for command in (run, kept):
        command.add_argument("--work", type=Path, default=ROOT / "target/recipes", help="where the runs' folders go")
    of.add_parser("draw", help="writes results.md and the plots").set_defaults(do=draw)
    args = parser.parse_args()
    if hasattr(args, "bases"):
        args.bases = dict(args.bases)
    args.do(args)


if __name__ == "__main__":
    main()
