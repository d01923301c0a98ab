"""Aspects of answers: when they were there, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ...model.trace import (
    NEVER,
    Exchange,
    Trace,
    json_in,
    to_seconds,
)
from ..differences import as_text
from .aspect import NO_ANSWER, Aspect, aspect, seconds


def _seconds_or_none(ticks: int | None) -> str:
    return NO_ANSWER if ticks is None else seconds(ticks)


@aspect("elapsed", say=_seconds_or_none)
def elapsed(trace: Trace) -> tuple[int | None, ...]:
    """How long each answer took, in ticks."""
    return tuple(done(exchange) for exchange in trace.exchanges)


def done(exchange: Exchange) -> int | None:
    """Ticks from request to complete answer."""
    if exchange.completed is None:
        return None
    return exchange.completed.tick - exchange.started.tick


@aspect("elapsed", say=_seconds_or_none)
def sorted_elapsed(trace: Trace) -> tuple[int | None, ...]:
    """How long the answers took, the quickest first: who comes first is open."""
    return tuple(sorted(elapsed(trace), key=lambda ticks: (ticks is None, ticks or 0)))


def answered_within(limit: float) -> Aspect:
    """Whether each answer is complete within so many seconds, whenever that is."""

    def say(late: int | None) -> str:
        if late is None:
            return f"within {limit:g} s"
        return NO_ANSWER if late == NEVER else f"after {seconds(late)}"

    @aspect("elapsed", say=say)
    def within(trace: Trace) -> tuple[int | None, ...]:
        ticks = (NEVER if tick is None else tick for tick in elapsed(trace))
        return tuple(tick if to_seconds(tick) > limit else None for tick in ticks)

    return within


@aspect("elapsed", say=lambda free: f"the loop is {'free' if free else 'blocked'} while it waits")
def loop_is_free(trace: Trace) -> tuple[bool, ...]:
    """Whether nothing blocks the loop while requests are served."""
    blocked = (i for i in trace.incidents if i.kind == "loop-blocked")
    return (not any(incident.at.tick >= trace.opened for incident in blocked),)


def _status(status: int | None) -> str:
    return NO_ANSWER if status is None else str(status)


@aspect("status", say=_status)
def statuses(trace: Trace) -> tuple[int | None, ...]:
    """The status of each answer."""
    return tuple(exchange.status for exchange in trace.exchanges)


@aspect("status")
def sorted_statuses(trace: Trace) -> tuple[str, ...]:
    """The statuses, sorted: who comes first is open."""
    return tuple(sorted(str(exchange.status) for exchange in trace.exchanges))


def _answer_in_words(answer: tuple[int | None, str]) -> str:
    status, body = answer
    return f"{_status(status)} {body}".strip()


@aspect("status", "body", say=_answer_in_words)
def answers(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Status and body of each answer."""
    return tuple((exchange.status, _body(exchange)) for exchange in trace.exchanges)


