"""LISTEN and NOTIFY: who listens, since when, and whether what is told is also stored."""

from __future__ import annotations

from ...model.trace import Span, Trace
from ..aspects.messages import listens_in, real_events, sent_by_app
from .case import OUTCOME, Case, at_line, in_seconds, of_line
from .registry import Finding, rule
from .relayed import about_databases, names_of, spans_of, text_of, writes

WHERE = ("events", "messages", "connections", "startup", "readings")
"""Aspects in which it shows what an app hears."""


@rule("not-listening", *WHERE)
@about_databases
def not_listening(case: Case) -> Finding | None:
    """The app doesn't listen, and hears only what it says itself.

    A program that tells its own clients what it has stored is right as long as it is alone. What
    another process of the app stores, or another program, never reaches them.

    Instead: `LISTEN` on a connection of the app, and `NOTIFY` where something is stored.
    """
    if not _listens(case, case.expected) or _listens(case, case.got):
        return None
    return Finding(
        None,
        "No connection of the app listens: LISTEN is never sent. What others tell the "
        "database, another process of this app for instance, doesn't reach the clients.",
    )


@rule("listens-for-each", *WHERE, OUTCOME)
@about_databases
def listens_for_each(case: Case) -> Finding | None:
    """Each client has a listening connection of its own.

    A database has room for a hundred connections or so, and a page that is open costs one all
    day. With a pool's connections, the pool is empty when a few pages are open.

    Instead: one connection listens for the whole app, and hands on what it hears to a queue for
    each client.
    """
    mine, its = _listens(case, case.got), _listens(case, case.expected)
    count = len({span.resource for span in mine})
    if not its or count <= len({span.resource for span in its}):
        return None
    if not any(span.exchange is not None for span in mine):
        return None
    line = case.call_line(mine[-1])
    return Finding(
        line,
        f"{at_line(line)} listens for each client: {count} connections listen, and one would do. "
        "Who else could hand on what it hears?",
    )


@rule("listens-in-vain", *WHERE)
@about_databases
def listens_in_vain(case: Case) -> Finding | None:
    """The app listens, and hears nothing.

    `LISTEN` begins with the commit of its transaction, on the channel that it names, and ends with
    the connection, or when that is reset. A pool resets what it takes back.

    Instead: a connection of its own, in autocommit, which only listens, for as long as the app
    lives.
    """
    mine = _listens(case, case.got)
    if not mine or _hears(case.got) or not _hears(case.expected):
        return None
    line = case.call_line(mine[0])
    return Finding(
        line,
        f"{at_line(line)} listens, and the app never hears anything. {_why_in_vain(case, mine[0])}",
    )


def _hears(trace: Trace) -> bool:
    """Whether any client is told anything."""
    return any([*real_events(one)] or [*sent_by_app(one)] for one in trace.exchanges)


def _why_in_vain(case: Case, listen: Span) -> str:
    transactions = spans_of(case, case.got, "transaction")
    own = [t for t in transactions if t.resource == listen.resource and t.start <= listen.end]
    if any(t.how != "done" and t.end >= listen.end for t in own):
        return "LISTEN begins with the commit of its transaction, and this one is never committed."
    channels = {_channel(span) for span in _listens(case, case.expected)}
    if _channel(listen) not in channels:
        return (
            f"Its channel is {_channel(listen)}, and it should be {' or '.join(sorted(channels))}."
        )
    return (
        "Has the connection gone back to its pool? A pool resets what it takes back (UNLISTEN *), "
        "and from then on nobody listens."
    )


def _channel(listen: Span) -> str:
    return text_of(listen).lower().removeprefix("listen").strip(' ";')


@rule("listens-late", "startup", "events")
@about_databases
def listens_late(case: Case) -> Finding | None:
    """The app takes requests before it listens.

    What is told in between is lost: PostgreSQL keeps no notification for those who come later.

    Instead: connect and `LISTEN` in the lifespan, before its `yield`, awaited.
    """
    mine = _listens(case, case.got)
    if not mine or min(s.end.tick for s in mine) <= case.got.opened:
        return None
    if min((s.end.tick for s in _listens(case, case.expected)), default=0) > case.expected.opened:
        return None
    line = case.call_line(mine[0])
    late = min(span.end.tick for span in mine) - case.got.opened
    return Finding(
        line,
        f"{at_line(line)} listens {in_seconds(late)} after the app has begun to take requests"
        f"{_by_whom(mine[0])}. What is told before that is lost. What could wait for it?",
    )


