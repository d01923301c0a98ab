"""The course's files: what ships with the kit, and the workspace a learner works in.

In a checkout the content folders stand beside the package; an installed wheel carries
them in a folder of its own. The name `dayNN` in each of them ties a lesson together.
"""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from ..model.errors import GraderError, InputError, UsageError
from .syntax import parsed

CARRIED = "fastapi_async_course_content"
"""The folder of site-packages that a wheel puts the content folders into."""


OR_RESET = ", or have the stub again: grade reset LESSON EXERCISE"


class Exercise(msgspec.Struct, frozen=True):
    """An exercise by number and title; its factory is called `exercise_<number>`."""

    number: int
    title: str

    @property
    def factory(self) -> str:
        return f"exercise_{self.number}"


class Lesson(msgspec.Struct, frozen=True):
    """A lesson of `course.toml`."""

    name: str
    title: str
    minutes: int
    exercises: tuple[Exercise, ...]

    def number_of(self, word: str) -> int:
        """The number of the exercise that `word` asks for.

        Raises:
            UsageError: it asks for none.
        """
        return self.exercise(int(word) if word.isdecimal() else -1, word).number

    def exercise(self, number: int, asked: str = "") -> Exercise:
        """The exercise of that number.

        Raises:
            UsageError: there is none.
        """
        for exercise in self.exercises:
            if exercise.number == number:
                return exercise
        numbers = ", ".join(str(exercise.number) for exercise in self.exercises)
        raise UsageError(
            f"{self.name} has no exercise {asked or number}",
            f"its exercises are {numbers}",
        )


def content_root() -> Path:
    """The folder with `course.toml` that ships with the running kit.

    Raises:
        GraderError: it is not there.
    """
    root = _checkout() or carried_root()
    if root is None:
        raise GraderError("the course's files are missing", "install the kit again")
    return root


def _checkout() -> Path | None:
    """The clone that this package is part of; None if it was installed elsewhere."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "course.toml").is_file() else None


def carried_root() -> Path | None:
    """The content that an installation carries, as it was when it was installed."""
    found = importlib.util.find_spec(CARRIED)
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / "course.toml").is_file():
            return Path(place)
    return None


def workspace(start: Path | None = None) -> Path:
    """The learner's folder: the nearest one upwards that holds `exercises/`, or the checkout.

    Raises:
        UsageError: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "exercises").is_dir() and (folder / "course.toml").is_file():
            return folder
    checkout = _checkout()
    if checkout is None:
        raise UsageError(
            "there is no course in this folder, nor in one above it",
            "go to the one that you work in, or make one: grade init my-course",
        )
    return checkout


@cache
def lessons(root: Path | None = None) -> tuple[Lesson, ...]:
    """All lessons, in the order of the course.

    Raises:
        GraderError: `course.toml` is not as it should be.
    """
    file = (root or content_root()) / "course.toml"
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        return tuple(
            Lesson(
                name=name,
                title=entry["title"],
                minutes=entry["minutes"],
                exercises=tuple(Exercise(int(n), title) for n, title in entry["exercises"].items()),
            )
            for name, entry in table["lessons"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GraderError(f"{file} cannot be read: {error}", "restore it from the kit") from error


def lesson(name: str) -> Lesson:
    """The lesson called `name`.

    Raises:
        UsageError: there is none; the error says which there are.
    """
    for one in lessons():
        if one.name == name:
            return one
    names = [one.name for one in lessons()]
    if name.isdecimal():
        remedy = f"the lesson comes before the exercise, as in {names[0]} {name}"
    else:
        remedy = f"the lessons are: {', '.join(names)}"
    raise UsageError(f"there is no lesson {name!r}", remedy)


def read_source(path: Path) -> str:
    """The text of a learner's file.

    Raises:
        InputError: it is not there, is no file, is empty, or is not UTF-8.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", "name the Python file in it")
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be read: {reason}", f"check the path{OR_RESET}") from error
    if not raw.strip():
        raise InputError(f"{path} is empty", f"put your answers into it{OR_RESET}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path} is not UTF-8: byte 0x{raw[error.start]:02x} in line {line}",
            "save it with the encoding UTF-8 and grade again",
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path} holds a null byte in line {line}", "is it a Python file?")
    return text


def stub_source(name: str) -> str | None:
    """The file of a lesson's exercises as it was before anybody began; None if there is none."""
    file = stub_file(name)
    return file.read_text("utf-8") if file.is_file() else None


def stub_file(name: str) -> Path:
    """Where that is. It lies in the package: whoever installs from a clone may have begun."""
    return Path(__file__).parents[1] / "stubs" / f"{name}.txt"


def tables(lesson: Lesson, exercise: Exercise) -> str:
    """The SQL that makes the tables an exercise begins with; empty if it needs no database."""
    file = content_root() / "exercises" / lesson.name / f"exercise_{exercise.number}.sql"
    return file.read_text("utf-8") if file.is_file() else ""


def factories(source: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top level of a file, by name; none if it is not valid Python."""
    tree = parsed(source)
    return {
        node.name: node
        for node in (tree.body if tree else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
