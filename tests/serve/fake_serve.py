"""A server as `diarist serve` is one, with canned answers, cut at awkward borders or slow: for `check_page.py`."""
import http.server, json, pathlib, time

PAGE = pathlib.Path(__file__).resolve().parents[2] / "src/serve/page.html"
POLICY = ("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
          "base-uri 'none'; form-action 'none'")
HOSTILE = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>&amp;"
ENTRY = "I am anxious to-day, and the rain has not ceased since morning."
ROOM = 904 # of a context of 1,024, where the answer may have 120
CHAT = "You wrote \U0001f327 “the rain has not ceased since morning”, and once “I was never afraid”. \U0001f600 That is all."


class Fake(http.server.ThreadingHTTPServer):
    """What is asked of it stands in `asked`; `token`, `away`, `fail` and `log` change how it answers. A character is a token of its models."""
    daemon_threads = True
    token, away, fail, models_fail, log = None, False, None, False, False

    def __init__(self):
        self.asked, self.broken_off, self.paths = [], 0, []
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, address):
        pass  # a browser that stops reading is what is tested


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if kind.startswith("text/html"):
            self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message, code=None):
        self.reply(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})

    def allowed(self):
        server = self.server
        server.paths.append(self.path)
        if server.away:
            self.close_connection = True
            return False
        if server.token and self.headers.get("Authorization") != f"Bearer {server.token}":
            self.refuse(401, "A token is needed.", "invalid_api_key")
            return False
        return True

    def do_GET(self):
        if self.path == "/":
            return self.reply(200, PAGE.read_bytes(), "text/html; charset=utf-8")
        if not self.allowed():
            return None
        if self.server.models_fail:
            return self.reply(502, b"<html>bad gateway", "text/html; charset=utf-8x")
        names = [("barbellion-124m", "diary", "## {date}\n", True), ("pepys", "pairs", None, False), ("hostile " + HOSTILE, "diary", None, False)]
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "diarist",
                 "diarist": {"form": form, "context": 1024, "header": header, "recall": recall, "log": self.server.log}} for name, form, header, recall in names]
        data += [{"id": "words", "object": "model", "created": 0, "owned_by": "diarist", "diarist": {"form": "embeddings"}}]
        self.reply(200, {"object": "list", "data": data})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.allowed():
            return None
        self.server.asked.append((self.path, body))
        if self.server.fail:
            return self.refuse(*self.server.fail)
        return {"/v1/completions": self.complete, "/v1/chat/completions": self.chat, "/diarist/score": self.score,
                "/diarist/leans": self.leans}[self.path](body)

    def stream(self, pieces, cut=3, pause=0.0, end=b"data: [DONE]\n\n", crlf=False):
        """Sends events in chunks of `cut` bytes, which end within characters, within "data:" and between \\r and \\n."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        event = lambda piece: "".join(f"data: {line}\n" for line in json.dumps(piece, ensure_ascii=False, indent=1 if crlf else None).split("\n"))
        events = b": hello\n\n" + "".join(event(piece) + "\n" for piece in pieces).encode() + end
        if crlf: # and data of several lines, which no \r\n that is cut in two may end
            events = events.replace(b"\n", b"\r\n")
        try:
            for i in range(0, len(events), cut):
                part = events[i:i + cut]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
                time.sleep(pause)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.server.broken_off += 1
            self.close_connection = True

    def complete(self, body):
        prompt, seed = body["prompt"], body["seed"]
        piece = lambda text, finish=None, **more: {"object": "text_completion", "model": body["model"], "choices": [{"index": 0, "text": text, "finish_reason": finish}], **more}
        if body.get("recall"):
            return self.refuse(400, "'recall' is not supported here.", "unsupported_value")
        # As the real one: of what is too long the heading stays and the end, and it is said with the first piece and the last.
        room = ROOM - len(body.get("heading", ""))
        own = {} if len(prompt) <= room else {"diarist": {"left_out_tokens": len(prompt) - room, "read_from": len(prompt[:-room].encode("utf-16-le")) // 2}}
        if prompt.endswith("SLOW"):
            return self.stream([piece(f" word{i}") for i in range(400)], cut=120, pause=0.05)
        if prompt.endswith("HOSTILE"):
            return self.stream([piece(" " + HOSTILE)])
        if prompt.endswith("NOTHING"):
            return self.stream([piece("", "stop")])
        if prompt.endswith("BREAKS"):
            return self.stream([piece(" half a")], end=b"")
        if prompt.endswith("LATE"):
            return self.stream([piece(" half a"), {"error": {"message": "The device is lost: start serve again.", "code": None}}])
        words = [" walked", " to", " the", " café", " \U0001f327\ufe0f", f" {body['model'].split('-')[0][:12]}", f" {seed}", ".\n", "日記"]
        first, *rest = [piece(word) for word in words]
        return self.stream([{**first, **own}, *rest, piece("", "length", **own)], cut=1 if seed % 2 else 2, crlf=seed % 3 == 0)

    def chat(self, body):
        last, slow = body["messages"][-1]["content"], False
        piece = lambda text, finish=None, **more: {"object": "chat.completion.chunk", "model": body["model"], "choices": [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}], **more}
        role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
        if "slow" in last:
            return self.stream([role] + [piece(f"word{i} ") for i in range(400)], cut=150, pause=0.05)
        if "hostile" in last:
            found = {"sources": [{"name": HOSTILE, "date": None, "text": HOSTILE}], "unsupported": [[0, 4], [2, 5], [-1, 3], [9, 4000]]}
            return self.stream([role, piece(HOSTILE), piece("", "stop", diarist=found)])
        if "outgrown" in last:
            own = {"diarist": {"dropped_turns": 2}}
            return self.stream([{**role, **own}, piece("Still here."), piece("", "stop", **own)])
        if not body.get("recall"):
            return self.stream([role, piece(f"{body['model']} heard {len(body['messages'])}: "), piece(f"{last} {body['seed']}"), piece("", "stop")], cut=5)
        quote = "“I was never afraid”"
        start = len(CHAT[:CHAT.index(quote)].encode("utf-16-le")) // 2
        found = {"sources": [{"name": "1903-05-01", "date": "1903-05-01", "text": ENTRY}, {"name": "1903-06.txt", "date": "1903-06-02", "text": "Fine."}],
                 "unsupported": [[start, start + len(quote)]]}
        return self.stream([role] + [piece(letter) for letter in CHAT] + [piece("", "stop", diarist=found)], cut=7)

    def score(self, body):
        text, tokens, at = body["text"], [], 0
        if len(text) > 4000:
            return self.refuse(400, "The text is too long.", "context_length_exceeded")
        for i, word in enumerate(text.split(" ")):
            units = len((" " * (i > 0) + word).encode("utf-16-le")) // 2
            bits = None if i == 0 else 2.0 + (7 * i) % 17
            half = units // 2 if units > 6 else units # a long word is two tokens
            tokens += [{"text": "", "start": at, "end": at + half, "bits": bits}]
            tokens += [{"text": "", "start": at + half, "end": at + units, "bits": 1.5}] if half < units else []
            at += units
        self.reply(200, {"tokens": tokens})

    def leans(self, body):
        text, words = body["text"], "rain has not ceased"
        start = text.find(words)
        start = -1 if start < 0 else len(text[:start].encode("utf-16-le")) // 2
        self.reply(200, {"leans": [] if start < 0 else [{"name": "1903-05-01", "date": "1903-05-01", "words": 4, "text": ENTRY, "start": start, "end": start + len(words)},
                                                       {"name": "note.md", "date": None, "words": 2, "text": "rain has", "start": start, "end": start + 8}]})
