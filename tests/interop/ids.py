"""Our ids of texts, for the scripts beside this one: by the test `ids_of_a_file`, which is no test by itself."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def ours(texts, tokenizer=None):
    """For each text, the ids of its letters, and those of it as a prompt. `tokenizer` is a folder, or what a GGUF has."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "texts.json").write_text(json.dumps(texts))
        environment = dict(os.environ, DIARIST_TEXTS=str(folder / "texts.json"), DIARIST_IDS=str(folder / "ids.json"))
        if isinstance(tokenizer, dict):
            (folder / "parts.json").write_text(json.dumps(tokenizer))
            tokenizer = folder / "parts.json"
        if tokenizer is not None:
            environment["DIARIST_TOKENIZER"] = str(tokenizer)
        test = ["--test", "program", "ids_of_a_file", "--", "--ignored", "--exact", "tokenizers::ids_of_a_file"]
        subprocess.run(["cargo", "test", "-q", *test], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        return json.loads((folder / "ids.json").read_text())
