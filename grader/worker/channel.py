"""Messages between judge and player: JSON, each with its length before it."""

from __future__ import annotations

import os
import socket
import struct
from typing import TypeVar

import msgspec

from ..scenarios import Scenario
from ..trace import Trace

HEADER = struct.Struct("!I")
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest message that the judge will read."""


class Load(msgspec.Struct, frozen=True, tag="load"):
    """The file to play from now on. `source` is its text; the file itself is not read again."""

    source: str
    path: str


class Perform(msgspec.Struct, frozen=True, tag="perform"):
    """Play `scenario` against the app that the function `factory` of the file builds."""

    factory: str
    scenario: Scenario


class Performed(msgspec.Struct, frozen=True):
    """What came of a `Perform`. A spoiled player has to be replaced before the next one."""

    trace: Trace
    spoiled: bool = False


class ChannelClosed(Exception):
    """The other side is gone, or says what no honest other side would."""


Message = TypeVar("Message")


class Channel:
    """One end of a connection. Only the process that made it may send.

    Args:
        end: a connected stream socket, which the channel owns from now on.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._owner = os.getpid()

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: msgspec.Struct) -> None:
        if os.getpid() != self._owner:
            os._exit(1)  # a fork of the learner's has come back to our code: it has no say
        body = msgspec.json.encode(message)
        try:
            self._end.sendall(HEADER.pack(len(body)) + body)
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, kind: type[Message]) -> Message:
        """The next message.

        Raises:
            ChannelClosed: there is none, or it is not of `kind`.
        """
        (length,) = HEADER.unpack(self._read(HEADER.size))
        if length > LARGEST:
            raise ChannelClosed
        try:
            return msgspec.json.decode(self._read(length), type=kind)
        except msgspec.DecodeError as error:
            raise ChannelClosed from error

    def _read(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            try:
                part = self._end.recv(min(size, 1 << 20))
            except OSError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._end.close()
