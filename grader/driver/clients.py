"""A client that sends one request after another, and remembers the answers."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec

from ..model.answers import replaced
from ..model.requests import Request
from ..model.trace import Exchange
from ..model.websockets import WebSocket


class Client:
    """Keeps cookies, as a browser does, and puts parts of earlier answers into later requests."""

    def __init__(self) -> None:
        self._answers: list[Exchange] = []
        self._cookies: dict[str, tuple[str, str]] = {}  # value and path, by name

    def take(self, exchange: Exchange) -> None:
        """Remember an answer, and the cookies that it sets."""
        self._answers.append(exchange)
        for name, value in exchange.headers:
            if name == "set-cookie":
                self._set_cookies(value)

    def prepared(self, request: Request | WebSocket) -> Request | WebSocket:
        """The request as it is sent: with cookies, and with parts of answers where it has marks."""
        headers = tuple((name, self._filled(value)) for name, value in request.headers)
        path, _, query = self._filled(request.path).partition("?")
        if cookies := self._cookies_for(path):
            own = [value for name, value in headers if name == "cookie"]
            others = tuple(pair for pair in headers if pair[0] != "cookie")
            headers = (*others, ("cookie", "; ".join([*cookies, *own])))
        changes: dict[str, Any] = {
            "path": path,
            "query": "&".join(part for part in (query, self._filled(request.query)) if part),
            "headers": headers,
        }
        if isinstance(request, Request):
            changes["body"] = self._filled_bytes(request.body)
        return msgspec.structs.replace(request, **changes)

    def _filled(self, text: str) -> str:
        return replaced(text, self._part_of)

    def _filled_bytes(self, body: bytes) -> bytes:
        """Bytes that aren't text stay as they are."""
        return self._filled(body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def _part_of(self, turn: int, kind: str, keys: list[str]) -> Any:
        """A part of an earlier answer; None if it isn't there."""
        if turn >= len(self._answers):
            return None
        answer = self._answers[turn]
        match kind:
            case "header":
                return answer.header(keys[0])
            case "text":
                return answer.text
            case _:
                return _found(answer.json(), keys)

    def _set_cookies(self, header: str) -> None:
        try:
            cookies = SimpleCookie(header)
        except CookieError:
            return
        for name, cookie in cookies.items():
            if cookie["max-age"] in ("0", 0) or (cookie["expires"] and not cookie.value):
                self._cookies.pop(name, None)
            else:
                self._cookies[name] = cookie.value, cookie["path"] or "/"

    def _cookies_for(self, path: str) -> list[str]:
        return [
            f"{name}={value}"
            for name, (value, below) in self._cookies.items()
            if path == below or path.startswith(below.rstrip("/") + "/")
        ]


def _found(value: Any, keys: list[str]) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and _is_place(key, len(value)):
            value = value[int(key)]
        else:
            return None
    return value


def _is_place(key: str, length: int) -> bool:
    """Whether a key is the number of a place in a list, perhaps counted from its end."""
    return key.removeprefix("-").isdecimal() and -length <= int(key) < length
