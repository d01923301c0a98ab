"""Lessons, quizzes, hints, notebooks: each program in them runs, each link leads somewhere."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from programs import FENCE, Program, blocks_of, lesson_programs, run

from grader.course import catalog
from grader.course.quiz import parse

ROOT = Path(__file__).parents[1]
LESSONS = sorted(ROOT.glob("lessons/*.md"))
QUIZZES = sorted(ROOT.glob("quizzes/*.md"))
STUBS = sorted(ROOT.glob("exercises/*/exercise.py"))
HINTS = [stub.with_name("hints.md") for stub in STUBS]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))

DETAILS = re.compile(
    r"^<details><summary>Answer</summary>\n(?P<answer>.*?)^</details>$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


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


def sections(text: str, heading: str) -> Iterator[tuple[str, str, int]]:
    """The sections under each heading of one depth: its title, its text, its line."""
    hidden = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    starts = list(re.finditer(rf"^{heading} (?P<title>.+)$", hidden, re.MULTILINE))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=True):
        yield match["title"], text[match.end() : end], text.count("\n", 0, match.start()) + 1


def questions_of(path: Path) -> list[Question]:
    found = []
    for title, body, line in sections(path.read_text("utf-8"), "##"):
        details = DETAILS.search(body)
        asked = body if details is None else body[: details.start()]
        answer = "" if details is None else details["answer"]
        found.append(Question(path, title, asked, answer, line))
    return found


def quiz_programs(path: Path) -> list[Program]:
    """The programs of a quiz, each with the transcript that its answer holds."""
    return [
        Program(path, question.line, source, "".join(texts(question.answer, "text")))
        for question in QUESTIONS
        if question.path == path
        for source in texts(question.asked, "python")
    ]


def texts(markdown: str, language: str) -> list[str]:
    return [block.text for block in blocks_of(markdown) if block.language == language]


QUESTIONS = [question for quiz in QUIZZES for question in questions_of(quiz)]
PROGRAMS = [
    *(program for lesson in LESSONS for program in lesson_programs(lesson)),
    *(program for quiz in QUIZZES for program in quiz_programs(quiz)),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_prints_what_the_text_says(program: Program) -> None:
    """What stands under a program is what it printed."""
    assert run(program.source, str(program)) == program.prints


@pytest.mark.parametrize("lesson", LESSONS, ids=label)
def test_a_lesson_shows_no_transcript_without_its_program(lesson: Path) -> None:
    """A text block stands right under the python block that printed it."""
    shown = texts(lesson.read_text("utf-8"), "text")
    assert shown == [program.prints for program in lesson_programs(lesson) if program.prints]


@pytest.mark.parametrize("lesson", LESSONS, ids=label)
def test_a_lesson_can_be_read_in_the_time_that_it_says(lesson: Path) -> None:
    """Two hundred words a minute, and a minute for each program. None is longer than agreed."""
    programs = [program.source for program in lesson_programs(lesson)]
    words = len(FENCE.sub("", lesson.read_text("utf-8")).split())
    assert words <= 2500
    assert sum(len(program.splitlines()) for program in programs) <= 350
    assert catalog.lesson(lesson.stem).minutes >= words / 200 + len(programs)


@pytest.mark.parametrize("path", [*LESSONS, *QUIZZES, *HINTS], ids=label)
def test_every_fence_says_what_it_holds(path: Path) -> None:
    """A block is a program, its output, or a command; nothing else escapes the tests."""
    languages = {block.language for block in blocks_of(path.read_text("utf-8"))}
    assert languages <= {"python", "text", "console", "mermaid"}
    assert path.read_text("utf-8").count("```") == 2 * len(blocks_of(path.read_text("utf-8")))


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


# Quizzes


@pytest.mark.parametrize("quiz", QUIZZES, ids=label)
def test_questions_are_numbered_in_order(quiz: Path) -> None:
    """There are enough questions, counted from one, with enough of them to be run."""
    titles = [question.title for question in QUESTIONS if question.path == quiz]
    assert [int(title.partition(".")[0]) for title in titles] == [*range(1, len(titles) + 1)]
    assert 12 <= len(titles) <= 20
    assert len(quiz_programs(quiz)) >= 7


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
        assert texts(question.answer, "text")


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
    """Each exercise of the stub has two or three steps, and no hint is for none."""
    factories = re.findall(r"^def exercise_(\d+)\(", stub.read_text("utf-8"), re.MULTILINE)
    hints = dict(hints_of(stub.with_name("hints.md")))
    assert list(hints) == [f"Exercise {number}" for number in factories]
    for steps in hints.values():
        assert 2 <= len(steps) <= 3
        assert list(steps) == [f"Step {number}" for number in range(1, len(steps) + 1)]
        assert all(text.strip() for text in steps.values())


def hints_of(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for title, body, _ in sections(path.read_text("utf-8"), "##"):
        yield title, {step: text for step, text, _ in sections(body, "###")}


# Links


@pytest.mark.parametrize("path", [*LESSONS, *QUIZZES, *HINTS], ids=label)
def test_every_link_leads_somewhere(path: Path) -> None:
    """Links to files of the project exist, and so do the headings that they name."""
    assert [link for link in links_of(path.read_text("utf-8")) if not resolves(path, link)] == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """Neither a missing file nor a missing heading passes."""
    page = tmp_path / "page.md"
    page.write_text("# Top\n\n## One: two\n", "utf-8")
    links = ("#one-two", "page.md#top", "#one", "other.md", "https://example.org")
    assert [resolves(page, link) for link in links] == [True, True, False, False, True]


def links_of(text: str) -> list[str]:
    return [match["target"] for match in LINK.finditer(FENCE.sub("", text))]


def resolves(page: Path, link: str) -> bool:
    if link.startswith("https://"):
        return True
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.is_file() and (not anchor or anchor in anchors_of(target.read_text("utf-8")))


def anchors_of(text: str) -> set[str]:
    """The anchors of a text's headings, as GitHub makes them."""
    anchors: dict[str, None] = {}
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        again = (f"{slug}-{number}" for number in range(1, 100))
        anchors[slug if slug not in anchors else next(a for a in again if a not in anchors)] = None
    return set(anchors)


# Notebooks


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=label)
def test_a_notebook_is_stripped(notebook: Path) -> None:
    """No outputs, no counts, and no more metadata than the kernel and the language."""
    content = json.loads(notebook.read_text("utf-8"))
    assert (content["nbformat"], set(content["metadata"])) == (4, {"kernelspec", "language_info"})
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    for cell in content["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=label)
def test_every_cell_of_a_notebook_runs(notebook: Path) -> None:
    """Cells run in order, in one namespace, where a loop is running already."""
    failures: list[BaseException] = []
    thread = threading.Thread(target=run_cells, args=(notebook, failures))
    thread.start()
    thread.join()
    assert failures == []


def run_cells(notebook: Path, failures: list[BaseException]) -> None:
    try:
        asyncio.run(run_as_jupyter_does(notebook))
    except BaseException as error:
        error.add_note(f"in {notebook.name}")
        failures.append(error)


async def run_as_jupyter_does(notebook: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(code_cells(notebook)):
        code = compile(
            source,
            f"{notebook.name}[{number}]",
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            await result


def code_cells(notebook: Path) -> list[str]:
    """Those that are Python; what begins with a magic only a kernel can run."""
    content = json.loads(notebook.read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if not cell.startswith("%")]
