"""Aspects of what was logged."""

from __future__ import annotations

from typing import Literal

from ...model.trace import (
    Exchange,
    LogRecord,
    Span,
    Trace,
)
from .aspect import Aspect, aspect


def logged(logger: str, after: str) -> Aspect:
    """What was logged for each exchange when its call of `after` was over: with a traceback?"""

    def say(fact: Literal["traceback", "record"] | None) -> str:
        return f"{_LOGGED[fact]} on {logger!r}"

    @aspect("log", say=say)
    def records(trace: Trace) -> tuple[Literal["traceback", "record"] | None, ...]:
        return tuple(
            _logged_as(records_about(trace, exchange, logger, after))
            for exchange in trace.exchanges
        )

    return records


_LOGGED = {"traceback": "a record with a traceback", "record": "a record", None: "no record"}


def logged_as_done(logger: str, after: str) -> Aspect:
    """Whether what is logged of each call of `after` that fails says that it is done.

    What says so is whatever is logged of those that succeed, so let both be given the same.
    """

    def say(is_done: bool) -> str:
        return f"a {after} that fails is {'' if is_done else 'not '}logged as done"

    @aspect("log", say=say, nothing=f"no failing {after}")
    def said_done(trace: Trace) -> tuple[bool, ...]:
        good, bad = (_messages(trace, logger, after, how) for how in ("done", "failed"))
        return tuple(any(0 < len(each & these) == len(each) for each in good) for these in bad)

    return said_done


def _messages(trace: Trace, logger: str, after: str, how: str) -> list[set[str]]:
    """The messages about each exchange whose call of `after` ended in this way."""
    endings = {span.exchange: span.how for span in trace.calls(after)}
    return [
        {record.message for record in records_about(trace, exchange, logger, after)}
        for exchange in trace.exchanges
        if endings.get(exchange.number) == how
    ]


def records_about(
    trace: Trace, exchange: Exchange, logger: str, after: str
) -> tuple[LogRecord, ...]:
    """The records on `logger`, or one below it, since the call of `after` was over."""
    ends = [span.end for span in trace.calls(after) if span.exchange == exchange.number]
    return tuple(
        log
        for log in trace.logs
        if _is_on(logger, log)
        and log.exchange in (exchange.number, None)
        and (not ends or log.at > max(ends))
    )


def _is_on(logger: str, log: LogRecord) -> bool:
    """Whether a record was logged on a logger, or on one below it."""
    return f"{log.logger}.".startswith(f"{logger}.")


def has_traceback(records: tuple[LogRecord, ...]) -> bool:
    """Whether one of them has the traceback of an error, of its own or in its text."""
    return any(record.error or _TRACEBACK in record.message for record in records)


_TRACEBACK = "Traceback (most recent call last)"


def _logged_as(records: tuple[LogRecord, ...]) -> Literal["traceback", "record"] | None:
    if has_traceback(records):
        return "traceback"
    return "record" if records else None


def failures_logged(logger: str, of: str) -> Aspect:
    """Whether each failing call of `of` is logged when it fails.

    What is also logged when a call succeeds says nothing of a failure.
    """

    def say(told: bool) -> str:
        return f"a failing {of} is {'' if told else 'not '}logged on {logger!r}"

    @aspect("log", say=say, nothing=f"no failing {of}")
    def told(trace: Trace) -> tuple[bool, ...]:
        calls = trace.calls(of)
        usual = {
            text for call in calls if call.how == "done" for text in _said(trace, logger, call)
        }
        return tuple(
            bool(_said(trace, logger, call) - usual) for call in calls if call.how == "failed"
        )

    return told


def _said(trace: Trace, logger: str, call: Span) -> set[str]:
    """What is logged on `logger`, or one below it, in the moment in which a call ends."""
    return {
        log.message
        for log in trace.logs
        if _is_on(logger, log) and log.at.tick == call.end.tick and log.at > call.end
    }