@aspect("status", "body", say=_answer_in_words)
def good_answers(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """The status of each answer, and the body of those below 400: how errors are worded is open."""
    return tuple(
        (exchange.status, _body(exchange) if (exchange.status or 500) < 400 else "")
        for exchange in trace.exchanges
    )


def answer_of(number: int) -> Aspect:
    """Status and body of one answer; what became of the others does not matter."""

    @aspect("status", "body", say=_answer_in_words, nothing=NO_ANSWER)
    def answer(trace: Trace) -> tuple[tuple[int | None, str], ...]:
        return answers(trace)[number:][:1]

    return answer


def _body(exchange: Exchange) -> str:
    body = exchange.json()
    return exchange.text if body is None else as_text(body)


def body_holds(what: str, accept: Callable[[Any], bool]) -> Aspect:
    """Whether each answer's JSON is acceptable; `what` names it in words."""

    @aspect("status", "body", say=_answer_in_words)
    def holds(trace: Trace) -> tuple[tuple[int | None, str], ...]:
        return tuple(
            (e.status, f"with {what}" if e.status and accept(e.json()) else _body(e))
            for e in trace.exchanges
        )

    return holds


def says(what: str, told: Callable[[str], bool]) -> Aspect:
    """The status of each answer, and whether its text says something; `what` names it in words."""

    def say(fact: tuple[int | None, bool]) -> str:
        return f"{_status(fact[0])} {'with' if fact[1] else 'without'} {what}"

    @aspect("status", "text", say=say)
    def said(trace: Trace) -> tuple[tuple[int | None, bool], ...]:
        return tuple((exchange.status, told(exchange.text)) for exchange in trace.exchanges)

    return said


@aspect("media-type")
def media_types(trace: Trace) -> tuple[str, ...]:
    """The media type of each answer."""
    return tuple(media_type(exchange) or "no media type" for exchange in trace.exchanges)


def media_type(exchange: Exchange) -> str:
    """The media type of an answer, without its parameters."""
    return exchange.header("content-type").partition(";")[0]


def header(name: str) -> Aspect:
    """What a header of each answer says."""

    @aspect("headers", say=lambda value: f"{name}: {value}" if value else f"no {name}")
    def values(trace: Trace) -> tuple[str, ...]:
        return tuple(exchange.header(name) for exchange in trace.exchanges)

    return values


def has_header(name: str, status: int | None = None) -> Aspect:
    """Whether each answer has a header, whatever is in it; only those with `status`, if given."""

    def say(answer: tuple[int | None, bool]) -> str:
        given, there = answer
        return f"{_status(given)} with{'' if there else 'out'} {name}"

    @aspect("status", "header-presence", say=say)
    def headers(trace: Trace) -> tuple[tuple[int | None, bool], ...]:
        return tuple(
            (e.status, bool(e.header(name).strip()))
            for e in trace.exchanges
            if status in (None, e.status)
        )

    return headers


@aspect("lines", say=lambda line: f"{line[0][:60]} at {seconds(line[1])}")
def timed_lines(trace: Trace) -> tuple[tuple[str, int], ...]:
    """Each line of the streamed bodies, with the moment it was there."""
    return tuple(
        (chunk.body.decode("utf-8", "replace"), chunk.at.tick - exchange.started.tick)
        for exchange in trace.exchanges
        for chunk in exchange.lines()
    )


@aspect("lines", say=seconds)
def line_moments(trace: Trace) -> tuple[int, ...]:
    """When each line of the streamed bodies was there."""
    return tuple(tick for _, tick in timed_lines(trace))


@aspect("lines", "body", nothing="no line")
def lines_as_json(trace: Trace) -> tuple[str, ...]:
    """Each line of the bodies, read as JSON: how it is spaced does not matter."""
    return tuple(
        line[:60] if (row := json_in(line)) is None else as_text(row)
        for line, _ in timed_lines(trace)
    )


def mentions(secret: str, what: str = "the error's text") -> Aspect:
    """Whether the answers give away `secret`; `what` names it in words."""

    def say(given_away: bool) -> str:
        return f"an answer with {what}" if given_away else f"no trace of {what}"

    @aspect("secret", say=say)
    def mentioned(trace: Trace) -> tuple[bool, ...]:
        return tuple(gives_away(exchange, secret) for exchange in trace.exchanges)

    return mentioned


def gives_away(exchange: Exchange, secret: str) -> bool:
    """Whether the body or a header holds a secret, or a part of it that says as much."""
    said = "\n".join([exchange.text, *(value for _, value in exchange.headers)]).lower()
    return any(part in said for part in (secret.lower(), *_TELLING.findall(secret.lower())))


_TELLING = re.compile(r"(?=[\w-]*\d)[\w-]{6,}")
"""Names and numbers in which there are digits: no answer has them by chance."""


@aspect("cancellation")
def cancellations(trace: Trace) -> tuple[str, ...]:
    """Whether each call that the server cancels ends as cancelled, instead of looking complete."""
    return tuple(map(_end_of_cancelled, trace.exchanges))


def _end_of_cancelled(exchange: Exchange) -> str:
    if not ends_cancelled(exchange):
        is_broken_off = exchange.raised is not None and exchange.completed is None
        how = exchange.raised.type if is_broken_off and exchange.raised else exchange.status
        return f"ends with {how or NO_ANSWER}"
    whole = exchange.completed is not None
    return f"ends cancelled{', with an answer that looks complete' if whole else ''}"


def ends_cancelled(exchange: Exchange) -> bool:
    """Whether the app let a cancellation through."""
    return exchange.raised is not None and exchange.raised.type == "CancelledError"
