"""Makes a course of one's own: a repository that depends on the kit, with one lesson."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from string import Template

from ..course.catalog import TABLE, Course, Exercise, Lesson
from ..model.version import APPLICATION, VERSION
from .scaffold import TEMPLATES, Files, files_of
from .table import EXERCISE_TITLE, TITLE, with_lesson
from .unwritten import without_marks

LESSON = Lesson("day01", TITLE, 10, (Exercise(1, EXERCISE_TITLE),))
"""The lesson that a new course begins with."""


def course_files(root: Path, kit: str) -> Files:
    """The files of a new course: a lesson that is whole, and what its repository needs.

    Args:
        root: the folder of the course.
        kit: what pip is to install, as a line of `requirements.txt`.
    """
    course = Course(root, ())
    made = {file: without_marks(text) for file, text in files_of(course, LESSON).items()}
    folder = TEMPLATES / "course"
    for template in (file for file in folder.rglob("*.txt") if file.is_file()):
        text = Template(template.read_text("utf-8"))
        file = root / template.relative_to(folder).with_suffix("")
        made[file] = text.substitute(name=root.name, lesson=LESSON.name, kit=kit)
    table = made[root / TABLE]
    return made | {root / TABLE: without_marks(with_lesson(table, LESSON))}


def installed_kit() -> str:
    """What pip is to install to have the kit that runs: from where it was installed itself."""
    try:
        noted = distribution(APPLICATION).read_text("direct_url.json")
    except PackageNotFoundError:
        noted = None
    if noted is None:
        return f"{APPLICATION}=={VERSION}"
    origin = json.loads(noted)
    version = origin.get("vcs_info")
    if version:
        return f"{APPLICATION} @ {version['vcs']}+{origin['url']}@{version['commit_id']}"
    return f"{APPLICATION} @ {origin['url']}"
