"""Our ids by a real SentencePiece BPE model with byte fallback, against those of `tokenizers` and of SentencePiece itself.

    pip install mistral-common sentencepiece protobuf tokenizers transformers
    python tests/interop/check_sentencepiece.py JOURNALS [FUZZED]

The model is Mistral's first (tokenizer.model.v1 in mistral-common); its tokenizer.json is made in the forms of
tests/fixtures/tokenizers/sentencepiece_forms.py. JOURNALS is a folder of texts, FUZZED the number of strings drawn beside them
(4,000 without it). No network. (Tested: mistral-common 1.13, sentencepiece 0.2, tokenizers 0.23.3, transformers 5.24.)
"""

import random
import sys
import tempfile
from pathlib import Path

import mistral_common
import sentencepiece
from ids import ROOT, ours
from transformers.convert_slow_tokenizer import import_protobuf

sys.path.insert(0, str(ROOT / "tests" / "fixtures" / "tokenizers"))
from sentencepiece_forms import FORMS, MORE, TEXTS, made  # noqa: E402  (after the path is set)

PARTS = [
    "\u2581", "<s>", "</s>", "<0x0A>", "<unk>", " ", "  ", "     ", "\n", "\r\n", "\t", "\u00e9", "e\u0301", "\U0001f6f6", "\U0001f469\u200d\U0001f467",
    "the", " the", "ing", "\u65e5\u672c", "\u3000", "\u200b", "\ufeff", "a", "x" * 40, "'", "\u2019", "\u2014", "1", "23", "\u00df",
]  # fmt: skip


def string(draw):
    def piece():
        planes = [(0, 0x24F), (0x250, 0xD7FF), (0xE000, 0x10FFFF)]
        return draw.choice(PARTS) if draw.random() < 0.7 else chr(draw.randint(*draw.choice(planes)))

    return "".join(piece() for _ in range(draw.randint(0, 24)))


def main():
    path = Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1"
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(path.read_bytes())
    texts = [file.read_bytes().decode("utf-8", "replace") for file in sorted(Path(sys.argv[1]).rglob("*")) if file.is_file()]
    draw = random.Random(2018)
    texts += [string(draw) for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 4_000)]
    texts += [text.encode("utf-8", "ignore").decode() for text in TEXTS + MORE] + ["a" * 5_000, " " * 3_000 + "x"]
    failed = 0
    for name, form in FORMS.items():
        tokenizer, letters = made(proto.pieces, form)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save(str(Path(folder) / "tokenizer.json"))
            found = ours(texts, Path(folder))
        theirs = [[one.encode(text, add_special_tokens=False).ids for one in (letters, tokenizer)] for text in texts]
        differ = [text for text, a, b in zip(texts, theirs, found, strict=True) if a != b]
        print(f"{name}: {len(texts)} texts, {sum(len(a) for a, _ in theirs)} tokens; {len(differ)} differ", *map(repr, differ[:5]))
        failed += len(differ)
        if form is None:
            processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
            apart = sum(processor.encode(text) != ids for text, (ids, _) in zip(texts, found, strict=True))
            print(f"SentencePiece itself differs on {apart}")
            failed += apart
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
