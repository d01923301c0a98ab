"""Where two JSON values differ, and how to say it shortly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby, takewhile
from typing import Any, Final, NamedTuple, TypeGuard

MISSING: Final = object()
"""Stands for a member that one of the two values does not have."""
ALIKE = "…"
"""Stands for what both have."""

Path = tuple[str | int, ...]


class BodyDifference(NamedTuple):
    """A place where two values differ: the keys and indexes that lead to it, and both sides.

    One of the sides is `MISSING` where an object has a member that the other has not.
    """

    path: Path
    expected: Any
    got: Any


def differences(expected: Any, got: Any, path: Path = ()) -> Iterator[BodyDifference]:
    """The places where two JSON values differ, as deep within them as makes sense.

    Of two records that have nothing in common but their keys one is in the other's place.
    """
    if is_same(expected, got):
        return
    if _are_both(dict, expected, got) and not (path and _are_strangers(expected, got)):
        for key in (*expected, *(key for key in got if key not in expected)):
            sides = expected.get(key, MISSING), got.get(key, MISSING)
            yield from differences(*sides, (*path, key))
    elif _are_both(list, expected, got) and len(expected) == len(got):
        for index, sides in enumerate(zip(expected, got, strict=True)):
            yield from differences(*sides, (*path, index))
    else:
        yield BodyDifference(path, expected, got)


def _are_strangers(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two records of plain values share keys, and none of their values."""
    keys = one.keys() & other.keys()
    plain = not any(isinstance(one[key], dict | list) for key in keys)
    return plain and len(keys) > 1 and not any(is_same(one[key], other[key]) for key in keys)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; in Python, 1 and True are equal."""
    return as_text(one) == as_text(other)


def as_text(value: Any) -> str:
    """A value as JSON, always in the same way: 20.0 is the number 20."""
    if value is MISSING:
        return ""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    return value


def shortened(text: str, most: int) -> str:
    """The text with so many characters at the most, and `…` for what is left out."""
    return text if len(text) <= most else f"{text[:most]}…"


Words = tuple[str, ...]
"""Facts in words."""


def from_first_difference(should: Words, does: Words) -> tuple[Words, Words]:
    """Two lists of facts without what they share at the beginning, and with a sign for that."""
    pairs = zip(should, does, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if not shared:
        return should, does
    rest = (facts[shared:] or ("nothing more",) for facts in (should, does))
    mine, its = ((ALIKE, *facts) for facts in rest)
    return mine, its


def apart(should: str, does: str) -> tuple[str, str]:
    """Two facts without what they share, if each ends with a JSON object or list.

    Where an answer has another status than it should, what should be in it doesn't matter yet.
    """
    mine, its = _as_json(should), _as_json(does)
    if mine is not None and _are_other_statuses(should, does):
        return f"{mine[0]}{_SOME[type(mine[1])]}", does
    if mine is None or its is None:
        return should, does
    pruned = _pruned(mine[1], its[1])
    return f"{mine[0]}{pruned[0]}", f"{its[0]}{pruned[1]}"


_SOME: dict[type, str] = {dict: f"{{{ALIKE}}}", list: f"[{ALIKE}]"}


def _are_other_statuses(one: str, other: str) -> bool:
    first, second = (fact.partition(" ")[0] for fact in (one, other))
    return first != second and all(word.isdigit() and len(word) == 3 for word in (first, second))


def _as_json(fact: str) -> tuple[str, Any] | None:
    """The words before an object or list, and that; None if a fact does not end with one."""
    starts = [at for at in (fact.find("{"), fact.find("[")) if at >= 0]
    if not starts:
        return None
    try:
        return fact[: min(starts)], json.loads(fact[min(starts) :])
    except ValueError:
        return None


def _pruned(one: Any, other: Any) -> tuple[str, str]:
    """Both as JSON, with `ALIKE` in the place of equal members and elements."""
    if is_same(one, other):
        return ALIKE, ALIKE
    if _are_both(dict, one, other):
        return _object(one, other), _object(other, one)
    if _are_both(list, one, other):
        return _lists(one, other)
    return as_text(one), as_text(other)


def _lists(one: list[Any], other: list[Any]) -> tuple[str, str]:
    """Both lists; of two that are not as long, without what they begin and end with alike."""
    if len(one) == len(other):
        pairs = [_pruned(*pair) for pair in zip(one, other, strict=True)]
        return _list(mine for mine, _ in pairs), _list(its for _, its in pairs)
    first = _alike(one, other)
    last = _alike(one[first:][::-1], other[first:][::-1])
    mine, its = (_between(elements, first, last) for elements in (one, other))
    return _list(mine), _list(its)


def _alike(one: list[Any], other: list[Any]) -> int:
    """How many elements two lists begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: is_same(*pair), zip(one, other, strict=False)))


def _between(elements: list[Any], first: int, last: int) -> Iterator[str]:
    """The elements but for so many at both ends, for each of which there is a sign."""
    yield from [ALIKE] * first
    yield from map(as_text, elements[first : len(elements) - last])
    yield from [ALIKE] * last


def _object(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What `one` has otherwise than `other`, then a sign for the rest."""
    members = [
        f"{as_text(key)}: {_pruned(one[key], other[key])[0] if key in other else as_text(one[key])}"
        for key in sorted(one)
        if key not in other or not is_same(one[key], other[key])
    ]
    rest = [ALIKE] if len(members) < len(one) else []
    return "{" + ", ".join(members + rest) + "}"


def _list(elements: Iterator[str]) -> str:
    """The elements, with one sign for equal ones beside each other."""
    folded = [ALIKE if text == ALIKE else ", ".join(same) for text, same in groupby(elements)]
    return "[" + ", ".join(folded) + "]"


def _are_both(kind: type, one: Any, other: Any) -> TypeGuard[Any]:
    return isinstance(one, kind) and isinstance(other, kind)
