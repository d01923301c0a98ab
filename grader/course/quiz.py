"""The questions of a quiz, from `quizzes/<lesson>.md`, as data.

A question is a section of that file: what is asked, then the answer in `<details>`. What
stands there says how it is to be answered:

- choice: options `- a) …`, and an answer that begins with the right letter, `**b**`, or with
  the right letters, `**a, c**`;
- typed: no options, and in the answer a `text` block with what is printed;
- open: neither. Only whoever answers can say whether it was right.

A line `Read again: [title](../lessons/dayNN.md#section)` says where it is explained.
"""

from __future__ import annotations

import re
from typing import Literal, NoReturn

import msgspec

from ..model.errors import GraderError, UsageError
from .catalog import Lesson, course

Kind = Literal["choice", "typed", "open"]

_OPENS = "<details><summary>Answer</summary>"
_CLOSES = "</details>"
_OPTION = re.compile(r"- (\w)\) (.+)")
_KEY = re.compile(r"\*\*(\w(?:, ?\w)*)\*\*[.:]?\s*")
_AGAIN = re.compile(r"^Read again: \[(.+)\]\((?:[./]*lessons/)([\w-]+)\.md#([\w-]+)\)\s*$", re.M)
_TRANSCRIPT = re.compile(r"^```text\n(.*?)^```\s*?$", re.M | re.S)
_PROGRAM = re.compile(r"^```python\n(.*?)^```\s*?$", re.M | re.S)


class Option(msgspec.Struct, frozen=True):
    """What can be chosen."""

    letter: str
    text: str


class QuizSection(msgspec.Struct, frozen=True):
    """Where in a lesson something is explained."""

    title: str
    lesson: str
    anchor: str

    @property
    def command(self) -> str:
        return f"grade lesson {self.lesson} {self.anchor}"


class Question(msgspec.Struct, frozen=True):
    """A question with its answer.

    Attributes:
        name: its heading without the number, which may change when another one is put in.
        text: what is asked, as markdown, without the options.
        key: the right letters, or what is printed; empty for an open question.
        explanation: why, as markdown.
        again: where to read again.
        line: of its heading.
    """

    name: str
    kind: Kind
    text: str
    options: tuple[Option, ...]
    key: str
    explanation: str
    again: QuizSection | None
    line: int

    @property
    def program(self) -> str:
        """The program that it asks about; empty if it asks about none."""
        found = _PROGRAM.search(self.text)
        return found[1] if found else ""

    def letters(self, given: str) -> str | None:
        """The letters that were chosen, in order, as in `a c`, `ac` and `A,C`; None if it is
        no choice: other letters, or several where one is right."""
        chosen = sorted({*re.sub(r"[\s,;.)]", "", given.lower())})
        letters = {option.letter for option in self.options}
        is_choice = chosen and letters.issuperset(chosen)
        return "".join(chosen) if is_choice and (len(chosen) == 1 or len(self.key) > 1) else None


def quiz(lesson: Lesson) -> tuple[Question, ...]:
    """The questions of a lesson's quiz, in their order.

    Raises:
        UsageError: the lesson has none.
        GraderError: its file is not as it should be.
    """
    file = course().quiz(lesson)
    if not file.is_file():
        raise UsageError(f"{lesson.name} has no quiz", f"read it: grade lesson {lesson.name}")
    return parse(file.read_text("utf-8"), str(file))


def parse(text: str, file: str) -> tuple[Question, ...]:
    """The questions that a text holds.

    Args:
        file: its name, for complaints.

    Raises:
        GraderError: the text is malformed. The error names the file and the line.
    """
    lines = text.splitlines()
    bare = _without_programs(lines, file)
    starts = [index for index, line in enumerate(bare) if line.startswith("## ")]
    if not starts:
        _refuse(file, 1, "there is no question", "a question begins with `## 1. Its name`")
    ends = [*starts[1:], len(lines)]
    questions = [
        _Part(file, start, lines[start:end], bare[start:end]).question()
        for start, end in zip(starts, ends, strict=True)
    ]
    names: set[str] = set()
    for question in questions:
        if question.name in names:
            _refuse(file, question.line, f"there are two questions {question.name!r}")
        names.add(question.name)
    return tuple(questions)


