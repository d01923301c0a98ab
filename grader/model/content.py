"""The content of a request: JSON, a form, files, bytes, or pieces of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from .answers import Part
from .errors import UsageError

File = tuple[str, bytes] | tuple[str, bytes, str]
"""A file of a form: its name, its content, and its media type."""


class Content(NamedTuple):
    """What is sent below the headers, whole or in pieces, and its media type if it has one."""

    body: bytes = b""
    pieces: tuple[bytes, ...] = ()
    media_type: str = ""


def content_of(
    *,
    json: Any,
    data: Mapping[str, Any] | None,
    files: Mapping[str, File] | None,
    body: bytes,
    pieces: Iterable[bytes],
) -> Content:
    """The content of a request that is given in one of these ways.

    Args:
        json: `msgspec.UNSET` if there is none, for `None` is JSON, too.

    Raises:
        UsageError: it is given in several ways, or has no JSON form.
    """
    pieces = tuple(pieces)
    _check_one_way(
        {
            "json": json is not msgspec.UNSET,
            "data or files": bool(data or files),
            "body": bool(body),
            "pieces": bool(pieces),
        }
    )
    if json is not msgspec.UNSET:
        return Content(msgspec.json.encode(json, enc_hook=_mark_of), (), "application/json")
    if data or files:
        media_type, form = _form(data or {}, files)
        return Content(form, (), media_type)
    return Content(body, pieces)


def _check_one_way(given: dict[str, bool]) -> None:
    if sum(given.values()) > 1:
        names = " and ".join(name for name, is_given in given.items() if is_given)
        raise UsageError(f"a request has one body, and {names} are given", "give only one of them")


def _mark_of(value: Any) -> Any:
    if isinstance(value, Part):
        return str(value)
    raise UsageError(f"{value!r} has no JSON form", "send what JSON has")


def _form(data: Mapping[str, Any], files: Mapping[str, File] | None) -> tuple[str, bytes]:
    if not files:
        return "application/x-www-form-urlencoded", urlencode(data, doseq=True).encode()
    parts = [
        (f'name="{name}"', "", str(value).encode())
        for name, values in data.items()
        for value in (values if isinstance(values, list | tuple) else (values,))
    ]
    for name, (filename, content, *rest) in files.items():
        media_type = rest[0] if rest else "application/octet-stream"
        described = f'name="{name}"; filename="{filename}"'
        parts.append((described, f"Content-Type: {media_type}\r\n", content))
    return _multipart(parts)


def _multipart(parts: list[tuple[str, str, bytes]]) -> tuple[str, bytes]:
    """The media type and the body of a multipart form; the same parts give the same bytes."""
    digest = hashlib.sha256(b"".join(content for _, _, content in parts)).hexdigest()
    boundary = f"part-{digest[:24]}"
    lines = [
        f"--{boundary}\r\nContent-Disposition: form-data; {described}\r\n{header}\r\n".encode()
        + content
        + b"\r\n"
        for described, header, content in parts
    ]
    body = b"".join([*lines, f"--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body
