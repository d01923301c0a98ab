"""The standard library of the page: Pyodide's, without what only a terminal or a server has."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

ARCHIVE = "python_stdlib.zip"
LEFT_OUT = frozenset(
    {
        # For those who sit at a terminal.
        *("_pyrepl", "antigravity", "cmd", "code", "pdb", "pty", "pydoc", "rlcompleter", "this"),
        *("tty", "webbrowser"),
        # For other machines.
        *("ftplib", "imaplib", "mailbox", "netrc", "poplib", "wsgiref", "xmlrpc"),
        # In the place of what is written in C.
        *("_pydatetime", "_pydecimal", "_pyio"),
        # For files of Python's own.
        *("doctest", "modulefinder", "pickletools", "pyclbr", "tabnanny", "zipapp"),
    }
)
"""Modules and packages that no program in a page has a use for."""
CODE_PAGES = re.compile(
    r"encodings/(cp(?!437|125\d)|mac_|koi8|big5|gb|euc_|iso2022|shift_jis|johab|hz\.|kz|ptcp"
    r"|hp_|palmos|tis_)"
)
"""Codecs of older systems. `zipimport` needs cp437."""


def unpack_library(pyodide: Path, folder: Path) -> None:
    """Put what the page needs of the library into a folder."""
    with zipfile.ZipFile(pyodide / ARCHIVE) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if _is_needed(name)])


def pack_library(folder: Path, out: Path) -> None:
    """Make the archive that Pyodide imports from. It is compressed as a whole, later."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                name = file.relative_to(folder).as_posix()
                archive.writestr(zipfile.ZipInfo(name), file.read_bytes())


def _is_needed(name: str) -> bool:
    first = name.partition("/")[0].removesuffix(".py")
    return first not in LEFT_OUT and not CODE_PAGES.match(name)
