"""What transformers makes of a run's folder: weights, losses, logits, tokenizer, greedy text, and the training itself."""

import json

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

import check_tokenizer
import forms
import replay
from common import (JOURNAL, LIMIT, PAGE, PROMPTS, case, diarist, finish, fresh, our_greedy, our_ids, our_loss, relative,
                    run_of, same, say, windowed_loss, within)


def opened(name, run):
    model, report = replay.opened(run, None, 0)
    wrong = report["missing_keys"] + report["unexpected_keys"] + report["mismatched_keys"]
    say(not wrong and report["tied"] and report["round_trip"], f"{name}: transformers opens the folder", ", ".join(wrong))

    context, vocab = model.config.n_positions, model.config.vocab_size
    for length in (2, context, 3 * context + 5):
        ids = forms.some_ids(vocab, length)
        theirs = windowed_loss(model, ids, context, context // 2)
        within(f"{name}: loss on {length} ids", relative(our_loss(run, ids), theirs), LIMIT)

    tokenizer = AutoTokenizer.from_pretrained(run)
    for prompt in PROMPTS:
        start = tokenizer(prompt)["input_ids"]
        theirs = model.float().generate(torch.tensor([start]), attention_mask=torch.ones(1, len(start), dtype=torch.long),
                                        max_new_tokens=64, do_sample=False, pad_token_id=tokenizer.eos_token_id)
        theirs = theirs[0, len(start):].tolist()
        if tokenizer.eos_token_id in theirs:
            theirs = theirs[:theirs.index(tokenizer.eos_token_id)]
        ours = [id for id in our_greedy(run, prompt, 64) if id != tokenizer.eos_token_id]
        same(f"{name}: greedy after {prompt!r}", ours, theirs)


def row(name, run):
    """One row of our logits (as log probabilities: -log p of each id after a prefix, from two losses)."""
    model = GPT2LMHeadModel.from_pretrained(run)
    prefix = forms.some_ids(model.config.vocab_size, 9)
    before = our_loss(run, prefix) * 8
    ours = torch.tensor([before - our_loss(run, [*prefix, id]) * 9 for id in range(model.config.vocab_size)])
    theirs = forms.logits(model, prefix)[-1].log_softmax(-1)
    within(f"{name}: a row of {len(ours)} log probabilities, relative L2", relative(ours, theirs), LIMIT)


def tokenizers(name, run):
    _, ids = check_tokenizer.opened(run, PAGE.read_text())
    say(True, f"{name}: tokenizer.json and vocab.json with merges.txt agree on the page", f"{len(ids)} ids")
    same(f"{name}: and ours", our_ids(run, PAGE.read_text()), ids)
    if name == "bytes":
        same(f"{name}: the page's ids are its bytes", ids, list(PAGE.read_bytes()))


def trained_again():
    """Ten steps of ours from random weights, and the same ten in PyTorch."""
    start = forms.folder(fresh("start"), model := forms.tiny(), run_of("bytes"))
    model.save_pretrained(start)
    run = fresh("run")
    diarist("train", JOURNAL, "--from", start, "--out", run, "--steps", 10, "--context", 32, "--batch", 4, "--accumulate",
            2, "--lr", "1e-3", "--dropout", 0, "--device", "cpu")
    again, _ = replay.opened(run, None, 0)
    rows, params = replay.replay(run, again.float(), start, None)
    within("training: loss of 10 steps", max(r["loss_difference"] for r in rows), LIMIT)
    within("training: gradient norm of 10 steps", max(r["grad_norm_difference"] for r in rows), 1e-4)
    difference = replay.weight_differences(params, replay.weights_of(run), replay.weights_of(start))
    within("training: weights after 10 steps, of their change", difference["all_of_change"], 1e-3)


def trained_on_pairs():
    """Ten steps on the answers of pairs of many lengths, a journal beside them; and the same ten in PyTorch."""
    start = forms.folder(fresh("start"), model := forms.tiny(), run_of("bytes"))
    model.save_pretrained(start)
    file = fresh("pairs").with_suffix(".jsonl")
    pairs = [{"instruction": f"What of day {i}?", "response": f"It rained till {i}. " * (1 + i % 4)} for i in range(40)]
    file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    for name, more in (("pairs", []), ("pairs beside a journal", ["--beside", JOURNAL, "--mix", "0.4"])):
        run = fresh("run")
        diarist("train", file, "--pairs", *more, "--from", start, "--out", run, "--steps", 10, "--batch", 4,
                "--accumulate", 2, "--lr", "1e-3", "--dropout", 0, "--device", "cpu")
        again, _ = replay.opened(run, None, 0)
        rows, params = replay.replay(run, again.float(), start, None)
        say(all(row["tokens_agree"] for row in rows), f"{name}: as many targets")
        within(f"{name}: loss of 10 steps", max(r["loss_difference"] for r in rows), LIMIT)
        within(f"{name}: gradient norm of 10 steps", max(r["grad_norm_difference"] for r in rows), 1e-4)
        difference = replay.weight_differences(params, replay.weights_of(run), replay.weights_of(start))
        within(f"{name}: weights after 10 steps, of their change", difference["all_of_change"], 1e-3)


for name in ("bytes", "gpt2"):
    with case(f"{name}: the run"):
        run = run_of(name)
        opened(name, run)
    with case(f"{name}: the run's tokenizer"):
        tokenizers(name, run_of(name))
with case("a row of logits"):
    row("bytes", run_of("bytes"))
with case("training again"):
    trained_again()
with case("training on pairs"):
    trained_on_pairs()
finish()
