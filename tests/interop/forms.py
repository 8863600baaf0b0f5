"""Small GPT-2 models and Llamas, and the forms in which other programs keep one: the material of all checks.

Every function of GPT-2 that saves takes a dict of weights under GPT-2's own keys (`wte.weight`, `h.0.attn.c_attn.weight` [in,
out], ...: what `weights` returns) and writes what its program writes, with that program's own code where it is installed.
"""

import copy
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import (AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MistralConfig,
                          MistralForCausalLM)

TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")  # [in, out] in GPT-2
TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")


def tiny(vocab=257, width=32, layers=2, heads=2, positions=64, seed=1):
    """A GPT-2 with random weights, large enough that a wrong byte anywhere shows in the loss."""
    config = GPT2Config(vocab_size=vocab, n_embd=width, n_layer=layers, n_head=heads, n_positions=positions,
                        bos_token_id=vocab - 1, eos_token_id=vocab - 1, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    model = GPT2LMHeadModel(config).eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            x = torch.randn(p.shape, generator=random)
            if name.endswith("wte.weight"):
                x *= 2 / width**0.5
            elif name.endswith("wpe.weight"):
                x *= 0.2
            elif p.dim() == 2:
                x *= 0.8 / p.shape[0] ** 0.5
            else:
                x = x * 0.1 + (1 if ".ln_" in name and name.endswith("weight") else 0)
            p.copy_(x)
    return model


def weights(model):
    """A model's weights by GPT-2's keys, without the head, which is the embedding's."""
    return {name.removeprefix("transformer."): p.detach().clone() for name, p in model.named_parameters()}


def with_weights(model, tensors):
    """Another model of the same shape with these weights."""
    other = type(model)(copy.deepcopy(model.config)).eval()
    before = "transformer." if model.config.model_type == "gpt2" else ""
    missing, extra = other.load_state_dict({before + k: x.float() for k, x in tensors.items()}, strict=False)
    assert set(missing) <= {"lm_head.weight"} and not extra, (missing, extra)
    return other


def rounded(tensors, dtype):
    return {name: x.to(dtype) for name, x in tensors.items()}


def some_ids(vocab, count, seed=7):
    return torch.randint(0, vocab, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


@torch.no_grad()
def logits(model, ids):
    return model.double().eval()(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def loss(model, ids):
    """Nats a token over one window, in float64."""
    return F.cross_entropy(logits(model, ids)[:-1], torch.tensor(ids[1:])).item()


# -- Llama -------------------------------------------------------------------------------------------------------------


def of_gguf(path):
    """A GGUF as transformers reads it: whole numbers, rows of queries and keys in its own order."""
    read = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    # Of a model that was quantised transformers does not let the numbers' type be changed.
    return plain(read.config, dict(read.named_parameters()))


def plain(config, tensors):
    """A model of these weights in float32, with nothing else about it."""
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    missing, extra = model.load_state_dict({k: x.detach().float() for k, x in tensors.items()}, strict=False)
    assert set(missing) <= {"lm_head.weight"} and not extra, (missing, extra)
    return model


# -- Hugging Face ------------------------------------------------------------------------------------------------------


def folder(out, model, tokenizer=None):
    """An empty folder with the model's config.json and the tokenizer files of the folder `tokenizer`."""
    out = Path(out)
    out.mkdir(parents=True)
    model.config.architectures = ["GPT2LMHeadModel"]
    model.config.save_pretrained(out)
    for name in TOKENIZER if tokenizer else ():
        shutil.copy(Path(tokenizer) / name, out)
    return out


def save_bin(path, tensors, prefix="", head=False, buffers=False, parameters=False, views=False, **how):
    """`pytorch_model.bin` by torch.save; what is saved is an OrderedDict with `_metadata`, as a state_dict is."""
    state = nn.Module().state_dict()
    for name, x in tensors.items():
        if views:  # a transposed tensor that starts within a storage
            x = torch.cat([x.new_zeros(3), x.t().flatten()])[3:].view(x.t().shape).t()
        state[prefix + name] = nn.Parameter(x) if parameters else x
        if buffers and name.endswith("ln_1.weight"):  # the causal masks that old files carry
            block, positions = name.removesuffix("ln_1.weight"), tensors["wpe.weight"].shape[0]
            mask = torch.ones(positions, positions, dtype=torch.uint8).tril().view(1, 1, positions, positions)
            state[f"{prefix}{block}attn.bias"] = mask
            state[f"{prefix}{block}attn.masked_bias"] = torch.tensor(-1e4)
    if head:
        state["lm_head.weight"] = state[f"{prefix}wte.weight"]
    torch.save(state, path, **how)


def save_bin_shards(out, tensors, count=3, prefix="transformer."):
    """`pytorch_model-0000N-of-0000M.bin` with its index."""
    out, names = Path(out), list(tensors)
    shards = {f"pytorch_model-{i + 1:05}-of-{count:05}.bin": names[i::count] for i in range(count)}
    for file, own in shards.items():
        save_bin(out / file, {name: tensors[name] for name in own}, prefix)
    index = {"metadata": {"total_size": sum(x.nbytes for x in tensors.values())},
             "weight_map": {prefix + name: file for file, own in shards.items() for name in own}}
    (out / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2))


# -- nanoGPT -----------------------------------------------------------------------------------------------------------


class NanoNorm(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class NanoBlock(nn.Module):
    def __init__(self, width, heads, bias):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = NanoNorm(width, bias), NanoNorm(width, bias)
        linear = lambda a, b: nn.Linear(a, b, bias=bias)
        self.attn = nn.ModuleDict({"c_attn": linear(width, 3 * width), "c_proj": linear(width, width)})
        self.mlp = nn.ModuleDict({"c_fc": linear(width, 4 * width), "c_proj": linear(4 * width, width)})

    def forward(self, x, gelu):
        heads = [t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.attn.c_attn(self.ln_1(x)).chunk(3, -1)]
        y = F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.attn.c_proj(y)
        return x + self.mlp.c_proj(F.gelu(self.mlp.c_fc(self.ln_2(x)), approximate=gelu))


class Nano(nn.Module):
    """nanoGPT's layout in plain PyTorch: its keys, its Linear layers [out, in], its tied head."""

    def __init__(self, block_size, vocab_size, n_layer, n_head, n_embd, bias=True, dropout=0.0):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocab_size, n_embd),
            "wpe": nn.Embedding(block_size, n_embd),
            "h": nn.ModuleList(NanoBlock(n_embd, n_head, bias) for _ in range(n_layer)),
            "ln_f": NanoNorm(n_embd, bias),
        })
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, ids, gelu="none"):
        t = self.transformer
        x = t.wte(ids) + t.wpe(torch.arange(ids.shape[-1]))
        for block in t.h:
            x = block(x, gelu)
        return self.lm_head(t.ln_f(x))


