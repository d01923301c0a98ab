"""The headers of a scenario's requests and replies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .described import Described, check, listed
from .errors import UsageError

Headers = tuple[tuple[str, str], ...]
GivenHeaders = Mapping[str, str] | Iterable[tuple[str, str]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class WithHeaders(Described, frozen=True, kw_only=True):
    """A message with headers.

    Raises:
        UsageError: a header is one that HTTP has no form for.
    """

    headers: Headers = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_headers(self.headers)


def pairs_of(headers: GivenHeaders | None) -> Headers:
    """Headers with lower-case names, in the order given; one may come several times."""
    given = headers.items() if isinstance(headers, Mapping) else headers or ()
    pairs = listed("headers", given)
    check("headers", pairs, tuple[tuple[str, str], ...])
    return tuple((name.lower(), value) for name, value in pairs)


def with_default(headers: Headers, name: str, value: str) -> Headers:
    """Headers that have the one called `name`: what they say of it, or `value`."""
    return headers if any(given == name for given, _ in headers) else (*headers, (name, value))


def check_headers(headers: Headers) -> None:
    """See that a server can be sent these.

    Raises:
        UsageError: a name or a value isn't one that HTTP has a form for.
    """
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} isn't a header's name", "use letters, digits and hyphens, no spaces"
            )
        if _CONTROL.search(value) or not _is_latin_1(value):
            raise UsageError(
                f"the header {name} can't hold {value!r}", "encode it; headers are latin-1 text"
            )


def _is_latin_1(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)
