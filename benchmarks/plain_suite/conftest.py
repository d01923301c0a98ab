"""Options and fixtures: which file is under test, and its apps behind a server."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .server import Server

SOLUTION = Path(__file__).parents[2] / "solutions" / "day53" / "solution.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--file", type=Path, default=SOLUTION, help="the answers to test")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def answers(request: pytest.FixtureRequest) -> ModuleType:
    """The file under test as a module."""
    spec = importlib.util.spec_from_file_location("answers", request.config.getoption("--file"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def serve(answers: ModuleType) -> AsyncIterator[Callable[..., Server]]:
    """Starts the app of an exercise, handed its collaborators, behind a server."""
    started = []

    def start(exercise: int, *, threads: int | None = None, **collaborators: Any) -> Server:
        app = getattr(answers, f"exercise_{exercise}")(**collaborators)
        server = Server(app, threads)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.close()
