"""Serves a learner's app under uvicorn, in real time.

uvicorn starts a new process whenever the file is saved. That process learns from the
environment what to serve; a database outlives it.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ..course.catalog import Exercise, Lesson, tables

FILE, FACTORY, DSN = "GRADE_SERVES_FILE", "GRADE_SERVES_FACTORY", "GRADE_SERVES_DSN"


def serve(lesson: Lesson, exercise: Exercise, file: Path, host: str, port: int) -> None:
    """Serve the app of an exercise until the process is told to stop.

    Raises:
        ServiceError: it needs a database, and there is no server.
    """
    os.environ |= {FILE: str(file.resolve()), FACTORY: exercise.factory}
    root = str(Path(__file__).resolve().parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
    with _database(tables(lesson, exercise)):
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
    dsn = os.environ.get(DSN)
    return {"dsn": dsn} if dsn and "dsn" in inspect.signature(factory).parameters else {}


@contextmanager
def _database(sql: str) -> Iterator[None]:
    """A database with these tables, for as long as the block lasts; none without them."""
    if not sql:
        yield
        return
    from ..services.postgres.daemon.leases import lease

    with lease(sql) as leased:
        os.environ[DSN] = leased.address.dsn
        yield
