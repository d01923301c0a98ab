"""Requests that a scenario sends, and how to write them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from .answers import Part, is_marked
from .content import File, content_of
from .described import Number, check, mapped
from .errors import UsageError
from .headers import GivenHeaders, Headers, WithHeaders, pairs_of, with_default

BUFFER = 65_536
"""Bytes that lie between a server and a client that does not read, before the server's `send`
waits: the limit of uvicorn's write buffer. A real connection has the kernel's buffers besides."""

JSON = {"content-type": "application/json"}
"""Headers of a body that is said to be JSON, whether it is or not."""

NOT_OBJECTS = (b"[1, 2]", b'"a word"', b"3", b"null", b'{"name": ')
"""Bodies that aren't a JSON object. The last one isn't JSON at all."""


class Sent(WithHeaders, frozen=True, kw_only=True):
    """What requests and WebSockets have in common.

    Args:
        at: virtual seconds after the app has started up; of a client's later requests, after
            the one before was answered.
        cancelled_at: seconds after the request at which the server cancels the call.
        reads: bytes that the client reads in a second; None is all at once, 0 nothing.
        buffer: see `BUFFER`.
        client: the name of the client; the requests of one client are sent in turn.
        scheme, server, address, root_path: what the server tells the app of the connection;
            `address` is the client's.
    """

    path: str
    query: str = ""
    at: float = 0.0
    cancelled_at: float | None = None
    reads: float | None = None
    buffer: int = BUFFER
    client: str = ""
    scheme: str = "http"
    server: tuple[str, int] = ("testserver", 80)
    address: tuple[str, int] | None = None
    root_path: str = ""


class Request(Sent, frozen=True, tag="request", kw_only=True):
    """A request to send.

    Args:
        pieces: of a body that comes piece by piece, the first with the request, and each of
            the others `every` seconds after the one before.
        hangs_up_at: seconds after the request at which the client leaves.
        hangs_up_after: the client leaves when it has this many lines of the body.
    """

    method: str
    body: bytes = b""
    pieces: tuple[bytes, ...] = ()
    every: float = 0.0
    hangs_up_at: float | None = None
    hangs_up_after: int | None = None

    # Parts of the answer, for later requests of the same client.

    @property
    def json(self) -> Part:
        """The answer's JSON: `login.json["token"]`."""
        return Part(id(self), "json")

    @property
    def header(self) -> Part:
        """The answer's headers: `created.header["location"]`."""
        return Part(id(self), "header")

    @property
    def text(self) -> Part:
        """The answer's whole body."""
        return Part(id(self), "text")


def request(
    method: str,
    path: str,
    *,
    json: Any = msgspec.UNSET,
    data: Mapping[str, Any] | None = None,
    files: Mapping[str, File] | None = None,
    body: bytes = b"",
    pieces: Iterable[bytes] = (),
    query: Mapping[str, Any] | None = None,
    headers: GivenHeaders | None = None,
    cookies: Mapping[str, str] | None = None,
    **options: Any,
) -> Request:
    """A request to send.

    Args:
        json: the body, as JSON.
        data: the fields of a form; url-encoded, or multipart if there are `files`.
        files: the files of a form, by field: `{"photo": ("me.png", b"...", "image/png")}`.
        body: the body as it is.
        pieces: a body that comes piece by piece.
        query: is url-encoded, and added to what the path has.
        options: the other fields of `Request`, such as `at` and `every`.

    Raises:
        UsageError: the path does not begin with a slash, the body is given twice, or an option
            isn't one.
    """
    check_options(options, Request)
    content = content_of(json=json, data=data, files=files, body=body, pieces=pieces)
    path, query_string = split_target(path, query)
    return Request(
        method=method.upper(),
        path=path,
        query=query_string,
        headers=_fields(headers, content.media_type, cookies),
        body=content.body,
        pieces=content.pieces,
        **options,
    )


def _fields(
    headers: GivenHeaders | None, media_type: str, cookies: Mapping[str, str] | None
) -> Headers:
    """The headers of a request: those that are given, and those that follow from the rest."""
    fields = pairs_of(headers)
    if media_type:
        fields = with_default(fields, "content-type", media_type)
    if cookies:
        pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
        fields = (*fields, ("cookie", pairs))
    return fields


def split_target(path: str, query: Mapping[str, Any] | None) -> tuple[str, str]:
    """A path and its query string, with that of `query` added.

    Raises:
        UsageError: the path does not begin with a slash.
    """
    if not path.startswith("/") and not is_marked(path):
        raise UsageError(f"the path {path!r} does not begin with a slash", f"write '/{path}'")
    path, _, inline = path.partition("?")
    added = urlencode(mapped("query", query or {}), doseq=True)
    return path, "&".join(part for part in (inline, added) if part)


def check_options(options: Mapping[str, Any], kind: type[Sent]) -> None:
    """See that these are fields of a request.

    Raises:
        UsageError: one of them isn't.
    """
    unknown = set(options) - set(kind.__struct_fields__)
    if unknown:
        allowed = ", ".join(sorted(kind.__struct_fields__))
        raise UsageError(f"a request has no {min(unknown)!r}", f"its options are: {allowed}")


def get(path: str, **options: Any) -> Request:
    """A GET request; the options are those of `request`."""
    return request("GET", path, **options)


def post(path: str, **options: Any) -> Request:
    """A POST request; the options are those of `request`."""
    return request("POST", path, **options)


def put(path: str, **options: Any) -> Request:
    """A PUT request; the options are those of `request`."""
    return request("PUT", path, **options)


def patch(path: str, **options: Any) -> Request:
    """A PATCH request; the options are those of `request`."""
    return request("PATCH", path, **options)


def delete(path: str, **options: Any) -> Request:
    """A DELETE request; the options are those of `request`."""
    return request("DELETE", path, **options)


def head(path: str, **options: Any) -> Request:
    """A HEAD request; the options are those of `request`."""
    return request("HEAD", path, **options)


def options(path: str, **options: Any) -> Request:
    """An OPTIONS request; the options are those of `request`."""
    return request("OPTIONS", path, **options)


def times(count: int, one: Request) -> tuple[Request, ...]:
    """The same request `count` times, all at its moment."""
    check("count", count, Number)
    check("one", one, Request)
    return (one,) * count


def spaced(seconds: float, *requests: Request) -> tuple[Request, ...]:
    """The same requests, the first at once and each other `seconds` after the one before."""
    return tuple(
        msgspec.structs.replace(one, at=place * seconds) for place, one in enumerate(requests)
    )
