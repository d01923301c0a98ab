"""Loads the learner's file afresh and builds an app with one of its factories."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import PathEntryFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from ..clock import Clock, RanAway, Stuck, current
from ..clock.clock import PlayOver
from ..clock.patching import replaced
from ..driver.collaborators import build_all
from ..driver.context import PlayContext
from ..driver.recorder import Recorder
from ..model.details import FactoryMissing, LoopBlocked, NotAFunction, NotAnApp, WrongParameters
from ..model.scenarios import Scenario
from ..model.trace import Failure, Outcome, OutcomeKind
from ..processes.limits import free_reserve
from ..services.registry import new_service
from .messages import Load

MODULE = "exercise"


_real_getsourcelines = inspect.getsourcelines


def remember_sources() -> None:
    """Find the source of a function only once.

    FastAPI looks for that of every endpoint at its first request, and in every play the
    endpoints are new functions of the same code.
    """
    known: dict[types.CodeType, tuple[list[str], int]] = {}

    def getsourcelines(of: Any) -> tuple[list[str], int]:
        code = getattr(inspect.unwrap(of), "__code__", None)
        if code is None:
            return _real_getsourcelines(of)
        if code not in known:
            # Of the function, which names its module. For a code object `inspect` would look
            # at the files of all modules, which takes longer than most plays.
            known[code] = _real_getsourcelines(of)
        return known[code]

    setattr(inspect, "getsourcelines", getsourcelines)  # noqa: B010  for mypy it is another type


class _BytecodeUnwritten(SourceFileLoader):
    """Loads a helper and adds nothing to its folder, which is the learner's."""

    def set_data(self, path: str, data: Any, **_: Any) -> None:
        pass


_find_without_bytecode = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (_BytecodeUnwritten, SOURCE_SUFFIXES)
)


