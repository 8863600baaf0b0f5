"""What `convert` writes, read by what it is for: transformers, plain PyTorch in nanoGPT's layout, llm.c's layout."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, GPT2LMHeadModel

import forms
from common import LIMIT, PAGE, case, convert, equal, finish, our_loss, relative, run_of, same, say, tensors_of, within

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def file_of(path, name):
    """The file itself, where `convert` makes a folder of this form."""
    return path / name if Path(path).is_dir() else path


def hugging_face(name, run, dtype, tensors):
    out = convert(run, "hf", dtype)
    equal(f"{name} to hf {dtype}: weights", tensors_of(out), forms.rounded(tensors, DTYPES[dtype]))
    model, info = GPT2LMHeadModel.from_pretrained(out, output_loading_info=True)
    say(not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), f"{name} to hf {dtype}: opens")
    say(model.dtype == DTYPES[dtype], f"{name} to hf {dtype}: dtype", str(model.dtype))
    ids = forms.some_ids(model.config.vocab_size, 48)
    within(f"{name} to hf {dtype}: loss", relative(our_loss(out, ids), forms.loss(model, ids)), LIMIT)
    if dtype == "f32":
        same(f"{name} to hf: the page's ids", AutoTokenizer.from_pretrained(out)(PAGE.read_text())["input_ids"],
             AutoTokenizer.from_pretrained(run)(PAGE.read_text())["input_ids"])
        config = json.loads((out / "config.json").read_text())
        right = config["n_ctx"] == config["n_positions"] and config["activation_function"] == "gelu_new"
        say(right, f"{name} to hf: config.json")


def nanogpt(name, run, dtype, tensors):
    stored = forms.rounded(tensors, DTYPES[dtype])
    state = torch.load(file_of(convert(run, "nanogpt", dtype), "ckpt.pt"), weights_only=True)
    nano = forms.Nano(**state["model_args"])
    equal(f"{name} to nanogpt {dtype}: weights", dict(state["model"]), forms.nano_state(stored))
    nano.load_state_dict({key: x.float() for key, x in state["model"].items()})
    model = forms.with_weights(GPT2LMHeadModel.from_pretrained(run), stored)
    ids = forms.some_ids(model.config.vocab_size, 48)
    with torch.no_grad():
        loss = F.cross_entropy(nano.double()(torch.tensor([ids]), "tanh")[0][:-1], torch.tensor(ids[1:])).item()
    within(f"{name} to nanogpt {dtype}: loss", relative(loss, forms.loss(model, ids)), LIMIT)
    wanted = {"model", "model_args", "iter_num", "best_val_loss", "config"}  # what nanoGPT's sample.py and resuming read
    say(wanted <= state.keys(), f"{name} to nanogpt {dtype}: keys", ", ".join(state))


def llmc(name, run, dtype, tensors):
    header, ours = forms.load_llmc(file_of(convert(run, "llmc", dtype), "model.bin"))
    equal(f"{name} to llmc {dtype}: weights", ours, forms.rounded(tensors, DTYPES[dtype]))
    c = GPT2LMHeadModel.from_pretrained(run).config
    theirs = [20240326, forms.LLMC_VERSION[DTYPES[dtype]], c.n_positions, c.vocab_size, c.n_layer, c.n_head, c.n_embd,
              -(-c.vocab_size // 128) * 128]
    same(f"{name} to llmc {dtype}: header", header, theirs)


def there_and_back(run, tensors):
    """Through every form in turn, each read from what the one before wrote."""
    at = run
    for to in ("gguf", "hf", "nanogpt", "llmc", "hf"):
        at = convert(at, to)
    equal("to gguf, to hf, to nanogpt, to llmc, to hf: weights", tensors_of(at), tensors)


for name in ("bytes", "gpt2"):
    run = run_of(name)
    tensors = tensors_of(run)
    for dtype in DTYPES:
        with case(f"{name} to hf {dtype}"):
            hugging_face(name, run, dtype, tensors)
        with case(f"{name} to nanogpt {dtype}"):
            nanogpt(name, run, dtype, tensors)
        if dtype != "f16":  # llm.c has none
            with case(f"{name} to llmc {dtype}"):
                llmc(name, run, dtype, tensors)
with case("there and back"):
    there_and_back(run_of("bytes"), tensors_of(run_of("bytes")))
finish()
