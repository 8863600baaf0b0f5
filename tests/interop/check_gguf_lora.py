"""llama.cpp lays our GGUF LoRA on a base: its log probabilities and greedy texts against those of the merged GGUF, and against
PyTorch's; and we lay the same file on the same base."""

import torch
from gguf import GGUFReader
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

import forms
import llama
from common import LIMIT, PROMPTS, case, convert, diarist, finish, fresh, our_loss, relative, run_of, say, tensors_of, within
from llama import COARSE, alike, furthest


def adapter_on(base, model, scale):
    """An adapter by peft beside all linear layers, random, of two ranks."""
    model.name_or_path = str(base)
    conv1d = model.config.model_type == "gpt2"
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=conv1d,
                        rank_pattern={"c_proj" if conv1d else "o_proj": 2})
    adapted = get_peft_model(model, config)
    random = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for p in (p for p in adapted.parameters() if p.requires_grad):
            p.add_(torch.randn(p.shape, generator=random) * scale)
    adapted.save_pretrained(out := fresh("adapter"))
    return out


def judged(name, base, base_gguf, model, scale, limit):
    adapter = adapter_on(base, AutoModelForCausalLM.from_pretrained(base), scale)
    merged = PeftModel.from_pretrained(model, adapter).eval().merge_and_unload()
    ids = forms.some_ids(model.config.vocab_size, 24)
    apart = (forms.logits(AutoModelForCausalLM.from_pretrained(base), ids) - forms.logits(merged, ids)).abs().max().item()
    say(apart > 1, f"{name}: the adapter changes logits by", f"{apart:.2f}")
    ours, merged_gguf = fresh("merged"), fresh("merged.gguf")
    diarist("merge", adapter, "--out", ours)
    worst = max(relative(tensors_of(ours)[k.removeprefix("transformer.")], x) for k, x in merged.state_dict().items()
                if k != "lm_head.weight")
    within(f"{name}: merged weights, furthest", worst, 1e-6)
    diarist("convert", ours, merged_gguf, "--to", "gguf", "--dtype", "f32")
    context = min(model.config.max_position_embeddings, 512)
    for dtype in ("f32", "f16"):
        lora = convert(adapter, "gguf-lora", dtype)
        fields = {key: field.contents() for key, field in GGUFReader(lora).fields.items()}
        wanted = {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 4.0,
                  "general.architecture": model.config.model_type}
        say(all(fields.get(k) == v for k, v in wanted.items()), f"{name} {dtype}: metadata", str(len(fields)))
        if dtype == "f32":
            within(f"{name}: our loss with --adapter", relative(our_loss(base, ids, "--adapter", lora), our_loss(ours, ids)), LIMIT)
        with llama.server(base_gguf, context, lora) as server:
            within(f"{name} {dtype}: log probabilities with --lora, furthest", furthest(server, merged, ids), limit)
            texts = {prompt: server.greedy(server.ids(prompt), 64) for prompt in PROMPTS}
        if dtype == "f32":
            with llama.server(merged_gguf, context) as server:
                within(f"{name}: log probabilities of the merged GGUF, furthest", furthest(server, merged, ids), limit)
                for prompt, theirs in texts.items():
                    start = server.ids(prompt)
                    alike(f"{name}: greedy after {prompt!r}", merged, start, server.greedy(start, 64), theirs)
            half = AutoModelForCausalLM.from_pretrained(base)
            half = PeftModel.from_pretrained(half, adapter).eval()
            for module in half.modules():
                if isinstance(getattr(module, "scaling", None), dict):
                    module.scaling = {k: s * 0.5 for k, s in module.scaling.items()}
            with llama.server(base_gguf, context, lora, 0.5) as server:
                within(f"{name}: at half the scale, furthest", furthest(server, half.merge_and_unload(), ids), limit)


def gpt2():
    run = run_of("bytes")
    judged("gpt2", run, convert(run, "gguf"), AutoModelForCausalLM.from_pretrained(run), 0.1, COARSE["f32"])


if llama.found():
    with case("gpt2"):
        gpt2()
else:
    llama.missing("llama.cpp")
finish()
