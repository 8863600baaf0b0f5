#!/usr/bin/env python3
"""Talks with `diarist chat` as a person does: through a terminal, key by key; and as a program does, over a pipe.

    check_terminal.py --command "target/release/diarist chat checkpoints/x --seed 1"

What a model says is not known here; what was said to it is, and /save writes that down. The command must end in the
arguments of `chat`, for a model that can write for a while when it is let: the sentence that Ctrl-C stops must not be over
before. Python's standard library is all it needs. Exit code 0 where all holds.
"""

import argparse
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import fcntl
from pathlib import Path

# What a line editor says when it begins to listen, and when it has heard: bracketed paste on, and off.
READY, HEARD = b"\x1b[?2004h", b"\x1b[?2004l"
CTRL_C, CTRL_D, UP, ALT_ENTER, ENTER = b"\x03", b"\x04", b"\x1b[A", b"\x1b\r", b"\r"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, patience, stdout=None):
        self.patience = patience
        self.seen = b""
        self.at = 0
        # The program starts when its terminal has its size, and what it was like before is known.
        go, ready = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(go, 1)
            os.environ["TERM"] = "xterm-256color"
            if stdout is not None:
                os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        # What the terminal does between two commands, as the shell left it.
        self.before = termios.tcgetattr(self.fd)
        os.write(ready, b"!")
        os.close(go)
        os.close(ready)

    def take(self, seconds):
        """Reads what comes within so many seconds; whether anything came."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.fd, 1 << 16)
        except OSError:
            piece = b""
        self.seen += piece
        return bool(piece)

    def wait(self, *marks, patience=None):
        """Waits until all marks have come, in order, since the last that was waited for; gives what came."""
        end = time.monotonic() + (patience or self.patience)
        start = self.at
        for mark in marks:
            while (found := self.seen.find(mark, self.at)) < 0:
                left = end - time.monotonic()
                if left <= 0 or not self.take(left):
                    raise AssertionError(f"no {mark!r} came; since the last mark: {self.seen[start:][-2000:]!r}")
            self.at = found + len(mark)
        return self.seen[start : self.at].decode(errors="replace")

    def keys(self, keys):
        os.write(self.fd, keys)

    def turn(self, line):
        """Types a line, and waits for the prompt behind the answer."""
        self.keys(line.encode() + ENTER)
        return self.wait(HEARD, READY)

    def ended(self):
        """Waits for the end; gives the exit code."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            self.take(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("it did not end")


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def said(file):
    """What a person said, of a saved conversation."""
    text = Path(file).read_text()
    return re.findall(r"^## You\n\n(.*?)(?=\n\n## The model\n|\n*\Z)", text, re.S | re.M)


def stopped(terminal, line):
    """Says something, and stops the answer in its midst; whether there was an answer to stop."""
    terminal.keys(line.encode() + ENTER)
    terminal.wait(HEARD, b"\n")
    before = len(terminal.seen)
    while len(terminal.seen) < before + 40 and READY not in terminal.seen[terminal.at :]:
        check(terminal.take(terminal.patience), "no answer came")
    terminal.keys(CTRL_C)
    pressed = time.monotonic()
    came = terminal.wait(READY)
    print(f"  stopped in {time.monotonic() - pressed:.3f} s", flush=True)
    return "stopped" in came