class _Part(msgspec.Struct, frozen=True):
    """The part of a file that holds one question; `bare` is without its programs."""

    file: str
    start: int
    lines: list[str]
    bare: list[str]

    def question(self) -> Question:
        opens, closes = self._answer()
        answer = "\n".join(self.lines[opens + 1 : closes]).strip()
        text, options = self._asked(opens)
        again = _AGAIN.search(answer)
        key = _KEY.match(answer)
        printed = _TRANSCRIPT.search(answer)
        self._check(options, key[1] if key else "", answer, opens)
        if options and key:
            kind, answer = "choice", answer[key.end() :]
        elif printed:
            kind, answer = "typed", _TRANSCRIPT.sub("", answer, count=1)
        else:
            kind = "open"
        letters = "".join(sorted(re.findall(r"\w", key[1]))) if key else ""
        return Question(
            name=re.sub(r"^\d+\. ", "", self.bare[0][3:].strip()),
            kind=kind,  # type: ignore[arg-type]
            text=text,
            options=options,
            key=printed[1] if printed and kind == "typed" else letters,
            explanation=_AGAIN.sub("", answer).strip(),
            again=QuizSection(*again.groups()) if again else None,
            line=self.start + 1,
        )

    def _answer(self) -> tuple[int, int]:
        """The lines between which the answer stands."""
        if _OPENS not in self.bare:
            self._refuse(0, "the question has no answer", f"put it below {_OPENS}")
        opens = self.bare.index(_OPENS)
        if _CLOSES not in self.bare[opens:]:
            self._refuse(opens, "the answer has no end", f"put {_CLOSES} below it")
        closes = self.bare.index(_CLOSES, opens)
        for index in range(closes + 1, len(self.lines)):
            if self.lines[index].strip():
                self._refuse(index, "nothing may stand below a question's answer")
        return opens, closes

    def _asked(self, end: int) -> tuple[str, tuple[Option, ...]]:
        """What stands above the answer: the question, and the options."""
        told: list[str] = []
        options: list[list[str]] = []
        is_option = False
        for line, bare in zip(self.lines[1:end], self.bare[1:end], strict=True):
            if found := _OPTION.match(bare):
                options.append([found[1], found[2]])
                is_option = True
            elif is_option and line.startswith("  "):
                options[-1][1] += f" {line.strip()}"
            else:
                is_option = False
                told.append(line)
        return "\n".join(told).strip(), tuple(Option(*option) for option in options)

    def _check(self, options: tuple[Option, ...], key: str, answer: str, opens: int) -> None:
        """That the key is one."""
        letters = [option.letter for option in options]
        if letters != [*"abcdefgh"[: len(letters)]] or len(letters) == 1:
            self._refuse(0, "the options are not a, b, … in order")
        if not _AGAIN.sub("", answer).strip():
            self._refuse(opens, "the answer is empty")
        if options and not key:
            self._refuse(opens, "the answer names no option", "begin it with the letter: **a**")
        for letter in re.findall(r"\w", key):
            if letter not in letters:
                self._refuse(opens, f"the answer is {letter}, and there is no option {letter}")

    def _refuse(self, index: int, problem: str, remedy: str = "") -> NoReturn:
        _refuse(self.file, self.start + index + 1, problem, remedy)


def _without_programs(lines: list[str], file: str) -> list[str]:
    """The lines, with nothing in the place of programs, where `## ` begins a comment."""
    bare = []
    fence: int | None = None
    for index, line in enumerate(lines):
        if line.startswith("```"):
            fence = index if fence is None else None
            bare.append("")
        else:
            bare.append(line if fence is None else "")
    if fence is not None:
        _refuse(file, fence + 1, "this block has no end", "put ``` below it")
    return bare


def _refuse(file: str, line: int, problem: str, remedy: str = "") -> NoReturn:
    raise GraderError(f"{file}:{line}: {problem}", remedy or "correct the quiz")
