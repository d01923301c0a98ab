"""Sends a message in the background, within a time, and says how it went."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from ..render.text import on_one_line
from .message import Message, encoded, in_a_sentence
from .settings import BoardAddress

WITHIN = 3.0
"""Real seconds after which a board that has not answered will not be waited for."""
PAUSE = 0.5
"""Real seconds before a message is sent again, if the board doesn't say when."""
SPREAD = 0.5
"""How much longer a pause may be, by chance, so that not all come back at once."""
MOST_ANSWER, MOST_DETAIL = 10_000, 200
"""Bytes of an answer that are read, and characters of it that are shown."""


class Refused(Exception):
    """The board doesn't want the message, and would not want it the next time."""


class Unreachable(Exception):
    """There was no answer, or one that says: later.

    Attributes:
        pause: real seconds to let pass before the message is sent again.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause or PAUSE


class Sending:
    """A message on its way, in a thread that nothing has to wait for.

    Args:
        done: called in that thread with a sentence, once it is known how it went.
    """

    def __init__(
        self, board: BoardAddress, message: Message, done: Callable[[str], object] | None = None
    ) -> None:
        self._board = board
        self._message = message
        self._done = done
        self._deadline = time.monotonic() + WITHIN
        self._outcome = self._late()
        self._thread = threading.Thread(target=self._run, name="report", daemon=True)
        self._thread.start()

    def outcome(self) -> str:
        """How it went, in a sentence. It is waited for, but not for longer than `WITHIN` from the
        beginning."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        return self._outcome

    def _run(self) -> None:
        try:
            self._send_until_the_deadline()
        except Refused as error:
            self._outcome = f"Not reported: {error}."
        except Unreachable:
            self._outcome = self._late()
        else:
            self._outcome = f"Reported to {self._board.shown}: {in_a_sentence(self._message)}."
        if self._done is not None:
            self._done(self._outcome)

    def _send_until_the_deadline(self) -> None:
        """The board knows the message by its id, so it does no harm to send it twice."""
        body = encoded(self._message)
        while True:
            try:
                return send(self._board, body, self._deadline - time.monotonic())
            except Unreachable as error:
                pause = error.pause * (1 + SPREAD * random.random())
                if time.monotonic() + pause >= self._deadline:
                    raise
            time.sleep(pause)

    def _late(self) -> str:
        return f"Not reported: the board at {self._board.shown} doesn't answer."


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """The token is for this board, and for no other place that it names."""


def send(board: BoardAddress, body: bytes, seconds: float) -> None:
    """Send a message.

    Raises:
        Refused: the board doesn't take it.
        Unreachable: it may be sent again.
    """
    headers = {"Authorization": f"Bearer {board.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{board.url}/reports", body, headers, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
            said = answer.read(MOST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (502, 503, 504):
                raise Unreachable(_seconds(error.headers.get("Retry-After"))) from error
            raise Refused(_reason(error)) from error
    except Exception as error:  # whatever a stranger's server sends
        raise Unreachable from error
    if _field(said, "new") is None:
        raise Refused("what answers there isn't a board")


def _seconds(text: str | None) -> float:
    """What a header says, if it is a number of seconds; else 0."""
    return float(text) if text and text.isascii() and text.isdecimal() else 0.0


def _reason(error: urllib.error.HTTPError) -> str:
    """Why, as the board says it; that is a stranger's text."""
    detail = _field(error.read(MOST_ANSWER), "detail")
    if detail is None:
        return f"what answers there isn't a board ({error.code})"
    return f"the board says: {on_one_line(str(detail))[:MOST_DETAIL]}"


def _field(answer: bytes, name: str) -> Any:
    """A field of a JSON object; None if it isn't there, or if the answer isn't one."""
    try:
        return json.loads(answer)[name]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
