"""llama.cpp opens our GGUF: its ids of a page, its greedy text, its log probabilities and its chat prompt against ours.

llama.cpp's fp32 is coarser than ours (its GELU looks up a table of f16), so where two tokens are nearly as likely it may
take the other; a greedy text may part at such a place and nowhere else.
"""

from transformers import AutoTokenizer, GPT2LMHeadModel

import forms
import llama
from common import PAGE, PROMPTS, case, convert, finish, our_greedy, run_of, same, say, tensors_of, within
from llama import COARSE, alike, furthest


def judged(name, run, dtype):
    what, gguf = f"{name} {dtype}", convert(run, "gguf", dtype)
    tokenizer, model = AutoTokenizer.from_pretrained(run), GPT2LMHeadModel.from_pretrained(run)
    if dtype == "f16":  # what the file holds
        model = forms.with_weights(model, {k: x.half() if x.dim() == 2 and k != "wpe.weight" else x
                                           for k, x in tensors_of(run).items()})
    context, vocab = model.config.n_positions, model.config.vocab_size
    with llama.server(gguf, context) as server:
        say(True, f"{what}: llama.cpp opens it", llama.version())
        page = PAGE.read_text()
        same(f"{what}: ids of the page", tokenizer(page)["input_ids"], server.ids(page))
        ids = forms.some_ids(vocab, 24)
        within(f"{what}: {min(vocab, 500)} log probabilities, furthest", furthest(server, model, ids), COARSE[dtype])
        if dtype in ("f32", "f16"):
            for prompt in PROMPTS:
                start = server.ids(prompt)
                ours = [id for id in our_greedy(gguf, prompt, 64) if id != tokenizer.eos_token_id]
                theirs = [id for id in server.greedy(start, 64) if id != tokenizer.eos_token_id]
                alike(f"{what}: greedy after {prompt!r}", model, start, ours, theirs)
        said = server.ask("/apply-template", messages=[{"role": "user", "content": "Dear diary,"}])["prompt"]
        say("Dear diary," in said and "<|im_start|>" not in said, f"{what}: the chat prompt", repr(said))


if llama.found():
    for name in ("bytes", "gpt2"):
        for dtype in COARSE:
            with case(f"{name} {dtype}"):
                judged(name, run_of(name), dtype)
else:
    llama.missing("llama.cpp")
finish()
