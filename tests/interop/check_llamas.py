"""Small random Llamas and Mistrals of odd sizes: transformers' folders as we read them, ours as transformers does, and our GGUF
in llama.cpp, which computes a window only where it knows the model for one that has it."""

import torch
from transformers import AutoModelForCausalLM

import forms
import llama
from common import LIMIT, case, convert, equal, finish, fresh, our_loss, relative, run_of, say, tensors_of, within

COUNT = 60  # ids, more than any window here
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def folders(what, folder, model, ids):
    tensors = forms.weights(model)
    within(f"{what}: loss", relative(our_loss(folder, ids), forms.loss(forms.with_weights(model, tensors), ids)), LIMIT)
    for dtype, kind in DTYPES.items():
        out = convert(folder, "hf", dtype)
        equal(f"{what} to hf {dtype}: weights", tensors_of(out), forms.rounded(tensors, kind))
        again, info = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
        wrong = [k for k in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[k]]
        kept = ("model_type", "head_dim", "num_key_value_heads", "rope_parameters", "rms_norm_eps", "tie_word_embeddings",
                "max_position_embeddings", "eos_token_id")
        wrong += [k for k in kept if getattr(again.config, k) != getattr(model.config, k)]
        wrong += ["window"] * (getattr(again.config, "sliding_window", None) != getattr(model.config, "sliding_window", None))
        say(not wrong and again.dtype == kind, f"{what} to hf {dtype}: opens as {type(again).__name__}", ", ".join(wrong))
        within(f"{what} to hf {dtype}: loss", relative(our_loss(out, ids), forms.loss(again, ids)), LIMIT)


def ggufs(what, folder, model, ids):
    tensors, out = forms.weights(model), convert(folder, "gguf", "f32")
    within(f"{what} to gguf: our loss", relative(our_loss(out, ids), forms.loss(forms.with_weights(model, tensors), ids)), LIMIT)
    equal(f"{what} to gguf and back to hf", tensors_of(convert(out, "hf")), tensors)
    equal(f"{what} to gguf: weights, by transformers", forms.weights(forms.of_gguf(out)), tensors)
    if not llama.found():
        return llama.missing(f"{what} in llama.cpp")
    window = getattr(model.config, "sliding_window", None)
    everything = forms.with_weights(model, tensors)
    if window:
        model.config.sliding_window = None
        everything = forms.with_weights(model, tensors)
        model.config.sliding_window = window
    model = forms.with_weights(model, tensors)
    # llama.cpp keeps a token that begins a character of several bytes to itself until the character is whole.
    shown = [(forms.logits(m, ids).argmax(-1) < 128).tolist() for m in (model, everything)]
    counts = [n + 1 for n in range(3, COUNT) if shown[0][n] and shown[1][n]]
    with llama.server(out, 128) as server:
        for count in (counts[0], counts[-1]):
            found = llama.furthest(server, model, ids[:count])
            if window and count > window:
                whole = llama.furthest(server, everything, ids[:count])
                # Not ours to change: the file says the window, and this program does not ask for it in a `llama`.
                heeds = "computes" if found < whole else "does not compute"
                say(min(found, whole) < llama.COARSE["f32"] < max(found, whole), f"{what}: llama.cpp {heeds} the window",
                    f"{found:.1e} from PyTorch with it, {whole:.1e} without, after {count} ids")
            else:
                within(f"{what}: llama.cpp after {count} ids, furthest", found, llama.COARSE["f32"])


for what, shape in forms.LLAMA_SHAPES.items():
    with case(what):
        model = forms.tiny_llama(shape)
        ids, folder = forms.some_ids(257, COUNT), forms.llama_folder(fresh("theirs"), model, run_of("bytes"))
        with case(f"{what}: folders"):
            folders(what, folder, model, ids)
        with case(f"{what}: GGUF"):
            ggufs(what, folder, model.float(), ids)
finish()