def _by_whom(listen: Span) -> str:
    return ", when the first client has come" if listen.exchange is not None else ""


@rule("not-opened-anew", "events", "messages", "lifespan")
@about_databases
def not_opened_anew(case: Case) -> Finding | None:
    """A listening connection is lost, and nothing opens another.

    Servers are restarted, and networks drop connections. The task that listened is over, or waits
    for ever, and the clients wait for news that never comes.

    Instead: watch for the loss (`add_termination_listener`, or the error of `notifies()`), and
    connect and listen again, with a pause before each try.
    """
    lost = _lost_listeners(case, case.got)
    if not lost or _listens_after(case, case.got, lost[-1]):
        return None
    if not _listens_after(case, case.expected, lost[-1]):
        return None
    listen = _listens(case, case.got)[-1]
    line = case.call_line(listen)
    return Finding(
        line,
        f"{at_line(line)} listens on a connection that is lost after "
        f"{in_seconds(lost[-1].end.tick)}, and no other takes its place. What notices the loss, "
        "and what does it do if the database isn't back yet?",
    )


@rule("wrong-reconnect-pauses", "events", "messages")
@about_databases
def wrong_reconnect_pauses(case: Case) -> Finding | None:
    """A lost connection is opened again, but after the wrong pauses.

    Without pauses, or with short ones, all the clients of a database that comes back connect at
    once, and it may go down again. Pauses that double for ever keep an app away for minutes when
    the database has long been back. After a success the pauses start over.

    Instead: `pause = min(2 * pause, 30)` after each try that fails, and back to the first one
    when it has worked.
    """
    pairs = _lost_listeners(case, case.got), _lost_listeners(case, case.expected)
    for mine, its in zip(*pairs, strict=False):
        again, should = (
            next(iter(_listens_after(case, trace, lost)), None)
            for trace, lost in ((case.got, mine), (case.expected, its))
        )
        if again is None or should is None:
            continue
        after, wanted = again.end.tick - mine.end.tick, should.end.tick - its.end.tick
        if mine.end.tick == its.end.tick and after != wanted:
            line = case.call_line(again)
            return Finding(
                line,
                f"{at_line(line)} listens again {in_seconds(after)} after the connection was lost, "
                f"and it should be {in_seconds(wanted)}. Which pauses does that take?",
            )
    return None


@rule("not-one-transaction", "readings", "events")
@about_databases
def not_one_transaction(case: Case) -> Finding | None:
    """Storing something and telling of it are two transactions.

    If the second fails, the first stays: a price that nobody hears of, or news of a price that
    isn't there.

    Instead: store and `pg_notify` in one transaction. PostgreSQL sends the notification when it
    commits, and never if it doesn't.
    """
    stored = [s for s in _statements(case, case.got) if writes(s) and s.exchange is not None]
    for span in _statements(case, case.got):
        if "notify" not in text_of(span).lower() or span.exchange is None or writes(span):
            continue
        partner = next((s for s in stored if s.exchange == span.exchange), None)
        if partner is not None and not _in_one_transaction(case, partner, span):
            line = case.call_line(span)
            return Finding(
                line,
                f"{at_line(line)} notifies in a different transaction from the one that stores"
                f"{of_line(case.call_line(partner))}: if the second of them fails, the first "
                "stays. What makes the two one transaction?",
            )
    return None


def _in_one_transaction(case: Case, one: Span, other: Span) -> bool:
    return any(
        own.resource == one.resource == other.resource
        and all(own.start <= each.end <= own.end for each in (one, other))
        for own in spans_of(case, case.got, "transaction")
    )


def _statements(case: Case, trace: Trace) -> list[Span]:
    return spans_of(case, trace, "statement")


def _listens(case: Case, trace: Trace) -> list[Span]:
    """The statements by which connections have begun to listen."""
    names = names_of(case)
    return [span for span in listens_in(trace) if span.name in names]


def _lost_listeners(case: Case, trace: Trace) -> list[Span]:
    """The connections that were lost while they listened."""
    listening = {span.resource for span in _listens(case, trace)}
    lives = spans_of(case, trace, "connection")
    return [life for life in lives if life.resource in listening and life.how == "failed"]


def _listens_after(case: Case, trace: Trace, lost: Span) -> list[Span]:
    return [span for span in _listens(case, trace) if span.start.tick >= lost.end.tick]
