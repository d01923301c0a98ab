"""`%load_ext grader`: the magics `%%grade` and `%grade`.

    %%grade dayNN 2      grades what this cell defines as exercise 2
    %%grade dayNN        grades all exercises that this cell defines
    %grade dayNN 2       grades exercise 2 in the workspace's file

Nothing is imported from IPython: it hands over its shell, and that can do all there is to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

import msgspec

from ..course import catalog
from ..course.answers import Answers, answers_file
from ..course.catalog import Exercise, Lesson
from ..course.files import read_source, shown
from ..course.progress import ProgressFile
from ..course.statements import awaits, definitions, parsed
from ..model.errors import CourseError, UsageError
from ..model.report import Report
from .source import Program, program
from .verdict import CellVerdict
from .warm import Warm


class Shell(Protocol):
    """The part of IPython's `InteractiveShell` that is used."""

    user_ns: dict[str, Any]
    display_pub: Any
    events: Any
    history_manager: Any
    execution_count: int

    def run_cell(self, raw_cell: str, store_history: bool) -> Any: ...
    def transform_cell(self, raw_cell: str) -> str: ...
    def register_magic_function(
        self, func: Callable[..., Any], magic_kind: str, magic_name: str
    ) -> None: ...


class Answer(NamedTuple):
    """What is to be graded.

    Attributes:
        path: where it stands, or would, if it were a file.
        source: the text to grade; `written` is the one that its lines are shown of.
    """

    path: Path
    shown_as: str
    source: str
    written: str
    notes: tuple[str, ...] = ()


class Shown(Exception):
    """Ends a cell with a few words in place of a traceback. IPython asks for them."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


class Stopped(Shown, KeyboardInterrupt):
    """The learner interrupted the kernel."""


def load_ipython_extension(shell: Shell) -> None:
    """Give a shell the magics."""
    magics = Magics(shell)
    shell.register_magic_function(magics.grade_cell, "cell", "grade")
    shell.register_magic_function(magics.grade_file, "line", "grade")


def unload_ipython_extension(_: Shell) -> None:
    """End the worker. The magics stay, and would start another."""
    _warm.close()


_warm = Warm()


class Magics:
    """The magics of one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def grade_file(self, line: str) -> None:
        """Grade the workspace's file: `%grade dayNN`, or `%grade dayNN 2 4`."""
        try:
            lesson, numbers = _asked(line, "%grade")
            file = answers_file(lesson)
            source = read_source(file)
            self._grade(lesson, numbers, Answer(file, shown(file), source, source))
        except CourseError as error:
            _raise_shown(error)

    def grade_cell(self, line: str, cell: str) -> None:
        """Grade what a cell defines: `%%grade dayNN 2`, and the answer below it.

        The cell is run first, as any cell is. If that fails there is nothing to grade. Only
        a cell that is not valid Python is not run: the verdict says what is wrong with it.

        The answer may use what earlier cells define; see `grader.notebook.source`.
        """
        written = f"%%grade {line}\n{cell}"
        as_python = f"# {written}"
        try:
            lesson, numbers = _asked(line, "%%grade")
            python = self._shell.transform_cell(as_python)
            exercises = _defined(lesson, numbers, python)
            if parsed(python):
                _refuse_to_wait(python)
                self._run(as_python)
            made = program(python, self._earlier(), [e.factory for e in exercises])
            name = f"cell [{self._number()}]"
            answer = Answer(Path(name), name, made.text, written, self._notes(made))
            self._grade(lesson, [e.number for e in exercises], answer)
        except CourseError as error:
            _raise_shown(error)

    def _run(self, cell: str) -> None:
        """Run a cell as the one that is being run, so that a traceback has its number.

        IPython counts a cell when it begins, or in older releases when it ends. It reads the
        number for tracebacks at once, and the one for results later.
        """
        shell, counted = self._shell, self._shell.execution_count

        def put_back(*_: object) -> None:
            shell.execution_count = counted

        shell.events.register("pre_run_cell", put_back)
        shell.execution_count = self._number()
        try:
            ran = shell.run_cell(cell, store_history=False).success
        finally:
            shell.events.unregister("pre_run_cell", put_back)
            put_back()
        if not ran:
            raise Shown("Nothing was graded: the cell did not run to its end.")

    def _number(self) -> int:
        """The number of the cell that is being run."""
        return len(self._shell.history_manager.input_hist_parsed) - 1

    def _earlier(self) -> list[str]:
        """The cells that have run in this kernel, this one left out. IPython keeps them."""
        return list(self._shell.history_manager.input_hist_parsed[:-1])

    def _notes(self, made: Program) -> tuple[str, ...]:
        """On what the notebook knows, and the program that is graded does not."""
        names = sorted(made.missing & self._shell.user_ns.keys())
        return tuple(
            f"The grader does not know {name}. From other cells it takes only imports, functions, "
            f"classes and assignments: define {name} in this cell."
            for name in names
        )

    def _grade(self, lesson: Lesson, numbers: Sequence[int], answer: Answer) -> None:
        try:
            with _warm.lent() as grading:
                report = grading.grade(
                    lesson,
                    answer.path,
                    tuple(numbers),
                    shown_as=answer.shown_as,
                    source=answer.source,
                )
        except KeyboardInterrupt:
            raise Stopped("Interrupted: nothing was graded.") from None
        report = msgspec.structs.replace(report, notes=(*answer.notes, *report.notes))
        _keep(lesson, answer.source, report)
        bundle = CellVerdict(lesson, report, answer.written)._repr_mimebundle_()
        self._shell.display_pub.publish(bundle, metadata={})


