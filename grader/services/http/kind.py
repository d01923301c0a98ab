"""HTTP upstreams as a kind of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.scenarios import Upstream
from ..base.kind import ServiceKind

if TYPE_CHECKING:
    from ..base.context import ServiceContext
    from .server import UpstreamServer


def _make(description: Upstream, name: str, context: ServiceContext) -> UpstreamServer:
    from .server import UpstreamServer  # only a play that needs it pays for it

    return UpstreamServer(description, name, context)


KIND = ServiceKind(
    make=_make,
    schemes=("http", "https"),
    drivers=("httpx",),
    loads=("grader.services.http.server",),
)
