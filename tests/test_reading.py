"""Lessons in the terminal: sections by name, links as commands, programs that can be read."""

from __future__ import annotations

import io
import re

import pytest
from learner import DAY53, MISTAKES, ROOT, Learner
from rich.console import Console
from rich.text import Text

from grader.authoring.markdown import blocks_of
from grader.render.code import clipped, highlighted
from grader.render.outline import matching, nearest, outline
from grader.render.reading import show_markdown, with_commands

LESSON = (ROOT / "lessons" / "day53.md").read_text("utf-8")

SMALL = """\
# Top

Before.

## One: two

First.

```python
## no heading
```

### Deep in

Deeper.

## Again

x

## Again

y
"""


def shown(text: str, width: int = 60, colours: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colours,
        color_system="standard" if colours else None,
        _environ={},
    )
    show_markdown(text, console, "day53")
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


# Sections


def test_sections_hold_those_within_them() -> None:
    """The title of the whole is none, and neither is a comment in a program."""
    parts = {part.anchor: part for part in outline(SMALL)}
    assert [*parts] == ["one-two", "deep-in", "again", "again-1"]
    assert parts["one-two"].text.startswith("## One: two\n")
    assert parts["one-two"].text.endswith("Deeper.\n\n")
    assert parts["deep-in"].text == "### Deep in\n\nDeeper.\n\n"
    assert parts["again-1"].text == "## Again\n\ny\n"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("again", ["again"]),
        ("one", ["one-two"]),
        ("#deep-in", ["deep-in"]),
        ("One: two", ["one-two"]),
        ("agai", ["again", "again-1"]),
        ("two", []),
        ("", []),
    ],
)
def test_a_section_is_found_by_its_name_or_its_beginning(asked: str, found: list[str]) -> None:
    """A whole name isn't the beginning of another."""
    assert [part.anchor for part in matching(outline(SMALL), asked)] == found


def test_the_nearest_section_comes_first() -> None:
    names = [part.anchor for part in nearest(outline(LESSON), "blokcing-lop")]
    assert names[0] == "blocking-the-loop"
    assert len(names) == len(outline(LESSON))


# The command


def test_a_section_is_shown_alone(learner: Learner) -> None:
    """With what comes next, and without what surrounds it."""
    result = learner.grade("lesson", "day53", "blocking-the-loop")
    assert result.exit_code == 0
    assert result.output.startswith("▸ Blocking the loop\n")
    assert "`time.sleep` is an ordinary function" in result.output
    assert "What happens at an await" not in result.output
    assert "Async in FastAPI" not in result.output
    assert result.output.endswith("\nnext: grade lesson day53 async-in-fastapi\n")
    assert learner.grade("lesson", "day53", "block").output == result.output


def test_a_section_is_shown_with_those_within_it(learner: Learner) -> None:
    result = learner.grade("lesson", "day53", "asyncawait-syntax")
    assert "▸ Blocking the loop" in result.output
    assert result.output.endswith("\nnext: grade lesson day53 async-in-fastapi\n")


def test_a_number_is_that_of_an_exercise(learner: Learner) -> None:
    assert learner.grade("lesson", "day53", 2).output.startswith("Concurrent operations\n─────")


def test_the_last_section_has_none_after_it(learner: Learner) -> None:
    assert "next:" not in learner.grade("lesson", "day53", "key-takeaways").output


def test_the_whole_lesson_goes_into_a_pipe(learner: Learner) -> None:
    result = learner.grade("lesson", "day53")
    assert result.exit_code == 0
    assert result.output.startswith("Day 53: async FastAPI\n═════")
    for part in outline(LESSON):
        assert re.search(rf"^(▸ )?{re.escape(part.title.replace('`', ''))}", result.output, re.M)


def test_sections_are_listed(learner: Learner) -> None:
    """Those within another stand further in. Each of them can be asked for."""
    result = learner.grade("lesson", "day53", "--sections")
    names = result.output.split("\n\n")[0].splitlines()
    assert "  blocking-the-loop" in names
    assert [name.strip() for name in names] == [part.anchor for part in outline(LESSON)]


def test_an_unknown_section_is_told_what_there_is(learner: Learner) -> None:
    result = learner.grade("lesson", "day53", "timeuots")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "day53 has no section 'timeuots'" in result.output
    told = result.output[result.output.index("nearest first:") :]
    assert re.findall(r"[\w-]+", told)[2] == "timeouts"
    assert {part.anchor for part in outline(LESSON)} <= set(re.findall(r"[\w-]+", told))
    assert max(map(len, result.output.splitlines())) <= 60


def test_an_ambiguous_section_is_told_what_it_may_be(learner: Learner) -> None:
    result = learner.grade("lesson", "day53", "one")
    assert result.exit_code == 2
    assert "several sections of day53 begin with 'one'" in result.output
    told = re.findall("one-[a-z-]+", result.output)
    assert told == ["one-thread-and-still-a-race", "one-connection-is-not-enough"]


def test_a_terminal_gets_a_pager(learner: Learner) -> None:
    """The one that is asked for; in colour if that can show it."""
    status, text = learner.on_terminal("lesson", "day53", PAGER="tail -n 3")
    assert status == 0
    assert len(text.splitlines()) == 3
    assert "current/)." in text


def test_a_long_section_gets_one_too(learner: Learner) -> None:
    status, text = learner.on_terminal("lesson", "day53", "blocking", PAGER="tail -n 3")
    assert status == 0
    assert len(text.splitlines()) == 3
    assert "next: grade lesson day53 " in text