def nano_args(config, bias=True):
    return {"n_layer": config.n_layer, "n_head": config.n_head, "n_embd": config.n_embd,
            "block_size": config.n_positions, "bias": bias, "vocab_size": config.vocab_size, "dropout": 0.0}


def nano_state(tensors, bias=True):
    """GPT-2's weights by nanoGPT's keys."""
    state = {f"transformer.{k}": x.T.contiguous() if k.endswith(TRANSPOSED) else x for k, x in tensors.items()
             if bias or not k.endswith(".bias")}
    return state | {"lm_head.weight": state["transformer.wte.weight"]}


def save_nanogpt(path, model, tensors, bias=True, compiled=False, dtype=torch.float32, **how):
    """`ckpt.pt` as nanoGPT's train.py saves it, after one step of AdamW at rate 0 (so that the state is real)."""
    args = nano_args(model.config, bias)
    nano = Nano(**args)
    nano.load_state_dict(nano_state(tensors, bias))
    nano = nano.to(dtype)
    groups = [{"params": [p for p in nano.parameters() if (p.dim() >= 2) == two], "weight_decay": decay}
              for two, decay in ((True, 0.1), (False, 0.0))]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95))
    out = nano(torch.tensor([[1, 2, 3, 4]]))
    out.logsumexp(-1).mean().backward()
    optimizer.step()
    state = nano.state_dict()
    if compiled:
        state = {f"_orig_mod.{name}": x for name, x in state.items()}
    torch.save({
        "model": state,
        "optimizer": optimizer.state_dict(),
        "model_args": args,
        "iter_num": 2000,
        "best_val_loss": torch.tensor([4.5, 4.25]).mean(),
        "config": {"out_dir": "out-journal", "eval_interval": 250, "always_save_checkpoint": False, "init_from": "scratch",
                   "gradient_accumulation_steps": 5, "learning_rate": 6e-4, "bias": bias, "decay_lr": True,
                   "grad_clip": 1.0, "backend": "nccl", "device": "cuda", "dtype": "bfloat16", "compile": compiled,
                   "wandb_run_name": None},
    }, path, **how)


# -- llm.c -------------------------------------------------------------------------------------------------------------

LLMC_BLOCK = ("ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight",
              "attn.c_proj.bias", "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight",
              "mlp.c_proj.bias")
LLMC_VERSION = {torch.float32: 3, torch.bfloat16: 5}


