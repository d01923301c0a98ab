"""Compiles packs and the standard library. The Python of the page runs this when a site is built.

So it imports nothing else of the kit.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import source_hash
from marshal import dumps
from types import CodeType

PACKS, PACKS_AT = ("player", "judge", "mongo"), "/lib/python3.14/site-packages"
LIBRARY, LIBRARY_AT = "library", "/lib/python314.zip"
"""The folders, and where in the page what is in them will be."""
READ_AS_TEXT = re.compile(r"/(test|rules)_\w+\.py$|/fastapi_async_course_content/")
"""What the kit reads as text, and needs the source of."""
OURS = re.compile(r"^grader/")
"""What has docstrings that are shown."""
HASHED_UNCHECKED = 0b01
HAS_DOCSTRING = 0x4000000
"""A flag of the code of functions, since Python 3.14."""


def compile_packs(root: str) -> None:
    """Put a `.pyc` in the place of each `.py`.

    Of the library only that is compiled which the packages use: the rest is smaller as text.

    Args:
        root: a folder with the packs and the library, each a folder of its own.
    """
    for pack in PACKS:
        for path in _sources(os.path.join(root, pack)):
            if not READ_AS_TEXT.search(path):
                _compile(path, os.path.join(root, pack), PACKS_AT)
    used = _used_by([os.path.join(root, pack) for pack in PACKS])
    folder = os.path.join(root, LIBRARY)
    for path in _sources(folder):
        if _module(os.path.relpath(path, folder)) in used:
            _compile(path, folder, LIBRARY_AT)


def without_docstrings(code: CodeType) -> CodeType:
    """The same code, without the docstrings of its functions.

    Those of classes stay: pydantic shows them, and dataclasses make one where there is none.
    """
    consts = [
        without_docstrings(one) if isinstance(one, CodeType) else one for one in code.co_consts
    ]
    if code.co_flags & HAS_DOCSTRING:
        consts[0] = ""
    return code.replace(co_consts=tuple(consts))


class WithoutDoc(ast.NodeTransformer):
    """Empties each `Doc("...")` of `annotated_doc`, of which FastAPI is full."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if isinstance(node.func, ast.Name) and node.func.id == "Doc":
            node.args = [ast.copy_location(ast.Constant(""), one) for one in node.args]
        self.generic_visit(node)
        return node


def _used_by(folders: list[str]) -> set[str]:
    """The modules that are there when all packages of others are imported."""
    sys.path[:0] = folders
    sys.dont_write_bytecode = True
    for folder in folders:
        for entry in os.listdir(folder):
            name = entry.removesuffix(".py")
            if name.isidentifier() and name != "grader":
                with suppress(ImportError):
                    importlib.import_module(name)
    return set(sys.modules)


def _sources(folder: str) -> Iterator[str]:
    for here, _, names in os.walk(folder):
        yield from (os.path.join(here, name) for name in names if name.endswith(".py"))


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _compile(path: str, folder: str, place: str) -> None:
    name = os.path.relpath(path, folder)
    with open(path, "rb") as file:
        source = file.read()
    text = WithoutDoc().visit(ast.parse(source)) if b"Doc(" in source else source
    code = compile(text, f"{place}/{name}", "exec", dont_inherit=True)
    if not OURS.match(name):
        code = without_docstrings(code)
    head = importlib.util.MAGIC_NUMBER + HASHED_UNCHECKED.to_bytes(4, "little")
    with open(f"{path}c", "wb") as file:
        file.write(head + source_hash(source) + dumps(code))
    os.unlink(path)
