"""GGUF: ours as the `gguf` package reads it, and that package's and llama.cpp's as we read them."""

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from transformers import GPT2LMHeadModel

import forms
import llama
from common import LIMIT, case, convert, equal, finish, fresh, our_loss, relative, run_of, same, say, tensors_of, within

TYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16", "q8_0": "Q8_0", "q4_1": "Q4_1"}
FILE_TYPE = {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7, "q4_1": 3}
BIG = 256  # K-quants take rows of 256


def read(path):
    """Metadata and tensors (row-major, float32, GGUF's names)."""
    reader = gguf.GGUFReader(path)
    meta = {key: field.contents() for key, field in reader.fields.items()}
    return reader, meta, {t.name: dequantised(t.data, t.tensor_type, t.shape) for t in reader.tensors}


def dequantised(data, kind, shape):
    return torch.from_numpy(np.array(dequantize(data, kind), np.float32)).view(*map(int, reversed(shape)))


def stored(tensors):
    """GPT-2's weights as GGUF has them: its names, matrices [out, in]."""
    return {forms.gguf_name(k): x.T.contiguous() if k.endswith(forms.TRANSPOSED) else x for k, x in tensors.items()}


def back(tensors):
    """And the way back: GPT-2's keys, [in, out]."""
    return lambda found: {k: found[forms.gguf_name(k)].T.contiguous() if k.endswith(forms.TRANSPOSED)
                          else found[forms.gguf_name(k)] for k in tensors}


def written(name, run, dtype):
    what, tensors = f"{name} to gguf {dtype}", tensors_of(run)
    out = convert(run, "gguf", dtype)
    reader, meta, found = read(out)
    config = GPT2LMHeadModel.from_pretrained(run).config
    wanted = {"general.architecture": "gpt2", "general.type": "model", "general.file_type": FILE_TYPE[dtype],
              "general.quantization_version": 2, "gpt2.block_count": config.n_layer, "gpt2.context_length": config.n_positions,
              "gpt2.embedding_length": config.n_embd, "gpt2.feed_forward_length": 4 * config.n_embd,
              "gpt2.attention.head_count": config.n_head, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
              "tokenizer.ggml.bos_token_id": config.bos_token_id, "tokenizer.ggml.eos_token_id": config.eos_token_id}
    wrong = {k: meta.get(k) for k, v in wanted.items() if meta.get(k) != v}
    say(not wrong, f"{what}: metadata", str(wrong) if wrong else f"{len(meta)} keys")
    tokens = meta["tokenizer.ggml.tokens"]
    say(len(tokens) == config.vocab_size == len(meta["tokenizer.ggml.token_type"]), f"{what}: tokens", str(len(tokens)))
    say(tokens[config.eos_token_id] == "<|endoftext|>" and meta["tokenizer.ggml.token_type"][config.eos_token_id] == 3,
        f"{what}: end of text is a control token")
    say(bool(meta.get("tokenizer.chat_template")), f"{what}: a chat template", repr(meta.get("tokenizer.chat_template"))[:100])

    theirs = stored(tensors)
    same(f"{what}: tensors", sorted(found), sorted(theirs))
    say(all(found[k].shape == x.shape for k, x in theirs.items()), f"{what}: shapes")
    kinds = {t.name: t.tensor_type.name for t in reader.tensors}
    allowed = {k: ["F32"] if x.dim() == 1 or k == "position_embd.weight" else [TYPES[dtype]] for k, x in theirs.items()}
    if dtype == "q4_1":
        allowed["token_embd.weight"].append("Q8_0")  # the head too: llama.cpp's own files are finer there
    wrong = {k: kinds[k] for k in theirs if kinds[k] not in allowed[k]}
    say(not wrong, f"{what}: types", str(wrong)[:200] if wrong else "")
    spans = sorted((int(t.data_offset), int(t.n_bytes)) for t in reader.tensors)
    apart = all(a + size <= b for (a, size), (b, _) in zip(spans, spans[1:]))
    say(apart and all(at % 32 == 0 for at, _ in spans), f"{what}: aligned by 32, none over another")

    if dtype in ("f32", "f16", "bf16"):
        cast = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
        equal(f"{what}: values", found, {k: x if kinds[k] == "F32" else x.to(cast).float() for k, x in theirs.items()})
    else:
        quantised(what, theirs, found, kinds)
    equal(f"{what}: and back to hf", tensors_of(convert(out, "hf")), back(tensors)(found))