def _asked(line: str, magic: str) -> tuple[Lesson, list[int]]:
    """The lesson and the exercises that the magic's line names.

    Raises:
        UsageError: it names none, or one that there isn't.
    """
    name, *words = line.split() or [""]
    if not name:
        first = catalog.lessons()[0].name
        raise UsageError(f"{magic} needs a lesson", f"for example: {magic} {first} 1")
    for word in (name, *words):
        if word.startswith("-"):
            raise UsageError(f"{magic} takes no option {word}", "in a terminal, `grade` does")
    lesson = catalog.lesson(name)
    return lesson, list(dict.fromkeys(lesson.exercise_of(word).number for word in words))


def _defined(lesson: Lesson, numbers: Sequence[int], python: str) -> list[Exercise]:
    """The exercises to grade: those that were asked for, or all that the cell defines.

    Raises:
        UsageError: the cell does not define what was asked for, or nothing at all.
    """
    answers = Answers(python)
    bound = {name for statement in definitions(python) for name in statement.binds}
    defined = [e for e in lesson.all_exercises if e.factory in bound or answers.span(e)]
    wanted = [lesson.exercise(number) for number in numbers] or defined
    for exercise in wanted:
        if exercise not in defined and parsed(python):
            raise UsageError(
                f"this cell does not define {exercise.factory}", f"write: def {exercise.factory}(…)"
            )
    if not wanted:
        raise UsageError(
            f"this cell defines no exercise of {lesson.name}",
            f"its functions are called {', '.join(e.factory for e in lesson.exercises)}",
        )
    return wanted


def _refuse_to_wait(python: str) -> None:
    tree = parsed(python)
    for line in awaits(tree) if tree else ():
        raise UsageError(
            f"line {line} waits at the top level of the cell",
            "put it into a cell of its own: what is graded is a function",
        )


def _keep(lesson: Lesson, source: str, report: Report) -> None:
    """Count it as an attempt. A stub that was run with all cells takes nothing back."""
    begun = tuple(e for e in report.exercises if e.status != "todo")
    if begun:
        found = msgspec.structs.replace(report, exercises=begun)
        ProgressFile.here(print).note([(lesson, Answers(source), found)])


def _raise_shown(error: CourseError) -> NoReturn:
    raise Shown(str(error)) from None
