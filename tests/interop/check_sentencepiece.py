"""A real SentencePiece BPE model with byte fallback, Mistral's first (tokenizer.model.v1 of the wheel mistral-common): our ids
against those of `tokenizers`, of SentencePiece itself, and, out of the GGUF that we write, of llama.cpp.

Its tokenizer.json is made in the forms of tests/fixtures/tokenizers/sentencepiece_forms.py. The wheel is unpacked in a folder
of its own, DIARIST_MISTRAL: transformers would import it, and what it asks for, if it were installed.
"""

import os
import random
import sys
from pathlib import Path

import sentencepiece
from transformers.convert_slow_tokenizer import import_protobuf

import forms
import llama
from common import HERE, JOURNAL, PAGE, case, convert, diarist, finish, fresh, our_ids, same, say, skip

sys.path.insert(0, str(HERE.parent / "fixtures" / "tokenizers"))
from sentencepiece_forms import FORMS, MORE, TEXTS, made  # noqa: E402  (after the path is set)

FUZZED = int(os.environ.get("DIARIST_FUZZED", 60))  # each is a program's run
PARTS = [
    "\u2581", "<s>", "</s>", "<0x0A>", "<unk>", " ", "  ", "     ", "\n", "\r\n", "\t", "\u00e9", "e\u0301", "\U0001f6f6", "\U0001f469\u200d\U0001f467",
    "the", " the", "ing", "\u65e5\u672c", "\u3000", "\u200b", "\ufeff", "a", "x" * 40, "'", "\u2019", "\u2014", "1", "23", "\u00df",
]  # fmt: skip


def string(draw):
    def piece():
        planes = [(0, 0x24F), (0x250, 0xD7FF), (0xE000, 0x10FFFF)]
        return draw.choice(PARTS) if draw.random() < 0.7 else chr(draw.randint(*draw.choice(planes)))

    return "".join(piece() for _ in range(draw.randint(1, 24)))


def texts():
    draw = random.Random(2018)
    journal = sorted(file for file in JOURNAL.rglob("*") if file.suffix in (".md", ".txt"))
    out = [PAGE.read_text(), "\n".join(file.read_text() for file in journal)]
    out += [string(draw) for _ in range(FUZZED)]
    out += [text.encode("utf-8", "ignore").decode() for text in TEXTS + MORE] + ["a" * 5_000, " " * 3_000 + "x"]
    # A file of a text begins with what it says, not with the mark of its encoding.
    return [text for text in dict.fromkeys(out) if text and not text.startswith("\ufeff") and "\r" not in text]


def alike(what, found, wanted):
    """All texts' ids one after another, each text behind its number."""
    flat = lambda lists: [id for at, ids in enumerate(lists) for id in (-1 - at, *ids)]
    same(f"{what}, {len(wanted)} texts", flat(found), flat(wanted))


def judged(path):
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(path.read_bytes())
    shape = forms.LLAMA_SHAPES["a tied Llama"] | dict(hidden_size=12, intermediate_size=8)
    model = forms.tiny_llama(shape, vocab=len(proto.pieces), layers=1)
    model.config.bos_token_id, model.config.eos_token_id = 1, 2
    chosen = texts()
    for name, form in FORMS.items():
        with case(f"Mistral's tokenizer, {name}"):
            tokenizer, letters = made(proto.pieces, form)
            model.save_pretrained(folder := fresh("folder"))
            tokenizer.save(str(folder / "tokenizer.json"))
            wanted = [letters.encode(text, add_special_tokens=False).ids for text in chosen]
            alike(f"Mistral's tokenizer, {name}: tokenizers", [our_ids(folder, text) for text in chosen], wanted)
            if form and form[1]:
                said = diarist("convert", folder, fresh("no.gguf"), "--to", "gguf", fails=True)
                say("cuts no text into words" in said, f"Mistral's tokenizer, {name}: no GGUF, which could not say it")
                continue
            out = convert(folder, "gguf", "f32")
            # A GGUF has a space put before every text; this form, where one is there already, puts none.
            first = form and form[0] == "first"
            some = [at for at, text in enumerate(chosen) if not (first and text[0] in " \u2581")][:80]
            alike(f"Mistral's tokenizer, {name}: ours out of our GGUF", [our_ids(out, chosen[at]) for at in some],
                  [wanted[at] for at in some])
            if form is None:
                processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
                alike("Mistral's tokenizer: SentencePiece itself", [processor.encode(text) for text in chosen], wanted)
                if llama.found():
                    with llama.server(out, 64) as server:
                        alike("Mistral's tokenizer: llama.cpp on our GGUF", [server.ids(text) for text in chosen], wanted)
                else:
                    llama.missing("Mistral's tokenizer in llama.cpp")


if "DIARIST_MISTRAL" in os.environ:
    with case("Mistral's tokenizer"):
        judged(Path(os.environ["DIARIST_MISTRAL"]) / "mistral_common" / "data" / "tokenizer.model.v1")
else:
    skip("Mistral's tokenizer", "DIARIST_MISTRAL is no folder with the wheel mistral-common (pip install --no-deps --target)")
finish()
