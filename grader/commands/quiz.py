"""`grade quiz dayNN`: the questions of a lesson, one after the other."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import click

from ..course.catalog import Lesson
from ..model.errors import UsageError
from .asking import Left, Skipped, answer_to, is_terminal, pause, yes_or_no
from .progress_file import progress_file
from .words import CourseCommand, takes_lesson

if TYPE_CHECKING:
    from rich.console import Console

    from ..course.progress import QuizAnswer
    from ..course.quiz import Question

EXAMPLES = """\b
Examples:
  grade quiz dayNN              the questions not answered yet
  grade quiz dayNN --wrong      those that you had wrong
  grade quiz dayNN --again      all of them, from the beginning
  grade quiz dayNN --in-order   in the order of the lesson
"""


@click.command(
    "quiz",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Take a lesson's quiz, where you left it.",
)
@takes_lesson
@click.option("--again", is_flag=True, help="Ask all, answered ones too.")
@click.option("--wrong", is_flag=True, help="Ask what was answered wrong.")
@click.option("--in-order", is_flag=True, help="Don't mix the questions.")
@click.option("--seed", type=click.IntRange(min=0), help="Mix them as in an earlier run.")
def command(lesson: Lesson, again: bool, wrong: bool, in_order: bool, seed: int | None) -> None:
    """Take a lesson's quiz. Each answer is kept; called again, it goes on where you left.

    Choose by letters (`a`, or `a c` where several are right). If you are asked what a
    program prints, type its lines, and an empty line at the end. Blank lines, spaces, upper
    and lower case, and the kind of quotation marks don't count, and 3, 3.0 and 3.00 are the
    same. `s` skips a question; `q`, Ctrl-C and Ctrl-D leave.
    """
    from ..course.quiz import quiz
    from ..render.console import console

    if again and wrong:
        raise UsageError("--again asks all, and --wrong only some", "leave one of them out")
    if in_order and seed is not None:
        raise UsageError("--in-order needs no --seed", "leave one of them out")
    questions = quiz(lesson)
    names = {question.name for question in questions}
    known = progress_file().read().lesson(lesson).quiz
    session = _Session(lesson, questions, {n: a for n, a in known.items() if n in names}, console())
    session.run(_chosen(session, again, wrong), None if in_order else _drawn(seed))


def _drawn(seed: int | None) -> int:
    return random.randrange(1000) if seed is None else seed


def _chosen(session: _Session, again: bool, wrong: bool) -> list[Question]:
    """The questions to ask."""
    if again:
        return [*session.questions]
    if wrong:
        return [q for q in session.questions if q.name in session.known and not session.had(q)]
    return [q for q in session.questions if q.name not in session.known]


class _Session:
    """A learner who takes a quiz.

    Attributes:
        known: the answers so far, those of earlier sessions too.
    """

    def __init__(
        self,
        lesson: Lesson,
        questions: tuple[Question, ...],
        known: dict[str, QuizAnswer],
        console: Console,
    ) -> None:
        self.lesson = lesson
        self.questions = questions
        self.known = known
        self._console = console
        self._file = progress_file()

    def had(self, question: Question) -> bool:
        return self.known[question.name].right

    def run(self, questions: list[Question], seed: int | None) -> None:
        """Ask these questions, and print the score.

        Args:
            seed: of their order; None for that of the list.
        """
        from ..render.questions import show_score

        order = [*self.questions]
        if seed is not None:  # all are mixed, so that the rest is in the same order next time
            random.Random(seed).shuffle(order)
        wanted = [question for question in order if question in questions]
        self._greet(len(wanted), seed)
        try:
            for number, question in enumerate(wanted, start=1):
                if number > 1 and is_terminal():  # time to read why
                    pause("\nEnter for the next question, q to leave: ")
                self._ask(question, f"{number} of {len(wanted)}")
        except Left:
            pass
        verdicts = {name: answer.right for name, answer in self.known.items()}
        show_score(self.lesson.name, self.questions, verdicts, self._console)

    def _greet(self, wanted: int, seed: int | None) -> None:
        total, answered = len(self.questions), len(self.known)
        click.echo(f"Quiz of {self.lesson.name}: {total} questions, {answered} answered.")
        if wanted:
            click.echo(f"{wanted} to ask. s skips a question, q leaves.")
            if seed is not None:
                click.echo(f"For the same order again: --seed {seed}")
        else:
            click.echo(f"There is nothing to ask. All again: grade quiz {self.lesson.name} --again")

    def _ask(self, question: Question, place: str) -> None:
        from ..render.questions import show_question

        show_question(question, place, self._console)
        try:
            given = answer_to(question)
            right, given = self._judge(question, given)
        except Skipped:
            return
        self._keep(question, given, right)

    def _judge(self, question: Question, given: str) -> tuple[bool, str]:
        """Print whether an answer is right. Returns that, and the answer to keep."""
        from ..course.transcripts import first_difference
        from ..render.questions import show_explanation, show_verdict

        if question.kind == "open":
            show_explanation(question, self._console)
            right = yes_or_no("\nDid you get it right?")
            return right, "y" if right else "n"
        difference = first_difference(given, question.key) if question.kind == "typed" else None
        right = difference is None if question.kind == "typed" else given == question.key
        show_verdict(question, right, difference, self._console)
        return right, given

    def _keep(self, question: Question, given: str, right: bool) -> None:
        from ..course.progress import QuizAnswer

        self.known[question.name] = answer = QuizAnswer(given, right)
        with self._file.changing() as progress:
            progress.lesson(self.lesson).quiz[question.name] = answer