def llmc_order(layers):
    blocks = [f"h.{n}.{part}" for part in LLMC_BLOCK for n in range(layers)]
    return ["wte.weight", "wpe.weight", *blocks, "ln_f.weight", "ln_f.bias"]


def save_llmc(path, model, tensors, dtype=torch.float32):
    """`gpt2_124M.bin`: 256 int32, then the parameters; the embedding padded with zeros to a multiple of 128 rows."""
    c = model.config
    padded = -(-c.vocab_size // 128) * 128
    header = np.zeros(256, "<i4")
    header[:8] = [20240326, LLMC_VERSION[dtype], c.n_positions, c.vocab_size, c.n_layer, c.n_head, c.n_embd, padded]
    with open(path, "wb") as file:
        file.write(header.tobytes())
        for name in llmc_order(c.n_layer):
            x = tensors[name].to(dtype)
            if name == "wte.weight":
                x = F.pad(x, (0, 0, 0, padded - c.vocab_size))
            if name.endswith(TRANSPOSED):
                x = x.T.contiguous()
            file.write(x.view(torch.uint8).numpy().tobytes())


def load_llmc(path):
    """The header's eight numbers and the weights of an llm.c file, by GPT-2's keys; the padding must be zeros."""
    data = Path(path).read_bytes()
    header = np.frombuffer(data, "<i4", 256)[:8].tolist()
    magic, version, positions, vocab, layers, _, width, padded = header
    assert magic == 20240326 and padded % 128 == 0 and padded >= vocab, header
    dtype = {version: dtype for dtype, version in LLMC_VERSION.items()}[version]
    body, at, out = torch.frombuffer(bytearray(data[1024:]), dtype=dtype), 0, {}
    wide = {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width), "mlp.c_fc": (width, 4 * width),
            "mlp.c_proj": (4 * width, width)}
    for name in llmc_order(layers):
        layer = name.split(".", 2)[-1].rsplit(".", 1)[0]
        shape = {"wte.weight": (padded, width), "wpe.weight": (positions, width)}.get(name)
        if shape is None:
            shape = wide.get(layer, (width, width)) if name.endswith(TRANSPOSED) else (wide.get(layer, (0, width))[1],)
        if name.endswith(TRANSPOSED):
            shape = shape[::-1]
        size = int(np.prod(shape))
        x = body[at:at + size].view(shape)
        at += size
        out[name] = x.T if name.endswith(TRANSPOSED) else x
    assert at == len(body), f"{len(body) - at} numbers too many"
    assert not out["wte.weight"][vocab:].any(), "the padding is not zeros"
    out["wte.weight"] = out["wte.weight"][:vocab]
    return header, out


# -- OpenAI's TensorFlow checkpoint ------------------------------------------------------------------------------------


def save_openai(out, model, tensors, tokenizer, name="model.ckpt"):
    """`models/124M` as OpenAI published it, written by TensorFlow's own Saver (in a program of its own)."""
    c, out = model.config, Path(out)
    out.mkdir(parents=True)
    (out / "hparams.json").write_text(json.dumps({"n_vocab": c.vocab_size, "n_ctx": c.n_positions, "n_embd": c.n_embd,
                                                  "n_head": c.n_head, "n_layer": c.n_layer}, indent=2))
    shutil.copy(Path(tokenizer) / "vocab.json", out / "encoder.json")
    shutil.copy(Path(tokenizer) / "merges.txt", out / "vocab.bpe")
    variables = {}
    for key, x in tensors.items():
        if key in ("wte.weight", "wpe.weight"):
            key = key.removesuffix(".weight")
        elif ".ln_" in f".{key}":
            key = key.replace("weight", "g").replace("bias", "b")
        else:
            key = key.replace("weight", "w").replace("bias", "b")
            x = x.unsqueeze(0) if x.dim() == 2 else x  # a convolution of width 1
        variables["model/" + key.replace("h.", "h").replace(".", "/")] = x.float().numpy()
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, **variables)
        file.flush()
        code = ("import sys, numpy as np, tensorflow.compat.v1 as tf\n"
                "tf.disable_eager_execution()\n"
                "v = [tf.get_variable(k, initializer=x) for k, x in np.load(sys.argv[1]).items()]\n"
                "with tf.Session() as s:\n"
                "    s.run(tf.global_variables_initializer())\n"
                "    tf.train.Saver(v).save(s, sys.argv[2])\n")
        done = subprocess.run([tensorflow(), "-c", code, file.name, out / name], capture_output=True,
                              text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""})
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def tensorflow():
    """The Python that has TensorFlow: this one, or DIARIST_TENSORFLOW; none if neither has."""
    if "DIARIST_TENSORFLOW" in os.environ:
        return os.environ["DIARIST_TENSORFLOW"]
    return sys.executable if importlib.util.find_spec("tensorflow") else None


