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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from ..base.errors import ServiceError
from ..base.off_clock import off_clock
from .databases import Seed, as_json
from .wire import Message, MessageParser

PREFIX = "course_play_"
PATIENCE, GOODBYE = 5.0, 0.2
"""Real seconds that the server may take to answer, and to hear that the grader goes."""

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


def server(url: str) -> UsersServer:
    """The server of a URL, which is looked for when it is first asked for.

    Raises:
        ServiceError: it cannot be used.
    """
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
                    collection.insert_many([dict(document) for document in documents])

    def url_at(self, host: str) -> str:
        options = urlencode({"directConnection": "true", **self._server.options})
        return f"mongodb://{self._server.login}{host}/{self._name}?{options}"

    def connect(self) -> UsersConnection:
        return UsersConnection(self._server.address)

    def read(self, collection: str) -> list[Any]:
        if not self._server.is_up:
            raise self.lose("it does not answer")
        with _administering():
            found = self._server.client[self._name][collection].find()
            return [as_json(document) for document in found]

    def lose(self, why: object) -> ServiceError:
        self._server.is_up = False
        return ServiceError(
            f"The server of MONGODB_URL went away in the middle of a play: {why}.",
            "Run it again when the server is there.",
        )

    def drop(self) -> None:
        if self._server.is_up:
            with suppress(ServiceError), _administering():
                self._server.client.drop_database(self._name)


class UsersConnection:
    """A connection of one client's."""

    def __init__(self, address: tuple[str, int]) -> None:
        with off_clock():
            self._sock = socket.create_connection(address, PATIENCE)
        self._parser = MessageParser()

    def ask(self, message: Message) -> Message:
        with off_clock():
            self._sock.sendall(message.packed)
            while data := self._sock.recv(65536):
                for reply in self._parser.feed(data):
                    return reply
        raise ConnectionResetError("it has closed the connection")

    def close(self) -> None:
        self._sock.close()


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
