"""The server of a play, and its clients: each request at its moment, until all have an end.

It stops as uvicorn stops: nothing new is taken, WebSockets are closed with 1012, what is open
may go on to its end, and what is still going on when the grace period is over is cancelled.
Then it may be started again, with another app.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ..clock import Clock, VirtualLoop
from ..model.scenarios import Request, Scenario, WebSocket
from ..model.trace import Exchange, Moment, to_seconds, to_ticks
from .clients import Client
from .closing import settle
from .context import PlayContext
from .exchange import Conversation
from .recorder import Recorder
from .references import References
from .websocket import WebSocketConversation

TURNS_TO_SETTLE = 6
"""Turns of the loop after the last answer, for what is to happen "at once"."""

Numbered = tuple[int, Request | WebSocket]
AnyConversation = Conversation | WebSocketConversation


class Serving:
    """Sends the requests of a scenario to an app that has started up.

    Args:
        opened: the tick at which the first app had started up.
    """

    def __init__(
        self, scenario: Scenario, context: PlayContext, references: References, opened: int
    ) -> None:
        self._scenario = scenario
        self._references = references
        self._opened = opened
        self._app: Any = None
        self._state: dict[str, Any] = {}
        self._recorder: Recorder = context.recorder
        self._loop: VirtualLoop = context.loop
        self._clock: Clock = context.clock
        self._conversations: dict[int, AnyConversation] = {}
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._ends: list[asyncio.Future[None]] | None = None
        self._is_stopping = False
        self._stopped = asyncio.Event()
        self._grace: asyncio.TimerHandle | None = None

    def start(self, app: Any, state: dict[str, Any], stops_at: float | None) -> None:
        """Serve this app from now on; the first time, the requests are on their way, too.

        Args:
            state: what its lifespan has left for the requests.
            stops_at: seconds from now at which the server is asked to stop.
        """
        self._app, self._state = app, state
        self._is_stopping = False
        self._stopped.clear()
        if stops_at is not None:
            self._loop.call_at(to_seconds(self._clock.now + to_ticks(stops_at)), self.stop)
        if self._ends is None:
            self._ends = [end for chain in self._chains() for end in self._begin_chain(chain)]

    async def until_stopped(self) -> None:
        """Wait until the server has been asked to stop, and what was open has come to its end."""
        await self._stopped.wait()
        while self._calls:
            await asyncio.wait(self._calls.values())
        if self._grace is not None:
            self._grace.cancel()

    async def until_over(self) -> None:
        """Wait until every request was sent at its moment, and each ASGI call is over."""
        if self._ends:
            await asyncio.gather(*self._ends)
        await self._end_websockets()
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Stop as a server does on SIGTERM."""
        self._is_stopping = True
        self._stopped.set()
        for conversation in self._conversations.values():
            if isinstance(conversation, WebSocketConversation):
                conversation.be_stopped()
        if self._scenario.grace is not None:
            self._grace = self._loop.call_later(self._scenario.grace, self._cancel_calls)

    def exchanges(self) -> tuple[Exchange, ...]:
        """What has come of each request, in the order of the scenario."""
        return tuple(
            conversation.exchange()
            if (conversation := self._conversations.get(number))
            else self._not_sent(number, request)
            for number, request in enumerate(self._scenario.requests)
        )

    # Requests, one by one or in turn

    def _chains(self) -> list[list[Numbered]]:
        """The requests of each client; one that belongs to none is alone."""
        numbered: list[Numbered] = list(enumerate(self._scenario.requests))
        chains = [
            list(chain) for _, chain in groupby(numbered, lambda entry: entry[1].client or entry[0])
        ]
        if self._scenario.order_seed is not None:
            random.Random(self._scenario.order_seed).shuffle(chains)
        return chains

    def _begin_chain(self, chain: list[Numbered]) -> Iterable[asyncio.Future[None]]:
        if len(chain) > 1:
            return [asyncio.Task(self._send_in_turn(chain), loop=self._loop)]  # not the app's
        [(number, request)] = chain
        return [self._send(number, request, self._opened)]

    async def _send_in_turn(self, chain: list[Numbered]) -> None:
        client, since = Client(), self._opened
        ends = []
        for number, request in chain:
            prepared = client.prepared(request)
            end = self._send(number, prepared, since)
            ends.append(end)
            conversation = self._conversations[number]
            await asyncio.wait([end, conversation.answered], return_when=asyncio.FIRST_COMPLETED)
            client.take(conversation.exchange())
            since = self._clock.now
        await asyncio.gather(*ends)

    def _send(self, number: int, request: Request | WebSocket, since: int) -> asyncio.Future[None]:
        """Arm the request's timer now: a loop that is blocked later delays it no more than
        it would delay a client."""
        sent = Moment(since + to_ticks(request.at), self._recorder.moment().order)
        conversation = self._conversation(number, request, sent)
        self._conversations[number] = conversation
        over: asyncio.Future[None] = self._loop.create_future()

        def begin() -> None:
            if self._is_stopping:
                conversation.be_refused()
                settle(over, None)
                return
            call = self._loop.create_task(self._converse(conversation))
            self._calls[number] = call
            call.add_done_callback(lambda _: self._end(number, over))

        if request.at:
            self._loop.call_at(to_seconds(sent.tick), begin)
        else:
            begin()
        return conversation.acted if isinstance(conversation, WebSocketConversation) else over

    def _end(self, number: int, over: asyncio.Future[None]) -> None:
        self._calls.pop(number, None)
        settle(over, None)

    def _conversation(
        self, number: int, request: Request | WebSocket, sent: Moment
    ) -> AnyConversation:
        if isinstance(request, WebSocket):
            return WebSocketConversation(number, request, sent, self._recorder)
        at_rest = self._loop.at_rest.append
        return Conversation(number, request, sent, self._recorder, at_rest)

    async def _converse(self, conversation: AnyConversation) -> None:
        request = conversation.request
        call = asyncio.current_task()
        assert call is not None
        conversation.begin()
        if request.cancelled_at is not None:
            self._loop.call_later(request.cancelled_at, call.cancel)
        await conversation.run(self._app, self._state)
        self._references.end_exchange(conversation.number)

    def _not_sent(self, number: int, request: Request | WebSocket) -> Exchange:
        """The exchange of a request whose turn never came."""
        method = request.method if isinstance(request, Request) else "WEBSOCKET"
        return Exchange(
            number=number, method=method, path=request.path, started=self._recorder.moment()
        )

    # The end

    async def _end_websockets(self) -> None:
        """Let WebSockets go on whose clients have done all they do, and then stop the server."""
        for give_up in (self.stop, self._cancel_calls):
            if self._calls:
                await asyncio.wait(self._calls.values(), timeout=self._scenario.drain)
                give_up()
        if self._calls:
            await asyncio.wait(self._calls.values())

    def _cancel_calls(self) -> None:
        for call in self._calls.values():
            call.cancel()
