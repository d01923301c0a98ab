"""The report for a terminal of any width, with or without colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from ..model.report import CheckReport, ExerciseReport, Report
from .bars import draw
from .signs import SIGNS, STYLES, WORDS
from .text import counted, cut, on_one_line
from .timeline import timeline

MOST_OUTPUT = 12
"""Lines of what the learner's code printed that are shown."""


def show(
    report: Report, console: Console, everything: bool = False, sentence_first: bool = False
) -> None:
    """Print a report.

    Args:
        everything: every failing exercise in detail, not only the first.
        sentence_first: what failed and why before the picture and the checks that passed, for
            a window that may not hold it all.
    """
    width = min(console.width, 100)
    for text in lines(report, width, everything, sentence_first):
        console.print(text, soft_wrap=True, highlight=False)


def lines(
    report: Report, width: int, everything: bool = False, sentence_first: bool = False
) -> Iterator[Text]:
    """The lines of a report, none of which obeys a control character; see `show`."""
    yield from _harmless(_lines(report, width, everything, sentence_first))


def exercise_lines(report: Report, exercise: ExerciseReport, width: int) -> Iterator[Text]:
    """The lines about one exercise, in detail."""
    yield from _harmless(_detail(report, exercise, width))


def check_lines(check: CheckReport, lesson: str, number: int, width: int) -> Iterator[Text]:
    """The lines about one check that did not pass.

    Args:
        number: of the exercise that the check belongs to.
    """
    yield from _harmless(_failed_check(check, width))
    yield from _helps(check, lesson, number, width)


def _harmless(texts: Iterable[Text]) -> Iterator[Text]:
    for text in texts:
        text.plain = on_one_line(text.plain)
        yield text


def _lines(report: Report, width: int, everything: bool, sentence_first: bool) -> Iterator[Text]:
    detailed = False
    for exercise in report.exercises:
        failing = exercise.status in ("failed", "broken")
        if failing and (everything or not detailed):
            detailed = True
            yield Text()
            yield from _detail(report, exercise, width, everything, sentence_first)
            yield Text()
        else:
            yield from _one_line(exercise, width)
    yield Text()
    for note in report.notes:
        yield from _wrapped(note, width, style="yellow")
    yield _summary(report)
    yield from _next_step(report, width)


def _one_line(exercise: ExerciseReport, width: int) -> Iterator[Text]:
    head = f"{SIGNS[exercise.status]} {exercise.number} · {exercise.title}"
    tail = WORDS[exercise.status]
    failure = exercise.first_failure
    if failure is not None and failure.diagnoses:
        tail += f": {failure.diagnoses[0].id.replace('-', ' ')}"
    yield _two_ends(head, tail, width, STYLES[exercise.status])
    broken = next((check for check in exercise.checks if check.status == "broken"), None)
    if broken is not None:
        yield from _grader_broke(broken, width)


def _detail(
    report: Report,
    exercise: ExerciseReport,
    width: int,
    everything: bool = False,
    sentence_first: bool = False,
) -> Iterator[Text]:
    failure = exercise.first_failure
    line = (failure.line if failure else None) or exercise.line
    where = f"{report.file}:{line}" if line else report.file
    yield _two_ends(f"{exercise.number} · {exercise.title}", where, width, "bold")
    if failure is not None and _all_fail_alike(exercise.checks):
        yield from _failed_check(failure, width, sentence_first)
        yield from _more(report, exercise, width)
        rest = counted(len(exercise.checks) - 1, "other check")
        yield from _wrapped(f"✘ {rest} for the same reason", width, indent=2, hang=4, style="red")
        return
    checks = exercise.checks
    if sentence_first:
        checks = tuple(sorted(checks, key=lambda check: check is not failure))
    for check in checks:
        if check is failure:
            yield from _failed_check(check, width, sentence_first)
            yield from _more(report, exercise, width)
        elif check.status == "passed":
            yield from _wrapped(f"✔ {check.says}", width, indent=2, hang=4, style="green")
        elif (everything or check.status == "broken") and not _is_alike(check, failure):
            yield from _failed_check(check, width)
        else:
            same = " (the same reason)" if _is_alike(check, failure) else ""
            yield from _wrapped(f"✘ {check.says}{same}", width, indent=2, hang=4, style="red")


def _is_alike(check: CheckReport, failure: CheckReport | None) -> bool:
    """Whether a check fails for the reason of the first one that did."""
    return failure is not None and failure.has_cause_of(check)


def _more(report: Report, exercise: ExerciseReport, width: int) -> Iterator[Text]:
    """What helps with an exercise, unless it was the grader that failed."""
    if exercise.status == "broken":
        return
    failure = exercise.first_failure
    yield from _helps(failure, report.lesson, exercise.number, width)
    if exercise.section:
        words = f"    read: grade lesson {report.lesson} "
        fits = len(words) + len(exercise.section) <= width  # the number leads there, too
        yield Text(words + (exercise.section if fits else str(exercise.number)), style="cyan")


