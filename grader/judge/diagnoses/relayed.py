"""What rules of databases are made with: what went to one, and for whom."""

from __future__ import annotations

import re
from functools import wraps

from ...model.scenarios import Mongo, Postgres, Scenario
from ...model.trace import Exchange, Span, SpanKind, Trace
from .case import Case
from .registry import Finding, Look


def about_databases(look: Look) -> Look:
    """A rule that has nothing to say of a scenario without a database."""

    @wraps(look)
    def only_there(case: Case) -> Finding | None:
        return look(case) if names_of(case) else None

    return only_there


def spans_of(case: Case, trace: Trace, kind: SpanKind) -> list[Span]:
    """The part of a trace that is about the scenario's databases, and no other services."""
    names = names_of(case)
    return [span for span in trace.spans if span.kind == kind and span.name in names]


def statements_of(case: Case, trace: Trace, exchange: Exchange) -> list[Span]:
    """The statements of one exchange, in order."""
    statements = spans_of(case, trace, "statement")
    return [span for span in statements if owner_of(trace, span) == exchange.number]


def text_of(statement: Span) -> str:
    """The SQL of a statement."""
    return str(statement.arguments[0]) if statement.arguments else ""


def word_of(statement: Span) -> str:
    """Its first word, in small letters."""
    return text_of(statement).strip().partition(" ")[0].split("\n")[0].lower()


def writes(statement: Span) -> bool:
    """Whether a statement changes rows; one that begins with `with` may only read."""
    word = word_of(statement)
    within = word == "with" and _WRITING_WITHIN.search(text_of(statement).lower())
    return word in _WRITING or bool(within)


_WRITING = ("insert", "update", "delete", "merge", "copy")
"""First words of statements that write."""

_WRITING_WITHIN = re.compile(
    r"\b(insert\s+into|update\b.+?\bset|delete\s+from|merge\s+into)\b", re.S
)
"""The part that writes, in a statement that begins with `with`."""


def owner_of(trace: Trace, span: Span) -> int | None:
    """The exchange that a span belongs to.

    Nobody sees who writes to a socket in a thread. If one exchange only is under way, it was
    that.
    """
    if span.exchange is not None:
        return span.exchange
    under_way = [
        exchange.number
        for exchange in trace.exchanges
        if exchange.started <= span.start
        and (exchange.returned is None or span.start <= exchange.returned)
    ]
    return under_way[0] if len(under_way) == 1 else None


def connections_of(case: Case, trace: Trace) -> list[Span]:
    """The connections that were opened, in order."""
    return spans_of(case, trace, "connection")


def replayed(case: Case, scenario: Scenario) -> Case:
    """The case that another scenario makes."""
    got, expected = case.replay(scenario)
    return Case(got, expected, scenario, None, case.replay, case.source)


def names_of(case: Case) -> set[str]:
    """The parameters of the factory that databases are handed in by."""
    collaborators = case.scenario.collaborators.items()
    return {name for name, what in collaborators if isinstance(what, Postgres | Mongo)}
