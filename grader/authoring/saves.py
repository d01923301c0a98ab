"""Tells an author's commands when a file of a lesson was saved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from ..course import catalog
from ..course.catalog import TABLE, Lesson, course
from ..judge.diagnoses.own import rules_file


def each_save(lesson: Lesson) -> Iterator[Lesson]:
    """The lesson as it is now, and again whenever one of its files has another text. Its name is
    kept; its exercises are those of `course.toml` at that time."""
    last = _digest(lesson)
    yield lesson
    for _ in watch(*_folders(lesson), recursive=False, yield_on_timeout=True, rust_timeout=250):
        current = _digest(lesson)
        if current != last:
            last = current
            catalog.read_course.cache_clear()
            yield catalog.lesson(lesson.name)


def _files(lesson: Lesson) -> Iterator[Path]:
    found = course()
    yield found.root / TABLE
    yield from (found.lesson_text(lesson), found.quiz(lesson), found.notebook(lesson))
    yield from (found.checks(lesson), rules_file(found.checks(lesson)))
    for folder in (found.exercises(lesson), found.solution(lesson).parent, found.mistakes(lesson)):
        yield from sorted(folder.glob("[!.]*.*"))


def _folders(lesson: Lesson) -> set[Path]:
    return {file.parent for file in _files(lesson) if file.parent.is_dir()}


def _digest(lesson: Lesson) -> str:
    texts = ((str(file), file.read_bytes()) for file in _files(lesson) if file.is_file())
    return hashlib.sha256(repr(list(texts)).encode()).hexdigest()
