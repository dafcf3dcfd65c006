"""A headless Chromium, driven over its debugging pipe: no package more, and nothing that listens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE: Final = 60.0
OPTIONS: Final = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


@dataclass
class Tab:
    """One tab. ``said``: what the browser complained of."""

    commands: BinaryIO
    answers: BinaryIO
    session: str = ""
    number: int = 0
    said: list[str] = field(default_factory=list)

    def ask(self, method: str, **params: Any) -> Any:
        self.number += 1
        target = {"sessionId": self.session} if self.session else {}
        self.commands.write(
            json.dumps({"id": self.number, "method": method, "params": params, **target}).encode() + b"\0"
        )
        self.commands.flush()
        while True:
            message = self._next()
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            if message.get("method") == "Log.entryAdded":
                self.said.append(message["params"]["entry"]["text"])

    def _next(self) -> Any:
        text = bytearray()
        while (one := self.answers.read(1)) != b"\0":
            assert one, "the browser has ended"
            text += one
        return json.loads(text)

    def run(self, script: str) -> Any:
        """The value of a script's last expression."""
        return self.ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.wait_for("document.readyState == 'complete'")

    def wait_for(self, condition: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.run(condition):
            assert time.monotonic() < until, (condition, self.run("document.body.innerText"))
            time.sleep(0.05)

    def press(self, text: str) -> None:
        """Press the button that says so, and wait for the page that comes."""
        self.run("window.before = true")
        self.run(f"[...document.querySelectorAll('button')].find(one => one.textContent == {json.dumps(text)}).click()")
        self.wait_for("!window.before && document.readyState == 'complete'")

    @property
    def text(self) -> str:
        return str(self.run("document.body.innerText"))


@contextmanager
def tab() -> Iterator[Tab]:
    """A tab of a browser of our own, which ends with the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium", ignore_cleanup_errors=True) as folder:
        piped = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        words = [
            "bash",
            "-c",
            piped,
            "bash",
            str(CHROMIUM),
            *OPTIONS,
            f"--user-data-dir={folder}",
            "--remote-debugging-pipe",
        ]
        quiet: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(words, pass_fds=(theirs_in, theirs_out), start_new_session=True, **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        with os.fdopen(ours_out, "wb") as commands, os.fdopen(ours_in, "rb") as answers:
            try:
                found = Tab(commands, answers)
                target = found.ask("Target.createTarget", url="about:blank")["targetId"]
                found.session = found.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
                for domain in ("Page", "Log", "Runtime"):
                    found.ask(f"{domain}.enable")
                yield found
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)  # its own children too
                process.wait(PATIENCE)
