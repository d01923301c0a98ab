"""Loads the learner's file afresh and builds an app with one of its factories."""

from __future__ import annotations

import inspect
import linecache
import os
import sys
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from ..driver.collaborators import build
from ..driver.recorder import Recorder
from ..driver.stage import Stage
from ..scenarios import Scenario
from ..trace import Failure, Outcome
from .channel import Load

MODULE = "exercise"


_real_getsourcelines = inspect.getsourcelines


@cache
def _lines_of_code(code: types.CodeType) -> tuple[list[str], int]:
    return _real_getsourcelines(code)


def remember_sources() -> None:
    """Find the source of a function only once.

    FastAPI looks for that of every endpoint at its first request, and in every play the
    endpoints are new functions of the same code.
    """

    def getsourcelines(of: Any) -> tuple[list[str], int]:
        code = getattr(of, "__code__", None)
        return _lines_of_code(code) if code is not None else _real_getsourcelines(of)

    setattr(inspect, "getsourcelines", getsourcelines)  # noqa: B010  for mypy it is another type


class Source:
    """A file as it was when grading began."""

    def __init__(self, load: Load) -> None:
        self.text = load.source
        self.path = load.path
        self._code: types.CodeType | None = None
        self._warm = frozenset(sys.modules)
        linecache.cache[self.path] = (
            len(self.text),
            None,
            self.text.splitlines(keepends=True),
            self.path,
        )
        # Behind everything else: a helper beside the file can be imported, but a
        # `json.py` there does not take the place of the real one.
        self._folder = str(Path(self.path).parent)
        sys.path.append(self._folder)

    def forget(self) -> None:
        """Leave nothing of this file behind: another is to be played."""
        self._forget_helpers()
        sys.path.remove(self._folder)

    def build_app(self, factory: str, scenario: Scenario, stage: Stage) -> Any:
        """The app, or the `Outcome` that says why there is none."""
        try:
            module = self._fresh_module()
        except SyntaxError as error:
            if error.filename == self.path:
                return Outcome("syntax-error", failure=_syntax_failure(error), line=error.lineno)
            return _failed("import-failed", error, stage.recorder)
        except BaseException as error:  # also SystemExit: an import may do anything
            return _failed("import-failed", error, stage.recorder)
        function = getattr(module, factory, None)
        if function is None:
            return Outcome("factory-missing", detail=factory)
        return _call(function, scenario, stage)

    def _fresh_module(self) -> types.ModuleType:
        self._forget_helpers()
        if self._code is None:
            self._code = compile(self.text, self.path, "exec", dont_inherit=True)
        module = types.ModuleType(MODULE)
        module.__file__ = self.path
        sys.modules[MODULE] = module
        exec(self._code, module.__dict__)
        return module

    def _forget_helpers(self) -> None:
        """Helpers beside the file are loaded afresh with it; installed packages are not."""
        for name in sys.modules.keys() - self._warm:
            file = getattr(sys.modules[name], "__file__", None)
            if os.path.dirname(str(file)) == self._folder:
                del sys.modules[name]


def _call(function: Any, scenario: Scenario, stage: Stage) -> Any:
    if not callable(function):
        return Outcome("not-an-app", detail=f"a factory that is {_kind(function)}, not a function")
    collaborators = {
        name: build(description, name, stage)
        for name, description in scenario.collaborators.items()
    }
    problem = _parameter_problem(function, collaborators)
    if problem:
        return Outcome("factory-failed", line=_line_of(function), detail=problem)
    try:
        app = function(**collaborators)
    except BaseException as error:
        return _failed("factory-failed", error, stage.recorder)
    problem = _app_problem(app)
    return Outcome("not-an-app", line=_line_of(function), detail=problem) if problem else app


def _parameter_problem(function: Callable[..., Any], collaborators: dict[str, Any]) -> str:
    try:
        inspect.signature(function).bind(**collaborators)
    except TypeError:
        wanted = ", ".join(collaborators) or "no parameters"
        return f"parameters:{wanted}"
    except ValueError:
        pass  # a callable without a signature: calling it will tell
    return ""


def _app_problem(app: Any) -> str:
    """What `app` is, if it cannot be an ASGI app."""
    if inspect.iscoroutine(app):
        app.close()
        return "a coroutine"
    if app is None:
        return "None"
    if isinstance(app, Starlette):
        return ""
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004
    if inspect.isclass(app) or not inspect.iscoroutinefunction(call):
        return _kind(app)
    try:
        inspect.signature(call).bind(None, None, None)
    except (TypeError, ValueError):
        return _kind(app)
    return ""


def _kind(thing: Any) -> str:
    if inspect.isclass(thing):
        return f"the class {thing.__name__}"
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _line_of(function: Any) -> int | None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_firstlineno if code else None


def _failed(kind: Any, error: BaseException, recorder: Recorder) -> Outcome:
    failure = recorder.failure(error)
    if isinstance(error, MemoryError):
        kind = "out-of-memory"
    return Outcome(kind, failure=failure, line=failure.line)


def _syntax_failure(error: SyntaxError) -> Failure:
    return Failure(
        type=type(error).__name__,
        text=error.msg,
        line=error.lineno,
        column=error.offset,
        traceback=(error.text or "").rstrip("\n"),
    )
