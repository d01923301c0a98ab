"""One framing of messages between processes: JSON, each with its length before it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

HEADER = struct.Struct("!I")
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest message that is read, if nothing else is said."""


class ChannelClosed(Exception):
    """The other side is gone, or says what no honest other side would."""


class Nonsense(ChannelClosed):
    """The other side is there, and says what no honest other side would."""


Message = TypeVar("Message")


def framed(message: msgspec.Struct, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
    """A message as it goes over a connection.

    Args:
        enc_hook: makes something of what JSON has no form for.
    """
    body = msgspec.json.encode(message, enc_hook=enc_hook)
    return HEADER.pack(len(body)) + body


def decoded(body: bytes | bytearray, kind: type[Message]) -> Message:
    """A message that has come over a connection.

    Raises:
        Nonsense: it is not of `kind`.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Nonsense from error


class Channel:
    """One end of a connection. Only the process that made it may send.

    Args:
        end: a connected stream socket, which the channel owns from now on.
        largest: bytes of the largest message that is read.
    """

    def __init__(self, end: socket.socket, largest: int = LARGEST) -> None:
        self._end = end
        self._largest = largest
        self._owner = os.getpid()
        self._unread = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def within_message(self) -> bool:
        """Whether a message has begun to arrive, and has not been read."""
        return bool(self._unread)

    def send(self, message: msgspec.Struct) -> None:
        """Send a message, and wait until all of it is on its way.

        Raises:
            ChannelClosed: the other side is gone.
        """
        self.send_encoded(msgspec.json.encode(message))

    def send_encoded(self, body: bytes) -> None:
        """Send a message that is JSON already; see `send`."""
        self._see_that_it_may_send()
        try:
            self._end.sendall(HEADER.pack(len(body)) + body)
        except OSError as error:
            raise ChannelClosed from error

    def post(self, message: msgspec.Struct) -> None:
        """Send as much of a message as the other side takes now; the rest goes while we `wait`.

        Two sides that send, and read only afterwards, would wait for each other for ever.

        Raises:
            ChannelClosed: the other side is gone.
        """
        self._see_that_it_may_send()
        body = msgspec.json.encode(message)
        self._unsent += HEADER.pack(len(body)) + body
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                sent = self._end.send(self._unsent, socket.MSG_DONTWAIT)
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError as error:
            self._unsent.clear()
            raise ChannelClosed from error

    def wait(self, seconds: float, *others: int) -> bool:
        """Wait until something comes, and send meanwhile what was posted.

        Args:
            others: file descriptors at which it may come, too.

        Returns:
            Whether it has come.
        """
        here = self.fileno()
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            writes = [here] if self._unsent else []
            came, can_send, _ = select.select([here, *others], writes, [], left)
            if can_send:
                with contextlib.suppress(ChannelClosed):  # what it has said can still be read
                    self._flush()
            if came or not can_send:
                return bool(came)

    def _see_that_it_may_send(self) -> None:
        if os.getpid() != self._owner:
            os._exit(1)  # a fork of the learner's has come back to our code: it has no say

    def arrived(self) -> bool:
        """Take in what has come so far, and no more; whether that makes a whole message.

        Raises:
            ChannelClosed: no message will come any more.
        """
        return self._take_in(socket.MSG_DONTWAIT)

    def receive(self, kind: type[Message], opening: bytes = b"") -> Message:
        """The next message.

        Args:
            opening: how it has to begin. What begins otherwise isn't decoded, which could take
                many times the memory of the message.

        Raises:
            ChannelClosed: no message will come any more.
            Nonsense: it is not of `kind`.
        """
        self._take_in(0)
        body, self._unread = self._unread[HEADER.size :], bytearray()
        if not body.startswith(opening):
            raise Nonsense
        return decoded(body, kind)

    def _take_in(self, flags: int) -> bool:
        while missing := self._missing():
            try:
                part = self._end.recv(min(missing, 1 << 20), flags)
            except BlockingIOError:
                return False
            except OSError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            self._unread += part
        return True

    def _missing(self) -> int:
        """Bytes that the message, or its header, still lacks. More are never read."""
        if len(self._unread) < HEADER.size:
            return HEADER.size - len(self._unread)
        (length,) = HEADER.unpack_from(self._unread)
        if length > self._largest:
            raise Nonsense
        return HEADER.size + int(length) - len(self._unread)

    def duplicate(self) -> socket.socket:
        """The same end once more, for another process."""
        return self._end.dup()

    def hang_up(self) -> None:
        """End the connection, also for those who have a duplicate of this end."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        self._end.close()
