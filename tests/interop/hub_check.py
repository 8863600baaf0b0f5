"""`diarist fetch` against `huggingface_hub`: the same cache from the same server, and each finds what the other put there.

    pip install huggingface_hub
    python tests/interop/hub_check.py target/release/diarist

The server is this file's own, on this computer; it answers as huggingface.co does. Nothing leaves the computer.
"""

import hashlib
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPO, COMMIT = "openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"
WANTED = ["config.json", "generation_config.json", "merges.txt", "model.safetensors", "vocab.json"]
FILES = {
    ".gitattributes": b"*.safetensors filter=lfs\n",
    "config.json": b'{"model_type": "gpt2"}',
    "generation_config.json": b'{"bos_token_id": 50256}',
    "merges.txt": b"#version: 0.2\n",
    "model.safetensors": bytes(i * i % 251 for i in range(3_000_000)),
    "onnx/config.json": b"{}",
    "tf_model.h5": b"hdf5",
    "vocab.json": b'{"a": 0}',
}


def is_large(name):
    return name.endswith(".safetensors")


def etag(name):
    data = FILES[name]
    if is_large(name):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub(BaseHTTPRequestHandler):
    """The paths of huggingface.co: the list of files, a renamed model, small files, and large ones that lie elsewhere."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith(("/gpt2/", "/api/models/gpt2/")):
            return self.send(307, {"Location": self.path.replace("gpt2", REPO, 1)})
        if path.startswith(f"/api/models/{REPO}/tree/"):
            entries = []
            for name, data in FILES.items():
                blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
                entry = {"type": "file", "path": name, "size": len(data), "oid": blob}
                if is_large(name):
                    entry["lfs"] = {"oid": etag(name), "size": len(data), "pointerSize": 134}
                entries.append(entry)
            return self.send(200, {"Content-Type": "application/json"}, json.dumps(entries).encode())
        if path == f"/api/models/{REPO}/revision/main":
            siblings = [{"rfilename": name} for name in FILES]
            answer = {"_id": "0", "id": REPO, "modelId": REPO, "sha": COMMIT, "siblings": siblings, "private": False,
                      "tags": [], "downloads": 0, "likes": 0}
            return self.send(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
        for revision in ("main", COMMIT):
            name = path.removeprefix(f"/{REPO}/resolve/{revision}/")
            if name in FILES:
                headers = {"X-Repo-Commit": COMMIT}
                if is_large(name):
                    headers |= {"X-Linked-Etag": f'"{etag(name)}"', "X-Linked-Size": str(len(FILES[name]))}
                    there = f"http://{self.headers['Host']}/cdn/{name}".replace("127.0.0.1", "localhost")
                    return self.send(302, headers | {"Location": there})
                return self.send(200, headers | {"ETag": f'"{etag(name)}"'}, FILES[name])
        if path.startswith("/cdn/"):
            data, begin = FILES[path.removeprefix("/cdn/")], self.headers.get("Range")
            if begin:
                first = int(begin.removeprefix("bytes=").split("-")[0])
                part = {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
                return self.send(206, part, data[first:])
            return self.send(200, {}, data)
        return self.send(404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET


def tree(cache, model=f"models--{REPO.replace('/', '--')}"):
    """All of a model's folder, its links as they are, and the names of its locks."""
    found = {}
    for path in sorted((cache / model).rglob("*")):
        name = str(path.relative_to(cache))
        # snapshot_download's note of a commit's list of files, since huggingface_hub 1.x: it does without one, too.
        if "/trees" in name:
            continue
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file():
            found[name] = ("file", path.read_bytes(), oct(path.stat().st_mode))
        else:
            found[name] = ("folder", oct(path.stat().st_mode))
    return found


