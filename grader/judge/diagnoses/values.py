"""Values that were changed on their way: numbers, times, and what nobody has sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ...model.trace import Exchange, json_in, to_seconds
from ..differences import MISSING, BodyDifference, as_text, shortened
from ..forms import moment_in
from .bodies import LOOKS, differing_bodies, in_place, places_in
from .case import Case, at_line, in_seconds, of_line
from .registry import Finding, rule
from .relayed import spans_of, writes

LONGEST = 60
"""Characters of a value or a query that are shown."""


@rule("counted-from-start", *LOOKS, general=True)
def counted_from_start(case: Case) -> Finding | None:
    """The age of a result is counted from when it was asked for, not from when it was there.

    What a call gives is as new as the moment at which it comes. A time that is taken before the
    `await` makes it older by all that the call takes.

    Instead: take the time in the line after the `await`, beside the result.
    """
    for found in differing_bodies(case):
        asked = found.ours.started.tick
        for one in places_in(found):
            for call in reversed(case.got.calls()):
                ages = to_seconds(asked - call.end.tick), to_seconds(asked - call.start.tick)
                if call.seconds and call.how == "done" and _are(ages, (one.expected, one.got)):
                    line = case.call_line(call)
                    return Finding(
                        line,
                        f"{found.about} has {as_text(one.got)} under {in_place(one.path)}: the "
                        f"seconds since {call.name}{of_line(line)} began. It was done only "
                        f"{in_seconds(call.end.tick - call.start.tick)} later, which makes it "
                        f"{as_text(one.expected)}. When does your code take the time?",
                    )
    return None


def _are(seconds: tuple[float, float], values: tuple[Any, Any]) -> bool:
    return all(
        isinstance(value, int | float) and abs(value - expected) < 0.001
        for expected, value in zip(seconds, values, strict=True)
    )


@rule("digits-lost", *LOOKS, general=True)
def digits_lost(case: Case) -> Finding | None:
    """A number has lost digits on its way.

    A float has room for some sixteen digits, and none for the zero of 12.50. Prices and
    measured values are exact in the database, and should be when they come out of your app.

    Instead: keep a `numeric` as the `Decimal` that the driver gives, and send it as text:
    `str(value)`, or a model with a field of type `Decimal`.
    """
    for found in differing_bodies(case):
        for one in places_in(found):
            if _is_rounded(one.expected, one.got):
                return found.finding(
                    f" has {as_text(one.got)} under {in_place(one.path)}, and it should be "
                    f"{as_text(one.expected)}. Where on its way does the number lose digits?"
                )
    return None


def _is_rounded(wanted: Any, got: Any) -> bool:
    """Whether two texts are numbers, and the one is the other with fewer digits, or as a float."""
    if not isinstance(wanted, str) or not isinstance(got, str):
        return False
    try:
        exact, other = Decimal(wanted), Decimal(got)
    except InvalidOperation:
        return False
    if not exact.is_finite() or not other.is_finite():
        return False
    missing = abs(exact - other)
    shorter = _places(other) < _places(exact)
    return (shorter and missing < _unit(other)) or missing <= abs(exact) / 10**9


def _places(number: Decimal) -> int:
    """The digits behind the point, without the zeros at the end."""
    return max(0, -int(number.normalize().as_tuple().exponent))


def _unit(number: Decimal) -> Decimal:
    """One in the last of those places."""
    return Decimal(1).scaleb(-_places(number))


@rule("time-changed", *LOOKS, general=True)
def time_changed(case: Case) -> Finding | None:
    """A time isn't the one that was stored or sent.

    A time without an offset may be meant in any time zone. One whose offset was cut off, or
    replaced, is hours away from what was meant.

    Instead: keep a `timestamptz` as the aware `datetime` that the driver gives. For UTC,
    `time.astimezone(UTC)`: `replace(tzinfo=UTC)` makes another moment of it.
    """
    for found in differing_bodies(case):
        times = [(one, moment_in(one.expected), _time_in(one.got)) for one in places_in(found)]
        if any(wanted is None or got is None for _, wanted, got in times):
            continue  # it's another record
        for one, wanted, got in times:
            return found.finding(
                f" has {as_text(one.got)} under {in_place(one.path)}, and it should be "
                f"{as_text(one.expected)}: {_how_it_differs(wanted, got)}."
            )
    return None


def _time_in(value: Any) -> datetime | None:
    """A time that a text names, with or without an offset."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _how_it_differs(wanted: datetime | None, got: datetime | None) -> str:
    if wanted is None or got is None or got.tzinfo is None:
        return "it doesn't say in which time zone that is"
    if got == wanted and got.utcoffset() == wanted.utcoffset():
        return (
            "the same time, written in another way. A datetime in a dict is written with +00:00, "
            "one in a Pydantic model with Z"
        )
    if got == wanted:
        return "the right moment, in another time zone"
    if abs(got - wanted) < timedelta(seconds=1):
        return "the fraction of a second is lost"
    return "that is another moment"


