"""A MongoDB server of the user's own, named by MONGODB_URL.

It touches only databases whose names begin with `PREFIX`. Everything here takes
real time, also where it is called in the middle of a play.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

import bson
import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from ..base.errors import ServiceError
from ..base.off_clock import off_clock
from .connecting import RemoteConnection, lost
from .databases import Seed, as_json
from .wire import with_id

PREFIX = "course_play_"
PATIENCE, GOODBYE = 5.0, 0.2
"""Real seconds that the server may take to answer, and to hear that the grader goes."""

MOST_READ = 8 * 1024 * 1024
"""Bytes of a collection that are read."""

EXAMPLE = "mongodb://user:password@localhost:27017"
REMEDY = f"Write it as in {EXAMPLE}, or unset it to use the embedded MongoDB."

_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
_OURS = re.compile(rf"{PREFIX}{_HOST}_(\d+)_")


class UsersServer:
    """The grader's own way to the server.

    Attributes:
        address: where it is.
        login: what stands before the host in a URL of it.
        options: what else a client has to say in its URL to log in.
        is_up: whether it still answers, as far as is known.

    Raises:
        ServiceError: it cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.login, self.options = _login(url)
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            url, serverSelectionTimeoutMS=int(PATIENCE * 1000)
        )
        try:
            self.address = self._checked()
        except PyMongoError as error:
            self.close()
            problem = f"The server of MONGODB_URL cannot be used: {_said(error)}."
            raise ServiceError(problem, REMEDY) from error
        self.is_up = True

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

    def close(self) -> None:
        with pymongo.timeout(GOODBYE):
            self.client.close()


_servers: dict[str, UsersServer] = {}
_looking = threading.Lock()


def server(url: str) -> UsersServer:
    """The server of a URL, which is looked for when it is first asked for.

    Raises:
        ServiceError: it cannot be used.
    """
    with _looking:
        if url in _servers and not _servers[url].is_up:
            _servers.pop(url).close()
        if url not in _servers:
            _servers[url] = UsersServer(url)
        return _servers[url]


@atexit.register
def _close_all() -> None:
    for each in _servers.values():
        each.close()


class UsersDatabase:
    """A database on the server of a URL.

    Raises:
        ServiceError: the server cannot be used, or does not take the seed.
    """

    def __init__(self, url: str, seed: Seed) -> None:
        with _administering():
            self._server = server(url)
        self._name = _new_name()
        try:
            self._fill(seed)
        except ServiceError:
            self.drop()
            raise

    def _fill(self, seed: Seed) -> None:
        with _administering():
            for name, documents in seed.items():
                collection = self._server.client[self._name].create_collection(name)
                if documents:
                    collection.insert_many([with_id(document) for document in documents])

    @property
    def name(self) -> str:
        return self._name

    def url_at(self, host: str) -> str:
        options = urlencode({"directConnection": "true", **self._server.options})
        return f"mongodb://{self._server.login}{host}/{self._name}?{options}"

    def connect(self) -> RemoteConnection:
        return RemoteConnection(self.connection())

    def connection(self) -> socket.socket:
        """A new connection to the server.

        Raises:
            OSError: it can't be made.
        """
        with off_clock():
            return socket.create_connection(self._server.address, PATIENCE)

    def read(self, collection: str) -> list[Any]:
        if not self._server.is_up:
            raise self.lose("it does not answer")
        with _administering():
            batches = self._server.client[self._name][collection].find_raw_batches()
            return [as_json(document) for document in _decoded(batches)]

    def lose(self, why: object) -> ServiceError:
        self._server.is_up = False
        return lost(why)

    def drop(self) -> None:
        if self._server.is_up:
            with suppress(ServiceError), _administering():
                self._server.client.drop_database(self._name)


def _decoded(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The documents in these.

    Raises:
        ServiceError: they are too many: a play can put in more than there is memory.
    """
    size = 0
    for batch in batches:
        size += len(batch)
        if size > MOST_READ:
            raise ServiceError(f"A collection has more than {MOST_READ >> 20} MB.")
        yield from bson.decode_all(batch)


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
        ServiceError: the URL is malformed. The message does not repeat it: it may hold a password.
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
