"""Requests that a scenario sends, and how to write them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from .errors import UsageError
from .headers import GivenHeaders, WithHeaders, pairs_of, with_default


class Request(WithHeaders, frozen=True, tag="request", kw_only=True):
    """A request to send.

    Args:
        at: virtual seconds after the app has started up.
        hangs_up_at: seconds after the request at which the client leaves.
        hangs_up_after: the client leaves when it has this many lines of the body.
        cancelled_at: seconds after the request at which the server cancels the call.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    at: float = 0.0
    hangs_up_at: float | None = None
    hangs_up_after: int | None = None
    cancelled_at: float | None = None


def request(
    method: str,
    path: str,
    *,
    json: Any = msgspec.UNSET,
    body: bytes = b"",
    query: Mapping[str, Any] | None = None,
    headers: GivenHeaders | None = None,
    at: float = 0.0,
    hangs_up_at: float | None = None,
    hangs_up_after: int | None = None,
    cancelled_at: float | None = None,
) -> Request:
    """A request; `json` is encoded and gets its content type, `query` is url-encoded.

    Raises:
        UsageError: the path does not begin with a slash.
    """
    if not path.startswith("/"):
        raise UsageError(f"the path {path!r} does not begin with a slash", f"write '/{path}'")
    fields = pairs_of(headers)
    if json is not msgspec.UNSET:
        body = msgspec.json.encode(json)
        fields = with_default(fields, "content-type", "application/json")
    path, _, inline = path.partition("?")
    return Request(
        method=method.upper(),
        path=path,
        query="&".join(part for part in (inline, urlencode(query or {}, doseq=True)) if part),
        headers=fields,
        body=body,
        at=at,
        hangs_up_at=hangs_up_at,
        hangs_up_after=hangs_up_after,
        cancelled_at=cancelled_at,
    )


def get(path: str, **options: Any) -> Request:
    """A GET request; the options are those of `request`."""
    return request("GET", path, **options)


def post(path: str, **options: Any) -> Request:
    """A POST request; the options are those of `request`."""
    return request("POST", path, **options)


def put(path: str, **options: Any) -> Request:
    """A PUT request; the options are those of `request`."""
    return request("PUT", path, **options)


def delete(path: str, **options: Any) -> Request:
    """A DELETE request; the options are those of `request`."""
    return request("DELETE", path, **options)


def times(count: int, one: Request) -> tuple[Request, ...]:
    """The same request `count` times, all at its moment."""
    return (one,) * count
