"""Changes to other libraries' modules, whenever they are imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

Change = Callable[[ModuleType], AbstractContextManager[None]]


@contextmanager
def on_import(changes: Mapping[str, Change], stack: ExitStack) -> Iterator[None]:
    """Change modules by name: those that are loaded now, and others as soon as they are.

    Args:
        stack: undoes the changes when it is closed.
    """
    finder = _ChangingFinder(changes, stack)
    sys.meta_path.insert(0, finder)
    try:
        for name, change in changes.items():
            if name in sys.modules:
                stack.enter_context(change(sys.modules[name]))
        yield
    finally:
        sys.meta_path.remove(finder)


class _ChangingFinder(MetaPathFinder):
    """Finds modules where they are, and changes each when it has been executed."""

    def __init__(self, changes: Mapping[str, Change], stack: ExitStack) -> None:
        self._changes = changes
        self._stack = stack

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        change = self._changes.get(name)
        spec = PathFinder.find_spec(name, path, target) if change is not None else None
        if change is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            self._stack.enter_context(change(module))

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec
