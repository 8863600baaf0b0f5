"""LoRA adapters by peft on a base of its own: our losses and merged weights against peft's."""

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

import forms
from common import LIMIT, case, convert, diarist, finish, fresh, our_loss, relative, run_of, say, tensors_of, within

EVERY = ["c_attn", "c_proj", "c_fc"]
ADAPTERS = {
    "c_attn": {"target_modules": ["c_attn"]},
    "all layers": {"target_modules": EVERY},
    "target_modules a pattern": {"target_modules": r".*\.h\.1\.attn\.c_proj"},
    "rslora": {"target_modules": EVERY, "use_rslora": True},
    "modules_to_save": {"target_modules": ["c_attn"], "modules_to_save": ["ln_f"]},
    "rank_pattern and alpha_pattern": {"target_modules": EVERY, "rank_pattern": {"c_attn": 2, r"h\.1\.mlp\.c_fc": 3},
                                       "alpha_pattern": {"mlp.c_proj": 32}},
    "layers_to_transform": {"target_modules": ["c_attn"], "layers_to_transform": [1], "layers_pattern": "h"},
    "bias lora_only": {"target_modules": ["c_attn"], "bias": "lora_only"},
}
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LLAMA = {
    "q_proj and v_proj": {"target_modules": ["q_proj", "v_proj"]},
    "all-linear": {"target_modules": "all-linear"},
    "target_modules a pattern": {"target_modules": r".*\.layers\.1\.mlp\.(up|down)_proj"},
    "rslora": {"target_modules": PROJECTIONS, "use_rslora": True},
    "modules_to_save": {"target_modules": ["k_proj"], "modules_to_save": ["norm"]},
    "rank_pattern and alpha_pattern": {"target_modules": PROJECTIONS, "rank_pattern": {"o_proj": 2, r"layers\.1\.mlp\.gate_proj": 3},
                                       "alpha_pattern": {"mlp.down_proj": 32}},
    "layers_to_transform": {"target_modules": ["q_proj"], "layers_to_transform": [2], "layers_pattern": "layers"},
}
LLAMA_REFUSED = {
    "dora": {"target_modules": ["q_proj"], "use_dora": True},
    "embed_tokens": {"target_modules": ["embed_tokens"]},  # the tied head again
}
REFUSED = {  # by the word that must be in the error
    "dora": {"target_modules": ["c_attn"], "use_dora": True},
    "wte": {"target_modules": ["wte"], "fan_in_fan_out": False},  # peft leaves the tied head as it was: no GPT-2 any more
}


def save(model, tensors, base, options):
    """An adapter with random A and B, saved by peft."""
    copy = forms.with_weights(model, tensors)
    copy.name_or_path = str(base)
    conv1d = model.config.model_type == "gpt2"
    config = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "fan_in_fan_out": conv1d} | options
    adapted = get_peft_model(copy, LoraConfig(task_type="CAUSAL_LM", **config))
    random = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for p in adapted.parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=random) * 0.1)
    adapted.save_pretrained(out := fresh("adapter"))
    return out


def judged(what, adapter, model, tensors):
    ids = forms.some_ids(model.config.vocab_size, 48)
    theirs = PeftModel.from_pretrained(forms.with_weights(model, tensors), adapter).eval()
    with torch.no_grad():
        logits = theirs.double()(input_ids=torch.tensor([ids])).logits[0]
    loss = F.cross_entropy(logits[:-1], torch.tensor(ids[1:])).item()
    within(f"{what}: loss", relative(our_loss(adapter, ids), loss), LIMIT)
    merged, ours = forms.weights(theirs.merge_and_unload()), tensors_of(convert(adapter, "hf"))
    worst = max(relative(ours[name], x) for name, x in merged.items())
    within(f"{what}: merged weights, furthest", worst, 1e-6)
    same = [k for k, x in merged.items() if torch.equal(x.float(), tensors[k])]
    say(all(torch.equal(ours[k], tensors[k]) for k in same), f"{what}: what it leaves alone", f"{len(same)} tensors")


def all_of(name, model, base, adapters, refused):
    tensors = forms.weights(model)
    for what, options in adapters.items():
        with case(f"{name}, {what}"):
            judged(f"{name}, {what}", save(model, tensors, base, options), model, tensors)
    with case(f"{name}, adapter_model.bin"):
        old = save(model, tensors, base, next(iter(adapters.values())))
        torch.save(load_file(old / "adapter_model.safetensors"), old / "adapter_model.bin")
        (old / "adapter_model.safetensors").unlink()
        judged(f"{name}, adapter_model.bin", old, model, tensors)
    for word, options in refused.items():
        with case(f"{name}, refuses {word}"):
            adapter, made = save(model, tensors, base, options), fresh("out")
            said = diarist("convert", adapter, made, "--to", "hf", "--dtype", "f32", fails=True)
            said = next((line for line in said.splitlines() if line.startswith("error")), "")
            say(word in said.lower() and not made.exists(), f"{name}, refuses {word}", said)


model = forms.tiny()
base = forms.folder(fresh("base"), model, run_of("bytes"))
save_file(forms.weights(model), base / "model.safetensors")
all_of("peft", model, base, ADAPTERS, REFUSED)
for shape in ("a tied Llama", "a Mistral with a window"):
    model = forms.tiny_llama(forms.LLAMA_SHAPES[shape])
    tied = model.config.tie_word_embeddings
    base = forms.llama_folder(fresh("base"), model, run_of("bytes"))
    all_of(f"peft, {shape}", model, base, LLAMA, LLAMA_REFUSED if tied else {"dora": LLAMA_REFUSED["dora"]})
finish()