# -- GGUF --------------------------------------------------------------------------------------------------------------

GGUF_NAMES = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm",
              "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up",
              "mlp.c_proj": "ffn_down"}


LLAMA_SHAPES = {  # tokenizers of bytes; sizes that no real model has
    "a tied Llama": dict(hidden_size=36, intermediate_size=52, num_attention_heads=6, num_key_value_heads=3,
                         tie_word_embeddings=True),
    "a Llama with a head of its own, of heads wider than its share": dict(
        hidden_size=44, intermediate_size=60, num_attention_heads=4, num_key_value_heads=1, head_dim=14),
    "a Llama without groups": dict(hidden_size=40, intermediate_size=28, num_attention_heads=5, num_key_value_heads=5),
    "a Mistral with a window": dict(hidden_size=36, intermediate_size=68, num_attention_heads=6, num_key_value_heads=2,
                                    head_dim=10, sliding_window=7),
}


def tiny_llama(shape, vocab=257, layers=3, positions=64, seed=1):
    """A Llama of one of LLAMA_SHAPES, or, where it has a window, a Mistral, with random weights."""
    config, model = (MistralConfig, MistralForCausalLM) if "sliding_window" in shape else (LlamaConfig, LlamaForCausalLM)
    rope = {"rope_type": "default", "rope_theta": 500.0}
    model = model(config(**{"tie_word_embeddings": False} | shape, vocab_size=vocab, num_hidden_layers=layers, rms_norm_eps=1e-5,
                         max_position_embeddings=positions, rope_parameters=rope, bos_token_id=vocab - 1,
                         eos_token_id=vocab - 1, pad_token_id=None)).eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            x = torch.randn(p.shape, generator=random)
            if p.dim() == 1:
                x = 1 + 0.1 * x
            elif "embed_tokens" in name or "lm_head" in name:
                x *= 2 / p.shape[1] ** 0.5
            else:
                x *= 1.5 / p.shape[1] ** 0.5
            p.copy_(x)
    return model


def llama_folder(out, model, tokenizer):
    """As save_pretrained writes it, with the tokenizer's files of another folder."""
    model.save_pretrained(out)
    for name in TOKENIZER:
        shutil.copy(Path(tokenizer) / name, out)
    return out


LLAMA_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
               "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
               "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def llama_gguf_name(key):
    """GGUF's name of one of Llama's keys, with `model.` before it or without."""
    key = key.removeprefix("model.")
    if key.startswith("layers."):
        _, n, layer = key.removesuffix(".weight").split(".", 2)
        return f"blk.{n}.{LLAMA_NAMES[layer]}.weight"
    return {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}[key]


def gguf_name(key):
    """GGUF's name of one of GPT-2's keys."""
    layer, kind = key.rsplit(".", 1)
    if layer.startswith("h."):
        _, n, layer = layer.split(".", 2)
        return f"blk.{n}.{GGUF_NAMES[layer]}.{kind}"
    return f"{GGUF_NAMES[layer]}.{kind}"


def save_gguf(path, model, tensors, tokenizer, half=False):
    """A GGUF by the `gguf` package, with what llama.cpp's converter writes for GPT-2."""
    import gguf

    c = model.config
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_type("model")
    writer.add_name("tiny")
    writer.add_block_count(c.n_layer)
    writer.add_context_length(c.n_positions)
    writer.add_embedding_length(c.n_embd)
    writer.add_feed_forward_length(4 * c.n_embd)
    writer.add_head_count(c.n_head)
    writer.add_layer_norm_eps(c.layer_norm_epsilon)
    writer.add_file_type(1 if half else 0)
    writer.add_quantization_version(2)
    vocab = sorted(json.loads((Path(tokenizer) / "vocab.json").read_text()).items(), key=lambda x: x[1])
    merges = [x for x in (Path(tokenizer) / "merges.txt").read_text().split("\n")[1:] if x]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in vocab])
    writer.add_token_types([3 if token == "<|endoftext|>" else 1 for token, _ in vocab])
    writer.add_token_merges(merges or ["ÿ ÿ"])  # llama.cpp wants one: this never fires, as no UTF-8 holds the byte FF
    for add in (writer.add_bos_token_id, writer.add_eos_token_id):
        add(c.eos_token_id)
    for key, x in tensors.items():
        x = x.float().T.contiguous() if key.endswith(TRANSPOSED) else x.float()
        small = x.dim() == 1 or key == "wpe.weight" or not half
        writer.add_tensor(gguf_name(key), x.numpy().astype(np.float32 if small else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
