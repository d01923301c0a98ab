"""Serves a learner's app under uvicorn, in real time.

uvicorn starts a new process whenever the file is saved. That process learns from the
environment what to serve; a database outlives it.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ..course.catalog import Exercise, Lesson, seed
from ..services.registry import kinds

FILE, FACTORY = "GRADE_SERVES_FILE", "GRADE_SERVES_FACTORY"
SERVICES = "GRADE_SERVES_WITH"
"""JSON: the URLs of services, by the schemes of the URLs that they stand in for."""


def serve(lesson: Lesson, exercise: Exercise, file: Path, host: str, port: int) -> None:
    """Serve the app of an exercise until the process is stopped.

    Raises:
        ServiceError: it needs a service that cannot be provided.
    """
    os.environ |= {FILE: str(file.resolve()), FACTORY: exercise.factory}
    root = str(Path(__file__).resolve().parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
    with _services(lesson, exercise):
        uvicorn.run(
            "grader.commands.serving:build",
            factory=True,
            host=host,
            port=port,
            reload=True,
            reload_dirs=[str(file.resolve().parent)],
            timeout_graceful_shutdown=2,
        )


def build() -> Any:
    """The app: what the factory returns, given what it has no usable default for.

    uvicorn calls this in the process that serves.
    """
    file, name = Path(os.environ[FILE]), os.environ[FACTORY]
    factory = getattr(_module_of(file), name, None)
    if factory is None:
        sys.exit(f"There is no {name} in {file}. Write it, and save.")
    try:
        return factory(**_given(factory))
    except NotImplementedError:
        sys.exit(f"{name} is still to do. Fill it in, and save.")


def _module_of(file: Path) -> Any:
    """The learner's file as a module that finds what lies beside it."""
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[file.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _given(factory: Any) -> dict[str, str]:
    """The services: each for a parameter whose default is the URL of such a service. If there
    is only one, it is also for parameters that have no default.
    """
    urls: dict[str, str] = json.loads(os.environ.get(SERVICES, "{}"))
    only = next(iter(urls.values())) if len(set(urls.values())) == 1 else None
    found = {
        each.name: only if each.default is each.empty else urls.get(_scheme(each.default))
        for each in inspect.signature(factory).parameters.values()
    }
    return {name: url for name, url in found.items() if url is not None}


def _scheme(default: object) -> str:
    """What a URL begins with, without the name of a driver."""
    return str(default).partition("://")[0].partition("+")[0]


@contextmanager
def _services(lesson: Lesson, exercise: Exercise) -> Iterator[None]:
    """What the exercise has a seed for, for as long as the block lasts."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        for kind in kinds():
            text = seed(lesson, exercise, kind.seed_suffix) if kind.serve else ""
            if kind.serve and text:
                urls |= dict.fromkeys(kind.schemes, stack.enter_context(kind.serve(text)))
        os.environ[SERVICES] = json.dumps(urls)
        yield
