"""A whole lesson on next to nothing, as an author adds it: files, and an entry in `course.toml`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.course.files import write_whole

ROOT = Path(__file__).parents[1]
CACHE = TemporaryDirectory()
"""What commands that tests run keep for the next one, and no one else finds."""

ENTRY = """
[lessons.toy]
title = "Waiting"
minutes = 5

[lessons.toy.exercises]
1 = "A nap"
2 = "A nap for two"
"""
LESSON = """# Waiting

## Why wait?

Because it is so quiet.

## A nap with others

Two can sleep at once.
"""
STUB = '''"""Waiting. Your answers go into this file."""

import asyncio

from fastapi import FastAPI

SECONDS = 1


def exercise_1():
    """GET /nap answers after a second."""
    app = FastAPI()

    @app.get("/nap")
    async def nap():
        await asyncio.sleep(2 * SECONDS)

    return app


def exercise_2(sleep):
    """GET /nap calls sleep(), and answers with what it returns."""
    raise NotImplementedError("exercise 2")
'''
HINTS = """# Hints

## Exercise 1

### Step 1

Count. [Why wait?](../../lessons/toy.md#why-wait)

## Exercise 2

### Step 1

Call it. [A nap with others](../../lessons/toy.md#a-nap-with-others)
"""
SOLUTION = '''"""Waiting: the reference answers."""

import asyncio

from fastapi import FastAPI

SECONDS = 1


def exercise_1():
    """A second is enough. Read: [Why wait?](../../lessons/toy.md#why-wait)."""
    app = FastAPI()

    @app.get("/nap")
    async def nap():
        await asyncio.sleep(SECONDS)

    return app


def exercise_2(sleep):
    """Who sleeps is awaited. Read: [Why wait?](../../lessons/toy.md#why-wait)."""
    app = FastAPI()

    @app.get("/nap")
    async def nap():
        return await sleep()

    return app
'''
CHECKS = '''"""The checks of the toy lesson."""

from grader.checks import answers, assert_same, elapsed, exercise, get, scenario, takes


@exercise(1)
def test_nap_takes_a_second():
    """A nap takes a second."""
    assert_same(elapsed, of=scenario(get("/nap")))


@exercise(2)
def test_nap_is_what_was_asked_for(sample):
    """The answer is what sleep() returns, when it does."""
    assert_same(answers, elapsed, of=scenario(get("/nap"), sleep=takes(3, sample.record())))
'''

QUIZ = """# Quiz

## 1. Naps

How long is a nap?

- a) A second.
- b) A year.

<details><summary>Answer</summary>

**a**. It is short.

Read again: [Why wait?](../lessons/toy.md#why-wait)

</details>
"""
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}

USUAL = ("lessons", "exercises", "solutions", "checks", "quizzes", "notebooks")


def write_toy(course: Path, **folders: str) -> list[Path]:
    """Add the lesson's files to a course, in its folders; the files are returned."""
    where = {name: course / folders.get(name, name) for name in USUAL}
    files = {
        where["lessons"] / "toy.md": LESSON,
        where["exercises"] / "toy" / "exercise.py": STUB,
        where["exercises"] / "toy" / "hints.md": HINTS,
        where["solutions"] / "toy" / "solution.py": SOLUTION,
        where["checks"] / "test_toy.py": CHECKS,
        where["quizzes"] / "toy.md": QUIZ,
        where["notebooks"] / "toy.ipynb": json.dumps(NOTEBOOK),
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        assert not file.exists()
        file.write_text(text, "utf-8")
    return list(files)


def write_course(folder: Path) -> Path:
    """A course of this lesson alone, in a folder, which is returned."""
    (folder / "course.toml").write_text(ENTRY, "utf-8")
    write_toy(folder)
    return folder


def change(file: Path, old: str, new: str) -> None:
    """Replace the first place of a text in a file. Those who read it meanwhile find no half."""
    text = file.read_text("utf-8")
    assert old in text
    write_whole(file, text.replace(old, new, 1))


def environment(**more: str) -> dict[str, str]:
    """Of a process that runs this very code, whatever is set where the tests run."""
    left_out = ("GRADER_COURSE", "GRADER_LANGUAGE", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    usual = {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "XDG_CACHE_HOME": CACHE.name}
    return kept | usual | more


def run_grade(
    folder: Path, *words: object, typed: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it, in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, words)],
        cwd=folder,
        env=environment(**env),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
