"""The learner's progress, for commands: what is wrong with its file is told on stderr."""

from __future__ import annotations

import click

from ..course.progress import ProgressFile


def progress_file() -> ProgressFile:
    """The progress of the workspace that the command was called in."""
    told: set[str] = set()

    def tell(words: str) -> None:
        """Once: a quiz keeps an answer after each question."""
        if words not in told:
            told.add(words)
            click.echo(f"grade: {words}", err=True)

    return ProgressFile.here(tell)
