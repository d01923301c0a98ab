"""What a browser can't have: a network, servers of databases, and their drivers in C.

An answer imports them at its top, also where another exercise of the file is played. So they can
be imported, and named in annotations and `except`; what is called says what is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

NEEDS = {
    "asyncpg": "PostgreSQL",
    "psycopg": "PostgreSQL",
    "psycopg_pool": "PostgreSQL",
    "uvicorn": "a network",
}
"""The packages that are absent, and what each needs."""
RELAYS = {"grader.services.postgres.relay": "PostgreSQL"}
"""The modules that a play needs which asks for a server."""


class NotInABrowser(RuntimeError):
    """What was called needs what a browser doesn't have."""

    def __init__(self, name: str, needed: str) -> None:
        super().__init__(f"{name} needs {needed}, which only the installed kit has")


class _Absent(type):
    """The type of a class that can be named, and neither called nor looked into."""

    def __call__(cls, *_: object, **__: object) -> NoReturn:
        needed = NEEDS[cls.__module__.partition(".")[0]]
        raise NotInABrowser(f"{cls.__module__}.{cls.__name__}", needed)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(name, (), {"__module__": f"{cls.__module__}.{cls.__name__}"})

    def __getitem__(cls, _: object) -> Any:
        return cls


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith(("Error", "Exception", "Violation", "Warning", "Timeout")):
            made: Any = type(name, (Exception,), {"__module__": self.__name__})
        else:
            made = _Absent(name, (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class AbsentFinder(MetaPathFinder, Loader):
    """Finds the absent packages, and all their modules; refuses those of the kit's own."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in RELAYS:
            raise NotInABrowser("This play", RELAYS[fullname])
        if fullname.partition(".")[0] not in NEEDS:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def install() -> None:
    """Let the absent packages be imported, and the relays not."""
    sys.meta_path.insert(0, AbsentFinder())
