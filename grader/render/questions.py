"""A quiz in a terminal: a question, the verdict on an answer, and the score."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..course.quiz import Question
from ..course.transcripts import LineDifference
from .code import clipped, code_width
from .reading import as_paragraph, readable, reading_width, show_markdown
from .signs import SIGNS, STYLES
from .text import printable


def show_question(question: Question, place: str, console: Console) -> None:
    """Print what is asked, and the options.

    Args:
        place: of the question among those that are asked, as in `3 of 40`.
    """
    width = reading_width(console)
    console.print()
    title = Text(f"{place} · {question.name}", "bold")
    console.print(Rule(title, align="left", style="dim"), width=width)
    console.print()
    show_markdown(question.text, console, whole=code_width(console) > console.width)
    console.print()
    if question.options:
        table = Table.grid(padding=(0, 1))
        for option in question.options:
            table.add_row(Text(f"  {option.letter})"), readable(as_paragraph(option.text), console))
        console.print(table, width=width)
        console.print()


def show_verdict(
    question: Question, is_right: bool, difference: LineDifference | None, console: Console
) -> None:
    """Print whether an answer is right, and why."""
    sign = "passed" if is_right else "failed"
    console.print(Text(f"\n{SIGNS[sign]} {_verdict(question, is_right)}", f"bold {STYLES[sign]}"))
    if difference is not None:
        _show_difference(difference, console)
        console.print("  All that is printed:")
        for line in question.key.splitlines():
            _show_line("  │ ", line, console)
    show_explanation(question, console, is_right)


def show_explanation(question: Question, console: Console, is_right: bool = False) -> None:
    """Print the answer's words, and where to read about it: again, unless it was right."""
    if question.explanation:
        console.print()
        console.print(
            Padding(readable(question.explanation, console), (0, 0, 0, 2)),
            width=reading_width(console),
        )
    if question.again:
        words = "More about it" if is_right else "Read again"
        console.print(Text(f"\n  {words}: {question.again.command}", "dim"), soft_wrap=True)


def _verdict(question: Question, is_right: bool) -> str:
    if is_right:
        return "Right."
    match question.kind:
        case "choice":
            *most, last = [*question.key]
            letters = f"{', '.join(most)} and {last}" if most else last
            return f"No: {letters} {'are' if most else 'is'} right."
        case "typed":
            return "That is not what it prints."
        case _:
            return "Not this time."


def _show_difference(difference: LineDifference, console: Console) -> None:
    console.print(f"  Line {difference.line} is the first that differs:")
    _show_line("    yours    ", difference.given or "(nothing)", console)
    _show_line("    printed  ", difference.printed or "(nothing)", console)


def _show_line(label: str, line: str, console: Console) -> None:
    """A line as it is, as far as it fits."""
    shown = Text(label, "dim") + Text(printable(line))
    console.print(clipped(shown, console.width), soft_wrap=True)


def show_score(
    lesson: str, questions: tuple[Question, ...], verdicts: dict[str, bool], console: Console
) -> None:
    """Print how many answers are right, what to read again, and how to go on.

    Args:
        verdicts: whether the answers were right, by the question's name.
    """
    right = sum(verdicts.values())
    wrong = [question for question in questions if verdicts.get(question.name) is False]
    open_ones = len(questions) - len(verdicts)
    words = [f"{right} of {len(questions)} right"]
    words += [f"{len(wrong)} wrong"] if wrong else []
    words += [f"{open_ones} not answered yet"] if open_ones else []
    console.print(Text(f"\nQuiz of {lesson}: {', '.join(words)}.", "bold"))
    commands = dict.fromkeys(question.again.command for question in wrong if question.again)
    if commands:
        console.print("\nRead again:")
        _show_commands([*commands], console)
    onwards = [f"grade quiz {lesson}"] if open_ones else []
    onwards += [f"grade quiz {lesson} --wrong"] if wrong else []
    if onwards:
        console.print("\nGo on with:")
        _show_commands(onwards, console)


def _show_commands(commands: list[str], console: Console) -> None:
    for command in commands:
        console.print(Text(f"  {command}", "cyan"), soft_wrap=True)