@rule("unsent-changed", *LOOKS, "readings", general=True)
def unsent_changed(case: Case) -> Finding | None:
    """A PATCH changes more than what was sent.

    A model has defaults for what wasn't sent, and `model_dump()` writes them as if they were
    meant. A document that is replaced loses what the app doesn't know of.

    Instead: `model_dump(exclude_unset=True)`, and set those fields alone: `$set` in MongoDB,
    named columns in SQL.
    """
    for ours, before, one in _changed_members(case):
        return Finding(
            ours.line,
            f"{ours.method} {ours.path}{of_line(ours.line)} changes {in_place(one.path)} from "
            f"{as_text(before)} to {as_text(one.got)}, and nobody has sent that. Which fields "
            "does your code write?",
        )
    return _member_lost(case)


def _changed_members(case: Case) -> Iterator[tuple[Exchange, Any, BodyDifference]]:
    """What a PATCH has changed that wasn't sent, with what it was before."""
    for found in differing_bodies(case):
        sent = _object_in(case.sent(found.ours))
        if found.ours.method != "PATCH" or not sent:
            continue
        for one in places_in(found):
            key = str(one.path[0]) if len(one.path) == 1 else ""
            is_known = any(_tells(e, key, one.expected) for e in case.expected.exchanges)
            if key and key not in sent and is_known and one.got is not MISSING:
                yield found.ours, one.expected, one


def _tells(exchange: Exchange, key: str, value: Any) -> bool:
    """Whether an answer to anything but a PATCH has this under a key, somewhere."""
    part = f"{as_text(key)}: {as_text(value)}"
    return exchange.method != "PATCH" and part in as_text(exchange.json())


def _member_lost(case: Case) -> Finding | None:
    """What a row or a document has lost, though it is in no request at all."""
    changes = [e for e in case.got.exchanges if e.method == "PATCH" and (e.status or 500) < 300]
    for _, pairs in _rows(case):
        lost = [key for own, its in pairs for key in its if key not in own]
        if lost and changes:
            ours = changes[0]
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} takes {as_text(lost[0])} away, "
                "which nobody has asked for. Is a part of it changed, or is all of it replaced?",
            )
    return None


def _object_in(body: bytes) -> dict[str, Any]:
    value = json_in(body)
    return value if isinstance(value, dict) else {}


@rule("stored-otherwise", "readings", general=True)
def stored_otherwise(case: Case) -> Finding | None:
    """What is stored in the end isn't what should be there.

    The answers may all be right. What the next request, or another program, finds in the
    database is what counts.

    Instead: look at what your statements leave behind, row by row: `select * from ...`.
    """
    for name, pairs in _rows(case):
        mine, rows = case.got.readings[name], case.expected.readings[name]
        if len(mine) != len(rows):
            return _by_what_writes(
                case,
                f"In the end the number of rows is {len(mine)}, and it should be {len(rows)} "
                f"({_query(name)}).",
            )
        for own, its in pairs:
            for key in _differing_keys(own, its):
                return _by_what_writes(
                    case,
                    f"What is stored in the end has {_shown(own[key])} under {as_text(key)}, "
                    f"and it should be {_shown(its[key])}.",
                )
    return None


def _by_what_writes(case: Case, said: str) -> Finding:
    """With the line that writes to the database, if there is one only."""
    lines = {span.line for span in spans_of(case, case.got, "statement") if writes(span)}
    if len(lines) != 1 or None in lines:
        return Finding(None, f"{said} Which of your statements write, and what?")
    [line] = lines
    where = f"Only {at_line(line).lower()} writes to the database."
    return Finding(line, f"{said} {where} What does it write?")


def _rows(case: Case) -> Iterator[tuple[str, list[tuple[dict[str, Any], dict[str, Any]]]]]:
    """What was read in the end, by query: the learner's rows and the reference's, in pairs."""
    for name, rows in case.expected.readings.items():
        mine = case.got.readings.get(name)
        if isinstance(mine, list) and isinstance(rows, list):
            yield name, list(zip(mine, rows, strict=False))


def _differing_keys(own: dict[str, Any], its: dict[str, Any]) -> list[str]:
    """The keys under which two rows differ; MongoDB draws the `_id` of each document."""
    common = [key for key in its if key in own and key != "_id"]
    return [key for key in common if as_text(own[key]) != as_text(its[key])]


def _query(name: str) -> str:
    return shortened(" ".join(name.split()), LONGEST)


def _shown(value: Any) -> str:
    return shortened(as_text(value), LONGEST)
