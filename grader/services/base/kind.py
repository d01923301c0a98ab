"""A kind of service: what the rest of the kit has to know of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a caller that asks only for a kind's name needs neither loop nor clock
    from .broker import ServiceBroker
    from .context import ServiceContext
    from .host import ServiceHost

    Make = Callable[[Any, str, ServiceContext], ServiceHost[Any]]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class ServiceKind:
    """One kind of service.

    What a service does is in the spans that all services have, `connection`, `statement`,
    `transaction` and `request`, which pictures and rules know.

    Attributes:
        make: makes the service of one play, from its description, the name of the factory's
            parameter, and the play.
        wake: starts a server that takes long to start, without waiting for it. Called before
            the plays of a grading begin.
        schemes: how the URLs of such services begin.
        seed_suffix: of the files that say what such a service begins with.
        drivers: packages by which answers reach such a service.
        loads: the modules of the kit that `make` imports.
        serve: provides such a service outside of a play, begun with the text of such a file,
            and gives its URL. It is there for as long as the block lasts.
        broker: makes what does outside, for one player, what that may not do itself.
    """

    make: Make
    wake: Callable[[], None] = _nothing
    schemes: tuple[str, ...] = ()
    seed_suffix: str = ""
    drivers: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    serve: Callable[[str], AbstractContextManager[str]] | None = None
    broker: Callable[[], ServiceBroker] | None = None
