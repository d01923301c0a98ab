"""What `grade doctor` finds, a line each."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..model.findings import ExaminationResult
from .signs import SIGNS, STYLES
from .text import printable


def show_finding(finding: ExaminationResult, console: Console) -> None:
    """Print what was looked at, what was found, and what to do if it is not in order."""
    status = "passed" if finding.ok else "todo" if finding.optional else "failed"
    line = Text(f"{SIGNS[status]} {finding.what:<20} ", style=STYLES[status])
    console.print(line.append(printable(finding.found), ""), soft_wrap=True)
    if not finding.ok:
        console.print(Text(f"    {printable(finding.remedy)}", "cyan"), soft_wrap=True)
