"""What an app leaves in a session at the server, where a pooler gives each transaction another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...model.scenarios import Postgres
from ...model.trace import Failure
from .case import Case, at_line
from .registry import Finding, rule
from .relayed import about_databases, spans_of, text_of
from .source import Source


class Kept(NamedTuple):
    """What a session keeps, by what a statement begins with or holds."""

    pattern: re.Pattern[str]
    what: str
    instead: str


def _kept(pattern: str, what: str, instead: str) -> Kept:
    return Kept(re.compile(pattern, re.IGNORECASE | re.VERBOSE), what, instead)


KEPT = (
    _kept(r"^\s*listen\s", "listens", "who hears it if the session belongs to others next?"),
    _kept(
        r"\bpg_(try_)?advisory_lock",
        "takes a lock that its session holds",
        "who can give it back if the next transaction has another session?",
    ),
    _kept(
        r"^\s*create\s+(local\s+|global\s+)?temp(orary)?\s",
        "makes a temporary table, which its session holds",
        "which statements find it there?",
    ),
    _kept(r"^\s*prepare\s", "prepares a statement in its session", "who can execute it there?"),
    _kept(
        r"^\s*set\s+(?!local\b|transaction\b|constraints\b)",
        "sets something for its session",
        "for how long should it hold, and for whom?",
    ),
)
_PREPARED = {
    "InvalidSQLStatementNameError",
    "InvalidSqlStatementName",
    "DuplicatePreparedStatementError",
    "DuplicatePreparedStatement",
}


@rule("session-state-lost")
@about_databases
def session_state_lost(case: Case) -> Finding | None:
    """The app relies on its session at the server, and shares that with others.

    A pooler in transaction mode, such as PgBouncer, has fewer sessions than there are connections.
    Each transaction may get another one. What stays in a session when the transaction is over
    isn't there for the next one, or is there for someone else: SET, prepared statements, LISTEN,
    temporary tables, advisory locks.

    Instead: keep it within one transaction: `SET LOCAL`, `set_config(..., true)`,
    `pg_advisory_xact_lock`, `create temp table ... on commit drop`. Tell the driver not to prepare:
    `statement_cache_size=0` (asyncpg), `prepare_threshold=None` (psycopg). LISTEN needs a
    connection past the pooler.
    """
    if not _is_pooled(case):
        return None
    for error in _errors(case):
        if {error.type, error.context, *error.bases} & _PREPARED or _says_prepared(error.text):
            return Finding(
                error.line,
                f"{at_line(error.line)} fails because the session that it has now doesn't know the "
                "statement that was prepared in another one, or has one of the same name. The "
                "pooler may give each transaction another session. What does the driver prepare?",
            )
    return next(_left_behind(case), None)


def _is_pooled(case: Case) -> bool:
    given = case.scenario.collaborators.values()
    return any(isinstance(what, Postgres) and what.pooler for what in given)


def _errors(case: Case) -> Iterator[Failure]:
    for exchange in case.got.exchanges:
        yield from filter(None, (exchange.raised, exchange.handled))


def _says_prepared(text: str) -> bool:
    return re.search(r'prepared statement "\w+" (already exists|does not exist)', text) is not None


def _left_behind(case: Case) -> Iterator[Finding]:
    """What the learner's statements leave in a session, and the reference's do not."""
    source = Source(case.source)
    theirs = [text_of(span) for span in spans_of(case, case.expected, "statement")]
    for kept in KEPT:
        if any(kept.pattern.search(text) for text in theirs):
            continue
        mine = spans_of(case, case.got, "statement")
        lines = [span.line for span in mine if kept.pattern.search(text_of(span))]
        lines = lines or source.lines_of_texts(kept.pattern)
        if lines:
            yield Finding(
                lines[0],
                f"{at_line(lines[0])} {kept.what}. The pooler may give each transaction another "
                "session, so it isn't there for the next one, or is there for someone else: "
                f"{kept.instead}",
            )
