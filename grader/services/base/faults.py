"""Which of a scenario's faults is due."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.scenarios import Fault
from .context import ServiceContext

BY_SCENARIO = "the scenario lets this fail"
"""What the server says of a statement that fails by a fault."""


class Faults:
    """Counts connections and statements, for the faults that wait for one of them."""

    def __init__(self, faults: Iterable[Fault], context: ServiceContext) -> None:
        self._context = context
        self._of_connections = [f for f in faults if f.does in ("refuse", "too-many")]
        self._of_statements = [f for f in faults if f.does in ("drop", "stall", "fail")]
        self._met: dict[int, int] = {}

    @property
    def refuses_all(self) -> bool:
        """Whether every connection is refused."""
        return any(
            f.does == "refuse" and (f.at, f.times) == (1, None) for f in self._of_connections
        )

    def of_connection(self) -> Fault | None:
        """What goes wrong with the connection that is opened now."""
        return self._first(self._of_connections)

    def of_statement(self, text: str) -> Fault | None:
        """What goes wrong with the statement that is sent now."""
        return self._first(f for f in self._of_statements if f.matching.lower() in text.lower())

    def _first(self, concerned: Iterable[Fault]) -> Fault | None:
        """The first that is due; all of them are counted."""
        return next(iter([fault for fault in concerned if self._is_due(fault)]), None)

    def _is_due(self, fault: Fault) -> bool:
        if fault.when == "serving" and not self._context.is_serving:
            return False
        met = self._met[id(fault)] = self._met.get(id(fault), 0) + 1
        return met >= fault.at and (fault.times is None or met < fault.at + fault.times)
