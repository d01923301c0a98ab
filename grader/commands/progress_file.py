"""The learner's progress, for commands: what is wrong with its file is said on stderr."""

from __future__ import annotations

import click

from ..course.progress import ProgressFile


def progress_file() -> ProgressFile:
    """The progress of the workspace that the command was called in."""
    warned: set[str] = set()

    def warn(words: str) -> None:
        """Once: a quiz keeps an answer after each question."""
        if words not in warned:
            warned.add(words)
            click.echo(f"grade: {words}", err=True)

    return ProgressFile.here(warn)
