"""Gets the suites, and an environment that has what they need."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..results import BenchmarkError


@dataclass(frozen=True)
class Suite:
    """A suite, and how to run it.

    Attributes:
        needs: what its tests import besides what the kit itself needs.
        arguments: for pytest.
    """

    name: str
    needs: tuple[str, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """A suite that is there to be run: by which Python, and in which folder."""

    suite: Suite
    python: Path
    folder: Path


SUITES = {
    suite.name: suite
    for suite in (
        Suite("cpython", (), ("--pyargs", "test.test_asyncio", "-c", "/dev/null")),
        Suite(
            "anyio",
            ("trio", "hypothesis", "psutil", "pytest-mock", "trustme", "truststore"),
            ("tests", "-m", "not network", "-W", "ignore"),
        ),
        Suite(
            "starlette",
            ("trio", "itsdangerous", "jinja2", "opentelemetry-api", "opentelemetry-sdk"),
            ("tests", "-W", "ignore"),
        ),
    )
}


def fetch(suite: Suite, cache: Path) -> Fetched:
    """Download what is missing.

    Raises:
        BenchmarkError: a part cannot be had.
    """
    python = _environment(cache / "environment")
    _run(python, "-m", "pip", "install", "--quiet", "pytest-timeout", *suite.needs)
    if suite.name != "cpython":
        return Fetched(suite, python, _sources(suite.name, cache))
    if importlib.util.find_spec("test.test_asyncio") is None:
        raise BenchmarkError("this Python came without its own tests (`import test.test_asyncio`)")
    return Fetched(suite, python, cache)


def _environment(folder: Path) -> Path:
    """An environment of its own, on top of the one that this runs in; its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        _run(Path(sys.executable), "-m", "venv", str(folder))
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        below = folder / "lib" / version / "site-packages" / "below.pth"
        below.write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


def _sources(name: str, cache: Path) -> Path:
    """The unpacked source distribution of the version that is installed."""
    release = f"{name}-{importlib.metadata.version(name)}"
    folder = cache / release
    if not folder.exists():
        wanted = release.replace("-", "==")
        options = ("--quiet", "--no-deps", "--no-binary", name, "--dest", str(cache))
        _run(Path(sys.executable), "-m", "pip", "download", *options, wanted)
        with tarfile.open(cache / f"{release}.tar.gz") as archive:
            archive.extractall(cache, filter="data")
    return folder


def _run(*command: str | Path) -> None:
    words: Sequence[str] = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkError(f"`{' '.join(words)}` failed:\n{done.stderr[-1000:]}")
