"""Parts of an answer that a later request of the same client is to hold.

What will be in an answer isn't known when a scenario is written. So a part of it is written
down as a *mark*, a text that says which answer and where in it, and the mark is replaced by
what is there when the request is sent. Marks are made of characters that need no escape in a
path, a query, a header or JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

Kind = Literal["json", "header", "text"]

_MARK = re.compile(r'("?)~answer\.(\d+)\.(json|header|text)((?:\.[\w-]+)*)~("?)')
_UNSAFE = re.compile(r"[^A-Za-z0-9-]")


class Part:
    """A part of the answer to a request, before there is an answer.

        login = post("/login", json={"name": "ada"})
        get("/me", headers={"Authorization": f"Bearer {login.json['token']}"})

    Args:
        of: the request's place, or any number that no other request has.
        kind: which part of the answer.
        path: the keys, from the outermost in.
    """

    def __init__(self, of: int, kind: Kind, path: tuple[str, ...] = ()) -> None:
        self._of = of
        self._kind = kind
        self._path = path

    def __getitem__(self, key: str | int) -> Part:
        return Part(self._of, self._kind, (*self._path, str(key)))

    def __str__(self) -> str:
        keys = "".join(f".{_quoted(key)}" for key in self._path)
        return f"~answer.{self._of}.{self._kind}{keys}~"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def is_marked(text: str) -> bool:
    """Whether a text begins with a mark."""
    return text.startswith("~answer.")


def _quoted(key: str) -> str:
    return _UNSAFE.sub(lambda found: f"_{ord(found[0]):x}_", key)


def _unquoted(key: str) -> str:
    return re.sub(r"_([0-9a-f]+)_", lambda found: chr(int(found[1], 16)), key)


def replaced(text: str, part_of: Callable[[int, str, list[str]], Any]) -> str:
    """A text with its marks replaced.

    A mark that is a whole JSON string becomes JSON of its value, also if that isn't a string.

    Args:
        part_of: gives the value of a part, by the request, the kind and the keys.
    """

    def value(found: re.Match[str]) -> str:
        before, of, kind, keys, after = found.groups()
        part = part_of(int(of), kind, [_unquoted(key) for key in keys.split(".")[1:]])
        if before and after:
            return json.dumps(part)
        return f"{before}{'' if part is None else part}{after}"

    return _MARK.sub(value, text)


def renumbered(text: str, places: dict[int, int]) -> str:
    """A text whose marks name requests by their places.

    Raises:
        KeyError: a mark is of a request that has no place.
    """
    return re.sub(r"(?<=~answer\.)\d+(?=\.)", lambda found: str(places[int(found[0])]), text)
