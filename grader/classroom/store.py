"""The results of a class, in one SQLite file: every attempt, and every report whole."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ..course.catalog import Lesson
from ..model.errors import InputError
from ..model.report import ExerciseReport, Report
from .reading import as_text
from .versions import course_version, kit_version
from .work import Student, Work

FORMAT = 0x67726431
"""Says that a file is one of these, and in which form: SQLite's `application_id`."""
FAST = 1
"""How hard zlib tries."""
PATIENCE = 5.0
"""Real seconds to wait for another program that is writing."""
REMEDIES = {
    "SQLITE_BUSY": "close the program that has it open, and try again",
    "SQLITE_FULL": "make room on the disk, and try again",
}
"""What helps against some errors of SQLite's, by their names."""
SCHEMA = Path(__file__).with_name("schema.sql")


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A student's work, as it was graded.

    Attributes:
        digest: identifies its content; empty if it could not be read.
        problem: why there is no report.
        report: of the text `source`; both are None if there is a problem.
    """

    student: Student
    lesson: str
    digest: str
    file: str
    submitted: datetime | None
    is_late: bool
    problem: str
    report: Report | None
    source: str | None

    @property
    def exercises(self) -> tuple[ExerciseReport, ...]:
        """The reports on its exercises; none if it could not be graded."""
        return self.report.exercises if self.report else ()


class Store:
    """The file of results. Use as a context manager.

    What is put into it is there as soon as the method returns, whatever happens then.

    Args:
        must_exist: whether it is an error if there is no such file yet.

    Raises:
        InputError: it can't be read, isn't one of these, or isn't there; or, at the end of the
            block, it could not be used any more.
    """

    def __init__(self, file: Path, must_exist: bool = True) -> None:
        self._file = file
        if must_exist and not file.is_file():
            raise InputError(f"there are no results in {file}", "grade first: grade class FOLDER")
        try:
            self._database = sqlite3.connect(file, PATIENCE, isolation_level=None)
            self._open()
        except sqlite3.Error as error:
            raise _unusable(file, error) from error

    def _open(self) -> None:
        [format_] = self._database.execute("PRAGMA application_id").fetchone()
        [pages] = self._database.execute("PRAGMA page_count").fetchone()
        if not pages:
            self._database.executescript(SCHEMA.read_text("utf-8"))
            self._database.execute(f"PRAGMA application_id = {FORMAT}")
        elif format_ != FORMAT:
            remedy = "name another file: --results"
            raise InputError(f"{self._file} holds no results of a class", remedy)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._database.close()
        if isinstance(error, sqlite3.Error):
            raise _unusable(self._file, error) from error

    # Writing

    def begin_run(self, submissions: Path, seed: int) -> int:
        """Note that grading begins; the number of the run is returned."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = self._database.execute(
            "INSERT INTO run (began, submissions, seed, kit) VALUES (?, ?, ?, ?)",
            (now, as_text(str(submissions)), seed, kit_version()),
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def add_students(self, students: Iterable[Student]) -> None:
        """Keep what is known of them."""
        self._add_all(
            "INSERT OR REPLACE INTO student VALUES (?, ?, ?, ?, ?)",
            [
                (one.key, one.name, one.email, one.number, msgspec.json.encode(one.row).decode())
                for one in students
            ],
        )

    def add_report(self, work: Work, lesson: Lesson, report: Report) -> int:
        """Keep the verdict on a text; its number is returned."""
        row = self._database.execute(
            "INSERT INTO report (lesson, digest, kit, course, is_final, source, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                lesson.name,
                work.digest,
                kit_version(),
                course_version(lesson),
                report.exit_code != 3,
                zlib.compress(work.source.encode(), FAST),
                zlib.compress(msgspec.json.encode(report), FAST),
            ),
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def add_attempts(self, run: int, works: Iterable[Work], report: int | None) -> None:
        """Keep that these works were graded, with one report for all of them."""
        self._add_all(
            "INSERT INTO attempt (run, student, lesson, digest, file, submitted, is_late, problem, "
            "report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_as_row(run, work, report) for work in works],
        )

    def _add_all(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """In one transaction: each that ends waits for the disk."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany(statement, rows)

    # Reading

    def last_seed(self) -> int | None:
        """That of the last run; None if there was none."""
        row = self._database.execute("SELECT seed FROM run ORDER BY id DESC LIMIT 1").fetchone()
        return int(row[0]) if row else None

    def report_on(self, work: Work, lesson: Lesson) -> int | None:
        """The number of the report on the same content by this kit and this course, if any."""
        row = self._database.execute(
            "SELECT max(id) FROM report "
            "WHERE lesson = ? AND digest = ? AND kit = ? AND course = ? AND is_final",
            (lesson.name, work.digest, kit_version(), course_version(lesson)),
        ).fetchone()
        return row[0] if row else None

    def is_known(self, work: Work, report: int | None) -> bool:
        """Whether the student's last attempt is this work with this verdict."""
        row = self._database.execute(
            "SELECT digest, problem, report FROM attempt WHERE lesson = ? AND student = ? "
            "ORDER BY id DESC LIMIT 1",
            (work.lesson, work.student.key),
        ).fetchone()
        return bool(row == (work.digest, work.problem, report))

    def lessons(self) -> list[str]:
        """The names of those that were graded."""
        rows = self._database.execute("SELECT DISTINCT lesson FROM attempt ORDER BY lesson")
        return [name for (name,) in rows]

    def attempts(self, lesson: str) -> Iterator[Attempt]:
        """All, by student, from the first to the last. What a student hands in twice is one
        attempt: the last verdict on it counts."""
        last: dict[tuple[str, str, str], int] = {}
        rows = self._database.execute(
            "SELECT id, student, digest, problem FROM attempt WHERE lesson = ? ORDER BY id",
            (lesson,),
        )
        first: dict[tuple[str, str, str], int] = {}
        for number, student, digest, problem in rows:
            key = (student, digest, problem)
            first.setdefault(key, number)
            last[key] = number
        for key in sorted(last, key=lambda key: (key[0], first[key])):
            yield self._attempt(last[key])

    def _attempt(self, number: int) -> Attempt:
        row = self._database.execute(
            "SELECT s.key, s.name, s.email, s.number, s.list_row, a.lesson, a.digest, a.file, "
            "a.submitted, a.is_late, a.problem, r.source, r.body FROM attempt a "
            "JOIN student s ON s.key = a.student LEFT JOIN report r ON r.id = a.report "
            "WHERE a.id = ?",
            (number,),
        ).fetchone()
        key, name, email, given, list_row, lesson, digest, file, submitted, late, problem = row[:11]
        source, body = row[11:]
        known = msgspec.json.decode(list_row, type=dict[str, str])
        return Attempt(
            student=Student(key=key, name=name, email=email, number=given, row=known),
            lesson=lesson,
            digest=digest,
            file=file,
            submitted=datetime.fromisoformat(submitted) if submitted else None,
            is_late=bool(late),
            problem=problem,
            report=_report(body, file) if body else None,
            source=zlib.decompress(source).decode() if source else None,
        )


def _unusable(file: Path, error: sqlite3.Error) -> InputError:
    remedy = REMEDIES.get(getattr(error, "sqlite_errorname", ""), "name another: --results")
    return InputError(f"{file} can't be used: {error}", remedy)


def _as_row(run: int, work: Work, report: int | None) -> tuple[object, ...]:
    submitted = work.submitted.isoformat() if work.submitted else None
    key, late = work.student.key, work.is_late
    return run, key, work.lesson, work.digest, work.file, submitted, late, work.problem, report


def _report(body: bytes, file: str) -> Report:
    """The report, on the file that this student has handed in."""
    report = msgspec.json.decode(zlib.decompress(body), type=Report)
    return msgspec.structs.replace(report, file=file)
