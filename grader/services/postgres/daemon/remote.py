"""A server of the user's own, named by DATABASE_URL. Only the keeper's databases are touched."""

from __future__ import annotations

import getpass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from ...base.errors import ServiceError
from .messages import Address

EXAMPLE = "postgresql://user:password@localhost:5432/postgres"


class Remote:
    """The server that a URL names. It is not ours to start or stop."""

    # Text is compared as in the embedded server, whatever the user's own databases do.
    new_database = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    makes_roles = False

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        address = self.admin()
        return f"The PostgreSQL of DATABASE_URL ({address.host}:{address.port})"

    remedy = "Start it, correct DATABASE_URL, or unset it to use the embedded PostgreSQL."

    def address(self, database: str, password: str) -> Address:
        """How a play reaches a database: as the user of the URL."""
        return parse(self._url, database)

    def admin(self) -> Address:
        """How the keeper reaches the database in the URL."""
        return parse(self._url)

    async def up(self) -> int:
        """Nothing to do but to see that the URL is one."""
        parse(self._url)
        return 1

    async def close(self) -> None:
        """Nothing to do."""


def parse(url: str, database: str | None = None) -> Address:
    """What a URL says, as libpq and SQLAlchemy spell it, with another `database` if given.

    Raises:
        ServiceError: it is malformed. The message does not repeat it: it may hold a password.
    """
    try:
        return _parse(urlsplit(url), database)
    except ValueError as error:
        raise ServiceError(
            f"DATABASE_URL is malformed: {error}.",
            f"Write it as in {EXAMPLE}, or unset it to use the embedded PostgreSQL.",
        ) from error


def _parse(url: SplitResult, database: str | None) -> Address:
    if url.scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise ValueError("it does not begin with postgresql://")
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    user = unquote(url.username or "") or options.get("user") or getpass.getuser()
    try:
        port = url.port or int(options.get("port", 5432))
    except ValueError:
        raise ValueError("its port is not a number below 65536") from None
    return Address(
        host=unquote(url.hostname or "") or options.get("host") or "localhost",
        port=port,
        database=database or unquote(url.path[1:]) or options.get("dbname") or user,
        user=user,
        password=unquote(url.password or "") or options.get("password", ""),
        sslmode=options.get("sslmode"),
    )
