"""Answers with the right status and the wrong body: what of it differs, and how."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from ...model.scenarios import Postgres
from ...model.trace import Exchange, Span
from ..aspects.answers import media_type
from ..differences import MISSING, BodyDifference, Path, as_text, differences, is_same, shortened
from .case import Case, in_words, of_line
from .registry import Finding, rule
from .relayed import statements_of
from .source import Source

LOOKS = ("body", "lines", "media-type")
"""Aspects that show what is in an answer."""

_LONGEST, _SHORT = 60, 20
"""Characters of a value that are shown, and of one of which several fit into a sentence."""

_KINDS = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
_KINDS |= {bool: "true or false", int: "a number", float: "a number"}


class Bodies(NamedTuple):
    """Two bodies that should be the same, and the words that a sentence about them begins with.

    Of a body that consists of lines, each of them JSON, it is the first line that differs.
    """

    ours: Exchange
    about: str
    mine: str
    wanted: Any

    @property
    def value(self) -> Any:
        """The learner's, read as JSON; `MISSING` if it can't be."""
        return _read(self.mine)

    def finding(self, text: str) -> Finding:
        return Finding(self.ours.line, f"{self.about}{text}")


def differing_bodies(case: Case) -> Iterator[Bodies]:
    """The pairs of bodies that differ, that the check looks at, and that should be JSON."""
    for ours, theirs in _differing(case):
        about = f"The answer to {ours.method} {ours.path}{of_line(ours.line)}"
        if theirs.json() is not None or theirs.text.strip() == "null":
            if not _is_json_of(ours.text, theirs.json()):
                yield Bodies(ours, about, ours.text, theirs.json())
            continue
        pairs = zip(_lines(ours), _lines(theirs), strict=False)
        for number, (mine, wanted) in enumerate(pairs, 1):
            value = _read(wanted)
            if value is not MISSING and not _is_json_of(mine, value):
                yield Bodies(ours, f"{about}, line {number} of its body,", mine, value)
                break


def _differing(case: Case) -> Iterator[tuple[Exchange, Exchange]]:
    """The exchanges whose bodies differ; what comes after a wrong status may come of that."""
    for ours, theirs in case.exchanges():
        if ours.status != theirs.status:
            return
        if _is_looked_at(case, ours, theirs):
            yield ours, theirs


def _is_looked_at(case: Case, ours: Exchange, theirs: Exchange) -> bool:
    """Whether the check would see something else if the body were right."""
    if case.aspect is None or ours.body == theirs.body:
        return False
    mended = msgspec.structs.replace(ours, chunks=theirs.chunks, headers=theirs.headers)
    exchanges = tuple(mended if e is ours else e for e in case.got.exchanges)
    trace = msgspec.structs.replace(case.got, exchanges=exchanges)
    return case.aspect(trace) != case.aspect(case.got)


def _lines(exchange: Exchange) -> list[str]:
    return [line.body.decode("utf-8", "replace") for line in exchange.lines()]


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return MISSING


def _is_json_of(text: str, value: Any) -> bool:
    read = _read(text)
    return read is not MISSING and is_same(read, value)


# The whole of it


@rule("wrong-media-type", *LOOKS, general=True)
def wrong_media_type(case: Case) -> Finding | None:
    """The answer's Content-Type isn't the one that was asked for.

    A client reads a body by its media type: JSON as a whole, lines of JSON one by one. FastAPI
    says `application/json` unless you say otherwise.

    Instead: `StreamingResponse(lines(), media_type="application/x-ndjson")`, or a
    `response_class` in the decorator.
    """
    for ours, theirs in case.exchanges():
        mine, wanted = (media_type(exchange) for exchange in (ours, theirs))
        if ours.status == theirs.status and mine != wanted and case.is_about("media-type"):
            return Finding(
                ours.line,
                f"The media type of the answer to {ours.method} {ours.path}{of_line(ours.line)} "
                f"is {mine or 'not given'}. It should be {wanted}.",
            )
    return None


@rule("wrong-order", *LOOKS, general=True)
def wrong_order(case: Case) -> Finding | None:
    """A list has all it should have, but in the wrong order.

    A table has no order: a row that was changed may come last, and which comes first can
    change from day to day. Tasks end in the order in which they are done.

    Instead: `order by` in the statement, and results in the order in which you asked:
    `gather` keeps it, `as_completed` doesn't.
    """
    for ours, theirs in _differing(case):
        for path, mine, wanted in _reordered(_listed(ours), _listed(theirs)):
            together = _number_of_all(_listed(ours), path)
            asked = [s for s in statements_of(case, case.got, ours) if s.count == together]
            line = asked[-1].line if asked else _last_wait(case, ours)
            right = "the right list" if _has_the_same(mine, wanted) else "a list"
            where = f" under {in_place(path)}" if path else ""
            return Finding(
                line,
                f"{ours.method} {ours.path} answers with {right}{where} in the wrong order"
                f"{of_line(line)}: {_in_short(mine)} instead of {_in_short(wanted)}. "
                f"{_whose_order(case, asked)}What in your code decides the order?",
            )
    return None


def _number_of_all(body: Any, path: Path) -> int:
    """The elements of the list at that path, and of its counterparts in other records."""
    if not path:
        return len(body) if isinstance(body, list) else 0
    step, *rest = path
    if isinstance(body, list):
        return sum(_number_of_all(element, tuple(rest)) for element in body)
    return _number_of_all(body.get(step), tuple(rest)) if isinstance(body, dict) else 0


def _whose_order(case: Case, asked: list[Span]) -> str:
    tables = [s for s in asked if isinstance(case.scenario.collaborators.get(s.name), Postgres)]
    if not tables or any("order by" in str(span.arguments).lower() for span in tables):
        return ""
    return "A table has no order: a row that was changed may come last. "


def _last_wait(case: Case, exchange: Exchange) -> int | None:
    waits = case.waits(exchange.number)
    return waits[-1].line if waits else exchange.line


def _listed(exchange: Exchange) -> Any:
    """A body read as JSON; one that consists of lines is a list of them."""
    if (body := exchange.json()) is not None:
        return body
    lines = [_read(line) for line in _lines(exchange)]
    return None if MISSING in lines else lines


def _reordered(
    mine: Any, wanted: Any, path: Path = ()
) -> Iterator[tuple[Path, list[Any], list[Any]]]:
    """The lists within a body that are in another order than they should be, and where."""
    if isinstance(mine, dict) and isinstance(wanted, dict):
        for key in (key for key in wanted if key in mine):
            yield from _reordered(mine[key], wanted[key], (*path, key))
    if not isinstance(mine, list) or not isinstance(wanted, list) or is_same(mine, wanted):
        return
    if _has_the_same(mine, wanted) or (_is_by_id(wanted) and _ids(mine) != sorted(_ids(mine))):
        yield path, mine, wanted
    elif len(mine) == len(wanted):
        for index, pair in enumerate(zip(mine, wanted, strict=True)):
            yield from _reordered(*pair, (*path, index))


def _has_the_same(mine: list[Any], wanted: list[Any]) -> bool:
    return sorted(map(as_text, mine)) == sorted(map(as_text, wanted))


def _is_by_id(elements: list[Any]) -> bool:
    return len(_ids(elements)) == len(elements) > 2 and _ids(elements) == sorted(_ids(elements))


def _ids(elements: list[Any]) -> list[int]:
    ids = (element.get("id") for element in elements if isinstance(element, dict))
    return [id_ for id_ in ids if isinstance(id_, int)]


def _in_short(elements: list[Any]) -> str:
    """What tells the elements apart: their ids, or another of their members, or all of them."""
    key = _telling_key(elements)
    values = elements if key is None else [element[key] for element in elements]
    words = [shortened(as_text(value), 30) for value in values]
    most = 6 if all(len(word) <= _SHORT for word in words) else 3
    return ", ".join(words[:most]) + (" and so on" if len(words) > most else "")


def _telling_key(elements: list[Any]) -> str | None:
    """The key of a member that is another one in each of these records: `id`, or a text."""
    if not elements or not all(isinstance(element, dict) for element in elements):
        return None
    keys: list[str] = sorted(elements[0])
    for key in ("id", *keys):
        values = [element.get(key) for element in elements]
        fit = all(isinstance(v, int | str) if key == "id" else _is_word(v) for v in values)
        if fit and len(set(values)) == len(values):
            return key
    return None


def _is_word(value: Any) -> bool:
    """Whether it is a text, and not a number or a time that was written as one."""
    return isinstance(value, str) and value[:1].isalpha()


@rule("nothing-returned", *LOOKS, general=True)
def nothing_returned(case: Case) -> Finding | None:
    """The answer is null, or empty: the endpoint returns nothing.

    A Python function that ends without `return` gives None, and FastAPI sends that as null.

    Instead: look for the path through the endpoint that has no `return`, or for a value that
    is computed and never returned.
    """
    for found in differing_bodies(case):
        if found.value is None or not found.mine.strip():
            what = "null" if found.mine.strip() else "empty"
            return found.finding(
                f" is {what}, and should be {_kind(found.wanted)}. "
                "Does every path through the endpoint end with a `return`?"
            )
    return None


@rule("not-json", *LOOKS, general=True)
def not_json(case: Case) -> Finding | None:
    """The answer is text that isn't JSON.

    `str(row)` writes a dict as Python does, with single quotes, True and None. No JSON parser
    reads that.

    Instead: `json.dumps(row)`; or return the value itself, and FastAPI turns it into JSON.
    """
    for found in differing_bodies(case):
        if found.value is MISSING and found.mine.strip():
            return found.finding(_no_json(found.mine, in_lines="line" in found.about))
    return None


def _no_json(text: str, in_lines: bool) -> str:
    shown = _cut(text.strip().split("\n")[0])
    if in_lines and "}{" in text:
        return f" holds several rows: {shown} Each needs a newline at its end."
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return f" isn't JSON{' by itself' if in_lines else ''}: {shown}"
    return f" is {shown}, which is how Python writes a value. It should be JSON."


@rule("encoded-twice", *LOOKS, general=True)
def encoded_twice(case: Case) -> Finding | None:
    """The answer is a JSON string with JSON inside it.

    FastAPI turns what an endpoint returns into JSON. If that is already text made by
    `json.dumps`, it becomes a string, with its quotes escaped.

    Instead: return the value itself, or encode it once by yourself and return a `Response`.
    """
    for found in differing_bodies(case):
        value = found.value
        if isinstance(value, str) and not isinstance(found.wanted, str) and _is_json(value):
            return found.finding(
                f" is a JSON string that has JSON inside it: {_cut(found.mine)}. It has been "
                "turned into JSON twice."
            )
    return None


def _is_json(text: str) -> bool:
    return _read(text) not in (MISSING, None)


@rule("tasks-returned", *LOOKS, general=True)
def tasks_returned(case: Case) -> Finding | None:
    """The answer holds tasks, where the results of tasks belong.

    A task is an object of its own; the value that its coroutine returned is inside it. As
    JSON, a task is an empty object.

    Instead: `task.result()` when it is over, or `await task`.
    """
    for found in differing_bodies(case):
        sent = [i for i in case.incidents("task-sent") if i.exchange == found.ours.number]
        empty = list(_emptied(found.wanted, found.value))
        if empty and len(sent) >= len(empty):
            where = in_words(in_place(path) or "all of it" for path in empty[:3])
            return found.finding(
                f" has {{}} where data belongs ({where}). That is what a task looks like as "
                "JSON. Its value is in its `.result()`."
            )
    return None


def _emptied(wanted: Any, value: Any, path: Path = ()) -> Iterator[Path]:
    """The places where an empty object stands, and something else should."""
    if value == {} and wanted != {}:
        yield path
    elif isinstance(value, dict) and isinstance(wanted, dict):
        for key in value:
            yield from _emptied(wanted.get(key), value[key], (*path, key))
    elif isinstance(value, list) and isinstance(wanted, list):
        for index, pair in enumerate(zip(wanted, value, strict=False)):
            yield from _emptied(*pair, (*path, index))


@rule("wrapped", *LOOKS, general=True)
def wrapped(case: Case) -> Finding | None:
    """The right data is one level too deep.

    The client looks for the data itself, and finds an object with the data in a member.

    Instead: return the value, without an object around it.
    """
    for found in differing_bodies(case):
        members = found.value.items() if isinstance(found.value, dict) else ()
        for key, member in members:
            if is_same(member, found.wanted):
                return found.finding(
                    f" is an object around what was asked for: what it has under {as_text(key)} "
                    "should be the whole answer."
                )
    return None


@rule("bare", *LOOKS, general=True)
def bare(case: Case) -> Finding | None:
    """The right data is alone, where an object with names was asked for.

    A client that reads `answer["items"]` fails on a bare list.

    Instead: return an object that has the data under the name that was asked for. A row that
    a driver gives as a tuple needs its columns' names beside it.
    """
    for found in differing_bodies(case):
        wanted = found.wanted if isinstance(found.wanted, dict) else {}
        alone = [key for key, member in wanted.items() if is_same(member, found.value)]
        if alone:
            return found.finding(
                f" is {_shown(found.value)} by itself. It should be an object that has this "
                f"under {as_text(alone[0])}."
            )
        if wanted and isinstance(found.value, list) and _same_values(found.value, wanted):
            return found.finding(
                f" is a bare list, {_cut(as_text(found.value))}. It should be an object, with a "
                f"name for each value: {', '.join(wanted)}."
            )
    return None


def _same_values(values: list[Any], wanted: dict[str, Any]) -> bool:
    return sorted(map(as_text, values)) == sorted(map(as_text, wanted.values()))


# Of an earlier request


@rule("kept-between-requests", *LOOKS, "readings", general=True)
def kept_between_requests(case: Case) -> Finding | None:
    """An answer holds what an earlier request has left behind.

    A dict or a list that is made once, in the factory, at module level or as a default
    argument, serves all requests. What the first one puts into it is there for the second. A
    cache that nothing empties gives the first answer for ever.

    Instead: make what a request fills inside the endpoint. If you cache, say for how long an
    answer is good, and forget it when the data changes.
    """
    if case.depends_on_time():
        return None  # an earlier answer may have been as wrong
    for found in differing_bodies(case):
        earlier = [
            both
            for both in zip(case.got.exchanges, case.expected.exchanges, strict=False)
            if both[0].number < found.ours.number and both[0].path == found.ours.path
        ]
        for one in places_in(found):
            kept = any(_held(mine, one) and _held(its, one) for mine, its in earlier)
            kept = kept and not Source(case.source).writes(one.got)
            if one.got is not MISSING and one.got and kept and _is_right_alone(case, found.ours):
                place = in_place(one.path) or "all of it"
                return found.finding(
                    f" is out of date: {place} is what an earlier request was answered with. "
                    "What in your code lives longer than one request?"
                )
    return None


def _is_right_alone(case: Case, exchange: Exchange) -> bool:
    """Whether the same request gets its right answer, too, when no other has come before.

    One that needs what the others have made gets another answer then, a 404 perhaps.
    """
    request = msgspec.structs.replace(case.scenario.requests[exchange.number], at=0.0)
    alone = msgspec.structs.replace(case.scenario, requests=(request,))
    ours, theirs = (trace.exchanges[0] for trace in case.replay(alone))
    mine, its = ((each.status, as_text(each.json())) for each in (ours, theirs))
    return mine == its and theirs.status == case.status_wanted(exchange)


def _held(before: Exchange, place: BodyDifference) -> bool:
    """Whether an answer had the same thing in the same place."""
    value = before.json()
    for step in place.path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return is_same(value, place.got)


# Members and values


def places_in(found: Bodies) -> list[BodyDifference]:
    value = found.value
    return [] if value is MISSING else list(differences(found.wanted, value))


@rule("swapped-values", *LOOKS, general=True)
def swapped_values(case: Case) -> Finding | None:
    """A value is under the wrong name.

    Results that are unpacked in the wrong order, or in the order in
    which they were done, end up under each other's names.

    Instead: keep each result with its name from the beginning: a dict of tasks, or `gather`,
    which gives results in the order of its arguments.
    """
    for found in differing_bodies(case):
        for here, there in _pairs(places_in(found)):
            alike = is_same(here.got, there.expected) and here.got is not MISSING
            renamed = here.expected is MISSING and there.got is MISSING
            if alike and not renamed and not _is_record_of_list(here):
                return found.finding(
                    f" has under {in_place(here.path)} what belongs under {in_place(there.path)}. "
                    "In which order do the results come, and in which order do you name them?"
                )
    return None


def _is_record_of_list(place: BodyDifference) -> bool:
    """Whether it is one of several alike: in a list records have no names."""
    return bool(place.path) and isinstance(place.path[-1], int) and isinstance(place.got, dict)


@rule("renamed-member", *LOOKS, general=True)
def renamed_member(case: Case) -> Finding | None:
    """A member of the answer has a different name from the one that was asked for.

    Programs find a value by its name, to the letter.

    Instead: take the name from the exercise.
    """
    for found in differing_bodies(case):
        places = places_in(found)
        if not all(MISSING in (one.got, one.expected) for one in places):
            continue
        for missing, extra in _pairs(places):
            beside = missing.path[:-1] == extra.path[:-1]
            only = missing.got is MISSING and extra.expected is MISSING
            if only and beside and is_same(missing.expected, extra.got):
                return found.finding(
                    f" has {in_place(extra.path)} instead of {in_place(missing.path)}."
                )
    return None


@rule("missing-member", *LOOKS, general=True)
def missing_member(case: Case) -> Finding | None:
    """A part of the answer isn't there.

    It was left out, or something threw it away: a test for truth that also drops 0, "" and
    empty lists; a response model that doesn't know the field; one failure that takes the
    other results with it.

    Instead: `is not None` where you mean it; a model with all fields; each result handled by
    itself.
    """
    for found in differing_bodies(case):
        missing = [one for one in places_in(found) if one.got is MISSING]
        if missing:
            falsy = not missing[0].expected
            note = f" It is {as_text(missing[0].expected)}, which counts as false in an `if`."
            return found.finding(
                f" lacks {in_place(missing[0].path)}.{note if falsy else ''}{_and_more(found, 1)}"
            )
    return None


@rule("extra-member", *LOOKS, general=True)
def extra_member(case: Case) -> Finding | None:
    """The answer has more in it than was asked for.

    What is sent once will be used by some client, and can't be taken back. It may also give
    away what isn't for everyone.

    Instead: return what the task names; a response model keeps the rest back.
    """
    for found in differing_bodies(case):
        extra = [one for one in places_in(found) if one.expected is MISSING]
        if extra and len(extra) == len(places_in(found)):
            return found.finding(
                f" has {in_place(extra[0].path)} in it, which doesn't belong there."
                f"{_and_more(found, 1)}"
            )
    return None


@rule("wrong-type", *LOOKS, general=True)
def wrong_type(case: Case) -> Finding | None:
    """A value of the answer has the wrong type.

    `"3"` isn't 3, and a list isn't an object, to a client that computes with it. Drivers give
    what they mean: asyncpg's `execute` returns the command's status as text, not a row.

    Instead: look up what the call returns, and convert, or call the one that returns rows
    (`fetchrow`).
    """
    for found in islice(differing_bodies(case), 1):  # what comes after it may come of that
        for one in places_in(found):
            known = MISSING not in (one.got, one.expected)
            if known and _kind(one.got) != _kind(one.expected):
                return found.finding(
                    f"{_has(_shown(one.got), one)}, and it should be {_kind(one.expected)}."
                )
    return None


@rule("pages-overlap", *LOOKS, general=True)
def pages_overlap(case: Case) -> Finding | None:
    """A page of a list begins with the wrong element.

    Either the last element of the previous page comes again, or one between the two pages is on
    neither. Clients that go from page to page get it twice, or never.

    Instead: remember the last element that was shown, and ask for what comes after it: `>`,
    and not `>=`.
    """
    for found in differing_bodies(case):
        pairs = zip(_lists(found.value), _lists(found.wanted), strict=False)
        for mine, wanted in pairs:
            again = wanted[:1] and wanted[0] in mine[1:]
            left_out = mine[:1] and mine[0] in wanted[1:]
            if (again or left_out) and _follows(case, found.ours):
                one = _in_short([mine[0] if again else wanted[0]])
                what = "was on the previous page already" if again else "is on no page"
                return found.finding(f" begins with the wrong element: {one} {what}.")
    return None


def _lists(body: Any) -> list[list[Any]]:
    """A body that is a list, or the lists in it."""
    members = body.values() if isinstance(body, dict) else [body]
    return [member for member in members if isinstance(member, list)]


def _follows(case: Case, exchange: Exchange) -> bool:
    """Whether a page was asked for before."""
    return any(
        (e.method, e.path) == (exchange.method, exchange.path)
        for e in case.got.exchanges[: exchange.number]
    )


@rule("counted-the-page", *LOOKS, general=True)
def counted_the_page(case: Case) -> Finding | None:
    """The total is only the number of results on this page.

    A client that turns pages never learns that there is another one. `count(*) over ()`, which
    puts the number of all into each row, has no row for it on a page past the end.

    Instead: a statement that counts, with the same `where` and without `limit`.
    """
    for found in differing_bodies(case):
        members = found.value.values() if isinstance(found.value, dict) else ()
        on_page = {len(member) for member in members if isinstance(member, list)}
        places = places_in(found)
        for place in places:
            alone = len(places) == len(place.path) == 1
            more = _is_number(place.expected) and _is_number(place.got)
            if alone and more and place.got in on_page and place.got < place.expected:
                return found.finding(
                    f" has {place.got} under {in_place(place.path)}: that is how many there are on "
                    f"this page, and there are {place.expected} in all. What counts them all?"
                )
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@rule("wrong-length", *LOOKS, general=True)
def wrong_length(case: Case) -> Finding | None:
    """A list, or a stream of lines, has more or fewer elements than it should.

    A limit that wasn't asked for, a first element that was used for something else, a missing
    newline, or an empty line between the others.

    Instead: count what goes in, and what comes out.
    """
    for found in differing_bodies(case):
        for one in places_in(found):
            if isinstance(one.got, list) and isinstance(one.expected, list):
                should = f"one of {len(one.expected)}" if one.expected else "empty"
                return found.finding(
                    f"{_has(f'a list of {len(one.got)}', one)}, and it should be {should}."
                    f"{_which_are_wrong(one.got, one.expected)}"
                )
    return _wrong_number_of_lines(case)


def _which_are_wrong(mine: list[Any], wanted: list[Any]) -> str:
    """The elements that are missing, or too many, where a few make the difference."""
    missing, extra = _without(wanted, mine), _without(mine, wanted)
    if mine and missing and not extra:
        return f" Missing: {_with_key(missing)}."
    if wanted and extra and not missing:
        return f" Too many: {_with_key(extra)}."
    return ""


def _with_key(elements: list[Any]) -> str:
    key = _telling_key(elements)
    return f"{key} {_in_short(elements)}" if key else _in_short(elements)


def _without(elements: list[Any], others: list[Any]) -> list[Any]:
    """The elements that aren't among the others, each as often as it is there more often."""
    left = Counter(map(as_text, others))
    rest = []
    for element in elements:
        if left[as_text(element)]:
            left[as_text(element)] -= 1
        else:
            rest.append(element)
    return rest


