"""What a client has asked the server, and the answer as far as it has come."""

from __future__ import annotations

from collections.abc import Callable

from .session import ServerSession
from .wire import Frame

IsEnd = Callable[[Frame], bool]
"""Takes each message of an answer; whether the answer is complete."""


class ServerQuestion:
    """One question.

    Attributes:
        answer: the messages that have come.
        error: what the connection to the server was lost by, if it was.
        is_over: whether there is nothing more to come.
        waits_for_lock: whether another connection has to let go of a lock first, which may
            take virtual time.
        is_called_off: whether the server was asked not to wait for a lock any longer.
    """

    def __init__(self, is_end: IsEnd) -> None:
        self.answer: list[Frame] = []
        self.error: OSError | None = None
        self.is_over = self.waits_for_lock = self.is_called_off = False
        self._is_end = is_end

    def hear(self, session: ServerSession | None) -> None:
        """Take what the server says, until it is late or has said all."""
        try:
            while session and not self.is_over and (message := session.next()):
                self.answer.append(message)
                self.is_over = self._is_end(message)
        except OSError as error:
            self.lose(error)

    def lose(self, error: OSError) -> None:
        """There will be no more of the answer."""
        self.error, self.is_over = error, True