def typing(command, patience):
    """A conversation of every kind of key."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/talk.md"
        t = Terminal(command, patience)
        greeting = t.wait(READY, patience=10 * patience)
        check("/help" in greeting, f"nothing is said of /help: {greeting!r}")
        t.turn("/set max-tokens 20")
        t.turn("Hello there")
        t.turn("/retry")
        # /edit gives the line back, and the cursor is at its end.
        t.keys(b"/edit" + ENTER)
        t.wait(HEARD, READY, b"Hello there")
        t.keys(b", again" + ENTER)
        t.wait(HEARD, READY)
        # Ctrl-C stops the sentence, not the program.
        t.turn("/set max-tokens 100000")
        check(stopped(t, "Tell me more") or any(stopped(t, "/retry") for _ in range(5)), "nothing was stopped")
        t.turn("/set max-tokens 20")
        # The line before the last, by arrows.
        t.turn("Once")
        t.turn("/seed")
        t.keys(UP)
        t.wait(b"/seed")
        t.keys(UP)
        t.wait(b"Once")
        t.keys(b" more" + ENTER)
        t.wait(HEARD, READY)
        # A paste is one turn, whatever its lines end in.
        t.keys(b"\x1b[200~line one\nline two\\\n  line three\x1b[201~")
        t.wait(b"line three")
        t.keys(ENTER)
        t.wait(HEARD, READY)
        # Lines of one turn, by Alt-Enter and by a backslash.
        t.keys(b"a" + ALT_ENTER + b"b" + ENTER)
        t.wait(HEARD, READY)
        t.keys(b"c\\" + ENTER + b"d" + ENTER)
        t.wait(HEARD, READY)
        # Two backslashes are two.
        t.turn("e\\\\")
        # A line that is thrown away is not said.
        t.keys(b"rubbish")
        t.wait(b"rubbish")
        t.keys(CTRL_C)
        t.wait(READY)
        # Commands are completed.
        t.keys(b"/sour\t" + ENTER)
        check("entries" in t.wait(HEARD, READY), "/sour was not completed to /sources")
        check("there is no /nope" in t.turn("/nope"), "an unknown command")
        check("saved" in t.turn(f"/save {file}"), "it was not saved")
        # The same name again: another is asked for.
        t.turn(f"/save {file}")
        t.wait(b"talk-2.md")
        t.keys(ENTER)
        check("saved" in t.wait(HEARD, READY), "it was not saved under another name")
        t.keys(CTRL_D)
        check(t.ended() == 0, "Ctrl-D gave another exit code than 0")
        check(b"panicked" not in t.seen, "a panic")
        left = termios.tcgetattr(t.fd)
        check(left[:4] == t.before[:4], f"the terminal was left otherwise: {t.before[:4]} {left[:4]}")
        check(Path(f"{folder}/talk-2.md").exists(), "the second file is not there")
        expected = ["Hello there, again", "Tell me more", "Once", "Once more"]
        expected += ["line one\nline two\\\n  line three", "a\nb", "c\nd", "e\\\\"]
        check(said(file) == expected, f"said {said(file)}\nfor  {expected}")
        if os.name == "posix":
            check(Path(file).stat().st_mode & 0o777 == 0o600, "the file is not private")


def going_on(command, patience):
    """A diary's text goes on by empty lines, however far beyond its context; it is said once that its beginning is gone."""
    # An answer has ten times the tokens that `patience` is for.
    t = Terminal(command, 10 * patience)
    greeting = t.wait(READY)
    if "an empty line" not in greeting:
        print("  no diary: nothing goes on by itself", flush=True)
    else:
        check("error" not in t.turn("/set max-tokens 200"), "/set max-tokens")
        lost, told = "the beginning of the text is no longer seen", []
        # A first line that is longer than the context of a first model, then empty ones, until two came behind the note.
        for line in ["It rained all day and I stayed within doors. " * 3] + [""] * 40:
            told.append(t.turn(line))
            check("error" not in told[-1], f"after {len(told)} lines: {told[-1]!r}")
            if any(lost in one for one in told[:-2]):
                break
        said_once = sum(one.count(lost) for one in told)
        if said_once == 0:
            print(f"  {len(told)} answers are within the context", flush=True)
        check(said_once <= 1, f"said {said_once} times")
        check("error" not in t.turn("And then?"), "words behind it")
    t.keys(CTRL_D)
    check(t.ended() == 0, "exit code")
    check(b"panicked" not in t.seen, "a panic")


def leaving(command, patience):
    """Ctrl-C twice on an empty line leaves; once is explained."""
    t = Terminal(command, patience)
    t.wait(READY, patience=10 * patience)
    t.keys(CTRL_C)
    check("Ctrl-C again leaves" in t.wait(READY), "Ctrl-C is not explained")
    t.keys(CTRL_C)
    check(t.ended() == 0, "Ctrl-C twice gave another exit code than 0")
    # A program that is told to end gives the terminal back.
    t = Terminal(command, patience)
    t.wait(READY, patience=10 * patience)
    os.kill(t.pid, signal.SIGTERM)
    check(t.ended() == 130, "SIGTERM gave another exit code than 130")
    echo = termios.ECHO | termios.ICANON | termios.ISIG
    check(termios.tcgetattr(t.fd)[3] & echo == echo, "the terminal was not given back")


