"""The keeper's own connections to a server, and what to say when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]

from ....model.version import APPLICATION
from ...base.errors import ServiceError
from .messages import Address

PostgresError = asyncpg.PostgresError
PATIENCE = 10.0
"""Seconds that a server may take to answer, or to say that it is still starting."""
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection is still busy with what will never be answered
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What a connection raises when there is no working server at its other end."""


class Connection(Protocol):
    """The part of asyncpg's connection that is used here; asyncpg has no types."""

    async def execute(self, sql: str) -> str: ...
    async def fetch(self, sql: str, *values: object) -> list[Mapping[str, Any]]: ...
    def get_server_pid(self) -> int: ...
    def get_server_version(self) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[None]: ...
    async def cursor(self, sql: str) -> Any: ...
    def is_closed(self) -> bool: ...
    async def reset(self) -> None: ...
    def terminate(self) -> None: ...


class Server(Protocol):
    """A PostgreSQL, embedded or the user's own.

    Attributes:
        name: what messages call it.
        remedy: what to do when it does not work.
        new_database: options of CREATE DATABASE.
        makes_roles: whether each lease has a role of its own. Else plays connect as the keeper
            does.
    """

    @property
    def name(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def new_database(self) -> str: ...
    @property
    def makes_roles(self) -> bool: ...

    def address(self, database: str, password: str) -> Address:
        """How a play reaches its database.

        Args:
            password: of the lease's role, if it has one.
        """

    def admin(self) -> Address:
        """How the keeper reaches a database that is always there, and is no play's."""

    async def up(self) -> int:
        """Start the server unless it runs. Returns the number of its start: data of earlier
        starts is gone."""

    async def close(self) -> None:
        """Stop it, if it is ours."""


class ServerGone(ServiceError):
    """No server answers at an address."""


@contextmanager
def errors_translated(server: Server, user: str) -> Iterator[None]:
    """Turn what asyncpg raises into a `ServiceError` that says what to do."""
    try:
        yield
    except LOST as error:
        raise _gone(server, error) from error
    except asyncpg.PostgresError as error:
        raise _refused(server, user, error) from error


@asynccontextmanager
async def connected(server: Server, address: Address) -> AsyncIterator[Connection]:
    """A connection, closed in the end.

    Raises:
        ServiceError: the server does not answer, or refuses.
    """
    connection = await connect(server, address)
    try:
        with errors_translated(server, address.user):
            yield connection
    finally:
        connection.terminate()


async def connect(server: Server, address: Address, **settings: str) -> Connection:
    """A connection with these settings of the server, which the caller has to close.

    Raises:
        ServerGone: no server answers.
        ServiceError: the server refuses.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            with errors_translated(server, address.user):
                return await _connect(address, settings)
        except ServiceError as error:
            starting = isinstance(error.__cause__, asyncpg.CannotConnectNowError)
            if not starting or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.02)


async def _connect(address: Address, settings: dict[str, str]) -> Connection:
    connection: Connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        database=address.database,
        user=address.user,
        password=address.password or None,
        ssl=address.sslmode,
        timeout=PATIENCE,
        statement_cache_size=0,  # a table of the same name may be another one the next time
        server_settings={"application_name": APPLICATION, **settings},
    )
    return connection


def _gone(server: Server, error: BaseException) -> ServerGone:
    """What to say when no server answers."""
    detail = str(error) or type(error).__name__
    return ServerGone(f"{server.name} does not answer: {detail}", server.remedy)


def _refused(server: Server, user: str, error: Any) -> ServiceError:
    """What to say when PostgreSQL says no."""
    said = f"{' '.join(str(error).split())} (SQLSTATE {error.sqlstate})"
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return ServiceError(f"{server.name} does not let {user!r} in: {said}", server.remedy)
        case asyncpg.InsufficientPrivilegeError():
            return ServiceError(
                f"{server.name} does not let {user!r} make databases: {said}",
                f'Allow it with `ALTER ROLE "{user}" CREATEDB`, or use another server: '
                + server.remedy,
            )
        case asyncpg.DiskFullError():
            return ServiceError(f"{server.name} has no disk space left: {said}", "Free some space.")
        case _:
            return ServiceError(f"{server.name} says: {said}", server.remedy)
