"""PostgreSQL as a kind of service."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ...model.scenarios import Postgres
from ..base.kind import ServiceKind

if TYPE_CHECKING:
    from ..base.broker import ServiceBroker
    from ..base.context import ServiceContext
    from .relay import PostgresRelay


def _make(description: Postgres, name: str, context: ServiceContext) -> PostgresRelay:
    from .relay import PostgresRelay  # only a play that needs it pays for it

    return PostgresRelay(description, name, context)


def _wake() -> None:
    from . import broker  # noqa: F401  before anything is played, as all of the judge
    from .daemon.leases import wake

    wake()


def _serve(seed_sql: str) -> AbstractContextManager[str]:
    from .serving import serve

    return serve(seed_sql)


def _broker() -> ServiceBroker:
    from .broker import PostgresBroker

    return PostgresBroker()


KIND = ServiceKind(
    make=_make,
    wake=_wake,
    schemes=("postgresql", "postgres"),
    seed_suffix=".sql",
    drivers=("asyncpg", "psycopg", "psycopg_pool"),
    loads=("grader.services.postgres.relay",),
    serve=_serve,
    broker=_broker,
)
