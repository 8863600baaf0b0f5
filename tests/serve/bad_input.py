#!/usr/bin/env python3
"""What goes wrong around `diarist serve`: a port in use, a model that is being trained, a run that is deleted, prompts of 10 MB, bodies that
are no UTF-8, weights that are no numbers. Each must give one clear error, and the server must live on. And what is said to it must stand
nowhere, but in the log where one is asked for, with mode 0600 (under strace, where that is installed).

    tests/serve/bad_input.py --diarist PROGRAM --model RUN [--slower MODEL] [--only WORD]

RUN is a small run of a diary in bytes. It is copied; nothing is written into it. MODEL is another, with a tokenizer of BPE.
"""
import argparse, http.client, json, os, pathlib, shutil, socket, struct, subprocess, sys, tempfile, threading, time

from served import Served, finish, must, sampled, shown

PROMPT, SEED, TOKENS = "The rain ", 1, 8
# Words that no program and no model has of itself.
SECRET = "quokkas at Ypsilanti"


def clear(answer, status, what, *words):
    """That an answer is an error in OpenAI's shape with this status and these words in its message, in one sentence of a line."""
    message = shown(answer[1]) if isinstance(answer[1], dict) else None
    good = answer[0] == status and message and all(word in message for word in words) and "\n" not in message
    return must(good, f"{what}: {answer[0]} {message or str(answer[1])[:200]}")


def port_in_use(diarist, model, folder):
    with Served(diarist, model) as first:
        for kind in ("a diarist", "another program"):
            other = socket.create_server(("127.0.0.1", 0)) if kind == "another program" else None
            port = other.getsockname()[1] if other else first.port
            done = subprocess.run([diarist, "serve", model, "--port", str(port), "--device", "cpu"], capture_output=True, text=True, timeout=60)
            last = done.stderr.strip().splitlines()
            must(done.returncode not in (0, 101) and any(f"port {port} is in use" in line for line in last) and "--port" in last[-1], f"a port that {kind} has: {done.returncode} {' / '.join(last[-2:])}")
            must(not done.stdout, "and nothing on stdout")
        must(first.writes(model.name) is not None, "the first lives on")


def being_trained(diarist, model, folder):
    journal, run = folder / "journal", folder / "trained"
    journal.mkdir()
    for day in range(1, 29):
        (journal / f"2021-02-{day:02}.md").write_text(f"Rain on day {day}, and wind. I wrote to my sister and went to bed early. " * 4)
    command = [diarist, "train", journal, "--out", run, "--from", "scratch", "--steps", "100000", "--save-every", "10", "--context", "16", "--batch", "1", "--accumulate", "1", "--device", "cpu", "--threads", "1", "--optimizer", "adamw"]
    log = open(folder / "train.log", "wb")
    training = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        saved = lambda: json.loads((run / "run.json").read_text()) if (run / "run.json").exists() else None
        ends = time.monotonic() + 90
        while not (run / "model.safetensors").exists() and training.poll() is None and time.monotonic() < ends:
            time.sleep(0.02)
        if not must((run / "model.safetensors").exists(), "a training has saved" + ("" if training.poll() is None else (folder / "train.log").read_text()[-600:])):
            return
        with Served(diarist, run, model) as server:
            texts, states, bad, listed = set(), set(), [], set()
            # Until it has been saved twice, on a slow computer too.
            least, ends, over = time.monotonic() + 12, time.monotonic() + 90, threading.Event()
            # Longer answers overlap all the while: nobody finds the model at rest.
            def always():
                while not over.is_set():
                    status, answer = server.ask("/v1/completions", {"model": "trained", "prompt": PROMPT, "max_tokens": 60})
                    status == 200 or bad.append((status, shown(answer)))
            crowd = [threading.Thread(target=always) for _ in range(3)]
            for each in crowd:
                each.start()
            while time.monotonic() < ends and (len(states) < 3 or time.monotonic() < least):
                states.add((run / "model.safetensors").stat().st_mtime_ns)
                status, answer = server.ask("/v1/completions", {"model": "trained", "prompt": PROMPT, "seed": SEED, "max_tokens": 24})
                texts.add(answer["choices"][0]["text"]) if status == 200 else bad.append((status, shown(answer)))
                listed.add(server.ask("/v1/models/trained")[1]["created"])
                time.sleep(0.05)
            must(training.poll() is None, "it is still being trained")
            must(not bad, f"each of the requests meanwhile is answered {bad[:2]} ({len(bad)} are not)")
            over.set()
            for each in crowd:
                each.join()
            must(len(listed) > 1, f"it is listed with when it was saved: {sorted(listed)}")
            must(len(texts) > 1 and len(states) > 1, f"by what was saved since: {len(texts)} texts, {len(states)} states")
            training.send_signal(2)
            training.wait(60)
            last = sampled(diarist, run, PROMPT, SEED, 24)[0]
            answer = server.writes("trained", seed=SEED, max_tokens=24)
            must(answer == last, f"when it was stopped, by its last state: {answer!r}")
            must(server.writes(model.name) is not None, "the other model answers")
    finally:
        training.kill()
        training.wait()
        log.close()


