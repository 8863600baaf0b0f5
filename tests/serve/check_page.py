#!/usr/bin/env python3
"""Drives the page that `diarist serve` gives, in a real headless Chromium over its debugging pipe (file descriptors 3 and 4): typing,
streaming, stop, accept, another, undo, two columns, chat with sources, surprise, leans, errors, hostile text, keys alone, narrow and wide,
light and dark. It serves the page itself, with canned answers that are cut at awkward borders and slow ones; or it has the real server
behind the page, with --diarist one that it starts itself with a run whose journals are still there, and a second one with a log and a token:
then all that a small model can show is looked at, held to what the server says to plain requests.

    tests/serve/check_page.py [--shots FOLDER] [--only WORD]
                              [--diarist target/release/diarist --run RUN | --url http://127.0.0.1:PORT/ [--token TOKEN]]
"""
import argparse, json, pathlib, re, sys, tempfile, threading, time, urllib.error, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from browser import Browser
from fake_serve import CHAT, ENTRY, HOSTILE, ROOM, Fake
from served import Served


def must(holds, what):
    must.count += 1
    if not holds:
        must.failed.append(what)
    print(("ok    " if holds else "FAILS ") + what)
must.count, must.failed = 0, []


class Checks:
    def __init__(self, browser, url, shots, fake, token, twins):
        self.b, self.url, self.shots, self.fake, self.token, self.twins = browser, url, shots, fake, token, twins

    def load(self, width=1100, height=850, dark=False):
        self.b.screen(width, height, dark)
        for url in ["about:blank", self.url]:
            self.b.call("Page.navigate", url=url)
            self.b.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")
        if self.token:
            self.b.until("!document.getElementById('token-asked').hidden")
            self.b.type(self.token)
            self.b.key("Enter")
        self.b.until("document.getElementById('run').options.length > 0 || !document.getElementById('no-runs').hidden || !document.getElementById('token-asked').hidden")

    def seen(self, id):
        return self.b.js(f"document.getElementById('{id}').checkVisibility()")
    def text(self, id):
        return self.b.js(f"document.getElementById('{id}').textContent")
    def value(self, id="text"):
        return self.b.js(f"document.getElementById('{id}').value")
    def click(self, id):
        self.b.js(f"document.getElementById('{id}').click()")
    def focus(self, id):
        self.b.js(f"document.getElementById('{id}').focus()")
    def choose(self, id, value):
        self.b.js(f"(() => {{ const e = document.getElementById('{id}'); e.value = {json.dumps(value)}; e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()")
    def write(self, text):
        self.focus("text")
        self.b.js("(() => { const t = document.getElementById('text'); t.setSelectionRange(t.value.length, t.value.length); })()")
        self.b.type(text)
    def fresh(self, text, **how):
        self.load(**how)
        self.write(text)
    def ghost(self):
        return self.b.js("document.querySelector('.ghost')?.textContent ?? null")
    def focused(self):
        return self.b.js("document.activeElement.id || document.activeElement.textContent.slice(0, 40)")
    def wait_idle(self, seconds=60):
        return self.b.until("document.getElementById('stop').hidden && document.getElementById('chat-stop').hidden", seconds)
    def fits(self):
        return self.b.js("document.documentElement.scrollWidth") <= self.b.width
    def shoot(self, name):
        if self.shots:
            self.b.shot(self.shots / f"{name}.png")
    def looks(self, name):
        """The page as it stands, at two widths, light and dark; it is nowhere wider than the window."""
        for width, height in [(360, 740), (1100, 850)]:
            for dark in [False, True]:
                self.b.screen(width, height, dark)
                self.shoot(f"{name}-{width}-{'dark' if dark else 'light'}")
            must(self.fits(), f"{name} is not wider than {width}")

    # Against any server.

    def common_opening(self):
        self.load()
        must(self.seen("text") and self.seen("go") and not self.seen("stop"), "a sheet stands ready")
        must(self.b.js("document.getElementById('run').options.length") > 0, "runs are listed by name: " + self.b.js("document.getElementById('run').value"))
        must("Nothing you write here is saved" in self.b.js("document.body.innerText"), "it says that nothing is saved")
        must(self.value("seed").isdigit(), "a seed is shown")
        must(self.b.js("getComputedStyle(document.body).backgroundColor") == "rgb(252, 251, 248)", "light")
        self.b.screen(1100, 850, True)
        must(self.b.js("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 26)", "dark")
        unnamed = self.b.js("[...document.querySelectorAll('button,input,select,textarea')].filter(e => !e.textContent.trim() && !e.labels?.length && !e.getAttribute('aria-label') || e.tagName === 'SELECT' && !e.labels.length).map(e => e.id)")
        must(not unnamed, f"everything has a name {unnamed}")
        self.b.screen(1100, 850, True, reduced=True)
        must(self.b.js("document.getAnimations().length === 0 && [...document.querySelectorAll('*')].every(e => parseFloat(getComputedStyle(e).transitionDuration) === 0)"), "nothing moves")
        must(self.b.js("['main','header','footer'].every(t => document.querySelectorAll(t).length === 1)"), "landmarks")
        for dark in [False, True]:
            self.b.screen(1100, 850, dark)
            poor = self.b.js(CONTRAST)
            must(not poor, f"text is well apart from its ground, {'dark' if dark else 'light'} {poor}")
        self.looks("empty")

    def common_write(self):
        self.load()
        self.b.js("document.querySelector('.more').open = true")
        self.choose("length", "12"); self.choose("seed", "11")
        must(self.b.js("document.getElementById('keep').checked"), "a seed that is typed is kept")
        self.write("It rained all day and I")
        self.b.key("Enter", control=True)
        must(self.b.until("document.querySelector('.ghost')?.textContent", 30), "Ctrl-Enter brings a suggestion")
        must(self.wait_idle(), "which ends")
        first = self.ghost()
        must(self.value() == "It rained all day and I" and bool(first), f"it is not in the text before it is accepted: {first!r}")
        must(self.text("told").startswith("Written: "), "a screen reader is told when it is done")
        self.b.key("Escape")
        must(self.ghost() is None, "Esc discards it")
        self.b.key("Enter", control=True); self.b.until("!document.getElementById('stop').hidden"); self.wait_idle()
        must(self.ghost() == first, "the same seed gives the same")
        self.click("another"); self.b.until("!document.getElementById('stop').hidden"); self.wait_idle()
        must(self.ghost() != first and self.value("seed") != "11", "another is another, by another seed")
        other = self.ghost()
        self.focus("text"); self.b.key("Tab")
        must(self.value() == "It rained all day and I" + other and self.focused() == "text", "Tab accepts it")
        self.b.key("z", control=True)
        must(self.value() == "It rained all day and I", "and Ctrl-Z takes it back")

    def common_stop(self):
        self.load()
        self.b.js("document.querySelector('.more').open = true")
        self.choose("length", "400"); self.write("It rained all day and I SLOW")
        self.click("go")
        must(self.b.until("(document.querySelector('.ghost')?.textContent ?? '').length > 20", 60), "a long one begins")
        must(self.focused() != "" and self.seen("stop"), "it can be stopped")
        self.b.key("Escape")
        must(self.b.until("document.getElementById('stop').hidden", 2), "Esc stops it at once")
        half = self.ghost(); time.sleep(0.4)
        must(half and self.ghost() == half, "nothing comes after that, and what came stays")
        must(self.text("told").startswith("Stopped: "), "as a screen reader is told")
        self.click("accept")
        must(self.value() == "It rained all day and I SLOW" + half, "half of it can be accepted")

    def common_chat(self):
        self.load()
        self.click("tab-chat")
        must(self.seen("say") and not self.seen("text") and not self.seen("voice"), "the other view")
        self.focus("say"); self.b.type("What did you do today?"); self.b.key("Enter")
        must(self.b.until("document.querySelector('#turns .said')?.textContent", 60), "an answer comes")
        must(self.wait_idle(), "and ends")
        must(self.value("say") == "" and self.focused() == "say", "the focus stays where one writes")
        self.click("clear")
        must(self.text("turns") == "" and self.seen("chat-empty"), "all is cleared")

    # Against a real server: what the page shows is held to what the server answers to plain requests.

    def api(self, path, body=None):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
    def model(self):
        """The first model's name, and what is ours of it."""
        first = self.api("v1/models")["data"][0]
        return first["id"], first["diarist"]
    def put(self, text):
        """A text on a fresh sheet, however long, with the cursor at its end."""
        self.load(); self.choose("text", text); self.focus("text")
        self.b.js("(() => { const t = document.getElementById('text'); t.setSelectionRange(t.value.length, t.value.length); })()")
    def texts(self, which):
        return self.b.js(f"[...document.querySelectorAll('{which}')].map(e => e.textContent)")
    def wait(self):
        self.b.until("!document.getElementById('stop').hidden || !document.getElementById('chat-stop').hidden", 1)
        return self.wait_idle(120)
    def says(self, line):
        self.focus("say"); self.b.type(line); self.b.key("Enter"); self.wait()

    def real_two_columns(self):
        self.put("It rained all day and I")
        names = self.b.js("[...document.getElementById('run').options].map(e => e.value)")
        if len(names) < 2:
            return print("      left out: the server has one model")
        self.choose("beside", names[1]); self.choose("length", "12"); self.choose("seed", "4")
        self.click("go"); self.wait()
        said = self.texts("#two .said")
        must(len(said) == 2 and all(said), f"two columns {said}")
        alone = [self.api("v1/completions", {"model": name, "prompt": "It rained all day and I", "heading": self.heading(name), "max_tokens": 12, "temperature": 0.8, "seed": 4})["choices"][0]["text"] for name in names[:2]]
        must(said == [text.lstrip() for text in alone], "each is what its model writes with this seed when it is asked alone")
        must(not self.twins or said[0] == said[1], "the same run twice writes the same twice")
        self.b.js("document.querySelectorAll('#two button')[1].click()")
        must(self.value().endswith(said[1]) and not self.seen("two"), "the second is accepted")
        self.choose("length", "2000"); self.click("go")
        must(self.b.until("[...document.querySelectorAll('#two .said')].filter(e => e.textContent.length > 15).length === 2", 30), "both stream at once")
        self.b.key("Escape"); must(self.b.until("document.getElementById('stop').hidden", 2), "and both stop")
    def heading(self, name):
        """The heading that the page puts before the text."""
        text = self.text("before")
        known = self.b.js("document.getElementById('voice').value") == "diary" and next(m["diarist"]["header"] for m in self.api("v1/models")["data"] if m["id"] == self.value("run"))
        return text + known[len(known.rstrip()):] if known else (text + "\n" if text else "")

    def real_heading(self):
        name, own = self.model()
        text = " ".join(f"w{i % 97}" for i in range(2 * own["context"]))
        self.put(text); self.choose("voice", "own"); self.choose("own", "Letter to H."); self.choose("length", "8"); self.choose("seed", "4")
        self.click("go"); self.wait()
        must((self.ghost() or "") != "", f"a text that is too long is gone on with: {self.ghost()!r}")
        said = re.search(r"read the last (\d+) word", self.text("note"))
        must(said is not None, "and it is said how much of it was read: " + self.text("note"))
        answer = self.api("v1/completions", {"model": name, "heading": "Letter to H.\n", "prompt": text, "max_tokens": 8, "seed": 4, "temperature": 0.8, "echo": True})
        told, whole = answer["diarist"], answer["choices"][0]["text"]
        read = text[told["read_from"]:]
        must(whole.startswith("Letter to H.\n" + read), f"the server keeps the heading, and leaves out {told['left_out_tokens']} tokens behind it")
        must(said and int(said[1]) == len(read.split()), f"as many words as it read, {len(read.split())}")
        must(whole == "Letter to H.\n" + read + self.ghost(), "and what the page shows was written below the heading")
        self.put("It rained."); self.choose("length", "8"); self.click("go"); self.wait()
        must(not self.seen("note"), "of a short one nothing is left out, nor said to be")

    def real_surprise(self):
        name, own = self.model()
        text = "It rained all day, and the unaccountable heron stood on the weir."
        self.put(text); self.choose("voice", "none"); self.click("surprise")
        must(self.b.until("document.querySelectorAll('#copy [class^=level]').length >= 12", 30), "words are coloured")
        titles = "[...document.querySelectorAll('#copy [class^=level]')].map(e => e.title)"
        bits = [float(found[1]) for title in self.b.js(titles) if (found := re.fullmatch(r"(?s).*: (\d+\.\d) bits", title))]
        scored = sum(token["bits"] for token in self.api("diarist/score", {"model": name, "text": text})["tokens"])
        # Blanks by themselves are no words; a tenth is rounded away of each.
        must(0.5 * scored < sum(bits) < scored + 0.1 * len(bits), f"by what the model scores: {sum(bits):.1f} of {scored:.1f} bits")
        most = [float(each.split()[-1]) for each in self.texts("#most button")]
        must(len(most) == 8 and most == sorted(most, reverse=True) and set(most) <= set(bits), f"the most surprising {most}")
        before = self.b.js(titles)[0]
        self.choose("voice", "own"); self.choose("own", "Zqx jkv")
        must(self.b.until(f"{titles}[0] !== undefined && {titles}[0] !== {json.dumps(before)}", 30), f"a heading before it changes how surprising the first word is: {before}, {self.b.js(titles)[0]}")
        self.put(" ".join(f"w{i % 97}" for i in range(9 * own["context"]))); self.click("surprise")
        must(self.b.until("document.getElementById('words-state').textContent.includes('Only the end')", 60), "of a very long text the end is: " + self.text("words-state"))

    def real_leans(self):
        _, own = self.model()
        if not own["recall"]:
            return print("      left out: the server does not look into entries (--recall)")
        found = self.api("diarist/recall", {"query": "rain", "k": 5})["passages"]
        line = next(line for passage in found for line in passage["text"].splitlines() if len(line.split()) >= 9)
        run = " ".join(line.split()[:9])
        self.put(f"Zyxq vwop: {run}; qwzx."); self.click("leans")
        must(self.b.until("document.querySelectorAll('#leaning-list li').length > 0", 30), "entries are listed: " + self.text("leaning-state"))
        marked = "".join(self.texts("#copy .lean"))
        must(len(marked.split()) >= 5 and marked in run, f"which share what is marked: {marked!r}")
        names = {name.rsplit(" · ", 1)[0] for name in self.texts("#leaning-list button")}
        must(self.text("leaning-state").startswith("One entry shares" if len(names) == 1 else f"{len(names)} entries share"), f"{len(names)} of them")
        must(all(int(each.rsplit(" · ", 1)[1].split()[0]) >= 5 for each in self.texts("#leaning-list button")), "each a run of five words or more")
        rare = sorted({word for word in re.findall(r"[a-z]{5,}", line)}, key=len)[-4:]
        self.put(" zyxq ".join(rare)); self.click("leans")
        must(self.b.until("document.getElementById('leaning-state').textContent.startsWith('No entry shares')", 30), "of words that are no run it is said that none is shared: " + self.text("leaning-state"))
        must(self.text("leaning-list") == "", "and none is shown")

    def real_recall(self):
        name, own = self.model()
        if not own["recall"]:
            return print("      left out: the server does not look into entries (--recall)")
        self.load(); self.click("tab-chat"); self.choose("length", "16"); self.choose("seed", "4")
        must(self.seen("recall-field"), "entries can be looked in")
        self.click("recall"); self.says("What of the rain?")
        answer = self.api("v1/chat/completions", {"model": name, "messages": [{"role": "user", "content": "What of the rain?"}], "recall": True, "max_tokens": 16, "temperature": 0.8, "seed": 4})
        text, told = answer["choices"][0]["message"]["content"], answer["diarist"]
        shown = self.b.js("document.querySelector('#turns .said')?.textContent ?? ''").replace(" (in none of the sources)", "")
        must(shown == text, f"the answer is the server's {shown!r}")
        found = [passage["text"] for passage in self.api("diarist/recall", {"query": "What of the rain?"})["passages"]]
        sources = self.texts(".source blockquote")
        must(sources == [source["text"] for source in told["sources"]] and all(source in found for source in sources), f"with the {len(sources)} of {len(found)} entries that stood before the question")
        must((f"It was given {len(sources)} passage" if sources else "It was given none") in self.text("turns"), "as is said")
        must(len(self.texts("#turns mark")) == len(told["unsupported"]), f"and {len(told['unsupported'])} quotations of its own are marked")
        refused = self.api("v1/completions", {"model": name, "prompt": "What of the rain?", "recall": True})
        must("chat/completions" in refused["error"]["message"], "a text that goes on is refused them: " + refused["error"]["message"])

    def real_turns(self):
        _, own = self.model()
        self.load(); self.click("tab-chat"); self.choose("length", "8")
        for _ in range(12):
            self.says("rain " * max(1, own["context"] // 8))
            if "left out" in self.text("turns"):
                break
        left = re.findall(r"first (\d+) questions? of this conversation", self.text("turns"))
        must(left and int(left[0]) >= 1, f"what a conversation outgrows is said to be left out: {left}")
        must(not self.texts("#turns .trouble"), "and it goes on")

    def log_and_token(self, file):
        """Against a server with a log and a token."""
        self.load()
        must("keeps a log" in self.text("kept") and "is saved" not in self.b.js("document.body.innerText"), "the page says that there is a log: " + self.text("kept"))
        self.write("Zyxq vwop"); self.choose("length", "8"); self.click("go"); self.wait()
        must(self.ghost(), f"with the token it writes {self.ghost()!r}")
        self.click("tab-chat"); self.click("recall"); self.says("What of the rain?")
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        must(len(lines) == 2 and lines[0]["prompt"].endswith("Zyxq vwop") and lines[0]["texts"] == [self.b.js("document.querySelector('.ghost').textContent")], f"what was written is in the log {lines[:1]}")
        must([entry["text"] for entry in lines[1]["entries"]] == self.texts(".source blockquote"), "and the entries that were given")

    # Against the canned answers.

    def write_more(self):
        self.fresh("I")
        must(self.text("before") == "## " + self.value("day"), "the diary's heading, with today: " + self.text("before"))
        self.choose("day", "1903-05-01")
        must(self.text("before") == "## 1903-05-01", "or another day")
        self.choose("seed", "9"); self.click("go"); self.wait_idle()
        path, asked = self.fake.asked[-1]
        must((path, asked["model"], asked["prompt"], asked["seed"], asked["stream"], asked["max_tokens"], asked["temperature"]) ==
             ("/v1/completions", "barbellion-124m", "I", 9, True, 120, 0.8) and asked["heading"] == "## 1903-05-01\n", f"what is asked {asked}")
        want = " walked to the café \U0001f327\ufe0f barbellion 9.\n日記"
        must(self.ghost() == want, f"chunks of a byte with CRLF are put together {self.ghost()!r}")
        must(self.b.js("getComputedStyle(document.querySelector('.ghost')).textDecorationStyle") == "dotted", "a suggestion differs by more than colour")
        self.looks("suggestion")
        self.b.screen(1100, 850)
        self.focus("text"); self.b.key("Enter", control=True)
        must(self.b.until("document.getElementById('text').value.length > 1 && !document.getElementById('go').checkVisibility()"), "Ctrl-Enter at a suggestion accepts it and goes on")
        self.wait_idle(); must(self.ghost() == want, "from where it ends")
        self.b.key("Tab")
        must(self.value() == "I" + want + want, "twice accepted")
        self.click("undo"); must(self.value() == "I" + want, "undo")
        self.click("undo"); must(self.value() == "I", "and again")
        self.b.key("y", control=True); must(self.value() == "I" + want, "and redo")
        self.b.key("z", control=True, shift=True); must(self.value() == "I" + want + want, "twice")
        self.click("undo"); self.write("!"); typed = self.value(); self.b.key("y", control=True)
        must(self.value() == typed, "what is typed after an undo has no redo"); self.click("undo"); self.b.key("y", control=True); self.click("undo")
        self.click("undo"); self.click("undo")
        must(self.value() == "" and self.b.js("document.getElementById('undo').disabled"), "to the beginning")
        # In the middle.
        self.write("Yesterday I  Then home.")
        self.b.js("document.getElementById('text').setSelectionRange(12, 12)")
        self.click("go"); self.wait_idle()
        must(self.fake.asked[-1][1]["prompt"] == "Yesterday I", "a space at the end of the prompt is kept back")
        must(self.ghost() == want[1:], "and not said twice")
        must(self.b.js("document.getElementById('copy').textContent").startswith("Yesterday I " + want[1:] + " Then home."), "a suggestion stands in its place")
        self.shoot("middle")
        self.focus("text"); self.b.js("document.getElementById('text').setSelectionRange(20, 22)"); time.sleep(0.2)
        must(self.b.js("document.getElementById('text').selectionEnd") == 12, "the cursor waits there")
        self.b.type("x")
        must(self.ghost() is None and self.value() == "Yesterday I x Then home.", "what is typed instead replaces it")
        # Voices.
        self.choose("voice", "own"); self.choose("own", "Letter to H.")
        self.click("go"); self.wait_idle()
        asked = self.fake.asked[-1][1]
        must((asked["heading"], asked["prompt"], self.text("before")) == ("Letter to H.\n", "Yesterday I x", "Letter to H."), "a heading of one's own")
        self.click("discard"); self.choose("voice", "none"); self.click("go"); self.wait_idle()
        asked = self.fake.asked[-1][1]
        must((asked["heading"], asked["prompt"]) == ("", "Yesterday I x") and not self.seen("before"), "or none")
        self.choose("run", "pepys")
        must(self.b.js("document.getElementById('voice').options[0].disabled"), "a run without headings offers none")
        self.choose("length", ""); self.choose("temperature", "9"); self.b.js("document.getElementById('keep').click()")
        seeds = set()
        for _ in range(3):
            self.click("discard"); self.click("go"); self.wait_idle()
            seeds.add(self.fake.asked[-1][1]["seed"])
        must(len(seeds) == 3 and (self.fake.asked[-1][1]["max_tokens"], self.fake.asked[-1][1]["temperature"]) == (120, 2), f"a new seed each time, and settings within their bounds {seeds}")
        # Typing is undone in bursts; a save holds what is on the sheet.
        self.fresh("One."); time.sleep(1.1); self.b.type(" Two."); self.click("undo")
        must(self.value() == "One.", "what was typed in one go is undone in one go")
        self.choose("day", "1903-05-01"); self.click("undo"); self.write("Saved ñ.")
        self.b.js("document.querySelector('#write .save').click()")
        file = self.downloads / "1903-05-01.txt"
        for _ in range(50):
            if file.exists(): break
            time.sleep(0.1)
        must(file.exists() and file.read_text("utf8") == "## 1903-05-01\n\nSaved ñ.\n", "the text is saved as a file when asked for")
        asked = self.b.asked; self.load()
        must(self.b.asked == asked, "saved text is left without a question")
        self.write("Not saved"); self.load()
        must(self.b.asked == asked + 1, "unsaved text is not")
        must(self.value() == "", "and then it is gone")
        must(self.b.js("JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage), document.cookie])") == '[[],[],""]', "nothing is stored")

    def long_text(self):
        long = "\n\n".join(f"Entry {i}. " + "It rained and I stayed within doors, reading what there was to read. " * 6 for i in range(30))
        odd = "\n".join("  a\tb  " + " ".join("abcdefghij"[: 1 + i * j % 10] for j in range(1, 60)) + " " * (i % 9) for i in range(1, 60)) + "x" * 300 + "日" * 99 + "\u05d0\u05d1 ab\n\n\n"
        for width in (360, 777, 1100):
            for text in (odd, long):
                self.fresh(text, width=width)
                same = self.b.js("(() => { const t = document.getElementById('text'), c = document.getElementById('copy').scrollHeight; t.style.height = t.style.minHeight = '0px'; t.style.alignSelf = 'start'; const h = t.scrollHeight; t.style = ''; return [h, c]; })()")
                must(abs(same[0] - same[1]) <= 1, f"the copy breaks its lines as the text does, at {width}: {same}")
        self.click("go"); self.wait_idle()
        asked = self.fake.asked[-1][1]
        must(len(asked["prompt"]) <= 8 * 1024 and long.rstrip().endswith(asked["prompt"]), "of a text far beyond the context the end is sent")
        must(asked["heading"].startswith("## "), "below the heading, which the server keeps")
        read = len(long.rstrip()[-(ROOM - len(asked["heading"])):].split())
        must(f"read the last {read} words" in self.text("note"), f"and it says how much was read, {read} words: " + self.text("note"))
        seen = self.b.js("(() => { const g = document.querySelector('.ghost').getBoundingClientRect(), bar = document.querySelector('#write .bar').getBoundingClientRect(); return g.bottom <= bar.top + 8 && bar.bottom <= innerHeight + 1; })()")
        must(seen, "the suggestion and the bar are in sight")
        self.shoot("long")

    def stop_more(self):
        broken = self.fake.broken_off
        self.fresh("A SLOW"); self.click("go")
        self.b.until("(document.querySelector('.ghost')?.textContent ?? '').length > 20")
        must(self.focused() in ("stop", "text"), "the focus is not lost: " + self.focused())
        self.write("x")
        must(self.ghost() is None and self.value() == "A SLOWx", "typing on stops it")
        end = time.time() + 5
        while self.fake.broken_off == broken and time.time() < end: time.sleep(0.1)
        must(self.fake.broken_off > broken, "and the server hears of it")
        self.fresh("A SLOW"); self.click("go"); self.b.until("document.querySelector('.ghost')?.textContent"); self.focus("text"); self.b.key("Tab")
        must(self.value().startswith("A SLOW word0") and self.seen("go"), "Tab accepts what has come")

    def two_columns(self):
        self.fresh("We"); self.choose("beside", "pepys"); self.choose("seed", "4")
        self.click("go"); self.wait_idle()
        said = self.b.js("[...document.querySelectorAll('#two .said')].map(e => e.textContent)")
        must(said == [f"walked to the café \U0001f327\ufe0f {name} 4.\n日記" for name in ("barbellion", "pepys")], f"two columns {said}")
        one, two = [body for _, body in self.fake.asked[-2:]]
        must(one["prompt"] == two["prompt"] and one["seed"] == two["seed"] and {one["model"], two["model"]} == {"barbellion-124m", "pepys"}, "the same prompt and seed")
        tops = self.b.js("[...document.querySelectorAll('#two article')].map(e => e.getBoundingClientRect().top)")
        must(tops[0] == tops[1], "side by side")
        self.looks("two"); self.b.screen(1100, 850)
        self.b.js("document.querySelectorAll('#two button')[1].click()")
        must(self.value() == "We " + said[1] and not self.seen("two") and self.focused() == "text", "the second is accepted")
        self.write(" SLOW"); self.click("go")
        must(self.b.until("[...document.querySelectorAll('#two .said')].filter(e => e.textContent.length > 15).length === 2"), "both stream at once")
        self.b.key("Escape"); must(self.b.until("document.getElementById('stop').hidden", 2), "and both stop")
        self.b.key("Escape"); must(not self.seen("two"), "and go")
        self.fake.fail = (404, "There is no run of this name.", "model_not_found"); self.click("go"); self.wait_idle(); self.fake.fail = None
        must(self.text("two").count("There is no run of this name.") == 2, "an error stands in its column")

    def chat_more(self):
        self.load(); self.click("tab-chat")
        must(self.seen("recall-field") and "has not learned to answer" in self.text("chat-empty"), "what this run is")
        self.looks("chat-empty"); self.b.screen(1100, 850)
        self.click("recall"); self.focus("say"); self.b.type("When did it rain?"); self.b.key("Enter"); self.wait_idle()
        must(self.fake.asked[-1][1]["recall"] is True, "entries are looked in where that is ticked")
        marked = self.b.js("[...document.querySelectorAll('#turns mark')].map(e => e.textContent)")
        must(marked == ["“I was never afraid”"], f"a quotation that is in no source is marked, counted in UTF-16 {marked}")
        must("none of the sources" in self.b.js("document.querySelector('#turns mark').title + document.querySelector('#turns article').innerText"), "in words too")
        must(self.b.js("document.querySelector('.said').textContent").replace(" (in none of the sources)", "") == CHAT, "the answer is whole")
        sources = self.b.js("[...document.querySelectorAll('.source')].map(e => [e.querySelector('summary').textContent, e.querySelector('blockquote').textContent, e.open])")
        must(sources == [["1903-05-01", ENTRY, False], ["1903-06-02 · 1903-06.txt", "Fine.", False]], f"sources by name and date, with their text {sources}")
        self.b.js("document.querySelector('.source').open = true")
        self.looks("chat"); self.b.screen(1100, 850)
        self.click("recall"); self.focus("say"); self.b.type("And"); self.b.key("Enter", shift=True); self.b.type("then?"); self.b.key("Enter"); self.wait_idle()
        asked = self.fake.asked[-1][1]
        must([m["role"] for m in asked["messages"]] == ["user", "assistant", "user"] and asked["messages"][1]["content"] == CHAT and asked["messages"][2]["content"] == "And\nthen?", "the talk goes with it, and a line ends with Shift-Enter")
        must("recall" not in asked, "entries are left alone where it is not ticked")
        self.click("retry"); self.wait_idle()
        again = self.fake.asked[-1][1]
        must(again["messages"] == asked["messages"] and again["seed"] != asked["seed"] and self.b.js("document.querySelectorAll('#turns > li').length") == 2, "another answer to the same")
        self.click("edit")
        must(self.value("say") == "And\nthen?" and self.focused() == "say" and self.b.js("document.querySelectorAll('#turns > li').length") == 1, "the last is taken back to be changed")
        self.choose("say", "be slow"); self.b.key("Enter")
        self.b.until("[...document.querySelectorAll('.said')].at(-1).textContent.includes('word3')")
        must(self.seen("chat-stop"), "a long answer can be stopped")
        self.b.key("Escape"); must(self.b.until("document.getElementById('chat-stop').hidden", 2) and "Stopped." in self.text("turns"), "Esc stops it")
        self.click("clear"); self.focus("say"); self.b.type("outgrown"); self.b.key("Enter"); self.wait_idle()
        must("first 2 questions of this conversation" in self.text("turns") and "were left out" in self.text("turns"), "it is said which turns were left out")
        self.click("clear"); self.choose("beside", "pepys")
        for line in ("One", "Two"):
            self.focus("say"); self.b.type(line); self.b.key("Enter"); self.wait_idle()
        pair = [body for _, body in self.fake.asked[-2:]]
        must(all(body["messages"][1]["content"].startswith(body["model"] + " heard 1") for body in pair), "of two runs each remembers what it said itself")
        self.looks("chat-two"); self.b.screen(1100, 850)
        self.click("clear"); self.choose("beside", ""); self.b.screen(360, 740)
        for i in range(6):
            self.focus("say"); self.b.type(f"Line {i}"); self.b.key("Enter"); self.wait_idle()
        must(self.b.js("document.querySelector('#turns > li:last-child .said').getBoundingClientRect().bottom <= document.querySelector('#chat .bar').getBoundingClientRect().top"), "the last answer is in sight on a small screen")
        self.shoot("chat-long-360"); self.b.screen(1100, 850); self.click("clear"); self.choose("beside", "pepys")
        self.fake.fail = (429, "Too many wait: try again in a moment.", None); self.focus("say"); self.b.type("Three"); self.b.key("Enter"); self.wait_idle(); self.fake.fail = None
        must(self.text("turns").count("Too many wait") == 2, "an error stands where the answer would")

    def surprise(self):
        text = "To-day \U0001f327 I am anxious, and the unaccountable rain has not ceased since morning; we sat within and read to one another until the lamp was lit."
        self.fresh(text); self.choose("day", "1903-05-01"); self.click("surprise")
        must(self.b.until("document.querySelectorAll('#copy [class^=level]').length > 10"), "words are coloured")
        must(self.fake.asked[-1] == ("/diarist/score", {"model": "barbellion-124m", "text": "## 1903-05-01\n" + text}), "the heading is read first")
        words = self.b.js("[...document.querySelectorAll('#copy span')].map(e => [e.textContent, e.className, e.title])")
        must(all(word.strip() == word and word in text for word, _, _ in words), "each mark is a word")
        must(["unaccountable", "level-1", "unaccountable: 8.5 bits"] in words, f"a word of two tokens has the bits of both {[w for w in words if w[0][:2] == 'un']}")
        must(len({name for _, name, _ in words}) == 4, "in four steps")
        must(len(set(self.b.js("[1,2,3].map(i => getComputedStyle(document.querySelector('#copy .level-' + i)).textDecorationStyle)"))) == 3, "which differ by more than colour")
        must("15 and more" in self.text("words") and "bits a word" in self.text("words-state"), "with a legend: " + self.text("words-state"))
        most = self.b.js("[...document.querySelectorAll('#most button')].map(e => e.textContent)")
        must(len(most) == 8 and [float(m.split()[-1]) for m in most] == sorted((float(m.split()[-1]) for m in most), reverse=True), "the most surprising as a list")
        self.b.js("document.querySelector('#most button').click()")
        must(self.b.js("(() => { const t = document.getElementById('text'); return t.value.slice(t.selectionStart, t.selectionEnd); })()") == most[0].split()[0] and most[0].split()[0] in self.text("here"), "which leads to the word: " + self.text("here"))
        box = self.b.js("(() => { const r = [...document.querySelectorAll('#copy span')].find(e => e.textContent === 'unaccountable').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        self.b.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
        must(self.b.until("document.getElementById('text').title === 'unaccountable: 8.5 bits'", 2), "and the pointer tells it")
        self.looks("surprise"); self.b.screen(1100, 850)
        before = len(self.fake.asked); self.write(" More.")
        must(self.b.js("document.querySelectorAll('#copy span').length") > 10, "what stands before a change stays coloured")
        must(self.b.until(f"[...document.querySelectorAll('#copy span')].at(-2).textContent === 'More'", 4) and len(self.fake.asked) == before + 1, "and the rest is asked for after a pause")
        self.click("surprise"); must(self.b.js("document.querySelectorAll('#copy span').length") == 0 and not self.seen("words"), "it can be put off")
        self.fake.fail = (400, "The run has no weights: train it first.", None); self.click("surprise"); self.b.until("document.getElementById('words-state').textContent.includes('train it')"); self.fake.fail = None
        must(self.seen("words-state"), "an error is said there")
        self.fresh("word " * 1500); self.click("surprise")
        must(self.b.until("document.getElementById('words-state').textContent.includes('Only the end')"), "of a long text the end is coloured: " + self.text("words-state"))

    def leans(self):
        self.fresh("Alas \U0001f327: the rain has not ceased."); self.click("leans")
        must(self.b.until("document.querySelectorAll('#leaning-list li').length === 2"), "entries are listed")
        must("2 entries share a run" in self.text("leaning-state") and "1903-05-01 · 4 words" in self.text("leaning-list") and ENTRY in self.text("leaning-list"), "by name, with what they share")
        self.b.js("document.querySelectorAll('#leaning button')[1].focus()")
        must(self.b.js("[...document.querySelectorAll('#copy .now')].map(e => e.textContent).join('')") == "rain has", "the focus marks the words")
        box = self.b.js("(() => { const r = document.querySelectorAll('#leaning blockquote')[0].getBoundingClientRect(); return [r.x + 20, r.y + 8]; })()")
        self.b.js("document.activeElement.blur()"); self.b.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
        must(self.b.until("[...document.querySelectorAll('#copy .now')].map(e => e.textContent).join('') === 'rain has not ceased'", 2), "so does the pointer")
        self.looks("leans"); self.b.screen(1100, 850)
        self.b.js("document.getElementById('text').setSelectionRange(9, 32)"); self.click("leans"); self.click("leans"); time.sleep(0.3)
        must(self.fake.asked[-1][1]["text"] == self.value().encode("utf-16-le")[18:64].decode("utf-16-le"), "of what is selected, if anything is")
        must(self.b.until("document.querySelectorAll('#leaning-list li').length === 2"), "which is found")
        self.b.js("document.querySelector('#leaning button').focus()")
        must(self.b.js("[...document.querySelectorAll('#copy .now')].map(e => e.textContent).join('')") == "rain has not ceased", "and marked in its place")
        self.b.js("document.querySelector('#leaning button').click()")
        must(self.b.js("getSelection().toString()") == "rain has not ceased", "a press selects it")
        self.fresh("Nothing in common"); self.click("leans")
        must(self.b.until("document.getElementById('leaning-state').textContent.startsWith('No entry')"), "or none")
        must(self.text("leaning-list") == "", "and none is listed")

    def troubles(self):
        for end, said in [("BREAKS", "broke off"), ("LATE", "The device is lost"), ("NOTHING", "nothing to add")]:
            self.fresh(f"A {end}"); self.click("go"); self.wait_idle()
            must(said in self.text("write-trouble") and self.seen("write-trouble"), self.text("write-trouble"))
            must(self.ghost() == (None if end == "NOTHING" else " half a"), "what came stays")
        self.fresh("A"); self.fake.fail = (400, "temperature must be between 0 and 2", None); self.click("go"); self.wait_idle(); self.fake.fail = None
        must(self.text("write-trouble") == "temperature must be between 0 and 2" and self.seen("go"), "the server's own words")
        self.looks("trouble"); self.b.screen(1100, 850)
        self.fake.away = True; self.click("go"); self.wait_idle()
        must("does not answer" in self.text("write-trouble") and self.value() == "A", "a server that went away: " + self.text("write-trouble"))
        self.load(); must(self.seen("no-runs"), "from the beginning too: " + self.text("no-runs-why"))
        self.click("go"); must("No run is chosen" in self.text("write-trouble"), "without a run nothing is asked")
        self.fake.away = False; self.click("look-again"); must(self.b.until("document.getElementById('run').options.length === 3") and not self.seen("no-runs"), "and it comes back")
        self.fake.models_fail = True; self.load(); must("502" in self.text("no-runs-why"), self.text("no-runs-why")); self.fake.models_fail = False
        # A token.
        self.fake.token = "s3cret"; self.load()
        must(self.seen("token-asked") and self.focused() == "token", "a token is asked for")
        self.looks("token"); self.b.screen(1100, 850)
        self.focus("token"); self.b.type("wrong"); self.b.key("Enter")
        must(self.b.until("!document.getElementById('token-asked').hidden && document.getElementById('token').value === ''"), "and again if it is wrong")
        time.sleep(0.3); self.b.type("s3cret"); self.b.key("Enter")
        must(self.b.until("document.getElementById('run').options.length === 3") and not self.seen("token-asked"), "with the right one it goes on")
        self.write("A"); self.click("go"); self.wait_idle(); must((self.ghost() or "").startswith(" walked"), "and sends it each time")
        self.fake.token = "new"; self.click("another"); self.b.until("!document.getElementById('token-asked').hidden"); self.click("token-not")
        must(self.b.until("document.getElementById('write-trouble').textContent.startsWith('Without its token')"), "one may leave it: " + self.text("write-trouble"))
        self.fake.token = None
        # A log.
        self.fake.log = True; self.load(); self.fake.log = False
        must("keeps a log" in self.text("kept") and "saved" not in self.text("kept"), "where there is a log the page says so: " + self.text("kept"))

    def hostile(self):
        self.fresh("A HOSTILE"); self.choose("run", "hostile " + HOSTILE); self.click("go"); self.wait_idle()
        must(self.ghost() == " " + HOSTILE, "a model's markup is text"); self.focus("text"); self.b.key("Tab"); self.click("surprise"); self.click("leans"); time.sleep(0.5)
        self.click("tab-chat"); self.choose("beside", "barbellion-124m"); self.focus("say"); self.b.type("hostile " + HOSTILE); self.b.key("Enter"); self.wait_idle()
        must(self.b.js("document.querySelector('.source blockquote').textContent") == HOSTILE and self.text("turns").count(HOSTILE) >= 3, "so is a source's, a name's, and one's own")
        must(self.b.js("document.querySelectorAll('#turns mark').length") == 2, "spans that overlap or lie outside are passed over")
        must(self.b.js("window.broken === undefined && document.images.length === 0 && document.scripts.length === 1"), "nothing of it runs")
        self.looks("hostile")

    def keys_alone(self):
        self.load(); order = []
        for _ in range(40):
            self.b.key("Tab")
            name = self.b.js("document.activeElement === document.body ? '' : document.activeElement.id || document.activeElement.className || document.activeElement.tagName")
            if order and name == order[-1]: continue # a date's day, month and year
            if name in order or not name: break
            order.append(name)
            must(name == "text" or self.b.js("(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1; })()"), f"the focus is seen on {name}")
        want = ["skip", "tab-write", "run", "beside", "voice", "day", "SUMMARY", "text", "go", "surprise", "leans"]
        must([name for name in order if name in want] == want, f"everything is reached in order {order}")
        self.focus("text"); self.b.type("I")
        self.b.key("Enter", control=True); self.b.until("document.querySelector('.ghost')?.textContent"); self.wait_idle()
        self.b.key("Tab"); must(len(self.value()) > 5, "continued and accepted by keys")
        self.b.key("Tab"); must(self.focused() == "go", "without a suggestion Tab goes on: no trap")
        self.b.key("Enter"); self.wait_idle(); must(self.focused() in ("accept", "stop"), "a button that goes hands on the focus: " + self.focused())
        before = self.value(); self.b.key("Tab"); must(self.focused() == "another" and self.value() == before, "Tab accepts only where one writes"); self.b.key("Tab", shift=True)
        self.b.key("Enter"); must(self.focused() == "text" and self.value().count("walked") == 2, "and Enter on it accepts")
        self.focus("tab-write"); self.b.key("ArrowRight")
        must(self.focused() == "tab-chat" and self.seen("chat"), "arrows change the view"); self.b.key("Tab"); must(self.focused() == "run", "and Tab goes into it")

    def run(self, only, common):
        names = ["opening", "write", "stop", "chat"]
        real = ["two_columns", "heading", "surprise", "leans", "recall", "turns"]
        todo = [f"common_{name}" for name in names] + ([f"real_{name}" for name in real] if common else ["write_more", "long_text", "stop_more", "two_columns", "chat_more", "surprise", "leans", "troubles", "hostile", "keys_alone"])
        for name in todo:
            if only in name:
                print(f"— {name.replace('_', ' ')}")
                getattr(self, name)()


# Texts whose contrast with their ground is under 4.5 : 1 (WCAG 2.2, 1.4.3), of what is seen and not disabled.
CONTRAST = """(() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('button, p, label, select, input, summary, h1, h2, footer, kbd')].filter((e) => e.checkVisibility() && !e.disabled && !e.matches('.unseen, .skip')).map((e) => {
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e).slice(0, 3));
    return [e.id || e.textContent.slice(0, 20), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)];
  }).filter(([, ratio]) => ratio < 4.5);
})()"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--diarist"); arguments.add_argument("--run", type=lambda path: pathlib.Path(path).resolve()); arguments.add_argument("--url"); arguments.add_argument("--token"); arguments.add_argument("--shots", type=pathlib.Path); arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    if bool(given.diarist) != bool(given.run):
        arguments.error("--diarist needs --run, and --run --diarist")
    fake, served, logged = None, None, None
    if given.diarist:
        # The same run twice: two columns of it say the same.
        served = Served(given.diarist, given.run, given.run, more=["--recall"])
        url = served.url + "/"
    elif given.url:
        url = given.url.rstrip("/") + "/"
    else:
        fake = Fake()
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{fake.server_address[1]}/"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder + "/profile")
        try:
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            browser.call("Browser.setDownloadBehavior", root=True, behavior="allow", downloadPath=folder)
            for domain in ["Page", "Runtime", "Network", "Log"]:
                browser.call(domain + ".enable")
            browser.patience = 1.0 if fake else 15.0
            checks = Checks(browser, url, given.shots, fake, given.token, twins=served is not None)
            checks.downloads = pathlib.Path(folder)
            checks.run(given.only, common=fake is None)
            urls = [url]
            if served and given.only in "log_and_token":
                print("— log and token")
                file = pathlib.Path(folder) / "said.jsonl"
                logged = Served(given.diarist, given.run, more=["--recall", "--log", file, "--token", "s3cret"])
                checks.url, checks.token = logged.url + "/", "s3cret"
                urls.append(checks.url)
                checks.log_and_token(file)
            after(browser, urls, checks)
        finally:
            for each in (served, logged):
                if each: each.end()
            browser.process.terminate()
            browser.process.wait(10)
    print(f"{must.count} checks, {len(must.failed)} failed", *must.failed, sep="\n  ")
    return bool(must.failed)


def after(browser, ours, checks):
    """What must hold of the whole: nothing was asked of anyone else, and the console is clean."""
    urls = {event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"}
    outside = sorted(u for u in urls if not u.startswith((*ours, "about:", "data:", *("blob:" + url for url in ours))))
    must(not outside, f"nothing is asked of anyone else {outside}")
    must(len(urls) > 2, "though much was asked of the server")
    thrown = [event["params"]["exceptionDetails"] for event in browser.events if event.get("method") == "Runtime.exceptionThrown"]
    must(not thrown, f"nothing is thrown {thrown}")
    said = [event["params"] for event in browser.events if event.get("method") == "Runtime.consoleAPICalled"]
    must(not said, f"nothing is said to the console {said}")
    # Chromium itself logs a line for each answer of 400 and up, and each that does not come: those were wanted here.
    logs = [event["params"]["entry"] for event in browser.events if event.get("method") == "Log.entryAdded"]
    logs = [entry for entry in logs if entry["level"] != "verbose"]
    others = [entry["text"] for entry in logs if entry["source"] != "network" or checks.fake is None and not any(status in entry["text"] for status in ("400", "401"))]
    must(not others, f"no error on the console {others}")


if __name__ == "__main__":
    sys.exit(main())
