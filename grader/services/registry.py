"""The kinds of services that there are. Each is imported when it is first needed.

A kind is a folder beside this module, with a `kind.py` in it, and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..model.scenarios import OtherService

if TYPE_CHECKING:
    from .base.context import ServiceContext
    from .base.host import ServiceHost
    from .base.kind import ServiceKind

KINDS = {
    "postgres": "grader.services.postgres.kind",
    "mongo": "grader.services.mongo.kind",
    "upstream": "grader.services.http.kind",
}
"""By the tag of its description, the module of each kind, in which `KIND` is a `ServiceKind`."""


def kind(tag: str) -> ServiceKind:
    """The kind of service that goes by a tag.

    Raises:
        KeyError: no kind has that tag.
    """
    found: ServiceKind = import_module(KINDS[tag]).KIND
    return found


def kinds() -> Iterator[ServiceKind]:
    """All kinds."""
    return map(kind, KINDS)


def tag_of(description: object) -> str:
    """The tag of what a scenario describes; empty if that is not a service."""
    if isinstance(description, OtherService):
        return description.kind
    config = getattr(type(description), "__struct_config__", None)
    return str(config.tag) if config is not None and config.tag in KINDS else ""


def new_service(description: Any, name: str, context: ServiceContext) -> ServiceHost[Any]:
    """Make the service of a description, for one play.

    Args:
        name: the factory's parameter.

    Raises:
        GraderError: what it needs is not there.
    """
    return kind(tag_of(description)).make(description, name, context)


def loaded_by(imports: Iterable[str]) -> tuple[str, ...]:
    """The modules that plays of a file load because of services: drivers, and what the kit needs
    to answer them.

    Args:
        imports: the names of the modules that the file imports.
    """
    found = [(one, name) for one in kinds() for name in imports if _package(name) in one.drivers]
    needed = [module for one, name in found for module in (name, *one.loads)]
    return tuple(dict.fromkeys(needed))


def _package(module: str) -> str:
    return module.partition(".")[0]


def wake(tags: Iterable[str]) -> None:
    """Start the servers of these kinds, without waiting for them.

    Raises:
        ServiceError: one cannot be started.
    """
    for tag in sorted(set(tags)):
        kind(tag).wake()
