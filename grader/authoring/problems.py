"""What several of the examinations of a lesson need: a missing file, the line of an error."""

from __future__ import annotations

from pathlib import Path

from ..course.files import shown
from ..model.problems import Problem


def missing_file(file: Path) -> Problem:
    """That a lesson lacks a file."""
    remedy = "write it; another lesson's file shows the form"
    return Problem(shown(file), 1, "this file is missing", remedy)


def line_in(file: str, error: BaseException) -> int:
    """The last line of a file that an error came through; 0 if it came through none."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
