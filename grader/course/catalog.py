"""The course: its lessons, and where their files are.

A course is a folder with a `course.toml`, which names its lessons, and its folders where they
are not called as usual. A lesson's files are found by its name in those folders.
"""

from __future__ import annotations

import importlib.util
import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ..model.errors import GraderError, UsageError

CARRIED = "fastapi_async_course_content"
"""The folder of site-packages that a wheel puts the kit's own course into."""
TABLE = "course.toml"
LESSON_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
"""What a lesson and its files can be called."""
COURSE = "GRADER_COURSE"
"""The variable that names the folder of the course to grade by, whatever folder we are in. If
it is `kit`, that is the course that comes with the kit."""


class Exercise(msgspec.Struct, frozen=True):
    """An exercise by number and title; its factory is called `exercise_<number>`."""

    number: int
    title: str

    @property
    def factory(self) -> str:
        return f"exercise_{self.number}"


class Lesson(msgspec.Struct, frozen=True):
    """A lesson of `course.toml`.

    Attributes:
        minutes: that it takes to read and to run its programs.
        warm_up: number 0. It is graded when it is asked for, and counts for nothing.
    """

    name: str
    title: str
    minutes: int
    exercises: tuple[Exercise, ...]
    warm_up: Exercise | None = None

    @property
    def all_exercises(self) -> tuple[Exercise, ...]:
        """Those that can be asked for: the warm-up, if there is one, and the exercises."""
        return (*filter(None, [self.warm_up]), *self.exercises)

    def exercise_of(self, word: str) -> Exercise:
        """The exercise that `word` asks for.

        Raises:
            UsageError: it asks for none.
        """
        return self.exercise(int(word) if word.isdecimal() else -1, word)

    def exercise(self, number: int, asked: str = "") -> Exercise:
        """The exercise of that number.

        Raises:
            UsageError: there is none.
        """
        for exercise in self.all_exercises:
            if exercise.number == number:
                return exercise
        numbers = ", ".join(str(exercise.number) for exercise in self.exercises)
        raise UsageError(
            f"{self.name} has no exercise {asked or number}",
            f"its exercises are {numbers}",
        )