def _helps(check: CheckReport | None, lesson: str, number: int, width: int) -> Iterator[Text]:
    words = [check.diagnoses[0].explained_by] if check and check.diagnoses else []
    words = [word for word in (*words, f"grade hint {lesson} {number}") if word]
    together = f"    more: {', '.join(words)}"
    apart = (f"    more: {word}" for word in words)
    yield from (Text(line, "cyan") for line in ([together] if len(together) <= width else apart))


def _all_fail_alike(checks: Sequence[CheckReport]) -> bool:
    """Whether there is one reason for all: then it is not about what each of them checks."""
    return len(checks) > 1 and all(checks[0].has_cause_of(check) for check in checks)


def _failed_check(check: CheckReport, width: int, sentence_first: bool = False) -> Iterator[Text]:
    yield from _wrapped(f"✘ {check.says}", width, indent=2, hang=4, style="bold red")
    if check.status == "broken":
        yield from _grader_broke(check, width)
        return
    parts = [_picture(check, width), _reasons(check, width)]
    yield from chain(*(reversed(parts) if sentence_first else parts))
    if check.got is not None and check.got.output.strip():
        yield from _output(check.got.output, width)


def _grader_broke(check: CheckReport, width: int) -> Iterator[Text]:
    words = "The grader broke here; it is not your answer's fault. Please report this: "
    yield from _wrapped(words + check.problem, width, indent=6, style="yellow")


def _picture(check: CheckReport, width: int) -> Iterator[Text]:
    """What was expected, and what came, in numbers and as a picture."""
    if check.expected != check.actual:
        yield from _sides(check, width)
    if check.got is not None and check.got.exchanges:
        for text in draw(timeline(check.got, check.reference), width - 6):
            yield Text("      ") + text


def _reasons(check: CheckReport, width: int) -> Iterator[Text]:
    for number, diagnosis in enumerate(check.diagnoses):
        style = "" if number == 0 else "dim"
        for paragraph in diagnosis.text.split("\n"):
            yield from _wrapped(paragraph, width, indent=4, style=style)


def _sides(check: CheckReport, width: int) -> Iterator[Text]:
    one_line = f"      expected  {check.expected}     got  {check.actual}"
    if len(one_line) <= width:
        yield Text(one_line)
        return
    for name, words in (("expected", check.expected), ("got", check.actual)):
        yield from _wrapped(f"{name:<8}  {words}", width, indent=6, hang=16)


def _output(output: str, width: int) -> Iterator[Text]:
    yield Text("    Your code printed:", style="dim")
    printed = output.rstrip().splitlines()
    for line in printed[:MOST_OUTPUT]:
        yield Text(f"      {cut(line, width - 6)}", style="dim")
    if len(printed) > MOST_OUTPUT:
        yield Text(f"      … and {len(printed) - MOST_OUTPUT} more lines", style="dim")


def _summary(report: Report) -> Text:
    style = "bold green" if report.passed == report.total else "bold"
    text = Text(f"{report.passed} of {report.total} exercises pass", style=style)
    return text.append(f"  ({report.lesson}, {report.seconds:.2f} s, seed {report.seed})", "dim")


def _next_step(report: Report, width: int) -> Iterator[Text]:
    unfinished = [exercise for exercise in report.exercises if exercise.status != "passed"]
    if not unfinished or len(report.exercises) == 1:
        return
    first = unfinished[0]
    if first.status == "todo":
        where = f"{report.file}:{first.line}" if first.line else report.file
        yield from _wrapped(f"Next: exercise {first.number}, {first.title}", width)
        yield Text(f"  {where}")
        yield Text(f"  grade {report.lesson} {first.number}", style="cyan")


def _two_ends(head: str, tail: str, width: int, style: str) -> Text:
    gap = width - len(head) - len(tail)
    if gap < 2:
        return Text(f"{head}  {tail}", style=style)
    return Text(head, style=style).append(" " * gap).append(tail, "dim")


def _wrapped(
    words: str, width: int, indent: int = 0, hang: int | None = None, style: str = ""
) -> Iterator[Text]:
    if words.startswith("  "):  # a line of code, or the caret under it: keep it as it is
        yield Text((" " * indent + words)[:width], style=style)
        return
    rest = " " * (indent if hang is None else hang)
    held = _DATA.sub(lambda blanks: _BLANK * len(blanks[0]), words)
    for line in wrap(
        held,
        max(20, width),
        initial_indent=" " * indent,
        subsequent_indent=rest,
        break_on_hyphens=False,
    ):
        yield Text(line.replace(_BLANK, " "), style=style)


_DATA = re.compile(r'  +|(?<=[:\[,]") | (?="[,}\]])|(?<=: ") ')
"""Blanks that belong to a text in JSON: several, or one at its beginning or end."""
_BLANK = "\ue000"
"""Stands for such a blank while lines are broken, which no blank in data is a place for."""