def quantised(what, theirs, found, kinds):
    """Each value within half a step of the weight, and no further off on the whole than the package's own."""
    ours = package = 0.0
    worst = 0.0
    for name, x in theirs.items():
        if kinds[name] == "F32":
            if not torch.equal(found[name], x):
                say(False, f"{what}: {name}", "an F32 tensor that differs")
            continue
        blocks, error = x.view(-1, 32), (found[name] - x).view(-1, 32).abs()
        low, high = blocks.amin(1, True), blocks.amax(1, True)
        largest = torch.maximum(high.abs(), low.abs())
        spread = high - low if kinds[name] == "Q4_1" else largest
        step = spread / (15 if kinds[name] == "Q4_1" else 127)
        # Scale and minimum are kept in f16: half an f16 step of each, times what they are multiplied with, 15 or 127 at most.
        f16 = (spread + (largest if kinds[name] == "Q4_1" else 0)) * 2.0**-11
        worst = max(worst, (error / (step / 2 + f16 + 1e-7)).max().item())
        ours += error.square().sum().item()
        t = gguf.GGMLQuantizationType[kinds[name]]
        own = torch.from_numpy(dequantize(quantize(x.numpy(), t), t))
        package += (own - x).square().sum().item()
    say(worst <= 1.001, f"{what}: values within half a step", f"{worst:.3f} of it at most")
    say(ours <= 1.01 * package, f"{what}: error against the package's own", f"{(ours / package) ** 0.5:.4f} times")


def modelfile():
    out = convert(run_of("gpt2"), "gguf", "f16", "--modelfile")
    text = (out.parent / "Modelfile").read_text()
    wanted = (f"FROM ./{out.name}", "TEMPLATE ", "PARAMETER num_ctx 128", "PARAMETER stop ")
    wrong = [line for line in wanted if line not in text] + ["ADAPTER"] * ("ADAPTER" in text)
    say(not wrong, "Modelfile", ", ".join(wrong))


def opened(what, path, model):
    """Weights as the package dequantises them, and PyTorch's loss with those."""
    with case(what):
        tensors = forms.weights(model)
        theirs = back(tensors)(read(path)[2])
        equal(f"{what}: weights", tensors_of(convert(path, "hf")), theirs)
        ids = forms.some_ids(model.config.vocab_size, 48)
        within(f"{what}: loss", relative(our_loss(path, ids), forms.loss(forms.with_weights(model, theirs), ids)), LIMIT)


def foreign():
    model = forms.tiny(width=BIG, layers=1, heads=4)
    for half in (False, True):
        out = fresh("theirs.gguf")
        forms.save_gguf(out, model, forms.weights(model), run_of("bytes"), half)
        opened(f"the package's GGUF, {'F16' if half else 'F32'}", out, model)
    kinds = ("BF16", "Q8_0", "Q4_0", "Q4_1", "Q4_K_S", "Q6_K")
    if not llama.found():
        return llama.missing(f"llama-quantize's {', '.join(kinds)}")
    whole = fresh("whole.gguf")
    forms.save_gguf(whole, model, forms.weights(model), run_of("bytes"))
    for kind in kinds:
        with case(f"llama-quantize's {kind}"):
            llama.quantise(whole, out := fresh(f"{kind}.gguf"), kind)
            opened(f"llama-quantize's {kind}", out, model)


for name in ("bytes", "gpt2"):
    for dtype in TYPES:
        with case(f"{name} to gguf {dtype}"):
            written(name, run_of(name), dtype)
with case("Modelfile"):
    modelfile()
foreign()
finish()
