"""A `diarist serve` of one's own for the checks beside it, requests of plain HTTP to it, and how a check is counted."""
import http.client, json, os, pathlib, re, signal, subprocess, threading, time


def must(holds, what):
    """Counts a check, and says it."""
    must.count += 1
    if not holds:
        must.failed.append(what)
    print(("ok    " if holds else "FAILS ") + what, flush=True)
    return bool(holds)
must.count, must.failed = 0, []


def finish():
    """Says how many there were; what the program exits with."""
    print(f"{must.count} checks, {len(must.failed)} failed" + "".join(f"\n  {what}" for what in must.failed))
    return 1 if must.failed else 0


class Served:
    """The server on a free port of 127.0.0.1, until the end of a `with`. What it writes is kept in `out` and `err`."""

    def __init__(self, diarist, *models, more=(), env=None, cwd=None, before=()):
        command = [*before, diarist, "serve", *map(str, models), "--port", "0", "--device", "cpu", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env, cwd=cwd)
        self.out, self.err = [], []
        for pipe, lines in [(self.process.stdout, self.out), (self.process.stderr, self.err)]:
            threading.Thread(target=lambda pipe=pipe, lines=lines: lines.extend(pipe), daemon=True).start()
        ends = time.monotonic() + 120
        while not (found := re.search(rb"http://[^/]*:(\d+)/", b"".join(self.out))):
            if self.process.poll() is not None or time.monotonic() > ends:
                self.process.kill()
                time.sleep(0.1)
                raise SystemExit("the server did not start:\n" + b"".join(self.err).decode())
            time.sleep(0.02)
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Ctrl-C, and the status that it ends with."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return must(False, "Ctrl-C ends the server within 20 seconds")

    def lives(self):
        return self.process.poll() is None

    def pid(self):
        """Of the server itself, where something (strace) stands before it."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else self.process.pid

    def memory(self):
        """Resident memory, in MiB."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid()}/status").read_text())[1]) / 1024

    def ask(self, path, body=None, headers={}, timeout=300):
        """The status and the body, read as JSON where it is. A body of bytes goes as it is, anything else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request("GET" if body is None else "POST", path, data, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            data = answer.read()
            try:
                return answer.status, json.loads(data)
            except ValueError:
                return answer.status, data
        finally:
            connection.close()

    def writes(self, model, prompt="The rain ", **more):
        """A short text of a model; nothing where it is refused."""
        status, answer = self.ask("/v1/completions", {"model": model, "prompt": prompt, "seed": 1, "max_tokens": 8, **more})
        return answer["choices"][0]["text"] if status == 200 else None


def sampled(diarist, model, prompt, seed, tokens, n=1):
    """What `diarist sample` writes with the same seed."""
    command = [diarist, "sample", str(model), "--prompt", prompt, "--seed", str(seed), "--max-tokens", str(tokens), "--device", "cpu", "--json"]
    done = subprocess.run([*command, "--num-samples", str(n)], capture_output=True, check=True)
    return [sample["text"] for sample in json.loads(done.stdout)["samples"]]


def shown(answer):
    """The message of an error in OpenAI's shape, or nothing where it has none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    return error["message"] if isinstance(error, dict) and set(error) == {"message", "type", "param", "code"} else None