def test_a_command_in_a_table_is_left_out() -> None:
    """Its columns are too narrow for one."""
    table = "| what | where |\n|---|---|\n| [A](#timeouts) | [B](day54.md#b) |"
    assert with_commands(table, "day53").endswith("| A | B |")


def test_no_colour_is_no_colour(learner: Learner) -> None:
    _, text = learner.on_terminal("lesson", "day53", "timeouts", NO_COLOR="1", PAGER="less -E")
    assert "async" in text
    assert not re.search(r"\x1b\[[\d;]*[34]\dm", text)


# Markdown


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("[A](#timeouts)", "A (`grade lesson day53 timeouts`)"),
        ("[A](../lessons/day54.md#b-c)", "A (`grade lesson day54 b-c`)"),
        ("[A](../../lessons/day53.md)", "A (`grade lesson day53`)"),
        ("[A](day54.md#b)", "A (`grade lesson day54 b`)"),
        ("[A](../quizzes/day53.md)", "A (`grade quiz day53`)"),
        ("[A](../notebooks/day53.ipynb)", "A (`grade notebook day53`)"),
        ("[A](../exercises/day53/exercise.py)", "A (`exercises/day53/exercise.py`)"),
        ("[`exercises/x.py`](../exercises/x.py)", "`exercises/x.py`"),
        ("[A\nb](../quizzes/day53.md)", "A\nb (`grade quiz day53`)"),
        ("[A](https://example.org/x.md)", "[A](https://example.org/x.md)"),
        ("[A](mailto:x@example.org)", "[A](mailto:x@example.org)"),
        ("```python\n[A](#b)\n```", "```python\n[A](#b)\n```"),
        ("[A](#b)\n\n```python\nx\n```\n\n[A](#c)", None),
    ],
)
def test_links_become_what_can_be_typed(link: str, told: str | None) -> None:
    """But for those that lead outside, and for what is a program."""
    found = with_commands(link, "day53")
    assert found == (told if told is not None else found)
    assert found.count("```") == link.count("```")


@pytest.mark.parametrize("width", range(50, 80))
def test_a_command_is_not_broken_between_lines(width: int) -> None:
    """So that it can be copied."""
    text = shown("Some words, and then [a few more](#blocking-the-loop), and others.", width)
    assert "grade lesson day53 blocking-the-loop" in text
    assert max(map(len, text.splitlines())) <= width


def test_an_address_outside_can_be_seen() -> None:
    assert "here (https://example.org/)" in shown("[here](https://example.org/)")


def test_headings_programs_and_transcripts_can_be_told_apart_without_colour() -> None:
    text = "# A\n\n## Bc\n\n### D\n\nUse `x`.\n\n```python\nif x:\n    y()\n```\n```text\nz\n```\n"
    assert shown(text).strip().splitlines() == [
        "A", "═", "", "Bc", "──", "", "▸ D", "", "Use `x`.", "",
        "    if x:", "        y()", "", "  │ z",
    ]  # fmt: skip


def test_colours_leave_the_background_alone() -> None:
    """So that a program can be read on white and on black."""
    text = shown("Use `x`.\n\n```python\nasync def f(): return 'x'  # y\n```\n", colours=True)
    codes = {code for found in re.findall(r"\x1b\[([\d;]+)m", text) for code in found.split(";")}
    assert codes
    assert codes <= {"0", "1", "2", "3", "35"}
    assert "`" not in text


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_lesson_keeps_to_the_columns(width: int) -> None:
    assert max(map(len, shown(LESSON, width).splitlines())) <= width


def test_a_line_that_is_too_long_is_cut_with_a_mark() -> None:
    """And never wrapped: in Python that would be another program."""
    line = Text("    return await first_thing(second_thing, third_thing)")
    assert clipped(line, 30).plain == "    return await first_thing(s…"[:29] + "…"
    assert clipped(line, 80) is line


@pytest.mark.parametrize("text", ["x" * 100, " " * 70 + "y", "日本" * 40, " " * 30 + "日" * 60])
@pytest.mark.parametrize("width", [1, 10, 30])
def test_whatever_the_line_it_fits(text: str, width: int) -> None:
    assert clipped(Text(text), width).cell_len <= width


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_programs_of_a_lesson_can_be_copied_from_a_pipe(learner: Learner, columns: int) -> None:
    """Each line of each of them is there, whole, wherever prose is wrapped."""
    text = learner.grade("lesson", "day53", columns=columns).output
    shown = {line[4:].rstrip() for line in text.splitlines() if line.startswith("    ")}
    for block in blocks_of(LESSON):
        if block.language == "python":
            assert {line.rstrip() for line in block.text.splitlines()} - {""} <= shown


@pytest.mark.parametrize("file", sorted(MISTAKES.glob("2_*.py")), ids=lambda file: file.stem)
def test_highlighting_changes_no_program(file: object) -> None:
    source = getattr(file, "read_text")("utf-8")  # noqa: B009
    assert "\n".join(line.plain for line in highlighted(source)).rstrip() == source.rstrip()


def test_every_section_can_be_shown(learner: Learner) -> None:
    for part in outline(LESSON):
        result = learner.grade("lesson", DAY53.name, part.anchor, columns=60)
        assert result.exit_code == 0
        assert "](" not in re.sub(r"^ .*", "", result.output, flags=re.M)