class LearnerFile:
    """A file as it was when grading began."""

    def __init__(self, load: Load) -> None:
        self.text = load.source
        self.path = load.path
        self.code: types.CodeType | None = None
        self._meant: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | None] = {}
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
        self._beside: dict[str, bool] = {}
        sys.path.append(self._folder)
        sys.path_hooks.insert(0, self._finder)

    def forget(self) -> None:
        """Leave nothing of this file behind: another is to be played."""
        self._forget_helpers()
        sys.path.remove(self._folder)
        sys.path_hooks.remove(self._finder)
        sys.path_importer_cache.clear()

    def is_beside(self, filename: str) -> bool:
        """Whether a file is this one or a helper beside it, and not an installed package."""
        if filename not in self._beside:  # asked again and again, for each frame of a stack
            path = Path(filename)
            is_below = path.is_relative_to(self._folder)
            self._beside[filename] = is_below and "site-packages" not in path.parts
        return self._beside[filename]

    def _finder(self, path: str) -> PathEntryFinder:
        """Of modules beside the file: a path hook."""
        if not self.is_beside(path):
            raise ImportError
        return _find_without_bytecode(path)

    def build_app(self, factory: str, scenario: Scenario, context: PlayContext) -> Any:
        """The app, or the `Outcome` that says why there is none."""
        try:
            with _endless_sleep_raised(context.clock):
                module = self._fresh_module()
        except SyntaxError as error:
            if error.filename == self.path:
                return Outcome("syntax-error", failure=_syntax_failure(error), line=error.lineno)
            return _failed("import-failed", error, context.recorder)
        except BaseException as error:  # also SystemExit: an import may do anything
            return _failed("import-failed", error, context.recorder)
        function = vars(module).get(factory)
        if function is None:
            # No factory has an empty name: that asks only whether the file can be imported.
            meant = self._function_meant(factory) if factory else None
            missing = FactoryMissing(factory, meant.name if meant else None)
            return Outcome("factory-missing", line=meant.lineno if meant else None, detail=missing)
        collaborators = build_all(scenario.collaborators, context, new_service)
        try:
            if _is_no_factory(function):
                value = NotAFunction(factory, _kind(function))
                return Outcome("not-an-app", line=self._line_of_name(factory), detail=value)
            with _endless_sleep_raised(context.clock):
                return _call(function, collaborators)
        except BaseException as error:  # also of an object that does not let itself be looked at
            return _failed("factory-failed", error, context.recorder)

    def _function_meant(self, factory: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """See `_function_like`. A large file is looked through once, and not for each play."""
        if factory not in self._meant:
            self._meant[factory] = _function_like(self.text, factory)
        return self._meant[factory]

    def _line_of_name(self, name: str) -> int | None:
        """The line that gives a name at the top level of the file its value."""
        lines = [
            node.lineno
            for node in ast.walk(ast.parse(self.text))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
        ]
        return max(lines, default=None)

    def _fresh_module(self) -> types.ModuleType:
        self._forget_helpers()
        if self.code is None:
            self.code = compile(self.text, self.path, "exec", dont_inherit=True)
        module = types.ModuleType(MODULE)
        module.__file__ = self.path
        sys.modules[MODULE] = module
        exec(self.code, module.__dict__)
        return module

    def _forget_helpers(self) -> None:
        """Helpers beside the file are loaded afresh with it; installed packages are not."""
        for name in sys.modules.keys() - self._warm:
            file = getattr(sys.modules[name], "__file__", None)
            if os.path.dirname(str(file)) == self._folder:
                del sys.modules[name]


def _function_like(text: str, factory: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """A function that may be meant for a missing factory.

    It stands within something else, or has a name that nearly is the factory's and is not
    that of another exercise.
    """
    from difflib import get_close_matches  # a process that grades seldom needs it

    tree = ast.parse(text)
    functions = {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if factory in functions:
        return None if functions[factory] in tree.body else functions[factory]
    others = [name for name in functions if not re.fullmatch(r"exercise_\d+", name)]
    return next(map(functions.get, get_close_matches(factory, others, n=1, cutoff=0.65)), None)


@contextmanager
def _endless_sleep_raised(clock: Clock) -> Iterator[None]:
    """End a `time.sleep` past the time limit. Where no loop runs yet, none could notice it."""
    report = current.report_block

    def report_and_end(of: Clock, what: str, since: int, on_loop: bool) -> None:
        report(of, what, since, on_loop)
        if of is clock and on_loop and clock.now >= clock.time_limit:
            raise RanAway

    with replaced(current, report_block=report_and_end):
        yield


def _call(function: Callable[..., Any], collaborators: dict[str, Any]) -> Any:
    if not _accepts(function, collaborators):
        wrong = WrongParameters(tuple(collaborators))
        return Outcome("factory-failed", line=_line_of(function), detail=wrong)
    app = function(**collaborators)
    what = _not_an_app(app)
    return Outcome("not-an-app", line=_line_of(function), detail=NotAnApp(what)) if what else app


def _is_no_factory(function: Any) -> bool:
    """Whether it cannot be called for an app: a value, or the app itself."""
    if inspect.isroutine(function) or inspect.isclass(function):
        return False
    return not callable(function) or not _not_an_app(function)


def _accepts(function: Callable[..., Any], collaborators: dict[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(**collaborators)
    except TypeError:
        return False
    except ValueError:
        pass  # a callable without a signature: calling it will show
    return True


def _not_an_app(app: Any) -> str:
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


_ENDINGS: dict[type[BaseException], OutcomeKind] = {
    MemoryError: "out-of-memory",
    RanAway: "ran-away",
    Stuck: "stuck",
    PlayOver: "stuck",
}

DEEPEST = 2_000
"""Calls of a traceback that are looked at where there may be millions, and no memory left."""


def _failed(kind: OutcomeKind, error: BaseException, recorder: Recorder) -> Outcome:
    for ending, name in _ENDINGS.items():
        if isinstance(error, ending):
            free_reserve()
            line = _line_of_end(error, recorder)
            sys.modules.pop(MODULE, None)  # and with it what takes so much memory
            blocked = LoopBlocked() if isinstance(error, PlayOver) else None
            return Outcome(name, line=line, detail=blocked)
    failure = recorder.failure(error)
    return Outcome(kind, failure=failure, line=failure.line)


def _line_of_end(error: BaseException, recorder: Recorder) -> int | None:
    line, at = None, error.__traceback__
    for _ in range(DEEPEST):
        if at is None:
            break
        if recorder.lines.own(at.tb_frame.f_code.co_filename):
            line = at.tb_lineno
        at = at.tb_next
    return line


def _syntax_failure(error: SyntaxError) -> Failure:
    return Failure(
        type=type(error).__name__,
        text=error.msg,
        line=error.lineno,
        column=error.offset,
        traceback=(error.text or "").rstrip("\n"),
    )