def not_begun(diarist, model, folder):
    """A run's folder in which nothing is saved yet."""
    empty = folder / "empty"
    empty.mkdir()
    shutil.copy(model / "config.json", empty)
    done = subprocess.run([diarist, "serve", empty, "--port", "0", "--device", "cpu"], capture_output=True, text=True, timeout=60)
    must(done.returncode not in (0, 101) and "next:" in done.stderr, f"a folder without a model: {done.returncode} {' / '.join(done.stderr.strip().splitlines()[-2:])}")


def deleted(diarist, model, folder):
    run, away = folder / "deleted", folder / "away"
    shutil.copytree(model, run)
    with Served(diarist, run, model) as server:
        text = server.writes("deleted")
        must(text is not None, "a run is served")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        body = {"model": "deleted", "prompt": PROMPT, "max_tokens": 1500, "stream": True}
        connection.request("POST", "/v1/completions", json.dumps(body))
        stream = connection.getresponse()
        stream.read(1)
        run.rename(away)
        must(stream.read().endswith(b"data: [DONE]\n\n"), "what has begun goes on when it is deleted")
        how = {"model": "deleted", "prompt": PROMPT, "seed": SEED, "max_tokens": TOKENS}
        clear(server.ask("/v1/completions", how), 404, "what is asked then is refused", "deleted", "no longer there")
        clear(server.ask("/v1/completions", {**how, "stream": True}), 404, "streamed, too", "no longer there")
        clear(server.ask("/v1/chat/completions", {"model": "deleted", "messages": [{"role": "user", "content": "?"}]}), 404, "and in a chat", "no longer there")
        clear(server.ask("/diarist/score", {"model": "deleted", "text": "rain"}), 404, "and scored", "no longer there")
        must(server.writes(model.name) is not None, "the other model answers")
        run.mkdir()
        shutil.copy(away / "config.json", run)
        half = server.ask("/v1/completions", how)
        clear(half, half[0] if half[0] in (404, 500) else 500, "of half a run, too")
        shutil.rmtree(run)
        away.rename(run)
        must(server.writes("deleted") == text, "put back, it writes as before")
        shutil.rmtree(run)
        must(server.ask("/v1/completions", how)[0] == 404 and server.writes(model.name) is not None, "deleted, it is gone and the other answers")


