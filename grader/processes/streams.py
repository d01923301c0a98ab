"""The framing of `channel` in an event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec

from .channel import HEADER, LARGEST, ChannelClosed, Message, Nonsense, decoded, framed


class MessageStream:
    """One end of a connection, read and written in an event loop.

    Args:
        largest: bytes of the largest message that is read.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int = LARGEST
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._largest = largest

    def send(self, message: msgspec.Struct) -> None:
        """Send a message; what JSON has no form for goes as text."""
        self._writer.write(framed(message, enc_hook=str))

    async def taken(self) -> None:
        """Wait until the other side has taken up nearly all that was sent, or is gone."""
        with suppress(OSError):
            await self._writer.drain()

    async def receive(self, kind: type[Message]) -> Message:
        """The next message.

        Raises:
            ChannelClosed: no message will come any more.
            Nonsense: it is too large, or not of `kind`.
        """
        try:
            (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            if length > self._largest:
                raise Nonsense
            return decoded(await self._reader.readexactly(length), kind)
        except (OSError, EOFError) as error:
            raise ChannelClosed from error

    def close(self) -> None:
        self._writer.close()
