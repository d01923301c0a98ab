"""An HTTP server of a play, at a real URL on loopback, in exact virtual time."""

from __future__ import annotations

import math
import socket
from collections import Counter
from contextlib import ExitStack

from ...model.scenarios import Reply, Upstream
from ..base.context import ServiceContext
from ..base.host import ServiceHost
from .connections import HttpConnection
from .proxies import without_proxies
from .replies import NOT_FOUND


class UpstreamServer(ServiceHost[HttpConnection]):
    """One upstream of one play.

    Attributes:
        keep_alive: seconds that a connection may be idle; None is for ever.
    """

    def __init__(self, description: Upstream, name: str, context: ServiceContext) -> None:
        super().__init__(name, context)
        self.connect_takes = description.connect
        self.keep_alive = description.keep_alive
        self._routes = description.routes
        self._answered: Counter[str] = Counter()
        self._refusals = math.inf if description.refuses is None else description.refuses
        self._installed = ExitStack()
        self._installed.enter_context(without_proxies())
        if not self._refusals:
            self.listen()

    @property
    def given(self) -> str:
        return "http://{}:{}".format(*self.address)

    def connected(self, sock: socket.socket, port: int) -> HttpConnection:
        return HttpConnection(self, sock, port)

    def clear_up(self) -> None:
        self._installed.close()

    def reply_to(self, method: str, target: str) -> Reply:
        """The next reply to a request; routes with a query or a method go before others."""
        path = target.partition("?")[0]
        for route in (f"{method} {target}", target, f"{method} {path}", path):
            if replies := self._routes.get(route):
                self._answered[route] += 1
                return replies[min(self._answered[route], len(replies)) - 1]
        return NOT_FOUND

    def before_connect(self) -> None:
        """Refuse, which the kernel does for a port where nothing listens, or begin to listen."""
        if self._refusals:
            self._refusals -= 1
            self._note_refusal()
        else:
            self.listen()

    def _note_refusal(self) -> None:
        recorder = self.context.recorder
        attempt = recorder.begin(
            "connection", self.name, line=recorder.line_of_call(), task=recorder.task_name()
        )
        recorder.end(attempt, "failed")
