"""The quiz: what its file says, what counts as right, and how it is asked."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from learner import DAY53, ROOT, Learner
from rich.console import Console

from grader.course import catalog
from grader.course.progress import QuizAnswer
from grader.course.quiz import Option, QuizSection, parse, quiz
from grader.course.transcripts import LineDifference, first_difference
from grader.model.errors import GraderError, UsageError
from grader.render.questions import show_question

QUIZZES = sorted(ROOT.glob("quizzes/*.md"))
COUNT = len(quiz(DAY53))

SMALL = """\
# A quiz

Answer first.

## 1. Letters

Which one?

- a) The first,
  which is long.
- b) The `second`.

<details><summary>Answer</summary>

**b**. Because it is.

Read again: [Why async?](../lessons/day53.md#why-async)

</details>

## 2. Several

Which of them?

- a) One.
- b) Two.
- c) Three.

<details><summary>Answer</summary>

**a, c**. Both are odd.

Read again: [Timeouts](../lessons/day53.md#timeouts)

</details>

## 3. Printed

What is printed?

```python
## not a heading
print("one", 1.0)
print("two")
```

<details><summary>Answer</summary>

```text
one 1.0
two
```

One after the other.

Read again: [Timeouts](../lessons/day53.md#timeouts)

</details>

## 4. Words

Say it in your own words.

<details><summary>Answer</summary>

Nobody knows.

</details>
"""


# Parsing


def test_a_choice_has_options_a_key_and_a_place_to_read_again() -> None:
    question = parse(SMALL, "quiz.md")[0]
    assert (question.name, question.kind, question.key, question.line) == (
        "Letters",
        "choice",
        "b",
        5,
    )
    assert question.text == "Which one?"
    assert question.options == (
        Option("a", "The first, which is long."),
        Option("b", "The `second`."),
    )
    assert question.explanation == "Because it is."
    assert question.again == QuizSection("Why async?", "day53", "why-async")
    assert question.again.command == "grade lesson day53 why-async"


@pytest.mark.parametrize("text", ["422.", "1) 2", "- 3", "# four", "> 5", "* six", "`7`", "+", "8"])
def test_an_option_is_shown_whatever_it_begins_with(text: str, learner: Learner) -> None:
    """Not as a list, a heading or a quotation, of which a part would be gone."""
    question = parse(SMALL.replace("The `second`.", text), "quiz.md")[0]
    assert question.options[1].text == text
    screen = Console(file=io.StringIO(), width=60)
    show_question(question, "1 of 1", screen)
    assert isinstance(screen.file, io.StringIO)
    [shown] = re.findall(r"^  b\) (.*)$", screen.file.getvalue(), re.MULTILINE)
    assert shown.replace("`", "").split() == text.replace("`", "").split()


def test_the_answer_to_a_program_is_what_it_prints() -> None:
    """A comment in the program that looks like a heading begins no question."""
    question = parse(SMALL, "quiz.md")[2]
    assert (question.kind, question.key) == ("typed", "one 1.0\ntwo\n")
    assert question.program == '## not a heading\nprint("one", 1.0)\nprint("two")\n'
    assert question.explanation == "One after the other."


def test_a_question_without_a_key_is_for_the_learner_to_judge() -> None:
    question = parse(SMALL, "quiz.md")[3]
    assert (question.kind, question.key, question.again) == ("open", "", None)
    assert question.explanation == "Nobody knows."


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (SMALL, "# A quiz\n", 1, "there is no question"),
        ("<details><summary>Answer</summary>\n\n**b**", "**b**", 5, "has no answer"),
        ("timeouts)\n\n</details>\n\n## 3", "timeouts)\n\n## 3", 29, "the answer has no end"),
        ("**b**", "**c**", 13, "the answer is c, and there is no option c"),
        ("**a, c**", "**a, d**", 29, "the answer is d, and there is no option d"),
        ("**b**. Because", "Because", 13, "the answer names no option"),
        ("```text\none 1.0\ntwo\n```", "**a**", 47, "there is no option a"),
        ("- b) The", "- c) The", 5, "the options are not a, b, … in order"),
        ("- b) The `second`.\n", "", 5, "the options are not a, b, … in order"),
        ("Nobody knows.\n", "", 64, "the answer is empty"),
        ("</details>\n\n## 2", "</details>\n\nMore.\n\n## 2", 21, "nothing may follow"),
        ("## 2. Several", "## 2. Letters", 21, "two questions 'Letters'"),
        ("two\n```\n\nOne", "two\n\nOne", 49, "this block has no end"),
    ],
)
def test_a_malformed_quiz_names_its_file_and_line(
    old: str, new: str, line: int, words: str
) -> None:
    """It is the grader that is broken then, and not the learner."""
    assert old in SMALL
    with pytest.raises(GraderError, match=re.escape(words)) as error:
        parse(SMALL.replace(old, new, 1), "quiz.md")
    assert error.value.problem.startswith(f"quiz.md:{line}: ")


@pytest.mark.parametrize("file", QUIZZES, ids=lambda file: file.stem)
def test_every_quiz_can_be_asked(file: Path) -> None:
    """Each question has a key that can be judged, and says where to read again."""
    questions = parse(file.read_text("utf-8"), str(file))
    for question in questions:
        assert question.kind in ("choice", "typed")
        assert question.key
        assert question.explanation
        assert question.again
        assert bool(question.program) >= (question.kind == "typed")
        assert not {"s", "q"} & set(question.key.split("\n"))


def test_a_lesson_without_a_quiz_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalog.Course, "quiz", lambda *_: tmp_path / "day53.md")
    with pytest.raises(UsageError, match="day53 has no quiz"):
        quiz(DAY53)


# Judging


@pytest.mark.parametrize("given", ["b", "B", " b ", "b)", "b."])
def test_a_letter_is_taken_as_people_write_it(given: str) -> None:
    assert parse(SMALL, "quiz.md")[0].letters(given) == "b"


@pytest.mark.parametrize("given", ["a c", "ac", "A,C", "c, a", "a a c"])
def test_several_letters_are_taken_as_people_write_them(given: str) -> None:
    assert parse(SMALL, "quiz.md")[1].letters(given) == "ac"


@pytest.mark.parametrize("given", ["", "x", "c", "a b", "1", "both"])
def test_what_is_no_letter_on_offer_is_no_answer(given: str) -> None:
    """Nor are two of them, where one is right."""
    assert parse(SMALL, "quiz.md")[0].letters(given) is None


@pytest.mark.parametrize(
    "given",
    [
        "0.0 beat\n3.5 ['a', 'b']\n",
        "0 Beat\n\n3.50 ['a','b']",
        '  0.00   BEAT  \n3.5 ["a", "b"]',
        "0.0beat\n3.5['a','b']",
    ],
)
def test_lines_that_mean_the_same_are_the_same(given: str) -> None:
    assert first_difference(given, "0.0 beat\n3.5 ['a', 'b']\n") is None


@pytest.mark.parametrize(
    ("given", "difference"),
    [
        ("a 1\nb 2", LineDifference(2, "b 2", "b 3.0")),
        ("a 1", LineDifference(2, "", "b 3.0")),
        ("a 1\nb 3\nc", LineDifference(3, "c", "")),
        ("b 3\na 1", LineDifference(1, "b 3", "a 1.0")),
        ("a 1.05\nb 3", LineDifference(1, "a 1.05", "a 1.0")),
        ("a 1 [\nb 3", LineDifference(1, "a 1 [", "a 1.0")),
    ],
)
def test_the_first_line_that_differs_is_found(given: str, difference: LineDifference) -> None:
    assert first_difference(given, "a 1.0\nb 3.0\n") == difference


# Asking


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The small quiz in the place of the lesson's."""
    content = tmp_path / "content"
    (content / "quizzes").mkdir(parents=True)
    (content / "quizzes" / "day53.md").write_text(SMALL, "utf-8")
    monkeypatch.setattr(catalog.Course, "quiz", lambda *_: content / "quizzes" / "day53.md")


IN_ORDER = ("quiz", "day53", "--in-order")
ALL_RIGHT = "b\na c\none 1\ntwo\n\n\ny\n"


@pytest.mark.usefixtures("small")
def test_right_answers_are_told_why_and_kept(learner: Learner) -> None:
    result = learner.grade(*IN_ORDER, typed=ALL_RIGHT)
    assert result.exit_code == 0
    assert result.output.count("✔ Right.") == 3
    for words in ("Because it is.", "Both are odd.", "One after the other.", "Nobody knows."):
        assert words in result.output
    assert "Quiz of day53: 4 of 4 right." in result.output
    assert "Go on with" not in result.output
    assert learner.quiz == {
        "Letters": QuizAnswer("b", right=True),
        "Several": QuizAnswer("ac", right=True),
        "Printed": QuizAnswer("one 1\ntwo", right=True),
        "Words": QuizAnswer("y", right=True),
    }


@pytest.mark.usefixtures("small")
def test_wrong_answers_are_corrected(learner: Learner) -> None:
    """The right letters, the first line that differs with the whole, and where to read on."""
    result = learner.grade(*IN_ORDER, typed="a\na\none 1\nthree\n\n\nn\n")
    assert "✘ No: b is right." in result.output
    assert "✘ No: a and c are right." in result.output
    assert "✘ That is not what it prints." in result.output
    assert (
        "Line 2 is the first that differs:\n    yours    three\n    printed  two" in result.output
    )
    assert "  │ one 1.0\n  │ two\n" in result.output
    assert "Quiz of day53: 0 of 4 right, 4 wrong." in result.output
    assert [answer.right for answer in learner.quiz.values()] == [False] * 4


@pytest.mark.usefixtures("small")
def test_sections_to_read_again_are_listed_once(learner: Learner) -> None:
    """In the order of the quiz, as commands."""
    result = learner.grade(*IN_ORDER, typed="a\na\nx\n\n\nn\n")
    summary = result.output[result.output.index("Quiz of day53: 0 of 4") :]
    assert re.findall("grade .*", summary) == [
        "grade lesson day53 why-async",
        "grade lesson day53 timeouts",
        "grade quiz day53 --wrong",
    ]


@pytest.mark.usefixtures("small")
def test_a_typing_error_is_asked_again(learner: Learner) -> None:
    """Whatever is asked for: letters, lines, or whether it was right."""
    result = learner.grade(*IN_ORDER, typed="x\n\nb\nd\nac\n\none 1\ntwo\n\n\nmaybe\ny\n")
    assert result.output.count("Type one letter; s skips, q leaves.") == 2
    assert "Type one or more of them" in result.output
    assert "Type the lines; s skips, q leaves." in result.output
    assert "Type y or n; s skips, q leaves." in result.output
    assert "4 of 4 right" in result.output


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("ending", ["q\n", "Q\n", ""], ids=["q", "Q", "end of input"])
def test_leaving_keeps_what_was_answered(learner: Learner, ending: str) -> None:
    """The next call goes on there; what is answered is not asked again."""
    first = learner.grade(*IN_ORDER, typed="a\nac\n" + ending)
    assert first.exit_code == 0
    assert "1 of 4 right, 1 wrong, 2 not answered yet" in first.output
    assert "  grade quiz day53\n  grade quiz day53 --wrong\n" in first.output
    second = learner.grade(*IN_ORDER, typed="one 1\ntwo\n\n\ny\n")
    assert "4 questions, 2 answered" in second.output
    assert re.findall(r"\d of 2 · (\w+)", second.output) == ["Printed", "Words"]
    assert "3 of 4 right, 1 wrong." in second.output


@pytest.mark.usefixtures("small")
def test_leaving_within_an_answer_counts_nothing(learner: Learner) -> None:
    learner.grade(*IN_ORDER, typed="s\ns\none 1\nq\n")
    learner.grade(*IN_ORDER, typed="s\ns\none 1\n")
    learner.grade(*IN_ORDER, typed="s\ns\ns\n\nq\n")
    assert learner.quiz == {}


@pytest.mark.usefixtures("small")
def test_a_skipped_question_is_asked_next_time(learner: Learner) -> None:
    result = learner.grade(*IN_ORDER, typed="s\nac\ns\n\ns\n")
    assert "1 of 4 right, 3 not answered yet" in result.output
    assert list(learner.quiz) == ["Several"]
    again = learner.grade(*IN_ORDER, typed="q\n")
    assert "1 of 3 · Letters" in again.output


@pytest.mark.usefixtures("small")
def test_wrong_answers_can_be_given_anew(learner: Learner) -> None:
    learner.grade(*IN_ORDER, typed="a\na c\ntwo\n\n\ny\n")
    result = learner.grade(*IN_ORDER, "--wrong", typed="b\none 1\ntwo\n\n")
    assert re.findall(r"\d of 2 · (\w+)", result.output) == ["Letters", "Printed"]
    assert "4 of 4 right." in result.output
    assert "There is nothing to ask" in learner.grade(*IN_ORDER, "--wrong").output


@pytest.mark.usefixtures("small")
def test_all_can_be_asked_again(learner: Learner) -> None:
    """A right answer may become a wrong one."""
    learner.grade(*IN_ORDER, typed=ALL_RIGHT)
    done = learner.grade(*IN_ORDER)
    assert "There is nothing to ask. All again: grade quiz day53 --again" in done.output
    result = learner.grade(*IN_ORDER, "--again", typed="a\nq\n")
    assert "3 of 4 right, 1 wrong." in result.output


def test_an_answer_to_a_question_that_is_gone_does_not_count(learner: Learner, small: None) -> None:
    with learner._progress_file().changing() as progress:
        progress.lesson(DAY53).quiz["Gone"] = QuizAnswer("a", right=True)
    result = learner.grade(*IN_ORDER, typed="q\n")
    assert "4 questions, 0 answered" in result.output
    assert "0 of 4 right, 4 not answered yet" in result.output
    assert "Gone" in learner.quiz


def test_questions_are_mixed_by_a_seed(learner: Learner) -> None:
    """The same seed, the same order; the one that was drawn is said."""
    skip_all = "s\n" * COUNT

    def order(*words: str) -> list[str]:
        output = learner.grade("quiz", "day53", *words, typed=skip_all).output
        return re.findall(rf"^\d+ of {COUNT} · (.*?) ─", output, re.MULTILINE)

    in_order = [question.name for question in quiz(DAY53)]
    assert order("--in-order") == in_order
    assert order("--seed", "1") == order("--seed", "1") != in_order
    assert sorted(order("--seed", "1")) == sorted(in_order)
    assert order("--seed", "0") != order("--seed", "1")
    drawn = learner.grade("quiz", "day53", typed="q\n").output
    seed = re.findall(r"same order again: --seed (\d+)", drawn)[0]
    first = re.findall(rf"^1 of {COUNT} · (.*?) ─", drawn, re.MULTILINE)
    assert order("--seed", seed)[:1] == first


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--again", "--wrong"], "--again asks all, and --wrong only some"),
        (["--in-order", "--seed", "1"], "--in-order needs no --seed"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    learner: Learner, words: list[str], problem: str
) -> None:
    result = learner.grade("quiz", "day53", *words)
    assert result.exit_code == 2
    assert problem in result.output


def test_the_whole_quiz_can_be_had_right(learner: Learner) -> None:
    """Every key is an answer that its own question takes, and no screen is too wide."""
    typed = "".join(f"{question.key}\n" for question in quiz(DAY53))
    result = learner.grade(*IN_ORDER, typed=typed, columns=60)
    assert f"{COUNT} of {COUNT} right." in result.output
    ours = [line for line in result.output.splitlines() if "grade lesson" not in line]
    assert max(len(line) for line in ours if not line.startswith("> ")) <= 60


def test_a_malformed_quiz_is_the_graders_fault(
    learner: Learner, small: None, tmp_path: Path
) -> None:
    (tmp_path / "content" / "quizzes" / "day53.md").write_text("# Nothing\n", "utf-8")
    result = learner.grade("quiz", "day53")
    assert result.exit_code == 3
    assert "day53.md:1: there is no question" in result.output


def test_progress_that_cannot_be_kept_is_told_once(learner: Learner, small: None) -> None:
    """The quiz goes on, and counts."""
    (learner.folder / ".course").write_text("in the way", "utf-8")
    result = learner.grade(*IN_ORDER, typed=ALL_RIGHT)
    assert result.output.count("Progress cannot be kept") == 1
    assert "4 of 4 right." in result.output


# In a terminal


def test_on_a_terminal_there_is_time_to_read(learner: Learner) -> None:
    """Each question waits for Enter. Colours are there; the answer is kept."""
    status, shown = learner.on_terminal(
        *IN_ORDER,
        dialogue=[
            ("a, b, c or d? ", "x\n"),
            ("a, b, c or d? ", "a\n"),
            ("Enter for the next question", "\n"),
            ("> ", "called\n"),
            ("> ", "q\n"),
        ],
    )
    assert status == 0
    assert re.search(r"\x1b\[[\d;]*32m.*✔ Right\.", shown)
    assert f"1 of {COUNT} right, {COUNT - 1} not answered yet" in shown
    assert learner.quiz == {"What it is for": QuizAnswer("a", right=True)}


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_a_key_leaves_the_quiz(learner: Learner, key: str) -> None:
    status, shown = learner.on_terminal(
        *IN_ORDER,
        dialogue=[
            ("a, b, c or d? ", "b\n"),
            ("Enter for the next question", "\n"),
            ("> ", key),
        ],
        NO_COLOR="1",
    )
    assert status == 0
    assert "Traceback" not in shown
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown)
    assert f"0 of {COUNT} right, 1 wrong, {COUNT - 1} not answered yet" in shown
    assert learner.quiz == {"What it is for": QuizAnswer("b", right=False)}


def test_bytes_that_are_no_text_are_asked_again(learner: Learner) -> None:
    status, shown = learner.on_terminal(
        *IN_ORDER, dialogue=[("d? ", "é\n"), ("d? ", "a\n"), ("Enter", "q\n")], LC_ALL="C.UTF-8"
    )
    assert status == 0
    assert "Type one letter" in shown


def test_a_quiz_of_the_workspace_is_never_written_to_the_content(learner: Learner) -> None:
    """What is kept is kept in the learner's folder."""
    learner.grade(*IN_ORDER, typed="a\nq\n")
    assert (learner.folder / ".course" / "progress.json").is_file()
    assert catalog.workspace() == learner.folder