def _wrong_number_of_lines(case: Case) -> Finding | None:
    for ours, theirs in _differing(case):
        mine, wanted = _lines(ours), _lines(theirs)
        if len(wanted) > 1 and len(mine) != len(wanted):
            if _has_empty_lines(ours) and not _has_empty_lines(theirs):
                return Finding(
                    ours.line,
                    f"The body of {ours.method} {ours.path}{of_line(ours.line)} has empty lines "
                    "between the others. A client that reads line by line takes each for a row.",
                )
            count = "1 line" if len(mine) == 1 else f"{len(mine)} lines"
            alike = zip(mine, wanted, strict=False)
            first = next((n for n, (a, b) in enumerate(alike, 1) if a != b), None)
            where = f" Line {first} is the first that differs." if first else ""
            return Finding(
                ours.line,
                f"The body of {ours.method} {ours.path}{of_line(ours.line)} has {count}, and "
                f"should have {len(wanted)}.{where}",
            )
    return None


def _has_empty_lines(exchange: Exchange) -> bool:
    return "\n\n" in exchange.text.replace("\r", "")


@rule("change-lost", *LOOKS, "readings", general=True)
def change_lost(case: Case) -> Finding | None:
    """What a request should have changed is as it was.

    `value or old` keeps the old value for 0 and "", too. A statement may name the wrong
    column, or find no row.

    Instead: `old if value is None else value`, and read back what was written.
    """
    if case.got.readings and case.got.readings == case.expected.readings:
        return None  # the change was stored, and is not read
    for found in differing_bodies(case):
        for one in places_in(found):
            plain = not isinstance(one.got, dict | list) and one.got is not MISSING
            written = list(_written(case, found.ours, one))
            sent_by, sent = [write for write, _ in written], [value for _, value in written]
            value = as_text(one.expected)
            if plain and sent and is_same(sent[-1], one.expected):
                is_own = sent_by[-1] is found.ours
                return found.finding(
                    f" still has {_cut(as_text(one.got))} under {in_place(one.path)}, though "
                    f"{'it' if is_own else 'an earlier request'} changed that to {_cut(value)}. "
                    "What happens to the value in your code?"
                )
    return None


