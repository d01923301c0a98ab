"""Lessons, hints and quizzes in other languages. It takes 7 s of CPU time."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import HINTS, LESSON, QUIZ, change, run_grade, write_course

from grader.course.languages import language, translations

GERMAN = """# Warten

## Warum warten?

<!-- translates: why-wait -->

Weil es so still ist.

## Ein Nickerchen zu zweit

<!-- translates: a-nap-with-others -->

Zwei können zugleich schlafen.
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course whose lesson is there in German, too."""
    write_course(tmp_path)
    (tmp_path / "lessons/toy.de.md").write_text(GERMAN, "utf-8")
    hints = HINTS.replace("Count.", "Zähle.").replace("toy.md#why-wait", "toy.de.md#warum-warten")
    for number in (1, 2):
        title = f"## Exercise {number}\n"
        hints = hints.replace(title, f"{title}\n<!-- translates: exercise-{number} -->\n")
    (tmp_path / "exercises/toy/hints.de.md").write_text(hints, "utf-8")
    quiz = QUIZ.replace("1. Naps\n", "1. Nickerchen\n\n<!-- translates: 1-naps -->\n")
    quiz = quiz.replace("How long is a nap?", "Wie lang ist eines?")
    (tmp_path / "quizzes/toy.de.md").write_text(quiz, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({}, ""),
        ({"LANG": "C.UTF-8"}, ""),
        ({"LANG": "POSIX"}, ""),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "pt_BR@latin"}, "pt"),
        ({"LANG": "de_DE.UTF-8", "GRADER_LANGUAGE": "en"}, "en"),
        ({"GRADER_LANGUAGE": "../de"}, ""),
    ],
)
def test_language_is_the_one_asked_for_or_the_locales(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], code: str
) -> None:
    for name in ("GRADER_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert language() == code


def test_only_codes_of_languages_make_a_translation(tmp_path: Path) -> None:
    for name in ("a.md", "a.de.md", "a.draft.md", "a.DE.md", "ab.de.md", "a.de.md.bak"):
        (tmp_path / name).touch()
    assert translations(tmp_path / "a.md") == [tmp_path / "a.de.md"]
    assert translations(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "typed", "says"),
    [
        (("--language", "de", "lesson", "toy", "warum"), "", "Weil es so still ist."),
        (("--language", "de", "lesson", "toy", "why-wait"), "", "Weil es so still ist."),
        (("--language=de", "lesson", "toy", 1), "", "Weil es so still ist."),
        (("--language", "de", "hint", "toy", 1), "", "Zähle."),
        (("--language", "de", "quiz", "toy"), "a\n", "Wie lang ist eines?"),
        (("--language", "fr", "hint", "toy", 1), "", "Count."),
        (("--language", "de", "toy"), "", "0 of 2 exercises pass"),
    ],
)
def test_commands_speak_the_language_that_is_asked_for(
    course: Path, words: tuple[object, ...], typed: str, says: str
) -> None:
    done = run_grade(course, *words, typed=typed, LANG="C.UTF-8", LC_ALL="")
    assert done.stderr == ""
    assert says in done.stdout


def test_locale_chooses_and_an_unknown_code_is_refused(course: Path) -> None:
    done = run_grade(course, "lesson", "toy", "warum", LC_ALL="de_AT.UTF-8")
    assert "Weil es so still ist." in done.stdout
    wrong = run_grade(course, "--language", "Deutsch", "lesson", "toy")
    assert (wrong.returncode, "isn't the code of a language" in wrong.stderr) == (2, True)


def test_sections_that_are_missing_or_older_are_found(course: Path) -> None:
    """What was not noted yet is noted by `grade dev fill`; then a change of the original shows."""
    assert run_grade(course, "dev", "fill").returncode == 0
    assert run_grade(course, "dev", "check", "toy").stdout == "Nothing is wrong.\n"
    assert run_grade(course, "dev", "fill").stdout == "There is nothing to write.\n"
    change(course / "lessons/toy.md", "so quiet", "so dark")
    change(course / "lessons/toy.md", "## A nap", "## Beds\n\nSoft ones.\n\n## A nap")
    change(course / "exercises/toy/hints.de.md", "<!-- translates: exercise-1", "<!--")
    with (course / "lessons/toy.de.md").open("a", encoding="utf-8") as german:
        german.write("\n## Mehr\n\n<!-- translates: more -->\n\nHier.\n")
    said = run_grade(course, "dev", "check", "toy").stdout
    found = [line for line in said.splitlines()[:-1] if line[0] != " "]
    assert found == [
        "exercises/toy/hints.de.md:1: there is no 'Exercise 1'",
        "exercises/toy/hints.de.md:3: 'Exercise 1' doesn't say which section of "
        "exercises/toy/hints.md it translates",
        "lessons/toy.de.md:1: there is no 'Beds'",
        "lessons/toy.de.md:3: 'Why wait?' has changed since it was translated",
        "lessons/toy.de.md:15: 'Mehr' doesn't say which section of lessons/toy.md it translates",
    ]


def test_translation_is_looked_at_like_its_original(course: Path) -> None:
    assert run_grade(course, "dev", "fill").returncode == 0
    with (course / "lessons/toy.de.md").open("a", encoding="utf-8") as german:
        german.write("\n```python\nprint(1)\n```\n```text\n2\n```\n\n[weg](#weg)\n")
    change(course / "exercises/toy/hints.de.md", "### Step 1", "### Schritt 1")
    change(course / "quizzes/toy.de.md", "**a**", "**c**")
    said = run_grade(course, "dev", "check", "toy").stdout
    places = [line.partition(" ")[0] for line in said.splitlines()[:-1] if line[0] != " "]
    assert places == [
        "exercises/toy/hints.de.md:3:",
        "lessons/toy.de.md:16:",
        "lessons/toy.de.md:22:",
        "quizzes/toy.de.md:12:",
    ]


def test_workspace_gets_the_translations(course: Path, tmp_path: Path) -> None:
    assert run_grade(course, "init", tmp_path / "mine").returncode == 0
    assert (tmp_path / "mine/lessons/toy.de.md").read_text("utf-8") == GERMAN
    assert (tmp_path / "mine/exercises/toy/hints.de.md").is_file()
    assert LESSON in (tmp_path / "mine/lessons/toy.md").read_text("utf-8")
