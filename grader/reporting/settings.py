"""Whether a learner reports to a board, and what: by options, or in `.course/config.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ..course.files import read_regular
from ..model.errors import UsageError

CONFIG = Path(".course", "config.toml")
MOST_BYTES = 100_000
NOT_NOW = "none"
"""In the place of an address: nothing is reported this time, whatever the file says."""
LONGEST_NAME = 60
EXAMPLE = "http://192.168.1.20:8765/#k7f3q-9xm2t"


class BoardAddress(NamedTuple):
    """Where a board is, and the token that it knows its learners by."""

    url: str
    token: str

    @property
    def shown(self) -> str:
        """As it may be seen by anyone."""
        return urlsplit(self.url).netloc


class ReportSettings(NamedTuple):
    """What a learner wants to be reported.

    Attributes:
        name: under which the instructor may see them; None is no name.
        sends_code: whether answers that fail are sent.
    """

    board: BoardAddress
    name: str | None = None
    sends_code: bool = False


def address_of(text: str) -> BoardAddress:
    """The board that an address names, as `grade board` prints it.

    Raises:
        UsageError: it names none.
    """
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not text.isprintable() or "@" in parts.netloc:
        raise UsageError(f"{text!r} isn't the address of a board", f"it looks like {EXAMPLE}")
    if not (parts.fragment.isascii() and parts.fragment):
        raise UsageError("the board's address has no token", f"it follows a #, as in {EXAMPLE}")
    path = parts.path.rstrip("/")
    return BoardAddress(urlunsplit((parts.scheme, parts.netloc, path, "", "")), parts.fragment)


class _ReportTable(msgspec.Struct, forbid_unknown_fields=True):
    to: str = NOT_NOW
    name: str | None = None
    code: bool = False


class _ConfigFile(msgspec.Struct):
    report: _ReportTable = msgspec.field(default_factory=_ReportTable)


def report_settings(
    workspace: Path | None, to: str | None, name: str | None, sends_code: bool
) -> ReportSettings | None:
    """What is to be reported; None if nothing is.

    Args:
        workspace: the folder with `.course/config.toml`, if there is one.
        to, name, sends_code: what was asked for now. It goes before what the file says.

    Raises:
        UsageError: the file, or the address, isn't as it should be.
    """
    asked_not = to == NOT_NOW
    known = _ReportTable() if asked_not or workspace is None else _read(workspace / CONFIG)
    to = known.to if to is None else to
    name = known.name if name is None else name
    if to == NOT_NOW:
        return None
    if name is not None and len(name) > LONGEST_NAME:
        raise UsageError(f"a name has at most {LONGEST_NAME} characters", "choose a shorter one")
    return ReportSettings(address_of(to), name, sends_code or known.code)


def _read(file: Path) -> _ReportTable:
    try:
        text = read_regular(file, MOST_BYTES).decode("utf-8")
        table: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(table, _ConfigFile).report
    except FileNotFoundError:
        return _ReportTable()
    except (OSError, ValueError) as error:
        raise UsageError(f"{CONFIG}: {error}", "correct it, or remove it") from error
