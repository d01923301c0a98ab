"""The broker's side of the judge: it serves each player in a thread of its own."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread

import msgspec

from ..processes.channel import Channel, ChannelClosed
from ..services.base.broker import BrokerReply, BrokerRequest, Brought, ServiceBroker
from ..services.base.errors import ServiceError
from ..services.registry import KINDS, kind

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest message that a player may send, which is a seed."""
MOST_REQUESTS, MOST_BYTES = 10_000, 64 * 1024 * 1024
"""That a player may make, and of all of them. To read them takes the judge's time."""


class PlayerBroker:
    """Does for one player what that asks for, until one of them hangs up.

    Args:
        end: the judge's end of the socket between the two.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._services: dict[str, ServiceBroker] = {}
        self._bytes = 0
        Thread(target=self._serve, name="broker", daemon=True).start()

    def close(self) -> None:
        """Hang up. What the player has leased is given back."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        channel = Channel(self._end, LARGEST)
        try:
            with suppress(ChannelClosed, OSError):
                for _ in range(MOST_REQUESTS):
                    self._answer(channel, channel.receive(BrokerRequest))
        finally:
            for service in self._services.values():
                service.close()
            channel.hang_up()

    def _answer(self, channel: Channel, request: BrokerRequest) -> None:
        self._bytes += len(request.body)
        if self._bytes > MOST_BYTES:
            raise ChannelClosed
        try:
            brought = self._of(request.kind).answer(bytes(request.body))
        except ServiceError as error:
            channel.send(BrokerReply(problem=error.problem, remedy=error.remedy))
        except OSError as error:
            channel.send(BrokerReply(lost=str(error) or type(error).__name__))
        except (msgspec.DecodeError, KeyError, RecursionError) as error:
            raise ChannelClosed from error
        except Exception as error:  # ours: to hang up would charge it to the play
            channel.send(
                BrokerReply(problem=f"The broker failed: {error!r}", remedy="please report this")
            )
        else:
            self._hand_over(channel, brought)

    def _of(self, name: str) -> ServiceBroker:
        if name not in self._services:
            make = kind(name).broker if name in KINDS else None
            if make is None:
                raise KeyError(name)
            self._services[name] = make()
        return self._services[name]

    def _hand_over(self, channel: Channel, brought: Brought) -> None:
        body, connection = msgspec.Raw(msgspec.json.encode(brought.answer)), brought.connection
        if connection is None:
            channel.send(BrokerReply(body))
            return
        with connection:
            channel.send(BrokerReply(body, with_connection=True))
            socket.send_fds(self._end, [b"c"], [connection.fileno()])
