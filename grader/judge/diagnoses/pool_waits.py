"""Waiting for a connection of a pool: for how long, and what happens then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...model.trace import Exchange, Failure, Span, Trace
from ..aspects.answers import done
from .case import Case, at_line, calls_of, in_seconds
from .connections import connection_held_while_waiting
from .exhaustion import TROUBLE, is_of_asyncio
from .registry import Finding, rule
from .relayed import about_databases, connections_of, statements_of


class PoolWait(NamedTuple):
    """A stretch in which a request does nothing but wait for a connection, in ticks."""

    exchange: Exchange
    start: int
    end: int
    in_vain: bool

    @property
    def ticks(self) -> int:
        return self.end - self.start


@rule("acquire-timeout", *TROUBLE)
@about_databases
def gave_up_waiting(case: Case) -> Finding | None:
    """A request gives up waiting for a connection that it would have got.

    When more requests come at once than there are connections, some wait for one that another
    gives back. That is what a pool is for. A limit that is too short turns the wait into an error.

    Instead: let them wait as long as their clients do.
    """
    if connection_held_while_waiting.look(case) is not None:
        return None  # it would have got one in time if others didn't hold theirs
    for error, wait in _given_up(case):
        if wait is not None and is_of_asyncio(wait):
            continue
        waited = f", which it has waited for {wait.seconds:g} s" if wait is not None else ""
        if wait is not None and wait.name == "wait_for":
            waited = f", after {wait.seconds:g} s"  # of what, isn't known
        return Finding(
            error.line,
            f"{at_line(error.line)} gives up before there is a connection{waited}. When more "
            "requests come at once than there are connections, some have to wait for one that "
            "another gives back. How long may that take?",
        )
    return None


@rule("early-timeout", *TROUBLE)
@about_databases
def gave_up_its_turn(case: Case) -> Finding | None:
    """Finds it where a lock, a semaphore or the like is waited for, and then a connection."""
    for error, wait in _given_up(case):
        if wait is not None and wait.name != "sleep" and is_of_asyncio(wait):
            return Finding(
                error.line,
                f"{at_line(error.line)} gives up while line {wait.line} still waits "
                f"({wait.name}), {wait.seconds:g} s by then, and the database hasn't been asked "
                "yet. What ends that wait, and how long may it take?",
            )
    return None


def _given_up(case: Case) -> Iterator[tuple[Failure, Span | None]]:
    """Errors that end a wait before a connection is used, and the wait if it is known.

    Only where the reference has an answer. Of a driver that is used in threads, no wait is known.
    """
    for ours, theirs in case.exchanges():
        error = ours.raised or ours.handled
        if error is None or {"TimeoutError", "PoolTimeout"}.isdisjoint(error.bases):
            continue
        is_refused = theirs.status == 503 and (done(ours) or 0) < (done(theirs) or 0)
        if (theirs.status or 500) >= 500 and not is_refused:
            continue
        if statements_of(case, case.got, ours):
            continue  # it had a connection
        wait = next((w for w in reversed(case.waits(ours.number)) if w.seconds), None)
        if wait is not None and not _is_for_a_call(case, wait):
            yield error, wait
        elif "PoolTimeout" in error.bases:
            yield error, None


def _is_for_a_call(case: Case, wait: Span) -> bool:
    calls = calls_of(case.got, wait.exchange or 0)
    return any(call.seconds and call.end.tick == wait.end.tick for call in calls)


@rule("no-timeout", "elapsed", "status")
@about_databases
def pool_wait_without_limit(case: Case) -> Finding | None:
    """Finds it where a connection is waited for."""
    limit = _limit(case)
    wait = _longest(case, in_vain=False)
    if limit is None or wait is None or wait.ticks <= limit:
        return None
    line = _line(case, wait)
    return Finding(
        line,
        f"{at_line(line)} waits {in_seconds(wait.ticks)} for a connection of the pool, where "
        f"{in_seconds(limit)} is the most. Which setting ends that wait? (The timeout of a "
        "statement doesn't, and neither does the one for opening a connection.)",
    )


@rule("late-timeout", "elapsed", "status")
@about_databases
def pool_wait_too_long(case: Case) -> Finding | None:
    """Finds it where the limit of a pool is too long."""
    limit = _limit(case)
    wait = _longest(case, in_vain=True)
    if limit is None or wait is None or wait.ticks <= limit:
        return None
    line = _line(case, wait)
    return Finding(
        line,
        f"{at_line(line)} gives up its wait for a connection after {in_seconds(wait.ticks)}, "
        f"and should give up after {in_seconds(limit)}. Is it asked more than once?",
    )


@rule("late-timeout", "elapsed", "status")
@about_databases
def pool_wait_not_counted(case: Case) -> Finding | None:
    """Finds it where the wait for a connection isn't part of what is limited."""
    if all(span.how != "cancelled" for span in case.expected.spans if span.kind == "statement"):
        return None  # the limit is one for the wait alone
    for wait in _waits(case, case.got):
        ours, theirs = wait.exchange, case.expected.exchanges[wait.exchange.number]
        took, most = done(ours), done(theirs)
        if (theirs.status or 0) < 500 or not took or not most or took <= most:
            continue  # with nothing to wait for, the reference refuses at once
        if _is_pause(case, wait):
            continue
        line = _line(case, wait)
        return Finding(
            line,
            f"{at_line(line)} waits {in_seconds(wait.ticks)} for a connection, and the statement "
            f"comes on top: the answer is there after {in_seconds(took)}, where {in_seconds(most)} "
            "is the most for both together. From when does your limit count?",
        )
    return None


def _limit(case: Case) -> int | None:
    """The ticks after which the reference gives up its waits for a connection."""
    in_vain = [wait.ticks for wait in _waits(case, case.expected) if wait.in_vain]
    return max(in_vain, default=None)


def _longest(case: Case, in_vain: bool) -> PoolWait | None:
    waits = (wait for wait in _waits(case, case.got) if wait.in_vain == in_vain)
    return max(waits, key=lambda wait: wait.ticks, default=None)


def _waits(case: Case, trace: Trace) -> Iterator[PoolWait]:
    """The waits of all requests for a connection."""
    if not connections_of(case, trace):
        return
    for exchange in trace.exchanges:
        work = sorted(_work_of(case, trace, exchange), key=lambda span: span.start)
        at = exchange.started.tick
        for span in work:
            if span.kind == "statement" and span.start.tick > at:
                yield PoolWait(exchange, at, span.start.tick, in_vain=False)
            at = max(at, span.end.tick)
        end = exchange.completed.tick if exchange.completed is not None else at
        if (exchange.status or 0) >= 500 and end > at:
            yield PoolWait(exchange, at, end, in_vain=True)


def _work_of(case: Case, trace: Trace, exchange: Exchange) -> list[Span]:
    return [*statements_of(case, trace, exchange), *calls_of(trace, exchange.number)]


def _line(case: Case, wait: PoolWait) -> int | None:
    """The learner's line that waited."""
    span = _span_of(case, wait)
    return span.line if span is not None else wait.exchange.line


def _is_pause(case: Case, wait: PoolWait) -> bool:
    """Whether the learner's code only lets time pass there, as between two tries."""
    span = _span_of(case, wait)
    return span is not None and span.name == "sleep"


def _span_of(case: Case, wait: PoolWait) -> Span | None:
    for span in case.waits(wait.exchange.number):
        if span.start.tick <= wait.start and span.end.tick > wait.start:
            return span
    return None