class Folders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a course keeps its files, seen from its `course.toml`."""

    lessons: str = "lessons"
    exercises: str = "exercises"
    solutions: str = "solutions"
    checks: str = "checks"
    quizzes: str = "quizzes"
    notebooks: str = "notebooks"
    mistakes: str = "tests/mistakes"


class Tour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `grade tour` shows: a wrong answer of the bank, and the one that mends it."""

    lesson: str
    exercise: int
    wrong: str
    right: str


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A lesson as `course.toml` has it."""

    title: str
    minutes: int
    exercises: dict[str, str]
    warm_up: str | None = None


class Course(msgspec.Struct, frozen=True):
    """A course, and the places of its files.

    Attributes:
        root: the folder of its `course.toml`.
    """

    root: Path
    lessons: tuple[Lesson, ...]
    folders: Folders = Folders()
    tour: Tour | None = None

    def lesson_text(self, lesson: Lesson) -> Path:
        """`lessons/dayNN.md`, the lesson. Every `python` block in it is run on the clock, and a
        `text` block right below one is exactly what it prints."""
        return self.root / self.folders.lessons / f"{lesson.name}.md"

    def quiz(self, lesson: Lesson) -> Path:
        """`quizzes/dayNN.md`, its questions: sections `## 1. A name`, the answer in `<details>`.
        With options `- a) …` the answer begins with the right letter, `**b**`; else a `text` block
        in it is what the question's program prints. `Read again:` names a section of the lesson."""
        return self.root / self.folders.quizzes / f"{lesson.name}.md"

    def notebook(self, lesson: Lesson) -> Path:
        """`notebooks/dayNN.ipynb`, without outputs. Cells that begin with `%%grade` are graded."""
        return self.root / self.folders.notebooks / f"{lesson.name}.ipynb"

    def exercises(self, lesson: Lesson) -> Path:
        """The folder with the answers, the hints and the tables of a lesson."""
        return self.root / self.folders.exercises / lesson.name

    def hints(self, lesson: Lesson) -> Path:
        """`exercises/dayNN/hints.md`: a heading `## Exercise N`, below it `### Step 1` to 3."""
        return self.exercises(lesson) / "hints.md"

    def answers(self, lesson: Lesson) -> Path:
        """`exercises/dayNN/exercise.py`, which the learner fills in: a function `exercise_N` for
        each exercise, which takes what the app needs from outside, and returns the app."""
        return self.exercises(lesson) / "exercise.py"

    def solution(self, lesson: Lesson) -> Path:
        """`solutions/dayNN/solution.py`, the reference: what the checks expect is measured on it.
        The docstring of each factory says why it is so."""
        return self.root / self.folders.solutions / lesson.name / "solution.py"

    def stub(self, lesson: Lesson) -> Path:
        """`solutions/dayNN/stub.py`, the learner's file before anyone has begun; or `exercise.py`.

        In a clone `exercise.py` is the learner's own, so a course that is worked on where it
        lies keeps its stub beside the solution. Elsewhere `exercise.py` is as it was shipped.
        """
        kept = self.solution(lesson).with_name("stub.py")
        return kept if kept.is_file() else self.answers(lesson)

    def checks(self, lesson: Lesson) -> Path:
        """`checks/test_dayNN.py`, the checks: functions whose docstrings the learner reads."""
        inside = self.root / self.folders.checks
        # The kit's own are a part of its package, which a wheel puts beside its content.
        beside = self.root.parent / self.folders.checks
        folder = beside if beside.is_dir() and not inside.is_dir() else inside
        return folder / f"test_{lesson.name}.py"

    def mistakes(self, lesson: Lesson) -> Path:
        """`tests/mistakes/dayNN/`, the bank: answers, and beside each in a `.toml` what it has to
        be told: `exercise`, `status`, `diagnoses` and `why`. It may also have `line`, which the
        first reason names, and `never`: what no check may say."""
        return self.root / self.folders.mistakes / lesson.name

    @property
    def hidden(self) -> tuple[str, ...]:
        """Its folder, and what in it tells the answers: a learner's program isn't to read them."""
        inside = (self.folders.solutions, self.folders.checks, self.folders.mistakes, ".git")
        return tuple(map(str, (self.root, *(self.root / folder for folder in inside))))

    @property
    def is_whole(self) -> bool:
        """Whether it can be graded by. A learner's workspace has no checks and no solutions."""
        folders = (self.folders.checks, self.folders.solutions)
        return all((self.root / folder).is_dir() for folder in folders)

    def lesson(self, name: str) -> Lesson:
        """The lesson called `name`.

        Raises:
            UsageError: there is none; the error says which there are.
        """
        for one in self.lessons:
            if one.name == name:
                return one
        names = [one.name for one in self.lessons]
        if name.isdecimal():
            remedy = f"the lesson comes before the exercise, as in {names[0]} {name}"
        else:
            remedy = f"the lessons are: {', '.join(names)}"
        raise UsageError(f"there is no lesson {name!r}", remedy)


