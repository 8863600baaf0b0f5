"""Every form in which others save GPT-2, written by them and read by us: losses against PyTorch, weights bit by bit."""

import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import forms
from common import (LIMIT, case, convert, diarist, equal, finish, fresh, our_loss, relative, run_of, say, skip, tensors_of,
                    within)

BYTES = run_of("bytes")
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def reads(what, path, model, tensors, loss=None):
    """Our loss is PyTorch's on these weights, and `convert --to hf` gives them back."""
    with case(what):
        ids = forms.some_ids(min(model.config.vocab_size, 50257), 48)
        theirs = forms.loss(forms.with_weights(model, tensors), ids) if loss is None else loss
        within(f"{what}: loss", relative(our_loss(path, ids), theirs), LIMIT)
        floats = {name: x.float() for name, x in tensors.items()}
        equal(f"{what}: weights", tensors_of(convert(path, "hf")), floats)


def hugging_face(model, tensors):
    for dtype, kind in DTYPES.items():
        stored = forms.rounded(tensors, kind)
        for shards, limit in (("single", {}), ("sharded", {"max_shard_size": "20KB"})):
            out = forms.folder(fresh("hf"), model, BYTES)
            saved = forms.with_weights(model, stored).to(kind)
            saved.config.dtype = kind
            saved.save_pretrained(out, **limit)
            reads(f"save_pretrained, {shards}, {dtype}", out, model, stored)
        for how, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})):
            out = forms.folder(fresh("bin"), model, BYTES)
            forms.save_bin(out / "pytorch_model.bin", stored, "transformer.", head=True, **options)
            reads(f"pytorch_model.bin, {how}, {dtype}", out, model, stored)
    out = forms.folder(fresh("bare"), model, BYTES)
    save_file(tensors, out / "model.safetensors")
    reads("model.safetensors without `transformer.`", out, model, tensors)
    for what, how in {"the oldest files' masks": {"buffers": True}, "parameters": {"parameters": True, "head": True},
                      "transposed views": {"views": True}}.items():
        for kind, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})):
            out = forms.folder(fresh("bin"), model, BYTES)
            forms.save_bin(out / "pytorch_model.bin", tensors, **how, **options)
            reads(f"pytorch_model.bin, {kind}, {what}", out, model, tensors)
    out = forms.folder(fresh("shards"), model, BYTES)
    forms.save_bin_shards(out, tensors)
    reads("pytorch_model.bin in shards", out, model, tensors)


def nanogpt(model, tensors):
    zeros = {name: torch.zeros_like(x) if name.endswith(".bias") else x for name, x in tensors.items()}
    for what, stored, how in (("float32", tensors, {}), ("compiled", tensors, {"compiled": True}),
                              ("bfloat16", forms.rounded(tensors, torch.bfloat16), {"dtype": torch.bfloat16}),
                              ("legacy", tensors, {"_use_new_zipfile_serialization": False}),
                              ("no biases", zeros, {"bias": False})):
        out = fresh("nano")
        out.mkdir()
        forms.save_nanogpt(out / "ckpt.pt", model, stored, **how)
        reads(f"nanoGPT's ckpt.pt, {what}", out / "ckpt.pt", model, stored)
    wide = forms.tiny(vocab=50304, width=16, layers=1)
    out = fresh("ckpt.pt")
    forms.save_nanogpt(out, wide, forms.weights(wide))
    reads("nanoGPT's ckpt.pt, vocabulary padded to 50304", out, wide, forms.weights(wide))
    ids, nano = forms.some_ids(257, 48), forms.Nano(**forms.nano_args(model.config))
    nano.load_state_dict(forms.nano_state(tensors))
    with torch.no_grad():
        exact = F.cross_entropy(nano.double()(torch.tensor([ids]))[0][:-1], torch.tensor(ids[1:])).item()
    within("nanoGPT's own GELU is exact, GPT-2's is not: loss", relative(exact, forms.loss(model, ids)), 1e-3)


def others(model, tensors):
    for dtype in (torch.float32, torch.bfloat16):
        out = fresh("llmc.bin")
        forms.save_llmc(out, model, tensors, dtype)
        reads(f"llm.c's .bin, version {forms.LLMC_VERSION[dtype]}", out, model, forms.rounded(tensors, dtype))
    if not forms.tensorflow():
        return skip("OpenAI's checkpoint", "there is no TensorFlow; tests/interop/run --tensorflow installs it (1.6 GB)")
    for name in ("model.ckpt", "model-1000"):
        with case(f"OpenAI's checkpoint {name}"):
            forms.save_openai(out := fresh("124M"), model, tensors, BYTES, name)
            reads(f"OpenAI's checkpoint {name}", out, model, tensors)


class Command:
    """What runs a command when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch '{self.file}'",)


def refused(model, tensors):
    wte = tensors["wte.weight"]
    for what, thing in {"a command": Command, "a whole model": model, "a sparse tensor": wte.to_sparse(),
                        "a complex tensor": wte.to(torch.complex64)}.items():
        for kind, options in (("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})):
            with case(f"refuses {what}, {kind}"):
                done, out, made = fresh("command-ran"), forms.folder(fresh("evil"), model, BYTES), fresh("out")
                state = tensors | {"wte.weight": Command(done) if thing is Command else thing}
                torch.save(model if thing is model else state, out / "pytorch_model.bin", **options)
                said = diarist("convert", out, made, "--to", "hf", "--dtype", "f32", fails=True)
                said = next((line for line in said.splitlines() if line.startswith("error")), "")
                say("pytorch_model.bin" in said and not done.exists() and not made.exists(), f"refuses {what}, {kind}", said)


model = forms.tiny()
tensors = forms.weights(model)
hugging_face(model, tensors)
nanogpt(model, tensors)
others(model, tensors)
refused(model, tensors)
finish()
