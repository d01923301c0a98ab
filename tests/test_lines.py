"""Lines: the user's own, through generated code, compiled code, decorators and libraries."""

from __future__ import annotations

import asyncio
import functools
import linecache
import os
import subprocess
import sys
import sysconfig
import threading
from collections import namedtuple
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from zipfile import ZipFile

import anyio.to_thread
import attrs
import pydantic
import pytest
import tenacity
from fastapi import Depends, FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware

import grader
from grader import get, play
from grader.driver.ownership import written_by_the_user
from grader.model.trace import Failure

SOURCE = Path(__file__).read_text("utf-8").splitlines()


def line(mark: str) -> int:
    """The number of the line of this file that ends with `# mark`."""
    (number,) = [n for n, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}")]
    return number


def failure_of(endpoint: Callable[..., Any], through: Any = None) -> Failure:
    app = FastAPI()
    app.get("/")(endpoint)
    if through is not None:
        app.add_middleware(through)
    raised = play(app, get("/")).exchanges[0].raised
    assert raised is not None
    return raised


# Errors


def refuse(value: Any) -> Any:
    raise LookupError(value)  # refuses


class Checked(pydantic.BaseModel):
    value: int

    @pydantic.field_validator("value")
    @classmethod
    def check(cls, value: int) -> int:
        return refuse(value)  # type: ignore[no-any-return]


@attrs.define
class Converted:
    value: int = attrs.field(converter=int)


@attrs.define
class Refusing:
    value: int = attrs.field(converter=refuse)


@dataclass
class Ready:
    value: int = field(default_factory=lambda: refuse(1))


Pair = namedtuple("Pair", ["a", "b"])


async def by_dataclass() -> None:
    Ready()


async def by_attrs() -> None:
    Refusing(1)


async def by_pydantic() -> None:
    Checked(value=1)


async def by_partial() -> None:
    functools.partial(refuse, 1)()


async def by_map() -> None:
    list(map(refuse, [1]))


async def by_comprehension() -> None:
    [refuse(value) for value in range(3)]


async def by_callable_object() -> None:
    class Refuser:
        def __call__(self) -> None:
            refuse(1)

    Refuser()()


async def by_thread() -> None:
    await asyncio.to_thread(refuse, 1)


async def by_thread_of_anyio() -> None:
    await anyio.to_thread.run_sync(refuse, 1)


async def by_thread_pool() -> None:
    with ThreadPoolExecutor() as pool:
        await asyncio.get_running_loop().run_in_executor(pool, refuse, 1)


async def by_task() -> None:
    async def work() -> None:
        refuse(1)

    await asyncio.create_task(work())


async def by_async_generator() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield refuse(1)

    async for _ in numbers():
        pass


def by_def_endpoint() -> None:
    refuse(1)


@tenacity.retry(stop=tenacity.stop_after_attempt(2), reraise=True)
async def by_tenacity() -> None:
    refuse(1)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


@wrapped
async def by_decorator() -> None:
    refuse(1)


async def by_dependency(given: Annotated[Any, Depends(lambda: refuse(1))]) -> None: ...


INTO_REFUSE = [
    by_dataclass,
    by_attrs,
    by_pydantic,
    by_partial,
    by_map,
    by_comprehension,
    by_callable_object,
    by_thread,
    by_thread_of_anyio,
    by_thread_pool,
    by_task,
    by_async_generator,
    by_def_endpoint,
    by_tenacity,
    by_decorator,
    by_dependency,
]


