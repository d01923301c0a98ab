"""The broker reaches servers for a player, from outside.

A player knows no server and no password but those of its own play. It asks the broker, over a
socket that it was made with, and is handed open connections as file descriptors.
"""

from __future__ import annotations

import os
import socket
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from ...processes.channel import Channel, ChannelClosed, Nonsense, decoded
from ...processes.signs import for_service
from .errors import BrokerLost, ServiceError

LIMIT = 30.0
"""Real seconds that the other end of a connection may take to answer."""

Answer = TypeVar("Answer", bound=msgspec.Struct)


class BrokerRequest(msgspec.Struct, frozen=True):
    """What a player asks for: a message of a kind of service, to those who know that kind."""

    kind: str
    body: msgspec.Raw


class BrokerReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to it.

    Attributes:
        body: of the answer, if there is one.
        with_connection: whether a byte follows, and with it a file descriptor.
        problem: why the service can't be had, and `remedy` what to do about it.
        lost: why a connection couldn't be made.
    """

    body: msgspec.Raw = msgspec.Raw()
    with_connection: bool = False
    problem: str = ""
    remedy: str = ""
    lost: str = ""


class Done(msgspec.Struct, frozen=True):
    """The answer to what has no other."""


class Brought(NamedTuple):
    """What comes of a request: an answer, and a connection where there is one."""

    answer: Any
    connection: socket.socket | None = None


class ServiceBroker(Protocol):
    """What the broker does for one player, in services of one kind. It has a thread of its own."""

    def answer(self, request: bytes) -> Brought:
        """Do what a player asks for.

        Args:
            request: JSON, from code that nobody trusts.

        Raises:
            ServiceError: the service can't be had.
            OSError: it can't be connected to.
            msgspec.DecodeError: the request makes no sense.
        """

    def close(self) -> None:
        """The player is gone."""


class Broker:
    """The broker, as a player sees it.

    Args:
        end: the player's end of the socket between the two.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._channel = Channel(end)

    def ask(self, kind: str, request: msgspec.Struct, answer: type[Answer]) -> Answer:
        """Ask for what comes without a connection; see `ask_for_connection`."""
        return _answer_in(self._ask(kind, request), answer)

    def ask_for_connection(
        self, kind: str, request: msgspec.Struct, answer: type[Answer]
    ) -> tuple[Answer, socket.socket]:
        """Ask for something, and for the connection that comes with it. Takes real time.

        Args:
            kind: of the service.

        Raises:
            ServiceError: the service can't be had.
            BrokerLost: the two can't speak to each other any more.
            ConnectionError: the connection can't be made.
        """
        reply = self._ask(kind, request)
        if not reply.with_connection:
            raise BrokerLost
        connection = socket.socket(fileno=self._descriptor())
        connection.settimeout(LIMIT)  # it doesn't block: that is shared with the broker
        return _answer_in(reply, answer), connection

    def _descriptor(self) -> int:
        """The one that follows a reply."""
        try:
            with _in_real_time():
                _, (descriptor,), _, _ = socket.recv_fds(self._end, 1, 1)
        except (OSError, ValueError) as error:
            raise BrokerLost from error
        os.set_inheritable(descriptor, False)
        return descriptor

    def _ask(self, kind: str, request: msgspec.Struct) -> BrokerReply:
        wanted = BrokerRequest(kind, msgspec.Raw(msgspec.json.encode(request)))
        try:
            with _in_real_time(), for_service():
                self._channel.send(wanted)
                reply = self._channel.receive(BrokerReply)
        except ChannelClosed as error:
            raise BrokerLost from error
        if reply.problem:
            raise ServiceError(reply.problem, reply.remedy)
        if reply.lost:
            raise ConnectionRefusedError(reply.lost)
        return reply


def _answer_in(reply: BrokerReply, kind: type[Answer]) -> Answer:
    try:
        return decoded(bytes(reply.body), kind)
    except Nonsense as error:  # an answer to something else
        raise BrokerLost from error


def _in_real_time() -> AbstractContextManager[None]:
    from .off_clock import off_clock  # the judge has no clock, and imports none

    return off_clock()


_of_this_process: Broker | None = None


def use_broker(broker: Broker) -> None:
    """Reach servers through it from now on, in this process."""
    global _of_this_process
    _of_this_process = broker


def broker() -> Broker | None:
    """The one that this process reaches servers through; None where it does so itself."""
    return _of_this_process
