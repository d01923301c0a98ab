"""A judge of this machine's, and the folder where it finds what it grades."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ..judging.grader_process import GraderClient
from ..judging.messages import GradeRequest
from ..model.errors import GraderError
from ..model.report import Report
from .work import Work

LONGEST = 600.0
"""Real seconds after which a grading will not end any more: the grader's fault."""
SHOWN_AS = "exercise.py"
"""What every file is called while it is graded: a program isn't told whose it is."""


class LocalDesk:
    """Grades one work after another, in a process that stays warm."""

    def __init__(self) -> None:
        self._grader = GraderClient()

    async def verdict(self, work: Work, seed: int) -> Report | GraderError:
        """Grade a work.

        Can be cancelled: the process is then ended, and the next work gets another.
        """
        folder = Path(tempfile.mkdtemp(prefix="grade-class-"))  # the last may be anything by now
        try:
            async with asyncio.timeout(LONGEST):
                return await self._grader.grade(_request(work, _laid_out(work, folder), seed))
        except GraderError as error:
            return error
        except TimeoutError:
            return GraderError(f"it was not graded within {LONGEST:.0f} s", "please report this")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def close(self) -> None:
        """End the process, and all that it started."""
        await self._grader.close()


def _request(work: Work, file: Path, seed: int) -> GradeRequest:
    return GradeRequest(
        lesson=work.lesson,
        file=str(file),
        numbers=(),
        seed=seed,
        shown_as=SHOWN_AS,
        source=work.source,
        is_one_of_many=True,
        is_strangers=True,
    )


def _laid_out(work: Work, folder: Path) -> Path:
    """The file where it is graded, with what lies beside it."""
    for name, data in work.helpers.items():
        helper = folder / name
        if SHOWN_AS in helper.relative_to(folder).parts[:1]:
            continue  # its place is taken
        with suppress(OSError):  # a name that this file system doesn't take
            helper.parent.mkdir(parents=True, exist_ok=True)
            helper.write_bytes(data)
    file = folder / SHOWN_AS
    file.write_text(work.source, "utf-8", newline="")
    return file