class Plain:
    """A plain ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Base(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        return await call_next(request)


@pytest.mark.parametrize("through", [None, Plain, Base])
@pytest.mark.parametrize("endpoint", INTO_REFUSE)
def test_an_error_has_the_line_that_raised_it(endpoint: Callable[..., Any], through: Any) -> None:
    assert failure_of(endpoint, through).line == line("refuses")


async def in_attrs() -> None:
    Converted("x")  # error in attrs


async def in_named_tuple() -> None:
    Pair._make([1])  # error in namedtuple


async def in_exec() -> None:
    exec("\n" * 50 + "1 / 0")  # error in exec


async def in_code_without_a_file() -> None:
    made: dict[str, Any] = {}
    exec(compile("\n\ndef compiled(): 1 / 0", "some/package/speedups.pyx", "exec"), made)
    made["compiled"]()  # error in compiled code


async def in_pydantic() -> None:
    pydantic.BaseModel.model_validate(1)  # error in pydantic


async def in_a_library() -> None:
    anyio.Path(1)  # type: ignore[arg-type]  # error in a library


@pytest.mark.parametrize(
    ("endpoint", "mark"),
    [
        (in_attrs, "error in attrs"),
        (in_named_tuple, "error in namedtuple"),
        (in_exec, "error in exec"),
        (in_code_without_a_file, "error in compiled code"),
        (in_pydantic, "error in pydantic"),
        (in_a_library, "error in a library"),
    ],
)
def test_an_error_in_generated_or_foreign_code_has_the_line_that_called_it(
    endpoint: Callable[..., Any], mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["program.py"])  # with -c, "<string>" is the user's own
    assert failure_of(endpoint).line == line(mark)


# Whose a file is


def file_in(folder: Path, name: str = "module.py") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.touch()
    return str(path)


def test_a_file_is_the_users_by_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    packages = venv / "lib" / "python3.11" / "site-packages"
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    assert written_by_the_user(__file__)
    assert written_by_the_user(file_in(tmp_path, "program"))
    assert written_by_the_user(file_in(venv))
    assert written_by_the_user(file_in(venv / "src" / "app"))
    assert written_by_the_user(file_in(tmp_path / "site-packages-of-mine"))
    assert not written_by_the_user(file_in(packages))
    assert not written_by_the_user(file_in(packages / "package" / "inner"))


def test_a_library_file_is_not_the_users() -> None:
    for module in (asyncio, threading, pydantic, anyio.to_thread, grader):
        assert not written_by_the_user(str(module.__file__)), module


def test_a_standard_library_may_be_in_an_archive(tmp_path: Path) -> None:
    """As it is in a browser, where the folder that is named for it is empty."""
    archive = tmp_path / "library.zip"
    with ZipFile(archive, "w") as file:
        file.write(str(linecache.__file__), "linecache.py")
    program = (
        "import sys; from grader.driver.ownership import is_library, is_machinery; "
        "print(is_library(sys.argv[1]), is_machinery(sys.argv[1]))"
    )
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(archive), *sys.path])}
    asked = [sys.executable, "-c", program, str(archive / "asyncio" / "tasks.py")]
    said = subprocess.run(asked, env=surroundings, capture_output=True, text=True, check=True)
    assert said.stdout == "True True\n"


def test_a_folder_beside_a_library_with_a_similar_name_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    assert written_by_the_user(file_in(tmp_path / "site-packages2"))


def test_a_project_below_the_interpreters_prefix_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `/usr/src/app` is, where the interpreter's prefix is `/usr`."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert sysconfig.get_path("data", vars={"base": str(tmp_path)}) == str(tmp_path)
    assert written_by_the_user(file_in(tmp_path / "src" / "app"))


def test_a_link_into_a_library_leads_to_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "lib" / "site-packages"
    file_in(packages)
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib64" / "site-packages")])
    assert not written_by_the_user(str(packages / "module.py"))
    assert not written_by_the_user(str(tmp_path / "lib64" / "site-packages" / "module.py"))


@pytest.mark.parametrize(
    "name",
    [
        "<string>",
        "<frozen importlib._bootstrap>",
        "<attrs generated init tests.Point>",
        "<makefun-gen-0>",
        "asyncpg/protocol/protocol.pyx",
        "/nowhere/at/all.py",
    ],
)
def test_code_without_a_file_is_nobodys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["a_program.py"])
    assert not written_by_the_user(name)


def test_a_program_given_on_the_command_line_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert written_by_the_user("<string>")


@pytest.mark.parametrize("name", ["<stdin>", "<ipython-input-1-abc>", "<doctest a.b[0]>"])
def test_what_is_typed_at_a_prompt_is_the_users(name: str) -> None:
    assert written_by_the_user(name)


def test_a_relative_name_is_looked_for_where_imports_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_in(tmp_path, "mine.pyx")
    assert not written_by_the_user("mine.pyx")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert written_by_the_user("mine.pyx")
