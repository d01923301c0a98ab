"""Steps that wait for things, without a task: a generator, and what moves it on."""

from __future__ import annotations

from collections.abc import Generator
from inspect import GEN_RUNNING, getgeneratorstate
from typing import TypeVar

T = TypeVar("T")
Script = Generator[str, None, T]
"""Steps that end with a `T`. Each `yield` names what has to happen before the next one."""


class ScriptRunner:
    """Runs one script, as far as it can go."""

    def __init__(self) -> None:
        self._script: Script[None] | None = None
        self._awaits = ""

    @property
    def has_begun(self) -> bool:
        return self._script is not None

    def start(self, script: Script[None]) -> None:
        """Begin a script."""
        self._script = script
        self._go_on(script)

    def happened(self, what: str) -> None:
        """Go on, if this is what the script waits for. One that is running will see by itself."""
        if self._script is not None and self._awaits == what:
            self._go_on(self._script)

    def stop(self) -> None:
        """Go on no more."""
        script, self._script = self._script, None
        if script is not None and getgeneratorstate(script) != GEN_RUNNING:
            script.close()

    def _go_on(self, script: Script[None]) -> None:
        self._awaits = ""
        awaits = next(script, "")
        if self._script is script:
            self._awaits = awaits
        else:  # it has been stopped by what it did
            script.close()
