"""The guide for authors: every step of it is taken, in its order. It takes 20 s of CPU time."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from toy import ROOT, run_grade

from grader import checks
from grader.authoring.markdown import Block, blocks_of
from grader.authoring.reference import reference

GUIDE = ROOT / "docs/authoring.md"
TEXT = GUIDE.read_text("utf-8")
LINES = TEXT.splitlines()
SHOWN = ("console", "markdown")
"""Blocks that are no files: commands, and a part of a text."""


def file_of(block: Block) -> str:
    """The file whose text a block is: it is named at the end of the line above; else none."""
    above = "".join(LINES[max(0, block.line - 4) : block.line - 2])
    found = re.search(r"`([\w./-]+)`:$", above)
    return found[1] if found else ""


def test_every_block_of_the_guide_is_a_file_or_commands() -> None:
    blocks = blocks_of(TEXT)
    assert len(blocks) == TEXT.count("```") / 2
    others = [b.line for b in blocks if b.language not in SHOWN and not file_of(b)]
    assert others == []


class Reader:
    """Someone who does what the guide says.

    Attributes:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, block: Block) -> None:
        if name := file_of(block):
            (self.folder / name).write_text(block.text, "utf-8")
            return
        for session in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, *shown = session.splitlines()
            assert_shown(shown, self.run(shlex.split(command)), command)

    def run(self, words: list[str]) -> str:
        """What a command prints."""
        match words:
            case ["cd", name]:
                self.folder /= name
                return ""
            case ["grade", *rest]:
                done = run_grade(self.folder, *rest)
                assert done.stderr == ""
                return done.stdout
        subprocess.run(words, cwd=self.folder, check=True)
        return ""


def assert_shown(shown: list[str], printed: str, command: str) -> None:
    """The lines that the guide shows were printed: all of them, or with `...` some in order."""
    lines = [line.rstrip() for line in printed.splitlines()]
    if "..." not in shown:
        assert lines == shown, command
        return
    place = 0
    for line in shown:
        if line != "...":
            assert line in lines[place:], f"{command}: {line} isn't in\n{printed}"
            place += lines[place:].index(line) + 1


def test_guide_leads_from_nothing_to_a_lesson(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks_of(TEXT):
        reader.take(block)
    assert run_grade(reader.folder, "list").stdout.count("limits") >= 1


@pytest.mark.parametrize("name", ["takes", "post", "assert_same", "elapsed", "logged", "aspect"])
def test_reference_names_what_a_check_can_be_made_of(name: str) -> None:
    [entry] = re.findall(rf"^### `{name}\b.*\n\n(.+)", reference(), re.MULTILINE)
    first = (getattr(checks, name).__doc__ or "").splitlines()
    assert entry
    assert not first or name == "elapsed" or entry == first[0]


def test_reference_tells_of_every_function_that_a_check_can_import() -> None:
    """By its name, and with no address of an object in it."""
    functions = [n for n in checks.__all__ if inspect.isfunction(getattr(checks, n))]
    text = reference()
    assert [name for name in functions if f"### `{name}(" not in text] == []
    assert " at 0x" not in text
