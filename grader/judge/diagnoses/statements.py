"""Statements: what is in their text, how much they read, and what of them is committed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode

import msgspec

from ...model.scenarios import Postgres, Request, Scenario
from ...model.trace import Exchange, Span
from .case import OUTCOME, Case, at_line, of_line
from .registry import Finding, rule
from .relayed import about_databases, spans_of, statements_of, text_of, writes

_MATCHES_PATTERN = re.compile(r"\b(i?like|similar to|regexp_\w+)\b|~|!~", re.IGNORECASE)
_OF_PATTERNS = re.compile(r"[%_\\.?*+^$|()\[\]{}]")
"""What means something in a pattern of LIKE, or in a regular expression."""


@rule("text-as-pattern", "body", "status")
@about_databases
def text_as_pattern(case: Case) -> Finding | None:
    """A text that a client looks for is taken for a pattern.

    In `LIKE` and `ILIKE` a `%` stands for any text, a `_` for any character, and a backslash
    escapes what follows; regular expressions have more such characters. A client
    that looks for 100% finds 1000.

    Instead: `position(lower($1) in lower(name)) > 0`, which looks for plain text; or a
    backslash before each `%`, `_` and backslash of the text.
    """
    statements = spans_of(case, case.got, "statement")
    matching = next((s for s in statements if _MATCHES_PATTERN.search(text_of(s))), None)
    plain = _with_queries(case.scenario, lambda text: _OF_PATTERNS.sub("", text))
    if matching is None or plain == case.scenario or not case.holds_for(*case.replay(plain)):
        return None
    return Finding(
        matching.line,
        f"{at_line(matching.line)} takes what the client looks for as a pattern: in "
        f"{_operator(matching)} some characters, such as % and _ or a backslash, stand for "
        "others. What looks for a text as it is?",
    )


def _operator(statement: Span) -> str:
    found = _MATCHES_PATTERN.search(text_of(statement))
    return found[0].upper() if found else "a pattern"


def _with_queries(scenario: Scenario, change: Callable[[str], str]) -> Scenario:
    """The scenario with every value in a query string changed."""
    return msgspec.structs.replace(
        scenario,
        requests=tuple(
            msgspec.structs.replace(request, query=_changed(request.query, change))
            if isinstance(request, Request)
            else request
            for request in scenario.requests
        ),
    )


def _changed(query: str, change: Callable[[str], str]) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, change(value)) for name, value in pairs])


@rule("rows-read-at-once", "lines")
@about_databases
def rows_read_at_once(case: Case) -> Finding | None:
    """All rows are read before the first is sent, or more at once than should be.

    `fetch` and `fetchall` give you every row of a statement, and the whole of a large table is in
    the memory of your process. To yield them one by one afterwards changes nothing about that.

    Instead: a cursor of the server, within a transaction: `conn.cursor(sql, prefetch=100)` with
    asyncpg, a cursor with a name with psycopg. It reads some rows at a time.
    """
    if not case.is_about("lines"):
        return None
    for ours, theirs in case.exchanges():
        should = statements_of(case, case.expected, theirs)
        most = max((span.count for span in should), default=0)
        mine = max(statements_of(case, case.got, ours), key=lambda s: s.count, default=None)
        if mine is not None and len(should) > 2 and mine.count > most > 1:
            return Finding(
                mine.line,
                f"{at_line(mine.line)} reads {mine.count} rows at once, and keeps them in memory "
                f"while they are sent. At most {most} should be read at a time. What reads the "
                "rows of one statement in portions?",
            )
    return None


@rule("several-snapshots", "lines", "body")
@about_databases
def several_snapshots(case: Case) -> Finding | None:
    """One answer is put together from several statements, and others write in between.

    Each statement sees the table as it is when the statement begins. A row that was deleted
    meanwhile is missing on the second page, and one that has moved comes twice, or never. A
    transaction alone doesn't change that: at the usual level, `read committed`, each of its
    statements has a snapshot of its own.

    Instead: a cursor, whose rows are all of one statement; or a transaction with the level
    `repeatable read`.
    """
    alone = _undisturbed(case.scenario)
    if alone == case.scenario or not case.holds_for(*case.replay(alone)):
        return None
    for ours, _ in case.exchanges():
        mine = [span for span in statements_of(case, case.got, ours) if span.count]
        if len(mine) > 1:
            return Finding(
                mine[1].line,
                f"{at_line(mine[1].line)} reads the rows of one answer in {len(mine)} statements, "
                "and each sees the table as it is then. What others change in between is half in "
                "the answer. What reads in portions, and still sees one moment?",
            )
    return None


def _undisturbed(scenario: Scenario) -> Scenario:
    """The scenario in which nobody else does anything in the database."""
    collaborators = {
        name: msgspec.structs.replace(what, meanwhile=()) if isinstance(what, Postgres) else what
        for name, what in scenario.collaborators.items()
    }
    return msgspec.structs.replace(scenario, collaborators=collaborators)


@rule("not-atomic", "readings", "body", "status")
@about_databases
def not_atomic(case: Case) -> Finding | None:
    """What belongs together is committed one by one, so a failure on the way leaves half of it.

    Outside of a transaction each statement is committed by itself. If the second fails, or the
    connection breaks in between, the first stays.

    Instead: `async with conn.transaction():` around all of it, and every statement over that
    same connection. With psycopg, `pool.connection()` is a transaction, unless it is told to
    use `autocommit`.
    """
    if case.got.readings == case.expected.readings:
        return None
    for ours, _ in case.exchanges():
        kept = _kept_before_failure(case, ours)
        if kept is not None:
            return Finding(
                kept.line,
                f"{at_line(kept.line)} writes something that is committed by itself. When a later "
                "statement of the same request fails, this one stays, and half of the work is "
                "done. What makes all of it happen or nothing?",
            )
    return None


def _kept_before_failure(case: Case, exchange: Exchange) -> Span | None:
    """A statement that is committed, though a later one of its request fails."""
    mine = statements_of(case, case.got, exchange)
    ends = [span.start for span in mine if span.how in ("failed", "cancelled")]
    for span in mine:
        is_early = any(span.start < end for end in ends)
        if is_early and span.how == "done" and writes(span) and _is_committed(case, span):
            return span
    return None


def _is_committed(case: Case, statement: Span) -> bool:
    """Whether a statement is in no transaction, or in one that was committed."""
    around = _transactions_around(case, statement)
    return all(span.how == "done" for span in around)


def _transactions_around(case: Case, statement: Span) -> list[Span]:
    return [
        span
        for span in spans_of(case, case.got, "transaction")
        if span.resource == statement.resource and span.start <= statement.start <= span.end
    ]


@rule("refused-and-kept", "readings", "body", "status")
@about_databases
def refused_and_committed(case: Case) -> Finding | None:
    """A request is refused, and what it had written before stays.

    A transaction is taken back by an exception that comes out of its block. To return from it,
    even with a status of 409, ends it as usual, and what was written is committed.

    Instead: `raise HTTPException(409)` inside the block; or look first, and write then.
    """
    if case.got.readings == case.expected.readings and case.got.readings:
        return None  # nothing is there that shouldn't be
    for ours, theirs in case.exchanges():
        if (ours.status or 0) < 400 or (theirs.status or 0) < 400:
            continue
        mine = statements_of(case, case.got, ours)
        kept = [span for span in mine if span.how == "done" and span.count and writes(span)]
        if kept and _transactions_around(case, kept[0]) and _is_committed(case, kept[0]):
            return Finding(
                kept[0].line,
                f"{at_line(kept[0].line)} writes something, {ours.method} {ours.path} is answered "
                f"with {ours.status}, and what was written stays. A response that is returned is "
                "not an error, so a transaction around it is committed. What takes it back?",
            )
    return None


@rule("answered-without-asking", "elapsed", "calls", "body", general=True)
@about_databases
def database_not_asked(case: Case) -> Finding | None:
    """Finds it where a database isn't asked."""
    for ours, theirs in case.exchanges():
        should = statements_of(case, case.expected, theirs)
        if should and not statements_of(case, case.got, ours) and ours.status == theirs.status:
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered without asking the "
                f"database: no statement is sent to {should[0].name}.",
            )
    return None