@rule("done-before-refused", *LOOKS, "readings", general=True)
def refused_change_found(case: Case) -> Finding | None:
    """Finds it where what a refused request has sent is read later on."""
    for found in differing_bodies(case):
        for one in places_in(found):
            for write, value in _written(case, found.ours, one):
                if is_same(value, one.got) and (case.status_wanted(write) or 0) >= 400:
                    return found.finding(
                        f" has {_cut(as_text(value))} under {in_place(one.path)}, from a "
                        f"{write.method} {write.path} that has to be refused. What is changed "
                        "before all of it is known to be valid?"
                    )
    return None


def _written(
    case: Case, exchange: Exchange, place: BodyDifference
) -> Iterator[tuple[Exchange, Any]]:
    """What earlier requests, and a change itself, have sent for a place, in order."""
    is_change = exchange.method in ("PUT", "PATCH")
    for before in case.got.exchanges[: exchange.number + is_change]:
        body = _read(case.sent(before).decode("utf-8", "replace"))
        key = place.path[-1] if place.path else ""
        if before.method in WRITES and isinstance(body, dict) and key in body:
            yield before, body[str(key)]


WRITES = ("PUT", "PATCH", "POST")


@rule("wrong-body", *LOOKS, general=True)
def wrong_body(case: Case) -> Finding | None:
    """The answer has the right status and form, and a wrong value in it.

    What differs is shown: first what is expected, then what was got.

    Instead: follow that value back to where it comes from.
    """
    for found in differing_bodies(case):
        places = places_in(found)
        if places:
            one = places[0]
            return found.finding(
                f"{_has(_cut(as_text(one.got)), one)}, and it should be "
                f"{_cut(as_text(one.expected))}.{_and_more(found, 1)}"
            )
    for ours, theirs in _differing(case):
        return Finding(
            ours.line,
            f"The answer to {ours.method} {ours.path}{of_line(ours.line)} is "
            f"{_cut(ours.text) or 'empty'}, and it should be {_cut(theirs.text) or 'empty'}.",
        )
    return None


def _has(value: str, place: BodyDifference) -> str:
    """The verb of a sentence about a body: what it has there, or what it is as a whole."""
    return f" has {value} under {in_place(place.path)}" if place.path else f" is {value}"


def _and_more(found: Bodies, listed: int) -> str:
    rest = len(places_in(found)) - listed
    return (
        f" ({rest} more {'place differs' if rest == 1 else 'places differ'}.)" if rest > 0 else ""
    )


def _pairs(found: list[BodyDifference]) -> Iterator[tuple[BodyDifference, BodyDifference]]:
    few = [one for one in found if one.path][:20]
    return ((one, other) for one in few for other in few if one is not other)


def _kind(value: Any) -> str:
    return _KINDS[type(value)]


def _shown(value: Any) -> str:
    """A value, after its kind where it doesn't say that itself."""
    text = _cut(as_text(value))
    return text if value is None or isinstance(value, bool) else f"{_kind(value)} ({text})"


def in_place(path: tuple[str | int, ...]) -> str:
    """Where in the body, from the outside to the inside; elements count from 0."""
    return " → ".join(as_text(step) if isinstance(step, str) else f"[{step}]" for step in path)


def _cut(text: str) -> str:
    return shortened(text, _LONGEST)
