"""The questions of a quiz, from `quizzes/<lesson>.md`, as data.

A question is a section of that file: what is asked, then the answer in `<details>`. What
stands there says how it is to be answered:

- choice: options `- a) …`, and an answer that begins with the right letter, `**b**`, or with
  the right letters, `**a, c**`;
- typed: no options, and in the answer a `text` block with what is printed;
- open: neither. Only the learner can say whether the answer was right.

A line `Read again: [title](../lessons/dayNN.md#section)` says where it is explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NoReturn

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ..model.errors import GraderError, UsageError
from .catalog import Lesson, course
from .languages import translated

Kind = Literal["choice", "typed", "open"]

_OPENS = "<details><summary>Answer</summary>"
_CLOSES = "</details>"
_OPTION = re.compile(r"(\w)\) (.+)", re.DOTALL)
_KEY = re.compile(r"\*\*(\w(?:, ?\w)*)\*\*[.:]?\s*")
_AGAIN = re.compile(
    r"^Read again: \[(.+)\]\([./]*lessons/([\w-]+)(?:\.[a-z]{2,3})?\.md#([\w-]+)\)\s*$", re.M
)
_PARSER = MarkdownIt("commonmark")


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
        return next((block.content for block in _fences(self.text, "python")), "")

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
    file = translated(course().quiz(lesson))
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
    tokens = [token for token in _PARSER.parse(text) if token.map and token.level == 0]
    _refuse_open_fences(tokens, lines, file)
    starts = [
        _begin(token) for token in tokens if (token.type, token.tag) == ("heading_open", "h2")
    ]
    if not starts:
        _refuse(file, 1, "there is no question", "a question begins with `## 1. Its name`")
    ends = [*starts[1:], len(lines)]
    questions = [
        _Part(file, start, lines[start:end]).question()
        for start, end in zip(starts, ends, strict=True)
    ]
    names: set[str] = set()
    for question in questions:
        if question.name in names:
            _refuse(file, question.line, f"there are two questions {question.name!r}")
        names.add(question.name)
    return tuple(questions)


class _Part:
    """The part of a file that holds one question."""

    def __init__(self, file: str, start: int, lines: list[str]) -> None:
        self.file = file
        self.start = start
        self.lines = lines
        self._tokens = _PARSER.parse("\n".join(lines))

    def question(self) -> Question:
        opens, closes = self._answer()
        answer = "\n".join(self.lines[opens + 1 : closes]).strip()
        text, options = self._asked(opens)
        again, key = _AGAIN.search(answer), _KEY.match(answer)
        printed = next(_fences(answer, "text"), None)
        self._check(options, key[1] if key else "", answer, opens)
        kind: Kind = "open"
        if options and key:
            kind, answer = "choice", answer[key.end() :]
        elif printed:
            kind, answer = "typed", _without(answer.split("\n"), printed)
        letters = "".join(sorted(re.findall(r"\w", key[1]))) if key else ""
        return Question(
            name=re.sub(r"^\d+\. ", "", self.lines[0].removeprefix("##").strip()),
            kind=kind,
            text=text,
            options=options,
            key=printed.content if printed and kind == "typed" else letters,
            explanation=_AGAIN.sub("", answer).strip(),
            again=QuizSection(*again.groups()) if again else None,
            line=self.start + 1,
        )

    def _answer(self) -> tuple[int, int]:
        """The lines between which the answer stands."""
        marks = [token for token in self._tokens if token.type == "html_block"]
        opens = next((_begin(one) for one in marks if one.content.startswith(_OPENS)), None)
        if opens is None:
            self._refuse(0, "the question has no answer", f"put it below {_OPENS}")
        ends = (_begin(one) for one in marks if one.content.startswith(_CLOSES))
        closes = next((end for end in ends if end > opens), None)
        if closes is None:
            self._refuse(opens, "the answer has no end", f"put {_CLOSES} below it")
        for index in range(closes + 1, len(self.lines)):
            if self.lines[index].strip():
                self._refuse(index, "nothing may follow a question's answer")
        return opens, closes

    def _asked(self, end: int) -> tuple[str, tuple[Option, ...]]:
        """What stands above the answer: the question, and the options."""
        lists = [t for t in self._tokens if t.type == "bullet_list_open" and t.level == 0]
        for token in lists:
            options = tuple(self._options(token))
            if options and _begin(token) < end:
                return _without(self.lines[1:end], token, first=1), options
        return "\n".join(self.lines[1:end]).strip(), ()

    def _options(self, opens: Token) -> Iterator[Option]:
        """The items of a list that are options."""
        first, last = opens.map or (0, 0)
        for token in self._tokens:
            is_item = token.type == "inline" and token.level == 3 and first <= _begin(token) < last
            found = _OPTION.fullmatch(token.content) if is_item else None
            if found:
                yield Option(found[1], " ".join(found[2].split()))

    def _check(self, options: tuple[Option, ...], key: str, answer: str, opens: int) -> None:
        """Refuse a key that makes no sense."""
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


def _fences(text: str, language: str) -> Iterator[Token]:
    """The blocks of code of a text that are in one language."""
    return (t for t in _PARSER.parse(text) if t.type == "fence" and t.info.strip() == language)


def _without(lines: list[str], block: Token, first: int = 0) -> str:
    """The text of lines, but for those of a block; `first` is the number of the first line."""
    begin, end = block.map or (0, 0)
    return "\n".join([*lines[: begin - first], *lines[end - first :]]).strip()


def _refuse_open_fences(tokens: list[Token], lines: list[str], file: str) -> None:
    for token in tokens:
        if token.type == "fence" and token.map:
            begin, end = token.map
            last = lines[end - 1].strip() if end <= len(lines) else ""
            if end - begin < 2 or not last.startswith(token.markup):
                _refuse(file, begin + 1, "this block has no end", "put ``` below it")


def _begin(token: Token) -> int:
    """The line on which a block begins, from zero."""
    return token.map[0] if token.map else 0


def _refuse(file: str, line: int, problem: str, remedy: str = "") -> NoReturn:
    raise GraderError(f"{file}:{line}: {problem}", remedy or "correct the quiz")