# Statements that take too long


def _cut_short(case: Case) -> Iterator[tuple[Exchange, Exchange, Span]]:
    """The learner's last statements where the reference has one cancelled by itself."""
    for ours, theirs in case.exchanges():
        should = statements_of(case, case.expected, theirs)
        mine = statements_of(case, case.got, ours)
        left = theirs.hung_up is not None or case.is_cancelled(theirs)
        if mine and not left and any(span.how == "cancelled" for span in should):
            yield ours, theirs, mine[-1]


@rule("not-cancelled", "calls", "elapsed", "status", "left-open", OUTCOME)
@about_databases
def statement_goes_on(case: Case) -> Finding | None:
    """Finds it where a statement goes on in the server."""
    for ours, _, does in _cut_short(case):
        ends = ours.completed.tick if ours.completed is not None else does.end.tick
        if does.end.tick > ends or (ours.completed is not None and does.how == "open"):
            waits = (w.line for w in case.waits(ours.number) if w.end.tick == ends)
            line = next(waits, ours.line)
            return Finding(
                line,
                f"{at_line(line)} stops waiting, and the statement{of_line(does.line)} goes on in "
                "the server, for an answer that nobody wants any more; and it keeps its "
                "connection. What cancels it?",
            )
    return None


@rule("no-timeout", "calls", "elapsed", "status", OUTCOME)
@about_databases
def statement_without_limit(case: Case) -> Finding | None:
    """Finds it where a statement takes too long."""
    for ours, theirs, does in _cut_short(case):
        limit = theirs.elapsed or 0.0
        waited = ours.completed is None or ours.completed.tick >= does.end.tick
        if does.seconds > limit and waited and does.how != "cancelled":
            return Finding(
                does.line,
                f"{at_line(does.line)} waits for the database as long as it takes, where "
                f"{limit:g} s is the most. Nothing puts an end to it.",
            )
    return None


@rule("early-timeout", "status", "body", "elapsed")
@about_databases
def statement_given_up_early(case: Case) -> Finding | None:
    """Finds it where a statement is given up."""
    for ours, theirs in case.exchanges():
        if (ours.status or 0) < 500 or (theirs.status or 500) >= 400 or case.is_cancelled(ours):
            continue
        for does in statements_of(case, case.got, ours):
            if does.how == "cancelled":
                return Finding(
                    does.line,
                    f"{at_line(does.line)} gives up its statement after {does.seconds:g} s, and "
                    f"the answer is {ours.status}. A little later it would have been answered: "
                    f"{theirs.elapsed or 0:g} s are enough for all of it. What does the limit "
                    "count?",
                )
    return None


@rule("late-timeout", "calls", "elapsed", "status")
@about_databases
def statement_given_up_late(case: Case) -> Finding | None:
    """Finds it where a statement is given up too late."""
    for ours, theirs, does in _cut_short(case):
        limit = theirs.elapsed or 0.0
        if does.how == "cancelled" and (ours.elapsed or 0.0) > limit:
            return Finding(
                does.line,
                f"{at_line(does.line)} gives up its statement after {does.seconds:g} s, and the "
                f"request is answered after {ours.elapsed:g} s, where {limit:g} s is the most. "
                "What does the limit count, and from when?",
            )
    return None
