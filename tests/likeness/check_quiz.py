#!/usr/bin/env python3
"""Drives the quiz's page in a real Chromium, as it stands and under its own policy, over the debugging pipe (file descriptors 3 and 4):
the gate, keys and focus, both downloads, what is kept between two visits, hostile passages, narrow and wide, light and dark.

    QUIZ_PAGE=$PWD/out.html cargo test --release --lib likeness::quiz && tests/likeness/check_quiz.py out.html shots/
"""
import base64, json, os, pathlib, re, subprocess, sys, tempfile, time


sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
import browser


class Browser(browser.Browser):
    def key(self, key, code=None, number=0, text=None):
        common = dict(key=key, code=code or key, windowsVirtualKeyCode=number)
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def shot(self, path, full=True):
        time.sleep(0.35)
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=full, **({"clip": self.whole()} if full else {}))
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))

    def whole(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}


def must(holds, what):
    print(("ok    " if holds else "FAILS ") + what)
    if not holds:
        must.failed += 1
must.failed = 0


def main(page, shots):
    shots = pathlib.Path(shots); shots.mkdir(exist_ok=True)
    downloads = pathlib.Path(tempfile.mkdtemp())
    browser = Browser(tempfile.mkdtemp())
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.call("Browser.setDownloadBehavior", root=True, behavior="allow", downloadPath=str(downloads))
    for domain in ["Page", "Runtime", "Network", "Log"]:
        browser.call(domain + ".enable")
    def load(which=page):
        browser.js("window.isOld = true")
        browser.call("Page.navigate", url=pathlib.Path(which).resolve().as_uri())
        must(browser.until("!window.isOld && document.readyState === 'complete'"), "the page opens")
    seen = lambda id: browser.js(f"!document.getElementById('{id}').hidden")
    text = lambda id: browser.js(f"document.getElementById('{id}').innerText")
    click = lambda id: browser.js(f"document.getElementById('{id}').click()")
    wide = lambda: browser.js(f"document.documentElement.scrollWidth") <= browser.width
    focused = lambda: browser.js("document.activeElement.id")
    data = json.loads(open(page, encoding="utf8").read().split('id="data">')[1].split("</script>")[0])
    side = [["left", "right"][bin(q["mark"]).count("1") % 2] for q in data["questions"]]
    n = len(side)

    browser.screen(1200, 900, False); load()
    must(seen("gate") and not seen("ask") and not seen("end"), "the gate stands first")
    body = browser.js("document.body.innerText")
    must(not any(q["one"][:40] in body or (q["opening"] or "?")[:30] in body for q in data["questions"]), "nothing is shown before it is asked for")
    must(browser.js("document.getElementById('begin').disabled"), "it does not begin unasked")
    browser.key("ArrowLeft", number=37)
    must(seen("gate"), "keys do nothing at the gate")
    must(str(n) in text("size"), "the script runs under the page's policy")
    must(browser.js("getComputedStyle(document.body).backgroundColor") == "rgb(252, 251, 248)", "the style too")
    browser.js("(()=>{const s=document.createElement('script');s.textContent='window.broken=1';document.body.append(s);"
               "const i=new Image();i.src='https://example.org/x.png';})()")
    must(browser.js("window.broken === undefined"), "a script that is not its own does not run")
    for width, height in [(320, 640), (1200, 900)]:
        for dark in [False, True]:
            browser.screen(width, height, dark); browser.shot(shots / f"gate-{width}-{'dark' if dark else 'light'}.png")
            must(wide(), f"the gate is not wider than {width}")
    browser.screen(1200, 900, False); load()
    click("may"); must(not browser.js("document.getElementById('begin').disabled"), "a tick lets it begin")
    click("begin")
    must(seen("ask") and focused() == "place", "a question, with the focus on its heading")
    must(text("text-left") == data["questions"][0]["one"].lstrip(), "its text as it is, but for the space before it")
    goes_on = lambda id: browser.js(f"getComputedStyle(document.getElementById('{id}'), '::after').content")
    must(goes_on("text-left") == goes_on("text-right") == '" …"', "both are shown to go on")
    for width, height in [(320, 640), (1200, 900)]:
        for dark in [False, True]:
            browser.screen(width, height, dark); browser.shot(shots / f"ask-{width}-{'dark' if dark else 'light'}.png")
            must(wide(), f"the question is not wider than {width}")
    browser.screen(1200, 900, False)
    click("like-" + side[0])
    must(browser.js(f"document.getElementById('like-{side[0]}').getAttribute('aria-pressed')") == "true", "a preference is marked blind")
    keys = {"left": [("1", 49), ("ArrowLeft", 37)], "right": [("2", 50), ("ArrowRight", 39)]}
    other = {"left": "right", "right": "left"}
    browser.key(*[keys[side[0]][0][0]], number=keys[side[0]][0][1])
    must(text("verdict").startswith("Right."), "a right choice by a digit: " + text("verdict"))
    must(focused() == "next", "the focus goes on")
    browser.key(keys[other[side[0]]][1][0], number=keys[other[side[0]]][1][1])
    must(text("verdict").startswith("Right."), "a second choice changes nothing")
    for width, height in [(320, 640), (1200, 900)]:
        for dark in [False, True]:
            browser.screen(width, height, dark); browser.shot(shots / f"told-{width}-{'dark' if dark else 'light'}.png")
    browser.screen(320, 640, False); browser.shot(shots / "told-320-view.png", full=False); browser.screen(1200, 900, False)
    browser.key("Enter", number=13, text="\r")
    must(text("place").startswith("Question 2"), "Enter goes on")
    must(focused() == "place" and text("verdict") == "", "to a fresh question")
    browser.key(keys[other[side[1]]][1][0], number=keys[other[side[1]]][1][1])
    must(text("verdict").startswith("Wrong."), "a wrong choice by an arrow: " + text("verdict"))
    click("like-" + other[side[1]])
    browser.js("document.activeElement.blur()"); browser.key("Enter", number=13, text="\r")
    must(text("place").startswith("Question 3"), "Enter goes on from anywhere")
    click("stop")
    must(seen("end") and text("score") == "1 of 2 right" and focused() == "score", "one may stop")
    must("so few" in text("meaning").lower(), text("meaning"))
    must(text("list").count("not answered") == n - 2, "what was not answered is not told")
    click("on"); must(text("place").startswith("Question 3"), "and go on")
    browser.screen(1200, 900, False)
    for i in range(2, n):
        if i % 4 == 3:
            click("choose-" + other[side[i]])
        else:
            browser.key(keys[side[i]][0][0], number=keys[side[i]][0][1])
        click("next")
    k = 1 + sum(1 for i in range(2, n) if i % 4 != 3)
    must(seen("end") and text("score") == f"{k} of {n} right", text("score") + " — " + text("meaning") + " " + text("sure"))
    must(not seen("on"), "nothing is left")
    click("save-result"); time.sleep(0.5); click("save-preferences"); time.sleep(1.0)
    result = json.loads((downloads / "quiz-result.json").read_text())
    z = 1.959963984540054
    low = (k + z * z / 2 - z * (k * (n - k) / n + z * z / 4) ** 0.5) / (n + z * z)
    must(abs(result["low"] - low) < 1e-12 and result["right"] == k and len(result["answers"]) == n, "the result is saved")
    must(not any(q["one"][:30] in json.dumps(result, ensure_ascii=False) for q in data["questions"]), "without text of the diary")
    lines = [json.loads(line) for line in (downloads / "preferences.jsonl").read_text().splitlines()]
    q = data["questions"]
    own = lambda i: q[i]["one" if side[i] == "left" else "two"]
    made = lambda i: q[i]["two" if side[i] == "left" else "one"]
    want = [{"prompt": q[0]["prompt"], "chosen": own(0), "rejected": made(0), "chosen_is": "diary"},
            {"prompt": q[1]["prompt"], "chosen": made(1), "rejected": own(1), "chosen_is": "model"}]
    must(lines == want, "and the preferences")
    must(all(not line["chosen"].endswith("…") and not line["rejected"].endswith("…") and line["prompt"].endswith(q[i]["opening"]) for i, line in enumerate(lines)),
         "with the prompt that the model was given, and nothing that was shown alone")
    must([result["answers"][i]["better_said_blind"] for i in (0, 1)] == [True, False], "with what was said blind")
    for width, height in [(320, 640), (1200, 900)]:
        for dark in [False, True]:
            browser.screen(width, height, dark); browser.shot(shots / f"end-{width}-{'dark' if dark else 'light'}.png")
            must(wide(), f"the end is not wider than {width}")
    browser.js("document.querySelectorAll('details')[0].open = true")
    browser.screen(1200, 900, False); browser.shot(shots / "end-open.png")
    for width in (320, 1200):
        browser.screen(width, 700, False); must(wide(), f"nor opened, at {width}")
    # A second visit: the score is there, and no text was kept.
    stored = lambda: browser.js("JSON.stringify(Object.entries(localStorage))")
    load(); must(seen("gate") and f"{k} of {n} right" in text("so-far"), "a second visit finds the score: " + text("so-far"))
    must(not seen("again") and browser.js("document.getElementById('begin').disabled"), "as the first visit's, and shows nothing unasked")
    must([key for key, _ in json.loads(stored())] == ["diarist-quiz-" + data["hash"]], "all is kept under the quiz's name")
    words = set(re.findall(r"[a-z]+", json.loads(stored())[0][1].lower()))
    must(words <= {"answers", "chosen", "better", "blind", "before", "left", "right", "true", "false", "null"}, f"and holds no text: {words}")
    click("may"); click("begin")
    must(seen("end") and text("score") == f"{k} of {n} right" and text("list").count("better") == 2, "the result is as it was left")
    must("before" not in text("sure"), "and not taken for a second try")
    click("restart-end")
    must(seen("gate") and not seen("so-far") and not seen("restart") and seen("again"), "start again begins anew, and says that it is not the first time")
    must("left" not in stored() and "right" not in stored(), "the choices are gone")
    load(); must(not seen("so-far") and seen("again"), "on the next visit as well")
    click("may"); click("begin"); must(text("place").startswith("Question 1"), "from the beginning")
    browser.key("1", number=49); click("next"); click("choose-left")
    said = text("verdict")
    load(); must("of 2 right" in text("so-far"), "what was answered before a reload counts: " + text("so-far"))
    click("may"); click("begin"); must(text("place").startswith("Question 3") and said != "", "and it goes on where it was left")
    click("stop"); must("You have answered these questions before" in text("sure"), "a second try is told")
    browser.js("localStorage.setItem('diarist-quiz-' + " + json.dumps(data["hash"]) + ", '{\"answers\":[1]}')")
    load(); must(seen("gate") and not seen("so-far") and seen("again"), "what cannot be read is no answer")

    # Where storage throws.
    browser.call("Page.addScriptToEvaluateOnNewDocument", source="Object.defineProperty(window,'localStorage',{get(){throw new DOMException('no','SecurityError')}})")
    load(); click("may"); click("begin"); browser.key("1", number=49)
    must(text("verdict") != "", "it works where there is no storage")

    # Passages that would break out, and a dark page on paper.
    evil = pathlib.Path(page).with_name("evil.html")
    if evil.exists():
        load(evil)
        told = json.loads(evil.read_text(encoding="utf8").split('id="data">')[1].split("</script>")[0])
        click("may"); click("begin")
        content = lambda id: browser.js(f"document.getElementById('{id}').textContent")
        must(content("opening") == told["questions"][0]["opening"] and content("text-left") == told["questions"][0]["one"].lstrip(), "an evil passage is shown as it is")
        must(browser.js("document.scripts.length") == 2 and browser.js("document.querySelectorAll('style').length") == 1, "and adds nothing to the page")
        must(browser.js("document.title").startswith("Can you tell?"), "nor to its head")
        browser.screen(320, 640, True); must(wide(), "nor widens it"); browser.shot(shots / "evil-320.png")
    load()
    click("may"); click("begin"); click("choose-left"); click("stop")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    must(browser.js("getComputedStyle(document.body).color") == "rgb(31, 30, 27)", "dark ink on paper")
    browser.shot(shots / "print.png")

    urls = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    outside = [u for u in urls if u.startswith("http")]
    blocked = [e for e in browser.events if e.get("method") == "Network.loadingFailed"]
    must(not outside or len(blocked) >= len(outside), f"nothing leaves: {outside} asked for by this check alone, {len(blocked)} blocked")
    thrown = [e["params"]["exceptionDetails"] for e in browser.events if e.get("method") == "Runtime.exceptionThrown"]
    must(not thrown, f"nothing is thrown {thrown}")
    logs = [e["params"]["entry"]["text"][:110] for e in browser.events if e.get("method") == "Log.entryAdded"]
    print("log:", *logs, sep="\n  ")
    browser.call("Browser.close", root=True); browser.process.wait(10)
    print("failed:", must.failed)
    return must.failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]) != 0)
