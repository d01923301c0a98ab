"""The packages that run in the page, fetched from the package index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from ..model.errors import GraderError
from ..model.version import APPLICATION

LIST = Path(__file__).with_name("wheels.txt")
TARGET = (
    "--only-binary=:all:",
    "--platform=pyemscripten_2026_0_wasm32",
    "--python-version=314",
    "--implementation=cp",
    "--abi=cp314",
    "--abi=abi3",
    "--abi=none",
)
FROM_SOURCE = ("forbiddenfruit", "pymongo")
"""Packages of which there is no wheel that the page can use, and which need no compiler."""
WITHOUT_C = {"NO_EXT": "1"}
"""What tells PyMongo's build to leave out its parts in C, which it does without."""
PATIENCE = 600.0
"""Real seconds for pip."""


def unpacked_wheels() -> Path:
    """A folder in which all of them are installed. They are fetched once for each list.

    Raises:
        GraderError: one can't be had.
    """
    digest = hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]
    place = user_cache_path(APPLICATION) / f"wheels-{digest}"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / "lock"):
        if not (place / "whole").is_file():
            _fetch(place / "wheels")
            _unpack(place / "wheels", place / "site")
            (place / "whole").touch()
    return place / "site"


def _fetch(folder: Path) -> None:
    wanted = [line for line in LIST.read_text("utf-8").splitlines() if line[:1] not in ("", "#")]
    built = [one for one in wanted if one.startswith(FROM_SOURCE)]
    ready = [one for one in wanted if one not in built]
    _pip("download", "--no-deps", *TARGET, "--dest", str(folder), *ready)
    # Not from pip's cache, where PyMongo may lie with its parts in C.
    anew = ("--no-cache-dir", f"--no-binary={','.join(FROM_SOURCE)}")
    _pip("wheel", "--no-deps", *anew, "--wheel-dir", str(folder), *built)


def _unpack(wheels: Path, site: Path) -> None:
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | WITHOUT_C,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        raise GraderError(
            f"the packages for the page can't be fetched: {said}", "try again"
        ) from error
