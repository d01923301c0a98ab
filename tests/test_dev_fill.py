"""`grade dev fill`: what a lesson's programs print is written for its author.

It takes 4 s of CPU time.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy import STUB, run_grade, write_course

from grader.authoring import filling
from grader.authoring.skeletons import in_notebook
from grader.course import catalog

PROGRAM = """
```python
import asyncio

async def main():
    await asyncio.sleep(0.01)
    print("woken")

asyncio.run(main())
```
"""
ASKED = """
## 2. How long

What is printed?
{program}
<details><summary>Answer</summary>

It takes no time here.

Read again: [Why wait?](../lessons/toy.md#why-wait)

</details>
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of one lesson, which keeps its stub."""
    write_course(tmp_path)
    (tmp_path / "solutions/toy/stub.py").write_text(STUB, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text("utf-8") + text, "utf-8")


def lesson() -> catalog.Lesson:
    return catalog.lessons()[0]


def test_what_is_missing_is_written_and_then_nothing_is(course: Path) -> None:
    """A transcript, one that was wrong, one that is empty, a key, a stub's copy, a notebook."""
    wrong, empty = "```python\nprint(1)\n```\n```text\n2\n```\n", "```python\nx = 1\n```\n"
    append(course / "lessons/toy.md", f"{PROGRAM}\n{wrong}\n{empty}```text\n3\n```\n\nThe end.\n")
    append(course / "quizzes/toy.md", ASKED.format(program=PROGRAM))
    append(course / "exercises/toy/exercise.py", "\nMORE = 1\n")
    (course / "notebooks/toy.ipynb").unlink()
    done = run_grade(course, "dev", "fill")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("wrote ")[1:] == [
        "lessons/toy.md\n",
        "notebooks/toy.ipynb\n",
        "quizzes/toy.md\n",
        "solutions/toy/stub.py\n",
    ]
    text = (course / "lessons/toy.md").read_text("utf-8")
    right = wrong.replace("2", "1")
    assert text.endswith(f"{PROGRAM}```text\nwoken\n```\n\n{right}\n{empty}\nThe end.\n")
    quiz = (course / "quizzes/toy.md").read_text("utf-8")
    assert "Answer</summary>\n\n```text\nwoken\n```\n\nIt takes no time" in quiz
    assert run_grade(course, "dev", "fill").stdout == "There is nothing to write.\n"
    assert run_grade(course, "dev", "check", "toy").stdout == "Nothing is wrong.\n"


def test_key_of_a_quiz_is_replaced(course: Path) -> None:
    answer = "<details><summary>Answer</summary>\n"
    wrong = ASKED.format(program=PROGRAM).replace(answer, f"{answer}\n```text\nasleep\n```\n")
    append(course / "quizzes/toy.md", wrong)
    made = filling.filled(lesson())
    [text] = made.files.values()
    assert text == (course / "quizzes/toy.md").read_text("utf-8").replace("asleep", "woken")


def test_program_that_cannot_be_shown_is_named_and_the_rest_is_written(course: Path) -> None:
    broken = '\n```python\n1 / 0\n```\n\n```python\nprint(1, end="")\n```\n'
    append(course / "lessons/toy.md", broken + PROGRAM)
    made = filling.filled(lesson())
    assert [str(problem) for problem in made.problems] == [
        "lessons/toy.md:12: the program raises ZeroDivisionError: division by zero",
        "lessons/toy.md:16: what the program prints doesn't end with a newline, so no block can"
        " show it",
    ]
    assert [file.name for file in made.files] == ["toy.md"]


def test_solved_exercise_is_not_taken_for_a_stub(course: Path) -> None:
    """In a clone the author may have done the exercises, too."""
    answers = course / "exercises/toy/exercise.py"
    text = answers.read_text("utf-8")
    answers.write_text(text.replace('raise NotImplementedError("exercise 2")', "return 1"), "utf-8")
    made = filling.filled(lesson())
    assert made.files == {}
    [problem] = made.problems
    assert str(problem).startswith("exercises/toy/exercise.py:21: exercise_2 is solved here")


def test_quiz_that_cannot_be_read_is_named(course: Path) -> None:
    append(course / "quizzes/toy.md", "\n## 2. No answer\n\nWhy?\n")
    made = filling.filled(lesson())
    assert [problem.line for problem in made.problems] == [18]


def test_notebook_holds_the_programs_and_a_cell_for_each_exercise(course: Path) -> None:
    append(course / "lessons/toy.md", f"\n## Try\n{PROGRAM}\nNow: `grade toy 2`.\n")
    (course / "notebooks/toy.ipynb").unlink()
    text = filling.filled(lesson()).files[course / "notebooks/toy.ipynb"]
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
    assert "## Try\n" in cells[-3]
    assert cells[-2].endswith("await main()")
    assert cells[-1].startswith("%%grade toy 2\ndef exercise_2(sleep):")


@pytest.mark.parametrize(
    ("program", "cell"),
    [
        ("print(asyncio.run(f('ä')))", "print(await f('ä'))"),
        ("x = asyncio.run(f()), asyncio.run(g())", "x = await f(), await g()"),
        ("def f():\n    asyncio.run(g())", "def f():\n    asyncio.run(g())"),
        ("for x in y:\n    asyncio.run(g())", "for x in y:\n    await g()"),
    ],
)
def test_program_awaits_where_a_loop_is_running_already(program: str, cell: str) -> None:
    assert in_notebook(program) == cell
