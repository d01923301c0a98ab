"""A headless Chromium, spoken to in its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
)
PATIENCE = 180.0
"""Real seconds after which a browser that has not answered will not."""

SOON = 60.0
"""Real seconds after which what a page should show will not be shown."""


def chromium() -> str | None:
    """The program, if the machine has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for found in map(shutil.which, names) if found), None)


class Navigated(AssertionError):
    """The page was left while an expression in it was waited for."""


class Browser:
    """One page of a Chromium of its own; use as a context manager.

    Attributes:
        events: what the browser reported by itself, each with its `method` and `params`.
    """

    def __init__(self, program: str, profile: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._sent = 0
        self._read = b""
        self._session: dict[str, str] = {}
        self._process, self._to, self._from = _start(program, profile)
        self._attach()

    def _attach(self, **context: str) -> None:
        target = self.send("Target.createTarget", url="about:blank", **context)["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    @contextmanager
    def visitor(self) -> Iterator[Browser]:
        """For a while a page of one who comes for the first time, with nothing kept."""
        before, self._session = self._session, {}
        context = self.send("Target.createBrowserContext")
        self._attach(**context)
        yield self
        self._session = {}
        self.send("Target.disposeBrowserContext", **context)
        self._session = before

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def send(self, method: str, **params: Any) -> Any:
        """Send a command, and wait for its result.

        Raises:
            Navigated: another page has taken the place of the one that it was about.
        """
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._sent:
            self.events.append(answer)
        error = answer.get("error", {}).get("message", "")
        if "navigated" in error or "context was destroyed" in error:
            raise Navigated(error)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of one kind."""
        return [event["params"] for event in self.events if event["method"] == method]

    def open(self, url: str) -> None:
        """Load a page, and forget what was told before."""
        self.events.clear()
        self.send("Page.navigate", url=url)
        while not self.told("Page.loadEventFired"):
            self.events.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str, soon: float = SOON) -> Any:
        """The value of a JavaScript expression as soon as that is true or something.

        Args:
            soon: the real seconds after which it is given up.
        """
        promise = f"""new Promise((resolve, reject) => {{
            setTimeout(() => reject(new Error('this was never so')), {soon * 1000});
            const look = () => {{
                const value = {condition};
                value ? resolve(value) : setTimeout(look, 10);
            }};
            look();
        }})"""
        return self.promised(promise)

    def promised(self, promise: str) -> Any:
        """What a promise, given by a JavaScript expression, is kept with."""
        answer = self.send(
            "Runtime.evaluate", expression=promise, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, element: str) -> None:
        """Click into the middle of the element that a JavaScript expression gives."""
        x, y = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getClientRects()[0];"
            f" return [r.x + r.width / 2, r.y + r.height / 2]; }})({element})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def resize(self, width: int, height: int = 900) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def prefer(self, scheme: str, media: str = "") -> None:
        """Show pages in a `light` or `dark` scheme, or as for `print`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.send("Page.printToPDF", printBackground=False)["data"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            assert select.select([self._from], [], [], PATIENCE)[0], "the browser is silent"
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has died"
            self._read += part
        message, _, self._read = self._read.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received


def _start(program: str, profile: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    """The process, and our ends of the pipes that it knows as 3 and 4."""
    its_in, our_out = os.pipe()
    our_in, its_out = os.pipe()
    # Above 9, neither is one of the numbers that it is to be called by.
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (its_in, its_out)]
    renumber = f'exec "$@" 3<&{high[0]} 4>&{high[1]}'
    process = subprocess.Popen(
        ["bash", "-c", renumber, "bash", program, *OPTIONS, f"--user-data-dir={profile}"],
        pass_fds=high,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (its_in, its_out, *high):
        os.close(end)
    return process, our_out, our_in
