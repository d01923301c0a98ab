"""Makes what runs and grades programs in the page: Pyodide, the packages, the kit, the course."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..course import catalog
from ..course.catalog import CARRIED, TABLE, Course, Lesson
from ..course.files import read_own
from ..judge.diagnoses.own import rules_file
from .compiling import LIBRARY, PACKS
from .javascript import node_modules
from .library import ARCHIVE, pack_library, unpack_library
from .needs import ABSENT, sentences
from .packs import compile_in_place, copy, copy_packages, write_compressed, write_pack
from .wheels import unpacked_wheels

HERE = Path(__file__).parent
KIT = HERE.parent
SCRIPTS = ("kernel.js", "loading.js", "part.js", "worker.js")
OF_PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs")
FOR_JUDGE = (
    *("iniconfig", "packaging", "pluggy", "_pytest", "pytest", "pygments"),
    *("markdown_it", "mdurl"),
)
"""Packages that only grading needs."""
FOR_MONGO = ("bson", "gridfs", "motor", "neosqlite", "nx_27017", "pymongo")
"""Packages that only programs with MongoDB need."""
WITH_MONGO = "mongo|motor|bson"
"""What is somewhere in the text of each such program: with the first one they are loaded."""
PARTS = ("model", "processes", "course", "clock", "driver", "services", "worker", "render")
OF_PLAYER = (*PARTS, "testing", "wasm")
OF_JUDGE = ("judge", "checks")
"""Folders of the kit, by who needs them."""
FOR_TERMINALS = re.compile(r"from rich\.(?!cells|text)")
"""What a module imports that writes to a terminal."""


def make_kernel(out: Path) -> None:
    """Fill a folder with all that runs programs in the page.

    Raises:
        UsageError: there is no npm.
        GraderError: something can't be fetched or compiled.
    """
    modules = node_modules()
    out.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        copy(HERE / "assets" / "kernel" / name, out / name)
    pyodide = modules / "pyodide"
    for name in OF_PYODIDE:
        copy(pyodide / name, out / name)
    core = _core(pyodide / "pyodide.asm.wasm", out)
    library, packs = _compiled(modules, out)
    mongo = {"pack": packs.pop("mongo"), "pattern": WITH_MONGO, "lessons": _lessons_with_mongo()}
    lock = out / "pyodide-lock.json"
    lock.write_text(_lock(pyodide / "pyodide-lock.json"), "utf-8")
    manifest = {
        "core": core,
        "files": [library, {"name": lock.name, "as": lock.name, "bytes": lock.stat().st_size}],
        "packs": packs,
        "extras": {"mongo": mongo},
        "parts": {"player": "grader.wasm.playing", "judge": "grader.wasm.judging"},
        **_about_the_course(),
    }
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _core(file: Path, out: Path) -> dict[str, Any]:
    """WebAssembly, as it is and compressed: a browser keeps what it has compiled only of what the
    network gave it as WebAssembly, and not every server compresses that on its way.

    Its name has a digest, for it isn't among the files that a service worker keeps by version.
    """
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    plain = out / f"{file.stem}-{digest}.wasm"
    copy(file, plain)
    return {**_compressed(plain, out), "as": file.name, "plain": plain.name}


def _compressed(file: Path, out: Path) -> dict[str, Any]:
    target = out / f"{file.name}.gz"
    return {
        "name": target.name,
        "as": file.name,
        "bytes": write_compressed(file.read_bytes(), target),
    }


def _lock(file: Path) -> str:
    """Pyodide's list of packages, of which none is loaded."""
    known = json.loads(file.read_text("utf-8"))
    return json.dumps({"info": known["info"], "packages": {}})


def _compiled(modules: Path, out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The file of the library, and those of the packs by what needs them."""
    with TemporaryDirectory() as folder:
        player, judge, mongo = (Path(folder) / name for name in PACKS)
        library = Path(folder) / LIBRARY
        _fill(player, judge, mongo)
        unpack_library(modules / "pyodide", library)
        compile_in_place(Path(folder), modules)
        pack_library(library, Path(folder) / ARCHIVE)
        player_file, judge_file, mongo_file = (
            _packed(part, out) for part in (player, judge, mongo)
        )
        packs = {"player": [player_file], "judge": [player_file, judge_file], "mongo": mongo_file}
        return _compressed(Path(folder) / ARCHIVE, out), packs


def _fill(player: Path, judge: Path, mongo: Path) -> None:
    """Put what the two parts need into their folders, and what they need for MongoDB."""
    site = unpacked_wheels()
    others = {entry.name.partition("-")[0] for entry in site.iterdir()}
    copy_packages(site, others - {*FOR_JUDGE, *FOR_MONGO}, player)
    copy_packages(site, FOR_JUDGE, judge)
    copy_packages(site, FOR_MONGO, mongo)
    _copy_kit(player, OF_PLAYER)
    for module in (KIT / "__init__.py", KIT / "__main__.py"):
        copy(module, player / "grader" / module.name)
    _copy_kit(judge, OF_JUDGE)
    _copy_course(catalog.course(), judge / CARRIED)


def _packed(folder: Path, out: Path) -> dict[str, Any]:
    name = f"{folder.name}.pack.gz"
    return {"name": name, "bytes": write_pack(folder, out / name)}


def _copy_kit(target: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        shutil.copytree(KIT / part, target / "grader" / part, ignore=_left_out)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Most of the services that the page can't have, and what is for terminals."""
    place = Path(folder)
    if place.parent.name == "services" and place.name in ABSENT:
        return set(names) - {"__init__.py", "kind.py"}
    modules = [name for name in names if name.endswith(".py")]
    return {"__pycache__"} | {
        name for name in modules if FOR_TERMINALS.search((place / name).read_text("utf-8"))
    }


def _copy_course(course: Course, target: Path) -> None:
    copy(course.root / TABLE, target / TABLE)
    for lesson in course.lessons:
        for file in _files_of(course, lesson):
            if file.is_file() and not file.is_relative_to(KIT):
                copy(file, target / file.relative_to(course.root))


def _files_of(course: Course, lesson: Lesson) -> Iterator[Path]:
    """What grading a lesson reads."""
    yield from (course.lesson_text(lesson), course.hints(lesson), course.answers(lesson))
    yield from (course.solution(lesson), course.stub(lesson))
    yield from (course.checks(lesson), rules_file(course.checks(lesson)))


def _lessons_with_mongo() -> list[str]:
    """Those whose solution needs it, which is played with each answer."""
    sources = {one.name: read_own(catalog.course().solution(one)) for one in catalog.lessons()}
    return [name for name, source in sources.items() if re.search(WITH_MONGO, source)]


def _about_the_course() -> dict[str, Any]:
    lessons = catalog.lessons()
    return {
        "exercises": {one.name: [e.number for e in one.exercises] for one in lessons},
        "needs": {one.name: sentences(one) for one in lessons},
    }
