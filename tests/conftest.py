"""What several test modules need."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from learner import ROOT, STUB, Learner

from grader.course import catalog
from grader.judge.grading import Grading
from grader.model.errors import CourseError

pytest_plugins = ["pytester"]

# What a shell starts in the background ignores it, and hands that on to what the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def grading() -> Iterator[Grading]:
    """A warm worker for the whole run."""
    with Grading() as grading:
        yield grading


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Learner:
    """A learner in a folder of their own, with the stub in it."""
    shutil.copy(ROOT / "course.toml", tmp_path)
    (tmp_path / "exercises" / "day53").mkdir(parents=True)
    shutil.copy(STUB, tmp_path / "exercises" / "day53")
    monkeypatch.setattr(catalog, "carried_root", lambda: ROOT)
    monkeypatch.chdir(tmp_path)
    return Learner(tmp_path)


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What a page runs programs with, built once for all processes that test."""
    filelock = pytest.importorskip("filelock", reason="the extra `site` isn't installed")
    pytest.importorskip("platformdirs")
    from grader.site.bundle import make_kernel

    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "kernel"
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / "manifest.json").is_file():
            try:
                make_kernel(folder)
            except CourseError as error:
                pytest.skip(f"it can't be built on this machine: {error}")
    return folder
