"""Reporting to a board: the options of it, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..course import catalog
from ..model.errors import UsageError

if TYPE_CHECKING:
    from ..course.sources import SourceFile
    from ..model.report import Report
    from ..reporting.reporter import Reporter
    from ..reporting.sending import Sending


class ReportOptions(NamedTuple):
    """What was asked for.

    Attributes:
        to: the address of a board.
        name: to report under.
        code: whether failing answers are sent.
        preview: whether to print what would be sent, and send nothing.
    """

    to: str | None
    name: str | None
    code: bool
    preview: bool

    def reporter(self) -> Reporter | None:
        """Who reports; None if nobody does.

        Raises:
            UsageError: what was asked for makes no sense. What the file says may make none, too,
                which costs nobody a verdict.
        """
        if self.to is None and not _has_config():
            return None
        from ..reporting.reporter import reporter

        try:
            return reporter(self.to, self.name, self.code)
        except UsageError as error:
            if self.to is not None:
                raise
            click.echo(f"Not reported: {error.problem}.", err=True)
            return None


def takes_reporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of reporting, as an argument called `reporting`."""

    @click.option("--report-to", metavar="URL", help="Report the verdict to a class's board.")
    @click.option("--report-as", metavar="NAME", help="Under this name; without it, under none.")
    @click.option("--report-code", is_flag=True, help="Send answers that fail, too.")
    @click.option("--report-preview", is_flag=True, help="Print what would be sent; send nothing.")
    @wraps(command)
    def collected(
        *args: Any,
        report_to: str | None,
        report_as: str | None,
        report_code: bool,
        report_preview: bool,
        **others: Any,
    ) -> Any:
        options = ReportOptions(report_to, report_as, report_code, report_preview)
        return command(*args, reporting=options, **others)

    return collected


def _has_config() -> bool:
    """Whether there may be settings: most learners have none, and load nothing for them."""
    try:
        return Path(catalog.workspace(), ".course", "config.toml").exists()
    except UsageError:
        return False


def begin(
    reporter: Reporter | None,
    found: Iterable[tuple[SourceFile, Report]],
    preview: bool,
) -> list[Sending]:
    """Send what was found, in the background, or print what would be sent."""
    if reporter is None:
        return []
    messages = [
        reporter.message(one.lesson, one.answers, report)
        for one, report in found
        if one.text is not None
    ]
    if not preview:
        return [reporter.send(message) for message in messages]
    from ..reporting.message import printed

    for message in messages:
        click.echo(f"This would be sent to {reporter.settings.board.url}:", err=True)
        click.echo(printed(message), err=True)
    return []


def tell(sent: Iterable[Sending]) -> None:
    """Say of each whether it has arrived."""
    for sending in sent:
        click.echo(sending.outcome(), err=True)
