"""MongoDB as a kind of service."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ...model.scenarios import Mongo
from ..base.kind import ServiceKind

if TYPE_CHECKING:
    from ..base.broker import ServiceBroker
    from ..base.context import ServiceContext
    from .relay import MongoRelay


def _make(description: Mongo, name: str, context: ServiceContext) -> MongoRelay:
    from .relay import MongoRelay  # only a play that needs it pays for it

    return MongoRelay(description, name, context)


def _serve(seed: str) -> AbstractContextManager[str]:
    from .serving import serve

    return serve(seed)


def _wake() -> None:
    from . import broker

    broker.prepare()


def _broker() -> ServiceBroker:
    from .broker import MongoBroker

    return MongoBroker()


KIND = ServiceKind(
    make=_make,
    wake=_wake,
    schemes=("mongodb",),
    seed_suffix=".json",
    drivers=("motor", "pymongo", "bson"),
    loads=("grader.services.mongo.relay",),
    serve=_serve,
    broker=_broker,
)