def python(code, home, endpoint, offline=False):
    """Runs code in a Python of its own: huggingface_hub reads the environment once."""
    env = dict(os.environ, HF_HOME=str(home), HF_ENDPOINT=endpoint, HF_HUB_DISABLE_PROGRESS_BARS="1",
               HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", NO_PROXY="*")
    if offline:
        env["HF_HUB_OFFLINE"] = "1"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def diarist(program, args, home, endpoint):
    env = dict(os.environ, HF_HOME=str(home), HF_ENDPOINT=endpoint, NO_PROXY="*", NODEVICE_SELECT="1")
    return subprocess.run([program, *args], env=env, capture_output=True, text=True)


def on_a_terminal(program, folder, endpoint, answer):
    """`train` without --from where a person sits: what it shows up to the question, and after the answer."""
    (folder / "notes.txt").write_text("Rain till noon, then the dog and I walked to the weir. " * 40)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        env = dict(os.environ, HF_HOME=str(folder / "hf"), HF_ENDPOINT=endpoint, NO_PROXY="*", NODEVICE_SELECT="1")
        os.execve(program, [program, "train", "notes.txt", "--device", "cpu"], env)
    shown, asked = b"", False
    while True:
        if b"[y/N]" in shown and not asked:
            asked = True
            os.write(terminal, answer)
        try:
            more = os.read(terminal, 4096)
        except OSError:  # how a terminal ends on Linux
            more = b""
        if not more:
            break
        shown += more
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert asked, shown
    return status, shown.decode(errors="replace")


def main():
    program = os.path.abspath(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, once = (Path(folder) / name for name in ("ours", "theirs", "once"))
        # These bytes are no model, so the trying out at its end fails; the files are there.
        done = diarist(program, ["fetch", "gpt2", "--device", "cpu"], ours, endpoint)
        assert "trying it on cpu" in done.stderr, done.stderr

        snapshot = ("from huggingface_hub import snapshot_download as s; "
                    f"print(s({REPO!r}, allow_patterns={WANTED}))")
        python(snapshot, theirs, endpoint)
        a, b = tree(ours / "hub"), tree(theirs / "hub")
        for name in sorted(a.keys() | b.keys()):
            if a.get(name) != b.get(name):
                print("differs:", name, str(a.get(name))[:80], "|", str(b.get(name))[:80])
        assert a == b, "the two caches differ"
        print(f"the same cache: {len(a)} files, links and folders, their bytes and modes")

        # Theirs finds ours, without a server; by the old name too where it looks for that.
        for name in WANTED:
            code = f"from huggingface_hub import hf_hub_download as d; print(d({REPO!r}, {name!r}, local_files_only=True))"
            assert Path(python(code, ours, "http://127.0.0.1:9", offline=True)).read_bytes() == FILES[name], name
        there = python(snapshot.replace("allow_patterns", "local_files_only=True, allow_patterns"), ours, "http://127.0.0.1:9")
        print("huggingface_hub finds what diarist fetched:", Path(there).relative_to(ours))

        # Ours finds theirs, under today's name and under the one of before.
        python("from huggingface_hub import snapshot_download as s; s('gpt2')", once, endpoint)
        for home in (theirs, once):
            done = diarist(program, ["fetch", "gpt2", "--offline"], home, "http://127.0.0.1:9")
            assert done.returncode == 0 and "here already" in done.stderr, done.stderr
            print("diarist finds what huggingface_hub fetched:", Path(done.stdout.strip()).relative_to(home))

        # The offer, on a terminal: after the preview; Enter alone is a no.
        for answer, comes in ((b"\n", False), (b"y\n", True)):
            place = Path(folder) / f"terminal-{comes}"
            place.mkdir()
            status, shown = on_a_terminal(program, place, endpoint, answer)
            assert shown.index("journal  1 entry") < shown.index("nothing of yours is sent") < shown.index("[y/N]"), shown
            assert ("trying it on cpu" in shown) == comes and ("nothing was fetched" in shown) != comes, shown
            assert (place / "hf").exists() == comes and status == 1, shown
        print("train asks on a terminal, and does what is answered")


if __name__ == "__main__":
    main()
