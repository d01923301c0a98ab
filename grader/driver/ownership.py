"""Which files are the user's own: not the kit's, not a library's, and not made up by one."""

from __future__ import annotations

import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_KIT = str(Path(__file__).parents[1])
_PACKAGE_SCHEMES = ("purelib", "platlib")
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
_TYPED_AT_A_PROMPT = ("<stdin>", "<console>", "<python-input", "<ipython-input", "<doctest ")


def written_by_the_user(filename: str) -> bool:
    """Whether code with this file name was written by the user.

    What decides is where the file lies, so a project inside a virtual environment's folder,
    or one that is installed editable, is the user's. Code without a file, as `dataclasses`
    and others generate it, has no owner: the line that led to it says more.
    """
    if filename.startswith("<"):
        return filename.startswith(_TYPED_AT_A_PROMPT) or _is_the_program(filename)
    if is_library(filename):
        return False
    path = _where(filename)
    if path is None:
        return filename in linecache.cache  # a notebook's cell
    return not is_library(os.path.realpath(path))


def _is_the_program(filename: str) -> bool:
    return filename == "<string>" and sys.argv[:1] == ["-c"]


def is_library(path: str) -> bool:
    """Whether a file belongs to the standard library, to an installed package or to the kit."""
    return _lies_in_library(path, tuple(sys.path))


def is_kit(filename: str) -> bool:
    """Whether a file is one of the kit's."""
    return _lies_in(filename, (_KIT,))


@cache
def is_machinery(filename: str) -> bool:
    """Whether a file is asyncio's, another part of the standard library's, anyio's or the kit's.

    They only run what they are given, so a call counts as their caller's.
    """
    if filename.startswith("<frozen ") or _lies_in(filename, (_KIT, _anyio_folder())):
        return True
    is_package = any(part in _PACKAGE_FOLDERS for part in Path(filename).parts)
    return not is_package and _lies_in(filename, _standard_library())


@cache
def _standard_library() -> tuple[str, ...]:
    named = (sysconfig.get_path(scheme) for scheme in ("stdlib", "platstdlib"))
    # It may be in an archive, which has no name there: so it is in a browser.
    return _with_targets((*named, os.path.dirname(linecache.__file__)))


@cache
def _lies_in_library(path: str, search_path: tuple[str, ...]) -> bool:
    return _lies_in(path, (_KIT, *_library_folders(search_path)))


@cache
def _library_folders(search_path: tuple[str, ...]) -> tuple[str, ...]:
    installed = (sysconfig.get_path(scheme) for scheme in _PACKAGE_SCHEMES)
    searched = (path for path in search_path if os.path.basename(path) in _PACKAGE_FOLDERS)
    packages = _with_targets((*installed, *searched, site.getusersitepackages()))
    return (*_standard_library(), *packages)


def _anyio_folder() -> str:
    import anyio

    return str(Path(anyio.__file__).parent)


def _with_targets(folders: Iterable[str]) -> tuple[str, ...]:
    """Folders as they are named, and as they are called where links lead."""
    named = [os.path.abspath(folder) for folder in folders if folder]
    return tuple(dict.fromkeys([*named, *map(os.path.realpath, named)]))


def _lies_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(folder + os.sep) for folder in folders)


def _where(filename: str) -> str | None:
    """The file's full path; None if there is no such file, as for compiled code."""
    candidates = [filename] if os.path.isabs(filename) else _relative(filename)
    return next((path for path in candidates if os.path.isfile(path)), None)


def _relative(filename: str) -> list[str]:
    return [os.path.abspath(os.path.join(folder, filename)) for folder in ("", *sys.path)]