@cache
def read_course(root: Path) -> Course:
    """The course whose `course.toml` is in that folder.

    Raises:
        GraderError: `course.toml` is not as it should be.
    """
    file = root / TABLE
    try:
        table = tomllib.loads(file.read_text("utf-8"))
        return Course(
            root=root,
            lessons=tuple(_lesson(name, entry) for name, entry in table["lessons"].items()),
            folders=msgspec.convert(table.get("folders", {}), Folders),
            tour=msgspec.convert(table.get("tour"), Tour | None),
        )
    except KeyError as error:
        raise _unreadable(file, f"{error} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise _unreadable(file, str(error)) from error


def _lesson(name: str, entry: dict[str, Any]) -> Lesson:
    if not LESSON_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a lesson and its files")
    try:
        read = msgspec.convert(entry, _Entry)
    except msgspec.ValidationError as error:
        raise ValueError(f"[lessons.{name}]: {error}") from error
    exercises = tuple(Exercise(int(n), title) for n, title in read.exercises.items())
    warm_up = Exercise(0, read.warm_up) if read.warm_up is not None else None
    return Lesson(name, read.title, read.minutes, exercises, warm_up)


def _unreadable(file: Path, why: str) -> GraderError:
    return GraderError(f"{file} cannot be read: {why}", "correct it, or restore it from the kit")


def course() -> Course:
    """The course that answers are graded by here: the one of this folder or of one above it,
    if that has checks and solutions; else the one that comes with the kit.

    Raises:
        UsageError: GRADER_COURSE names none.
        GraderError: there is none, or its `course.toml` is not as it should be.
    """
    named = os.environ.get(COURSE, "")
    if named and named != "kit":
        return _named_course(Path(named))
    here = None if named else _workspace_above(Path.cwd())
    if here is not None and read_course(here).is_whole:
        return read_course(here)
    return read_course(kit_root())


def _named_course(root: Path) -> Course:
    if not (root / TABLE).is_file():
        raise UsageError(f"{COURSE} names {root}, which has no {TABLE}", "name a course's folder")
    return read_course(root.resolve())


def kit_root() -> Path:
    """The folder of the course that comes with the kit.

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
    return folder if (folder / TABLE).is_file() else None


def carried_root() -> Path | None:
    """The content that an installation carries, as it was when it was installed."""
    found = importlib.util.find_spec(CARRIED)
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / TABLE).is_file():
            return Path(place)
    return None


def workspace(start: Path | None = None) -> Path:
    """The learner's folder: the nearest course upwards with a folder of exercises, or the clone.

    Raises:
        UsageError: there is none.
    """
    found = _workspace_above(start or Path.cwd()) or _checkout()
    if found is None:
        raise UsageError(
            "there is no course in this folder, nor in one above it",
            "go to the one that you work in, or make one: grade init my-course",
        )
    return found


def _workspace_above(start: Path) -> Path | None:
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / TABLE).is_file() and _has_exercises(folder):
            return folder
    return None


def _has_exercises(folder: Path) -> bool:
    return (folder / "exercises").is_dir() or (
        (folder / read_course(folder).folders.exercises).is_dir()
    )


def learners_file(lesson: Lesson, workspace: Path) -> Path:
    """The file in a workspace that holds the answers to a lesson."""
    return workspace / course().folders.exercises / lesson.name / "exercise.py"


def lessons() -> tuple[Lesson, ...]:
    """All lessons, in the order of the course.

    Raises:
        GraderError: `course.toml` is not as it should be.
    """
    return course().lessons


def lesson(name: str) -> Lesson:
    """The lesson called `name`.

    Raises:
        UsageError: there is none; the error says which there are.
    """
    return course().lesson(name)


def stub_source(lesson: Lesson) -> str | None:
    """The file of a lesson's exercises as it is before anyone has begun; None if it is unknown.

    Where the learner's own file is the only one, it isn't known what it was.
    """
    found = course()
    file = found.stub(lesson)
    is_learners = file == found.answers(lesson) and found.root == _workspace_above(Path.cwd())
    return None if is_learners or not file.is_file() else file.read_text("utf-8")


def tables(lesson: Lesson, exercise: Exercise) -> str:
    """The SQL that makes the tables an exercise begins with; empty if it needs no database."""
    return seed(lesson, exercise, ".sql")


def seed(lesson: Lesson, exercise: Exercise, suffix: str) -> str:
    """What a service begins with in an exercise, by the suffix of the file; empty without one."""
    file = course().exercises(lesson) / f"exercise_{exercise.number}{suffix}"
    return file.read_text("utf-8") if file.is_file() else ""