def ten_megabytes(diarist, model, folder, slower):
    long = "It rained and rained, and nobody came. " * (10 * 1024 * 1024 // 39 - 20)
    with Served(diarist, model, *slower) as server:
        for name, form in [(listed["id"], listed["diarist"]["form"]) for listed in server.ask("/v1/models")[1]["data"]]:
            # It is opened when it is first asked for: that is not what is timed.
            must(server.writes(name, max_tokens=1) is not None, f"{name} writes")
            began = time.monotonic()
            status, answer = server.ask("/v1/completions", {"model": name, "prompt": long, "seed": SEED, "max_tokens": 4})
            took = time.monotonic() - began
            must(status == 200 and took < 30, f"{name}: 10 MB go on from their end, after {took:.1f} s: {answer if status != 200 else answer['usage']}")
            began = time.monotonic()
            talk = {"model": name, "messages": [{"role": "user", "content": long}], "max_tokens": 4}
            if form == "diary":
                must(server.ask("/v1/chat/completions", talk)[0] == 200, f"{name}: a diary of 10 MB goes on from its end")
            else:
                clear(server.ask("/v1/chat/completions", talk), 400, f"{name}: a question of 10 MB", "tokens")
            must(time.monotonic() - began < 10, f"after {time.monotonic() - began:.1f} s")
            clear(server.ask("/diarist/score", {"model": name, "text": long}), 400, f"{name}: and no text of 10 MB is scored", "tokens")
            # Others must not wait for it.
            slow = threading.Thread(target=server.ask, args=("/v1/completions", {"model": name, "prompt": long, "max_tokens": 1}))
            slow.start()
            time.sleep(0.3)
            began = time.monotonic()
            written = server.writes(model.name)
            must(written is not None and time.monotonic() - began < 2, f"who asks meanwhile waits {time.monotonic() - began:.2f} s")
            slow.join()
        over = {"model": model.name, "prompt": long + "x" * 40000, "max_tokens": 1}
        clear(server.ask("/v1/completions", over), 413, "more than 10 MiB", "KiB")
        stops = {"model": model.name, "prompt": "a", "max_tokens": 4, "stop": ["x" * (9 << 20)]}
        must(server.ask("/v1/completions", stops)[0] == 200, "a stop string of 9 MB")
        many = {"model": model.name, "prompt": ["a"] * 200_000, "max_tokens": 1}
        clear(server.ask("/v1/completions", many), 400, "200,000 prompts", "128")
        must(server.lives() and server.writes(model.name) is not None, f"the server lives on, in {server.memory():.0f} MiB")


def no_utf8(diarist, model, folder):
    with Served(diarist, model) as server:
        name = model.name.encode()
        for what, body, *words in [
            ("a body that is no UTF-8", b'{"model":"' + name + b'","prompt":"\xff\xfe"}', "UTF-8"),
            ("a character cut short", b'{"model":"' + name + b'","prompt":"\xe2\x80"}', "UTF-8"),
            ("UTF-16", json.dumps({"model": "x"}).encode("utf-16"), "UTF-8"),
            ("half a surrogate", b'{"model":"' + name + b'","prompt":"\\ud83d"}', "JSON"),
            ("no JSON", b"The rain", "JSON"),
            ("nothing", b"", "JSON"),
            ("a list", b"[]", "JSON object"),
            ("an abyss", b"[" * 100_000, "JSON"),
            ("a number without an end", b'{"model":"' + name + b'","prompt":"a","temperature":1e999}', "JSON"),
            ("NaN", b'{"model":"' + name + b'","prompt":"a","temperature":NaN}', "JSON"),
        ]:
            for path in ("/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/diarist/score"):
                answer = server.ask(path, body)
                good = answer[0] == 400 and all(word in (shown(answer[1]) or "") for word in words)
                if not good or path == "/v1/completions":
                    clear(answer, 400, f"{path}: {what}", *words)
        zero = server.ask("/v1/completions", {"model": model.name, "prompt": "a\0b\u202e\ufeff\U0010ffff", "max_tokens": 2, "echo": True})
        must(zero[0] == 200 and zero[1]["choices"][0]["text"].startswith("a\0b\u202e\ufeff\U0010ffff"), "odd characters are text")
        must(server.lives() and server.writes(model.name) is not None, "the server lives on")


def with_weights(model, run, name, value):
    """A copy of a model whose tensors of this name hold nothing but one value."""
    shutil.copytree(model, run)
    for file in run.rglob("*.safetensors"):
        data = bytearray(file.read_bytes())
        size, = struct.unpack_from("<Q", data)
        for key, about in json.loads(data[8:8 + size]).items():
            if key.endswith(name):
                start, end = about["data_offsets"]
                data[8 + size + start:8 + size + end] = struct.pack("<f", value) * ((end - start) // 4)
        file.write_bytes(data)


def no_numbers(diarist, model, folder):
    """Weights that are no numbers are seen when the model is opened; weights that are, and whose logits are not, when it writes."""
    runs = [
        (folder / "nan", "h.0.mlp.c_fc.weight", float("nan"), "not finite"),
        (folder / "nan-logits", "h.0.mlp.c_proj.bias", 3e38, "finite"),
        (folder / "nan-at-the-end", "ln_f.weight", 3e38, "finite"),
    ]
    for run, name, value, _ in runs:
        with_weights(model, run, name, value)
    done = subprocess.run([diarist, "serve", runs[0][0], "--port", "0", "--device", "cpu"], capture_output=True, text=True, timeout=60)
    must(done.returncode not in (0, 101) and "not finite" in done.stderr, f"alone, it is not served: {' / '.join(done.stderr.strip().splitlines()[-2:])}")
    with Served(diarist, model, *(run for run, _, _, _ in runs)) as server:
        for run, name, value, word in runs:
            how = {"model": run.name, "prompt": PROMPT, "seed": SEED, "max_tokens": TOKENS}
            for what, more in [("", {}), (", greedily", {"temperature": 0}), (", with logprobs", {"logprobs": 3}), (", with top_p", {"top_p": 0.9}), (", of all tokens", {"top_k": 0}), (", with best_of", {"best_of": 3}), (", with a penalty", {"frequency_penalty": 1})]:
                clear(server.ask("/v1/completions", {**how, **more}), 500, f"{value} in {name}{what}", word)
            status, answer = server.ask("/v1/completions", {**how, "stream": True})
            events = answer.decode().strip().split("\n\n") if isinstance(answer, bytes) else [json.dumps(answer)]
            last = events[-1].removeprefix("data: ")
            must(shown(json.loads(last)) is not None if last != "[DONE]" else False, f"streamed: {status}, {len(events)} events, {last[:300]}")
            clear(server.ask("/diarist/score", {"model": run.name, "text": "rain"}), 500, "scored", word)
            # A text that is on its way in another model is not disturbed.
            must(server.writes(model.name) is not None, "the model beside it answers")
        must(server.lives(), "the server lives on")


def files(*folders):
    """Every file below, and what it holds."""
    return {path: path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def nowhere(diarist, model, folder):
    run, places = folder / "run", [folder / "home", folder / "tmp", folder / "here"]
    shutil.copytree(model, run)
    for place in places:
        place.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(places[0]), "TMPDIR": str(places[1])}
    trace = folder / "trace"
    strace = ["strace", "-f", "-y", "-s", "4096", "-e", "trace=openat,open,creat,rename,renameat2,write,writev,pwrite64,connect,sendmsg", "-o", str(trace)]
    before_it = strace if shutil.which("strace") and subprocess.run([*strace, "true"], capture_output=True).returncode == 0 else []
    before = files(*places, run)
    with Served(diarist, run, env=env, cwd=places[2], before=before_it) as server:
        said = [
            server.ask("/v1/completions", {"model": "run", "prompt": SECRET, "seed": SEED, "max_tokens": 20}),
            server.ask("/v1/completions", {"model": "run", "prompt": SECRET, "max_tokens": 20, "stream": True, "echo": True}),
            server.ask("/v1/chat/completions", {"model": "run", "messages": [{"role": "user", "content": SECRET}], "max_tokens": 20}),
            server.ask("/diarist/score", {"model": "run", "text": SECRET}),
        ]
        must(all(status == 200 for status, _ in said), "four requests are answered")
        # What is refused is said to nobody else either.
        server.ask("/v1/completions", {"model": SECRET, "prompt": SECRET})
        server.ask("/v1/completions", {"model": "run", "prompt": SECRET, "temperature": SECRET})
        server.ask("/v1/completions", SECRET.encode() + b"\xff")
        server.ask(f"/{SECRET.replace(' ', '%20')}")
        written = said[0][1]["choices"][0]["text"]
        text = b"".join(server.out + server.err).decode()
        os.kill(server.pid(), 2)
        server.process.wait(20)
    time.sleep(0.2)
    text = b"".join(server.out + server.err).decode()
    must(SECRET not in text and written not in text, f"nothing of it on stdout or stderr ({len(text)} characters)")
    must("127.0.0.1" in text or "localhost" in text, "which say where it listens")
    must("nothing of what is said" in text, "and that nothing is written down")
    after = files(*places, run)
    must(before == after, f"no file is written in HOME, TMPDIR, here or the run: {[str(path) for path in after if after[path] != before.get(path)]}")
    if before_it:
        lines = trace.read_text(errors="replace").splitlines()
        opened = [line for line in lines if ("open(" in line or "openat(" in line or "creat(" in line) and ("O_WRONLY" in line or "O_RDWR" in line or "creat(" in line) and "= -1" not in line]
        opened = [line for line in opened if "/dev/" not in line and "/proc/" not in line and "/sys/" not in line]
        must(not opened, f"strace: no file is opened to be written {opened[:3]}")
        elsewhere = [line for line in lines if SECRET in line and "<socket:" not in line and "<TCP" not in line and "write" in line]
        must(not elsewhere, f"strace: none of it is written but to who asked {[line[:200] for line in elsewhere[:3]]}")
        connected = [line for line in lines if "connect(" in line]
        must(not connected, f"strace: it connects to nobody {connected[:3]}")
        must(any(SECRET in line for line in lines), "strace: (it sees what goes to who asked)")
    else:
        print("      without strace")


def log(diarist, model, folder):
    file = folder / "said.jsonl"
    for kind in ("a new log", "one that others could read"):
        if kind != "a new log":
            file.chmod(0o644)
        with Served(diarist, model, more=["--log", file]) as server:
            must(server.writes(model.name, SECRET) is not None, f"{kind}: a request")
            server.ask("/v1/completions", {"model": model.name, "prompt": SECRET, "temperature": 9})
            must(file.stat().st_mode & 0o777 == 0o600, f"{kind} has mode {file.stat().st_mode & 0o777:04o}")
            must(server.ask("/health")[1].get("log") == "ok", "/health says that it is written")
            server.end()
            text = b"".join(server.out + server.err).decode()
            must(str(file) in text and "all that is said" in text and SECRET not in text, "the server says where, and nothing of it")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    must(len(lines) == 4 and [line["status"] for line in lines] == [200, 400] * 2, f"a line for each request: {[line['status'] for line in lines]}")
    must(lines[0]["prompt"] == SECRET and lines[0]["texts"][0], "with what was asked and answered")
    done = subprocess.run([diarist, "serve", model, "--port", "0", "--device", "cpu", "--log", folder / "nowhere" / "log"], capture_output=True, text=True, timeout=60)
    must(done.returncode not in (0, 101) and "nowhere" in done.stderr, f"a log that cannot be: {' / '.join(done.stderr.strip().splitlines()[-2:])}")


CASES = [port_in_use, not_begun, being_trained, deleted, ten_megabytes, no_utf8, no_numbers, nowhere, log]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--diarist", required=True)
    parser.add_argument("--model", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--slower", type=pathlib.Path, help="a model with a tokenizer of BPE, for prompts of 10 MB")
    parser.add_argument("--only", default="", help="the case of this name")
    args = parser.parse_args()
    for case in CASES:
        if args.only not in case.__name__:
            continue
        print(f"{case.__name__.replace('_', ' ')}:")
        with tempfile.TemporaryDirectory() as folder:
            more = [[args.slower] if args.slower else []] if case is ten_megabytes else []
            case(args.diarist, args.model, pathlib.Path(folder), *more)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
