"""Databases of plays on a MongoDB server: the embedded one, or the one that MONGODB_URL names.

Nothing of a user's own server is touched but databases whose names begin with `PREFIX`.
Everything here takes real time, also where it is called in the middle of a play.
"""

from __future__ import annotations

import atexit
import datetime
import hashlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from .errors import ServiceError
from .mongo_server import INSTEAD, Embedded
from .off_clock import off_clock

PREFIX = "course_play_"
PATIENCE = 5.0
"""Real seconds that a server may take to answer."""

EXAMPLE = "mongodb://user:password@localhost:27017"
REMEDY = f"Write it as in {EXAMPLE}, or unset it to use the embedded MongoDB."

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_OURS = re.compile(rf"{PREFIX}{_HOST}_(\d+)_")


class Database:
    """A database that is one play's alone, until it is dropped.

    Args:
        seed: the documents that it begins with, by collection.

    Raises:
        ServiceError: there is no server, or it does not take the seed.
    """

    def __init__(self, seed: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        with _administering():
            self._server = server()
        self._name = _new_name()
        try:
            self._fill(seed)
        except ServiceError:
            self.drop()
            raise

    @property
    def address(self) -> tuple[str, int]:
        """Where the server is."""
        return self._server.address

    def url_at(self, host: str) -> str:
        """The URL of this database, if its server could be reached at `host`."""
        options = urlencode({"directConnection": "true", **self._server.options})
        return f"mongodb://{self._server.login}{host}/{self._name}?{options}"

    def _fill(self, seed: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        with _administering():
            for name, documents in seed.items():
                collection = self._server.client[self._name].create_collection(name)
                if documents:
                    collection.insert_many([dict(document) for document in documents])

    def read(self, collection: str) -> list[Any]:
        """The documents of a collection. What JSON has no form for is text.

        Raises:
            ServiceError: the server does not answer, or refuses.
        """
        with _administering():
            found = self._server.client[self._name][collection].find()
            return [_as_json(document) for document in found]

    def drop(self) -> None:
        """Give the database back. If its server has gone, there is nothing to drop."""
        if self._server.is_up:
            with suppress(ServiceError), _administering():
                self._server.client.drop_database(self._name)

    def lose(self, error: Exception) -> ServiceError:
        """The server has broken off: use it no more. What to say of that."""
        self._server.is_lost = True
        return ServiceError(
            f"{self._server.name} went away in the middle of a play, and its data with it: "
            f"{error}.",
            "Run it again.",
        )


class Server:
    """A server that is there, and lets the kit make databases.

    Args:
        url: of the user's own, or None for the embedded one.

    Attributes:
        client: the grader's own way to it.
        address: where it is.
        login: what stands before the host in a URL of it.
        options: what else a client has to say in its URL to log in.
        is_lost: whether it was seen to break off.

    Raises:
        ServiceError: it cannot be used.
    """

    def __init__(self, url: str | None) -> None:
        self.name = f"The {'embedded MongoDB' if url is None else 'server of MONGODB_URL'}"
        self.is_lost = False
        self.login, self.options = _login(url) if url is not None else ("", {})
        self.process = Embedded() if url is None else None
        at = url if self.process is None else "mongodb://{}:{}".format(*self.process.address)
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            at, serverSelectionTimeoutMS=int(PATIENCE * 1000)
        )
        try:
            self.address = self._checked()
        except PyMongoError as error:
            self.close()
            problem = f"{self.name} cannot be used: {_said(error)}."
            remedy = REMEDY if url is not None else f"Run it again, {INSTEAD}"
            raise ServiceError(problem, remedy) from error

    @property
    def is_up(self) -> bool:
        return not self.is_lost and (self.process is None or self.process.runs)

    def close(self) -> None:
        """Let go of it; the embedded one ends."""
        self.client.close()
        if self.process is not None:
            self.process.close()

    def _checked(self) -> tuple[str, int]:
        """Its address, after making a database and dropping what killed plays have left."""
        made = _new_name()
        self.client[made].create_collection("made")
        for name in self.client.list_database_names():
            if name == made or _is_left_behind(name):
                self.client.drop_database(name)
        address = self.client.address
        assert address is not None
        return address


_servers: dict[str | None, Server] = {}
_lock = threading.Lock()


def server() -> Server:
    """The server of this process: started, or looked for, when it is first asked for.

    Raises:
        ServiceError: there is none that can be used.
    """
    url = os.environ.get("MONGODB_URL") or None
    with _lock:
        if (known := _servers.get(url)) is not None and not known.is_up:
            _servers.pop(url).close()
        if url not in _servers:
            _servers[url] = Server(url)
        return _servers[url]


@atexit.register
def _close_all() -> None:
    for each in _servers.values():
        each.close()


@contextmanager
def _administering() -> Iterator[None]:
    with off_clock():
        try:
            yield
        except PyMongoError as error:
            raise ServiceError(f"MongoDB refuses what a play needs: {_said(error)}.") from error


def _said(error: PyMongoError) -> str:
    """What MongoDB said, without what PyMongo has to add."""
    return re.split(r" \(configured|, full error|, Timeout:", str(error))[0].rstrip(".")


def _new_name() -> str:
    return f"{PREFIX}{_HOST}_{os.getpid()}_{secrets.token_hex(4)}"


def _is_left_behind(name: str) -> bool:
    """Whether a process of this machine made the database, and is gone."""
    made = _OURS.match(name)
    if made is None:
        return False
    try:
        os.kill(int(made[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _login(url: str) -> tuple[str, dict[str, str]]:
    """How a client logs in where a URL of the user's points to.

    Raises:
        ServiceError: it is no such URL. The message does not repeat it: it may hold a password.
    """
    if not url.startswith("mongodb://"):
        raise ServiceError("MONGODB_URL does not begin with mongodb://.", REMEDY)
    try:
        parsed = parse_uri(url)
    except (PyMongoError, ValueError) as error:
        raise ServiceError(f"MONGODB_URL is malformed: {error}.", REMEDY) from error
    if parsed["options"].get("tls"):
        raise ServiceError("MONGODB_URL asks for TLS, which the grader does not speak.", REMEDY)
    if not parsed["username"]:
        return "", {}
    source = parsed["options"].get("authSource") or parsed["database"] or "admin"
    login = f"{quote(parsed['username'], safe='')}:{quote(parsed['password'] or '', safe='')}@"
    return login, {"authSource": source}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
