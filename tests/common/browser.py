"""Chromium, driven over its debugging pipe (file descriptors 3 and 4)."""
import base64, json, os, pathlib, subprocess, time


class Browser:
    def __init__(self, profile):
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        def wire():
            os.dup2(to_read, 13); os.dup2(from_write, 14); os.dup2(13, 3); os.dup2(14, 4)
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update", "about:blank"]
        self.process = subprocess.Popen(["chromium", *flags], close_fds=False, preexec_fn=wire, stderr=subprocess.DEVNULL)
        os.close(to_read); os.close(from_write)
        self.out, self.input, self.rest, self.number, self.events, self.asked = to_write, from_read, b"", 0, [], 0
        self.session = None

    patience = 1.0 # more where what is waited for is a real model

    def read(self):
        while b"\0" not in self.rest:
            got = os.read(self.input, 1 << 20)
            if not got:
                raise SystemExit("the browser went away")
            self.rest += got
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, root=False, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session and not root:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        return self.number

    def call(self, method, root=False, **params):
        number = self.send(method, root, **params)
        while True:
            answer = self.read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)
            if answer.get("method") == "Page.javascriptDialogOpening":
                self.asked += 1
                self.send("Page.handleJavaScriptDialog", accept=True)

    def js(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression, seconds=8):
        end = time.time() + seconds * self.patience
        while time.time() < end:
            if self.js(expression):
                return True
            time.sleep(0.03)
        return False

    KEYS = {"Enter": (13, "\r"), "Tab": (9, None), "Escape": (27, None), "ArrowRight": (39, None), "ArrowLeft": (37, None), "z": (90, None), "y": (89, None), " ": (32, " ")}

    def key(self, key, control=False, shift=False):
        number, text = self.KEYS[key]
        common = dict(key=key, code={" ": "Space"}.get(key, key), windowsVirtualKeyCode=number, modifiers=2 * control + 8 * shift)
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **({"text": text} if text and not control else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screen(self, width, height, dark=False, reduced=False):
        self.width = width
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                          {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"}])

    def shot(self, path):
        time.sleep(0.3)
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
