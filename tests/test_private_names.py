"""Private names of other people's: all are written down, and all are there."""

from __future__ import annotations

import ast
import asyncio
import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import grader
from grader import get, play
from grader.clock import private
from grader.clock.private import PrivateName, inventory, missing

HOME = Path(grader.__file__).parent
FILES = sorted(file for part in ("clock", "driver") for file in (HOME / part).rglob("*.py"))


def own_names(tree: ast.AST) -> Iterator[str]:
    """What a module defines, or sets on its objects."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Attribute(ast.Name("self" | "cls"), name, ast.Store()):
                yield name
            case ast.Name(name, ast.Store()) | ast.alias(_, str() as name):
                yield name


def used_names(tree: ast.AST) -> Iterator[str]:
    """Private names that a module takes from an object, from a module, or replaces."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(_, name) | ast.keyword(name) | ast.alias(name):
                yield name or ""
            case ast.Call(ast.Name("getattr"), [_, ast.Constant(str() as name), *_]):
                yield name


def test_every_private_name_in_use_is_in_the_inventory() -> None:
    trees = {file: ast.parse(file.read_text("utf-8")) for file in FILES}
    known = {name for tree in trees.values() for name in own_names(tree)}
    known |= {entry.name for entry in inventory()}
    known |= {getattr(entry.owner, "__name__", "") for entry in inventory()}
    strange = {
        f"{file.name}: {name}"
        for file, tree in trees.items()
        for name in used_names(tree)
        if name.startswith("_") and not name.startswith("__") and name not in known
    }
    assert strange == set()


def test_this_python_has_every_name_of_the_inventory() -> None:
    assert missing() == []


def test_a_name_that_an_upgrade_takes_away_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = PrivateName(object, "_gone", "time passes")
    monkeypatch.setattr(private, "inventory", lambda: iter([gone]))
    assert missing() == [
        "_gone is gone from <class 'object'>: without it the clock can't see to it that time "
        f"passes. It was there in {private.TRIED_WITH}."
    ]


def test_all_that_a_play_replaces_is_put_back() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(time.sleep, 1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    play(app, get("/"))  # what is only imported with the first play is no replacement
    before = everything()
    play(app, get("/"))
    after = everything()
    changed = [name for name in before | after if before.get(name) is not after.get(name)]
    assert changed == []


def everything() -> dict[str, object]:
    """Each attribute of the modules that programs wait with, and of the classes in them."""
    found: dict[str, object] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        owners = {name: module} | {
            f"{name}.{key}": value for key, value in vars(module).items() if isinstance(value, type)
        }
        for path, owner in owners.items():
            found |= {f"{path}.{key}": value for key, value in vars(owner).items()}
    return {path: value for path, value in found.items() if not path.endswith(VOLATILE)}


MODULES = (
    "_thread",
    "anyio._backends._asyncio",
    "asyncio",
    "asyncio.base_events",
    "asyncio.events",
    "asyncio.locks",
    "asyncio.mixins",
    "asyncio.queues",
    "asyncio.tasks",
    "asyncio.timeouts",
    "builtins",
    "concurrent.futures",
    "concurrent.futures.thread",
    "datetime",
    "logging",
    "os",
    "queue",
    "select",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "starlette.exceptions",
    "subprocess",
    "threading",
    "time",
    "warnings",
)
VOLATILE = ("._abc_impl", ".__dict__", ".__weakref__", "._counter", "._name_sequence")