def ahead(command, patience):
    """What is typed ahead is heard, in one piece or while an answer comes; bytes that are no text are not."""
    t = Terminal(command, patience)
    t.wait(READY, patience=10 * patience)
    t.turn("/set max-tokens 20")
    t.keys(b"One\rTwo\r")
    t.wait(HEARD, READY, HEARD, b"\n")
    t.keys(b"Three\r")
    t.wait(READY, HEARD, READY)
    t.keys(b"a\xffb\r")
    t.wait(b"is no UTF-8", READY)
    with tempfile.TemporaryDirectory() as folder:
        check("saved" in t.turn(f"/save {folder}/talk.md"), "it was not saved")
        got = said(f"{folder}/talk.md")
        check(got == ["One", "Two", "Three"], f"said {got}")
    t.keys(CTRL_D)
    check(t.ended() == 0, "exit code")


def elsewhere(command, patience):
    """Where answers go to a file, what is typed does not."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/answers.txt"
        t = Terminal(command, patience, stdout=file)
        t.wait(READY, patience=10 * patience)
        t.turn("/set max-tokens 5")
        t.turn("Hello there")
        t.keys(CTRL_D)
        check(t.ended() == 0, "exit code")
        answers = Path(file).read_bytes()
        check(answers and b"\x1b" not in answers and not answers.startswith(b"> "), f"{answers!r}")


def piped(command, text, patience):
    done = subprocess.run(command, input=text, capture_output=True, timeout=20 * patience)
    check(b"panicked" not in done.stderr, done.stderr)
    return done


def pipes(command, patience):
    """Each line is a turn; answers alone stand on stdout."""
    lines = b"/set max-tokens 5\none\n/seed 1\n/retry\n\n/seed 1\n/retry\n/quit\nnever\n"
    done = piped(command, lines, patience)
    check(done.returncode == 0, done)
    check(done.stdout.endswith(b"\n") and b"\x1b[?" not in done.stdout and b"\n> " not in done.stdout, done.stdout)
    check(b"the next one's is 1" in done.stderr, done.stderr)
    # The last two were drawn with one seed, so stdout ends in the same answer twice.
    out, halves = done.stdout, range(1, len(done.stdout) // 2 + 1)
    check(any(out.endswith(b"\n\n" + out[-n:] + b"\n" + out[-n:]) for n in halves), out)
    done = piped(command, b"/set max-tokens 5\n" + b"x" * 10_000_000 + b"\ncaf\xe9\n", patience)
    check(b"9.5 MiB" in done.stderr and b"line 3 is no UTF-8" in done.stderr, done.stderr)
    check(done.returncode == 1, f"what was too long was not answered, and the exit code was {done.returncode}")
    # A reader who goes has seen enough.
    text = b"/set max-tokens 200\n" + b"tell me more\n" * 50
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdin.write(text)
        p.stdin.close()
        p.stdout.read(10)
        p.stdout.close()
        errors = p.stderr.read()
        check(p.wait(20 * patience) == 0 and b"panicked" not in errors and b"error" not in errors, errors)
    # Ctrl-C stops the sentence here too.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        p.stdin.write(b"/set max-tokens 100000\none\n/set max-tokens 3\ntwo\n")
        p.stdin.close()
        p.stdout.read(10)
        p.send_signal(signal.SIGINT)
        answers, errors = p.stdout.read(), p.stderr.read()
        check(p.wait(20 * patience) == 0 and b"stopped" in errors and b"\n\n" in answers, (errors, answers[-300:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--command", required=True, help="what starts the conversation")
    parser.add_argument("--patience", type=float, default=10, help="seconds for one answer of 20 tokens")
    args = parser.parse_args()
    failed = False
    for part in (typing, going_on, leaving, ahead, elsewhere, pipes):
        try:
            part(shlex.split(args.command), args.patience)
            print(f"ok   {part.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            failed = True
            print(f"FAIL {part.__name__}: {e}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
