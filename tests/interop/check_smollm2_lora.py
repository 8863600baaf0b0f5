"""Adapters on SmolLM2's GGUF. One by peft, random: our losses with it beside, what `merge` and `convert --to gguf-lora` make of
it, against peft and in llama.cpp. And the way of a writer: `train --lora` on the file for two steps, `sample`, `merge`,
`convert`, llama.cpp; the run's folder is peft's too."""

import json
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model

import forms
import llama
from check_smollm2 import BEGINNINGS, LIMIT_F32, NAME, greedy, probabilities, smollm2, weights
from common import (LIMIT, PAGE, case, convert, diarist, finish, fresh, our_greedy, our_ids, our_loss, relative, same, say,
                    tensors_of, within)


def adapter_on(path, tensors, config):
    """An adapter of rank 8 by peft beside all linear layers, random, so that the text is quite another."""
    model = forms.plain(config, tensors)
    model.name_or_path = str(path)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules="all-linear"))
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in (p for p in adapted.parameters() if p.requires_grad):
            p.add_(torch.randn(p.shape, generator=random) * 0.02)
    adapted.save_pretrained(out := fresh("adapter"))
    return out


def opened(what, base, folder):
    """The base with an adapter's folder as peft opens it, which warns of what it misses or does not know."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base, folder).eval()
    said = [str(w.message) for w in said if "key" in str(w.message)]
    say(not said, f"{what}: peft opens it", " ".join(said)[:200])
    return model


def merged_by_us(what, adapter, merged, ids, wanted):
    """`merge`'s folder against merge_and_unload's weights, and its loss against the adapter's."""
    diarist("merge", adapter, "--out", out := fresh("merged"))
    ours, theirs = tensors_of(out), weights(merged)
    worst = max(relative(ours[name], x) for name, x in theirs.items())
    within(f"{what}: weights merged, furthest", worst if ours.keys() == theirs.keys() else float("inf"), 1e-6)
    within(f"{what}: loss merged", relative(our_loss(out, ids, "--context", len(ids)), wanted), LIMIT)
    return out


def in_llama(what, gguf, model, start, ours, lora=None):
    """llama.cpp in fp32: its log probabilities and its greedy text."""
    if not llama.found():
        return llama.missing(what)
    end = model.config.eos_token_id
    with llama.server(gguf, 512, lora) as server:
        within(f"{what}: llama.cpp's log probabilities, furthest", llama.furthest(server, model, start), LIMIT_F32)
        found = [id for id in server.greedy(start, 64) if id != end]
        llama.alike(f"{what}: greedy, llama.cpp", model, start, ours, found)


def by_peft(path, model, page):
    what, tensors = f"{NAME} and peft's adapter", weights(model)
    adapter = adapter_on(path, tensors, model.config)
    theirs = opened(what, forms.plain(model.config, tensors), adapter)
    wanted, alone = forms.loss(theirs, page), forms.loss(model, page)
    apart = (forms.logits(theirs, page) - forms.logits(model, page)).abs().max().item()
    model.float()
    say(apart > 1 and relative(wanted, alone) > 10 * LIMIT, f"{what}: changes logits", f"by {apart:.2f}; loss {alone:.4f} to {wanted:.4f}")
    more = ("--context", len(page))
    within(f"{what}: loss, --adapter", relative(our_loss(path, page, "--adapter", adapter, *more), wanted), LIMIT)
    within(f"{what}: loss of the adapter's folder", relative(our_loss(adapter, page, *more), wanted), LIMIT)
    theirs = theirs.float().merge_and_unload()
    merged = merged_by_us(what, adapter, theirs, page, wanted)
    lora, start = convert(adapter, "gguf-lora"), our_ids(path, BEGINNINGS[1])
    within(f"{what}: loss, --adapter GGUF", relative(our_loss(path, page, "--adapter", lora, *more), wanted), LIMIT)
    end = theirs.config.eos_token_id
    ended = lambda ids: [id for id in ids if id != end]
    ours = ended(our_greedy(path, BEGINNINGS[1], 64, "--adapter", adapter))
    llama.alike(f"{what}: greedy, transformers", theirs, start, ours, ended(greedy(theirs, start, 64)), 1e-3)
    with case(f"{what}: GGUF LoRA"):
        in_llama(f"{what}: f32 and --lora", convert(path, "gguf", "f32"), theirs, start, ours, lora)
    with case(f"{what}: merged GGUF"):
        in_llama(f"{what}: merged f32", convert(merged, "gguf", "f32"), theirs, start, ours)
        out = convert(merged, "gguf", "q4_1")
        probabilities(f"{what}: merged q4_1", out, forms.of_gguf(out), "q4_1", [start])


def writer(path, model, page):
    what, run = f"{NAME} tuned", fresh("run")
    diarist("train", PAGE, "--from", path, "--lora", "r=8,alpha=16,dropout=0", "--steps", 2, "--warmup", 0, "--lr", "5e-3", "--context", 64,
            "--batch", 1, "--accumulate", 1, "--sample-every", 2, "--eval-every", 2, "--device", "cpu", "--out", run)
    config = json.loads((run / "adapter_config.json").read_text())
    say(config["r"] == 8 and config["lora_alpha"] == 16, f"{what}: adapter_config.json",
        f"{config['base_model_name_or_path']}, {len(config['target_modules'])} modules")
    theirs = opened(what, forms.plain(model.config, weights(model)), run)
    wanted, alone = forms.loss(theirs, page), forms.loss(model, page)
    model.float()
    say(wanted < alone - 0.01, f"{what}: two steps lower the loss of their page", f"{alone:.4f} to {wanted:.4f}")
    within(f"{what}: the run's loss", relative(our_loss(run, page, "--context", len(page)), wanted), LIMIT)
    theirs = theirs.float().merge_and_unload()
    merged = merged_by_us(what, run, theirs, page, wanted)
    start, end = our_ids(path, BEGINNINGS[1]), theirs.config.eos_token_id
    same(f"{what}: the merged folder's ids", our_ids(merged, PAGE.read_text()), our_ids(path, PAGE.read_text()))
    ended = lambda ids: [id for id in ids if id != end]
    ours = ended(our_greedy(run, BEGINNINGS[1], 64))
    llama.alike(f"{what}: the run's text, transformers", theirs, start, ours, ended(greedy(theirs, start, 64)), 1e-3)
    llama.alike(f"{what}: the run's text, merged", theirs, start, ours, ended(our_greedy(merged, BEGINNINGS[1], 64)), 1e-3)
    with case(f"{what}: GGUF"):
        in_llama(f"{what}: merged f32", convert(merged, "gguf", "f32"), theirs, start, ours)
        in_llama(f"{what}: f32 and --lora", convert(path, "gguf", "f32"), theirs, start, ours, convert(run, "gguf-lora"))


if __name__ == "__main__":
    with case(NAME):
        path = smollm2()
        model, page = forms.of_gguf(path), our_ids(path, PAGE.read_text())[:64]
        with case(f"{NAME} and peft's adapter"):
            by_peft(path, model, page)
        with case(f"{NAME} tuned"):
            writer(path, model, page)
    finish()
