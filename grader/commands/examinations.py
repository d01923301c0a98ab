"""What `grade doctor` looks at. Each examination really tries what the course will do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..course import catalog
from ..course.sources import source_file
from ..model.errors import CourseError
from ..model.findings import ExaminationResult
from ..model.version import APPLICATION
from ..processes.container import lacks_for_containers
from ..processes.isolation import isolation
from .words import INSTALL_NOTEBOOKS

OLDEST = (3, 11)


Examination = Callable[[], ExaminationResult]


def examinations() -> Iterator[Examination]:
    """All there are, from what everything else needs to what few need."""
    yield python
    yield system
    yield shut_in
    yield containers
    yield packages
    yield partial(package, "jupyterlab", "Jupyter", "the notebooks")
    yield workspace
    yield virtual_clock
    yield postgresql
    yield mongodb


def python() -> ExaminationResult:
    """The version of Python."""
    return ExaminationResult(
        "Python",
        f"{platform.python_version()} at {sys.executable}",
        ok=sys.version_info >= OLDEST,
        remedy="install Python 3.11 or newer, and the course in a virtual environment of it",
    )


def system() -> ExaminationResult:
    """Whether players can be forked and watched here."""
    return ExaminationResult(
        "Operating system",
        f"{platform.system()} {platform.release()}",
        ok=sys.platform in ("linux", "darwin"),
        remedy="use Linux or macOS; on Windows, the Windows Subsystem for Linux",
    )


def shut_in() -> ExaminationResult:
    """Whether the file that is graded can be kept from everything else."""
    able = isolation()
    if able.is_whole:
        return ExaminationResult("Isolation", f"Landlock {able.landlock} and seccomp")
    return ExaminationResult(
        "Isolation",
        f"a graded file runs with your rights: {able.lacks}",
        ok=False,
        remedy="grade files of others on Linux 5.13 or newer; SECURITY.md says why",
        optional=True,
    )


def containers() -> ExaminationResult:
    """Whether a file can be graded in a container of its own."""
    lacks = lacks_for_containers()
    return ExaminationResult(
        "Containers",
        lacks or "bubblewrap",
        ok=not lacks,
        remedy="for `grade --isolate` and `grade class`: apt-get install bubblewrap",
        optional=True,
    )


def packages() -> ExaminationResult:
    """Whether all that the kit is built on is installed."""
    try:
        wanted = importlib.metadata.requires(APPLICATION) or []
    except importlib.metadata.PackageNotFoundError:
        return ExaminationResult(
            "Packages", "the course is not installed", False, "python -m pip install ."
        )
    missing = list(_missing(one for one in wanted if "extra ==" not in one))
    if missing:
        return ExaminationResult(
            "Packages", f"missing: {', '.join(missing)}", False, "python -m pip install ."
        )
    versions = (f"{name} {importlib.metadata.version(name)}" for name in ("fastapi", "asyncpg"))
    return ExaminationResult("Packages", f"all are there, {', '.join(versions)} among them")


def _missing(requirements: Iterable[str]) -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield wanted.name
        else:
            if not wanted.specifier.contains(version, prereleases=True):
                yield f"{wanted.name}{wanted.specifier} (there is {version})"


def package(module: str, name: str, used_for: str) -> ExaminationResult:
    """Whether a package that is not always needed is there."""
    if importlib.util.find_spec(module) is None:
        remedy = f"for {used_for}: {INSTALL_NOTEBOOKS}"
        return ExaminationResult(name, "not installed", False, remedy, optional=True)
    return ExaminationResult(name, importlib.metadata.version(module))


def workspace() -> ExaminationResult:
    """Whether the learner's folder can be read and written."""
    try:
        folder = catalog.workspace()
        for lesson in catalog.lessons():
            source_file(lesson)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except CourseError as error:
        return ExaminationResult("Workspace", error.problem, False, error.remedy)
    except OSError as error:
        remedy = "make it yours, or work elsewhere: grade init my-course"
        return ExaminationResult(
            "Workspace", f"it cannot be written: {error.strerror}", False, remedy
        )
    return ExaminationResult("Workspace", str(folder))


def virtual_clock() -> ExaminationResult:
    """Whether an app can be played: a second of it must be one, and take next to none."""
    from ..model.scenarios import get
    from ..testing.play import play

    app = _sleeping_app()
    began = time.perf_counter()
    trace = play(app, get("/"))
    took = time.perf_counter() - began
    if trace.outcome.kind != "finished" or trace.exchanges[0].elapsed != 1.0:
        found = f"a second of sleep came to {trace.exchanges[0].elapsed} s ({trace.outcome.kind})"
        return ExaminationResult(
            "Virtual clock", found, False, "please report this, and `grade --version`"
        )
    return ExaminationResult("Virtual clock", f"a second of sleep took {took * 1000:.0f} ms")


def _sleeping_app() -> object:
    import asyncio

    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    async def sleep() -> None:
        await asyncio.sleep(1)

    return app


def postgresql() -> ExaminationResult:
    """Whether a database can be made. Starts a server if none runs."""
    from ..services.postgres.daemon.leases import lease

    began = time.perf_counter()
    try:
        with lease() as leased:
            [row] = leased.rows("select version() as version")
    except CourseError as error:
        return ExaminationResult("PostgreSQL", error.problem, False, error.remedy)
    took = time.perf_counter() - began
    version = " ".join(str(row["version"]).split()[:2])
    return ExaminationResult(
        "PostgreSQL", f"{version} gave a clean database in {took * 1000:.0f} ms"
    )


def mongodb() -> ExaminationResult:
    """Whether a play can have a MongoDB."""
    from ..model.scenarios import get, mongo
    from ..testing.play import play

    trace = play(_counting_app, get("/"), url=mongo())
    if trace.outcome.kind != "finished" or trace.exchanges[0].status != 200:
        found = re.sub(r"\s+", " ", trace.outcome.problem) or trace.outcome.kind
        remedy = "install the course again, or name a server of yours in MONGODB_URL"
        return ExaminationResult("MongoDB", found, False, remedy, optional=True)
    return ExaminationResult("MongoDB", "answers on the virtual clock")


def _counting_app(url: str) -> object:
    from fastapi import FastAPI
    from pymongo import AsyncMongoClient

    app = FastAPI()

    @app.get("/")
    async def count() -> int:
        async with AsyncMongoClient[dict[str, object]](url) as client:
            return int(await client.get_default_database()["things"].count_documents({}))

    return app
