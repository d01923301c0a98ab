"""Answers with the right status and the wrong body."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...model.report import Diagnosis
from ...model.trace import Exchange, Span
from ..differences import MISSING, BodyDifference, as_text, differences, is_same, shortened
from .case import Case
from .relayed import statements_of

_LONGEST = 60
"""Characters of a value that are shown."""

_KINDS = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
_KINDS |= {bool: "true or false", int: "a number", float: "a number"}


def wrong_order(case: Case) -> Iterable[Diagnosis]:
    """A list has all that it should have, and not in the order that it should have it in."""
    for ours, theirs in case.exchanges():
        mine, wanted = ours.json(), theirs.json()
        if ours.status == theirs.status and _is_reordered(mine, wanted):
            if not _is_looked_at(case, ours, theirs):
                continue
            asked = [s for s in statements_of(case, case.got, ours) if s.count == len(mine)]
            line = asked[-1].line if asked else _last_wait(case, ours)
            where = f" (line {line})" if line is not None else ""
            yield Diagnosis(
                "wrong-order",
                line,
                f"{ours.method} {ours.path} answers with the right list in the wrong order{where}: "
                f"{_in_short(mine)}, where {_in_short(wanted)} is asked for. "
                f"{_whose_order(asked)}What in your code decides the order?",
            )
            return


def _whose_order(asked: list[Span]) -> str:
    if not asked or any("order by" in str(span.arguments).lower() for span in asked):
        return ""
    return "A table has no order of its own: a row that was changed may come last. "


def _last_wait(case: Case, exchange: Exchange) -> int | None:
    waits = case.waits(exchange.number)
    return waits[-1].line if waits else None


def _is_reordered(mine: object, wanted: object) -> bool:
    if not isinstance(mine, list) or not isinstance(wanted, list) or mine == wanted:
        return False
    return sorted(map(as_text, mine)) == sorted(map(as_text, wanted))


def _is_looked_at(case: Case, ours: Exchange, theirs: Exchange) -> bool:
    """Whether the check would see something else if the body were right."""
    mended = msgspec.structs.replace(ours, chunks=theirs.chunks, headers=theirs.headers)
    exchanges = tuple(mended if e is ours else e for e in case.got.exchanges)
    trace = msgspec.structs.replace(case.got, exchanges=exchanges)
    return case.aspect is None or case.aspect(trace) != case.aspect(case.got)


def _in_short(elements: list[object]) -> str:
    """The ids of the elements, or else the beginnings of them."""
    ids = [element.get("id") for element in elements if isinstance(element, dict)]
    known = len(ids) == len(elements) and None not in ids
    words = [json.dumps(each)[:30] for each in (ids if known else elements)]
    return ", ".join(words[:6]) + (", ..." if len(words) > 6 else "")


def wrong_body(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        if ours.status != theirs.status or not _is_looked_at(case, ours, theirs):
            continue
        text = _wrong_type(ours, theirs) or _wrong_content(ours, theirs)
        if text:
            yield Diagnosis("wrong-body", None, text)
            return


def _wrong_type(ours: Exchange, theirs: Exchange) -> str:
    mine, wanted = (e.header("content-type").partition(";")[0] for e in (ours, theirs))
    if mine == wanted:
        return ""
    return f"The media type is {mine or 'not given'}, and {wanted} is asked for."


def _wrong_content(ours: Exchange, theirs: Exchange) -> str:
    beginning = f"The status of {ours.method} {ours.path} is right and the body is not: "
    wanted = theirs.json()
    if wanted is not None:
        problem = _problem(ours.text, wanted)
        return f"{beginning}{problem}" if problem else ""
    mine, lines = ([line.body for line in exchange.lines()] for exchange in (ours, theirs))
    for number, (line, other) in enumerate(zip(mine, lines, strict=False), 1):
        problem = _line_problem(line.decode("utf-8", "replace"), other.decode("utf-8", "replace"))
        if problem and len(mine) == len(lines):
            return f"{beginning}in line {number} {problem}"
        if problem:
            return f"{beginning}{_counts(mine, lines)} Line {number} is the first that differs."
    return f"{beginning}{_counts(mine, lines)}" if len(mine) != len(lines) else ""


def _counts(mine: list[bytes], wanted: list[bytes]) -> str:
    lines = "1 line" if len(mine) == 1 else f"{len(mine)} lines"
    return f"it has {lines}, and {len(wanted)} are asked for."


def _line_problem(mine: str, wanted: str) -> str:
    try:
        return _problem(mine, json.loads(wanted))
    except ValueError:
        return f"stands {_cut(mine)}, and not {_cut(wanted)}." if mine != wanted else ""


def _problem(text: str, wanted: Any) -> str:
    """What is wrong with a text that should be `wanted` as JSON; empty if nothing is."""
    try:
        mine = json.loads(text)
    except ValueError:
        return _no_json(text)
    if isinstance(mine, str) and not isinstance(wanted, str) and _is_json(mine):
        return "there is JSON within a string of JSON. What has been turned into JSON twice?"
    if isinstance(mine, dict):
        for key, member in mine.items():
            if is_same(member, wanted):
                return f"what stands under {as_text(key)} should be all of it."
    found = list(differences(wanted, mine))
    return _told(found) if found else ""


def _is_json(text: str) -> bool:
    try:
        return json.loads(text) is not None
    except ValueError:
        return False


def _no_json(text: str) -> str:
    if not text.strip():
        return "there is nothing, and JSON is asked for."
    shown = _cut(text.strip().split("\n")[0])
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return f"this is no JSON: {shown}"
    return f"{shown} is how Python writes it, and JSON is asked for."


def _told(found: list[BodyDifference]) -> str:
    """The likeliest difference in words, and how many there are besides."""
    first = found[0]
    told = _renamed(found) or _exchanged(found) or (_of_one(first), 1)
    rest = len(found) - told[1]
    return told[0] + (f" (And {rest} more that differ{'s' * (rest == 1)}.)" if rest > 0 else "")


def _renamed(found: list[BodyDifference]) -> tuple[str, int] | None:
    """A member that stands under another name."""
    for missing, extra in _pairs(found):
        beside = missing.path[:-1] == extra.path[:-1]
        if missing.got is MISSING and extra.expected is MISSING and beside:
            place = _place(missing.path)
            return f"{place} is missing; there is {_place(extra.path)} instead.", 2
    return None


def _exchanged(found: list[BodyDifference]) -> tuple[str, int] | None:
    """A value that stands where another one belongs."""
    for here, there in _pairs(found):
        if MISSING not in (here.got, there.expected) and is_same(here.got, there.expected):
            return f"under {_place(here.path)} stands what belongs under {_place(there.path)}.", 2
    return None


def _pairs(found: list[BodyDifference]) -> Iterator[tuple[BodyDifference, BodyDifference]]:
    few = [one for one in found if one.path][:20]
    return ((one, other) for one in few for other in few if one is not other)


def _of_one(difference: BodyDifference) -> str:
    path, wanted, mine = difference
    place = _place(path) or "it"
    if mine is MISSING:
        return f"{place} is missing."
    if wanted is MISSING:
        return f"{place} is there, and nobody asked for it."
    if _kind(mine) != _kind(wanted):
        shown = "null" if mine is None else f"{_kind(mine)}, {_cut(as_text(mine))}"
        return f"{place} is {shown}, and {_kind(wanted)} is asked for."
    if isinstance(mine, list) and len(mine) != len(wanted):
        return f"{place} is a list of {len(mine)}, and one of {len(wanted)} is asked for."
    return f"{place} is {_cut(as_text(mine))}, and {_cut(as_text(wanted))} is asked for."


def _kind(value: Any) -> str:
    return _KINDS[type(value)]


def _place(path: tuple[str | int, ...]) -> str:
    """Where in the body, from the outside to the inside; elements count from 0."""
    return " → ".join(as_text(step) if isinstance(step, str) else f"[{step}]" for step in path)


def _cut(text: str) -> str:
    return shortened(text, _LONGEST)
