"""Aspects of connections that stay: server-sent events, WebSockets, and who listens."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...model.event_stream import ServerEvent
from ...model.trace import Exchange, SocketMessage, Span, Trace, json_in, to_ticks
from ...model.websockets import GOING_DOWN
from ..differences import as_text
from .aspect import NO_ANSWER, Aspect, aspect, seconds

Timed = tuple[int, str, int]
"""The number of an exchange, what its client got, and the ticks since it was started."""


def _timed_in_words(fact: Timed) -> str:
    number, text, tick = fact
    return f"#{number + 1}: {text} at {seconds(tick)}"


# Server-sent events


@aspect("events", say=_timed_in_words, nothing="no event")
def events(trace: Trace) -> tuple[Timed, ...]:
    """The data of each server-sent event, with the moment it was there. Comments don't count."""
    return tuple(
        (exchange.number, data_of(event), event.at.tick - exchange.started.tick)
        for exchange in trace.exchanges
        for event in real_events(exchange)
    )


def events_of(number: int) -> Aspect:
    """The same for one exchange; what became of the others does not matter."""

    @aspect("events", say=_timed_in_words, nothing="no event")
    def of_one(trace: Trace) -> tuple[Timed, ...]:
        return tuple(fact for fact in events(trace) if fact[0] == number)

    return of_one


def _event_in_words(fact: tuple[int, str, str]) -> str:
    number, last_id, text = fact
    return f"#{number + 1}: {text} with {f'the id {last_id}' if last_id else 'no id'}"


@aspect("events", say=_event_in_words, nothing="no event")
def event_ids(trace: Trace) -> tuple[tuple[int, str, str], ...]:
    """The id and the data of each server-sent event; when it comes does not matter."""
    return tuple(
        (exchange.number, event.id, data_of(event))
        for exchange in trace.exchanges
        for event in real_events(exchange)
    )


def real_events(exchange: Exchange) -> Iterator[ServerEvent]:
    """The events of a response, without its comments."""
    return (event for event in exchange.events() if not event.is_comment)


def data_of(event: ServerEvent) -> str:
    """The data of an event as JSON, always in the same way; or as it is, if it isn't JSON."""
    return _canonical(event.data)


def _canonical(text: str) -> str:
    value = json_in(text)
    return text.strip() if value is None else as_text(value)


def never_silent_for(limit: float) -> Aspect:
    """Whether each open event stream sends something every `limit` seconds, if only a comment."""
    most = to_ticks(limit)

    def say(silence: int | None) -> str:
        if silence is None:
            return f"never more than {limit:g} s without an event or a comment"
        return f"{seconds(silence)} without an event or a comment"

    @aspect("silence", say=say)
    def silences(trace: Trace) -> tuple[int | None, ...]:
        longest = map(longest_silence, trace.exchanges)
        return tuple(None if ticks <= most else ticks for ticks in longest)

    return silences


def longest_silence(exchange: Exchange) -> int:
    """The longest time, in ticks, in which a response sent neither an event nor a comment."""
    end = exchange.completed or exchange.hung_up or exchange.returned
    moments = [exchange.started, *(event.at for event in exchange.events())]
    moments += [end] if end is not None else []
    return max((later.tick - earlier.tick for earlier, later in pairwise(moments)), default=0)


# WebSockets


@aspect("messages", say=_timed_in_words, nothing="no message")
def messages(trace: Trace) -> tuple[Timed, ...]:
    """What each client of a WebSocket was sent, and when."""
    return tuple(
        (exchange.number, text_of(message), message.at.tick - exchange.started.tick)
        for exchange in trace.exchanges
        for message in sent_by_app(exchange)
    )


def messages_to(number: int) -> Aspect:
    """The same for one exchange; what became of the others does not matter."""

    @aspect("messages", say=_timed_in_words, nothing="no message")
    def to_one(trace: Trace) -> tuple[Timed, ...]:
        return tuple(fact for fact in messages(trace) if fact[0] == number)

    return to_one


@aspect("messages", say=lambda fact: f"#{fact[0] + 1}: {fact[1]}", nothing="no message")
def message_texts(trace: Trace) -> tuple[tuple[int, str], ...]:
    """What each client of a WebSocket was sent, in order; when it was sent does not matter."""
    return tuple((number, text) for number, text, _ in messages(trace))


def sent_by_app(exchange: Exchange) -> Iterator[SocketMessage]:
    """The messages from the app to a client."""
    return (message for message in exchange.messages if message.by == "server")


def text_of(message: SocketMessage) -> str:
    """A message as JSON, always in the same way; or as it is, if it isn't JSON."""
    return repr(message.body) if message.text is None else _canonical(message.text)


Close = tuple[int, str]
TimedClose = tuple[int, str, int | None]


@aspect("closes", say=lambda fact: f"#{fact[0] + 1}: {fact[1]}", nothing="no WebSocket")
def closes(trace: Trace) -> tuple[Close, ...]:
    """How each WebSocket ends: which side closes it, and with which code."""
    return tuple((exchange.number, how_it_ends(exchange)) for exchange in _sockets(trace))


def _close_in_words(fact: TimedClose) -> str:
    number, how, tick = fact
    return f"#{number + 1}: {how}{'' if tick is None else f' at {seconds(tick)}'}"


@aspect("closes", say=_close_in_words, nothing="no WebSocket")
def timed_closes(trace: Trace) -> tuple[TimedClose, ...]:
    """How each WebSocket ends; and when, if it is the app that closes it."""
    return tuple((one.number, how_it_ends(one), _closed_at(one)) for one in _sockets(trace))


def _closed_at(exchange: Exchange) -> int | None:
    if exchange.closing is None or not is_closed_by_app(exchange):
        return None
    return exchange.closing.at.tick - exchange.started.tick


def is_closed_by_app(exchange: Exchange) -> bool:
    """Whether the app closes a WebSocket, and not its client or a server that stops."""
    closing = exchange.closing
    return closing is not None and closing.by == "server" and closing.code != GOING_DOWN


def how_it_ends(exchange: Exchange) -> str:
    """The end of a WebSocket in words."""
    closing = exchange.closing
    if closing is None:
        return f"refused with {exchange.status or NO_ANSWER}"
    if is_closed_by_app(exchange):
        return f"closed with {closing.code}"
    return "left by its client" if closing.by == "client" else "open to the end"


def _sockets(trace: Trace) -> Iterator[Exchange]:
    return (exchange for exchange in trace.exchanges if exchange.method == "WEBSOCKET")


# LISTEN and NOTIFY


@aspect(
    "connections", say=lambda count: f"{count or 'no'} connection{'s' * (count != 1)} listening"
)
def listening(trace: Trace) -> tuple[int, ...]:
    """How many connections to databases have begun to listen."""
    return (len({span.resource for span in listens_in(trace)}),)


@aspect(
    "startup",
    say=lambda in_time: f"the app listens {'before' if in_time else 'after'} that",
)
def listens_in_time(trace: Trace) -> tuple[bool, ...]:
    """Whether a connection listens when the app begins to take requests."""
    return (any(span.end.tick <= trace.opened for span in listens_in(trace)),)


def listens_in(trace: Trace) -> list[Span]:
    """The statements by which connections have begun to listen."""
    done = [span for span in trace.spans if (span.kind, span.how) == ("statement", "done")]
    return [span for span in done if str(span.arguments[0]).lower().lstrip().startswith("listen")]
