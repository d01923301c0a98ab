"""Lessons, quizzes, hints, notebooks: each program in them runs, each link leads somewhere."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.authoring import bank, notebooks, texts
from grader.authoring.markdown import FENCE, blocks_of, resolves, sections
from grader.authoring.programs import ShownProgram, lesson_programs, run
from grader.course import catalog
from grader.course.quiz import parse

ROOT = Path(__file__).parents[1]
LESSONS = [catalog.course().lesson_text(lesson) for lesson in catalog.lessons()]
QUIZZES = [catalog.course().quiz(lesson) for lesson in catalog.lessons()]
STUBS = sorted(ROOT.glob("exercises/*/exercise.py"))
HINTS = [stub.with_name("hints.md") for stub in STUBS]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))

DETAILS = re.compile(
    r"^<details><summary>Answer</summary>\n(?P<answer>.*?)^</details>$", re.MULTILINE | re.DOTALL
)


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


# Programs


class Question(NamedTuple):
    """A question of a quiz: what it asks, and the part that is hidden until one looks."""

    path: Path
    title: str
    asked: str
    answer: str
    line: int

    def __str__(self) -> str:
        return f"{label(self.path)}: {self.title}"


def questions_of(path: Path) -> list[Question]:
    found = []
    for title, body, line in sections(path.read_text("utf-8"), "##"):
        details = DETAILS.search(body)
        asked = body if details is None else body[: details.start()]
        answer = "" if details is None else details["answer"]
        found.append(Question(path, title, asked, answer, line))
    return found


def quiz_programs(path: Path) -> list[ShownProgram]:
    """The programs of a quiz, each with the transcript that its answer holds."""
    return [
        ShownProgram(path, question.line, source, "".join(held(question.answer, "text")))
        for question in QUESTIONS
        if question.path == path
        for source in held(question.asked, "python")
    ]


def held(markdown: str, language: str) -> list[str]:
    return [block.text for block in blocks_of(markdown) if block.language == language]


QUESTIONS = [question for quiz in QUIZZES for question in questions_of(quiz)]
PROGRAMS = [
    *(program for lesson in LESSONS for program in lesson_programs(lesson)),
    *(program for quiz in QUIZZES for program in quiz_programs(quiz)),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_prints_what_the_text_says(program: ShownProgram) -> None:
    """What stands under a program is what it printed."""
    assert run(program.source, str(program)) == program.prints


@pytest.mark.parametrize("lesson", LESSONS, ids=label)
def test_a_lesson_shows_no_transcript_without_its_program(lesson: Path) -> None:
    """A text block stands right under the python block that printed it."""
    assert list(texts.stray_transcripts(lesson)) == []


@pytest.mark.parametrize("lesson", LESSONS, ids=label)
def test_a_lesson_can_be_read_in_the_time_that_it_says(lesson: Path) -> None:
    """Two hundred words a minute, and a minute for each program. None is longer than agreed."""
    programs = [program.source for program in lesson_programs(lesson)]
    words = len(FENCE.sub("", lesson.read_text("utf-8")).split())
    assert words <= 2500
    assert sum(len(program.splitlines()) for program in programs) <= 350
    assert catalog.lesson(lesson.stem).minutes >= words / 200 + len(programs)


@pytest.mark.parametrize("path", [*LESSONS, *QUIZZES, *HINTS], ids=label)
def test_every_fence_says_what_it_holds_and_every_link_leads_somewhere(path: Path) -> None:
    """A block is a program, its output, or a command; nothing else escapes the tests."""
    assert list(texts.problems_of_page(path)) == []


def test_a_wrong_transcript_is_noticed(tmp_path: Path) -> None:
    """The test above does compare: a text that claims something else is found out."""
    lesson = tmp_path / "lesson.md"
    lesson.write_text("```python\nprint(1)\n```\n```text\n2\n```\n", "utf-8")
    [program] = lesson_programs(lesson)
    assert (program.prints, run(program.source, "lesson")) == ("2\n", "1\n")


def test_a_program_waits_in_virtual_time() -> None:
    """A program that sleeps for five minutes is told that they have passed."""
    source = """
        import asyncio, time
        start = time.monotonic()
        asyncio.run(asyncio.sleep(300))
        print(time.monotonic() - start)
    """
    assert run(inspect.cleandoc(source), "sleeper") == "300.0\n"


def test_a_program_is_played_as_one_of_the_readers_own() -> None:
    """The play sees what its lines do, as it does where a reader runs the program."""
    source = """
        import asyncio
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from grader import play

        @asynccontextmanager
        async def lifespan(app):
            await asyncio.sleep(1)
            yield

        print([span.line for span in play(FastAPI(lifespan=lifespan)).spans])
    """
    assert run(inspect.cleandoc(source), "a program") == "[8]\n"


# Quizzes


@pytest.mark.parametrize("quiz", QUIZZES, ids=label)
def test_questions_are_numbered_in_order(quiz: Path) -> None:
    """They are counted from one."""
    titles = [question.title for question in QUESTIONS if question.path == quiz]
    assert [int(title.partition(".")[0]) for title in titles] == [*range(1, len(titles) + 1)]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_question_has_an_answer(question: Question) -> None:
    """The key names one of the options, or there is a transcript; never both."""
    options = re.findall(r"^- (\w)\) ", question.asked, re.MULTILINE)
    keys = re.findall(r"^\*\*(\w)\*\*", question.answer.strip(), re.MULTILINE)
    assert options == [*"abcdefgh"[: len(options)]]
    if options:
        assert len(options) >= 2
        assert len(keys) == 1
        assert keys[0] in options
    else:
        assert not keys
        assert held(question.answer, "text")


@pytest.mark.parametrize("quiz", QUIZZES, ids=label)
def test_a_typed_answer_is_compared_with_what_was_printed(quiz: Path) -> None:
    """The key that `grade quiz` knows is the transcript that is held to the program above."""
    typed = [q for q in parse(quiz.read_text("utf-8"), str(quiz)) if q.kind == "typed"]
    assert [(q.line, q.program, q.key) for q in typed] == [
        (program.line, program.source, program.prints) for program in quiz_programs(quiz)
    ]


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_an_answer_says_where_to_read_again(question: Question) -> None:
    """A learner who got it wrong is sent to the section that explains it."""
    assert re.search(r"^Read again: \[.+\]\(\.\./lessons/.+#.+\)$", question.answer, re.MULTILINE)


@pytest.mark.parametrize("quiz", QUIZZES, ids=label)
def test_the_keys_are_spread(quiz: Path) -> None:
    """Always guessing the same letter does not get one through."""
    answers = [question.answer.strip() for question in QUESTIONS if question.path == quiz]
    keys = [answer[2] for answer in answers if answer.startswith("**")]
    assert max(keys.count(key) for key in keys) <= 0.5 * len(keys)


# Hints


@pytest.mark.parametrize("stub", STUBS, ids=label)
def test_the_course_keeps_the_stub(stub: Path) -> None:
    """`solutions/dayNN/stub.py` is the learner's file before anyone has begun: in a clone that
    file is the learner's own. Change both together."""
    assert catalog.stub_source(catalog.lesson(stub.parent.name)) == stub.read_text("utf-8")


@pytest.mark.parametrize("stub", STUBS, ids=label)
def test_every_exercise_has_a_ladder_of_hints(stub: Path) -> None:
    """Each exercise of the stub has steps in order, and no hint is for none."""
    lesson = catalog.lesson(stub.parent.name)
    assert list(texts.problems_of_hints(lesson, stub.with_name("hints.md"))) == []
    assert list(texts.titles_without_exercise(lesson)) == []
    assert list(bank.problems_of_files(lesson)) == []


# Links


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """Neither a missing file nor a missing heading passes."""
    page = tmp_path / "page.md"
    page.write_text("# Top\n\n## One: two\n", "utf-8")
    links = ("#one-two", "page.md#top", "#one", "other.md", "https://example.org")
    assert [resolves(page, link) for link in links] == [True, True, False, False, True]


# Notebooks


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=label)
def test_a_notebook_is_stripped(notebook: Path) -> None:
    """No outputs, no counts, and no more metadata than the kernel and the language."""
    assert list(notebooks.leftovers(notebook)) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=label)
def test_every_cell_of_a_notebook_runs(notebook: Path) -> None:
    """Cells run in order, in one namespace, where a loop is running already."""
    assert list(notebooks.failing_cell(notebook)) == []
