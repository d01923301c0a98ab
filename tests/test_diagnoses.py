"""Diagnoses: each that is promised is in the bank, and each is said in a newcomer's words."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

import grader.judge.diagnoses
from grader.driver import run_play
from grader.judge.aspects import statuses
from grader.judge.diagnoses import RULES, Case, diagnose
from grader.judge.diagnoses.outcomes import explain
from grader.judge.diagnoses.rules import DIFFERENT, GENERAL, MOST
from grader.judge.differences import apart
from grader.model.details import Exited, FactoryMissing, NotAnApp
from grader.model.report import Diagnosis
from grader.model.scenarios import Scenario, get, scenario
from grader.model.trace import Failure, Outcome, OutcomeKind, Trace, Waiting

ROOT = Path(__file__).parents[1]
BANK = [tomllib.loads(file.read_text("utf-8")) for file in ROOT.glob("tests/mistakes/*/*.toml")]

PROMISED = [
    "missing-route",
    "wrong-status",
    "wrong-body",
    "wrong-order",
    "loop-blocked",
    "thread-pool-exhausted",
    "awaited-in-turn",
    "never-awaited",
    "no-timeout",
    "late-timeout",
    "not-cancelled",
    "cancellation-swallowed",
    "task-left-running",
    "task-reference-lost",
    "work-before-response",
    "work-inline",
    "work-lost",
    "error-leaked",
    "error-swallowed",
    "stream-buffered",
    "generator-left-open",
    "not-closed",
    "closed-twice",
    "closed-too-early",
    "called-twice",
    "race",
    "stuck",
    "endless-loop",
    "import-failed",
    "syntax-error",
    "factory-missing",
    "not-an-app",
    "process-died",
    "out-of-memory",
    "output-flood",
]


@pytest.mark.parametrize("id_", PROMISED)
def test_promised_diagnosis_is_in_the_bank(id_: str) -> None:
    """Some mistake of the bank is found out by it."""
    assert any(id_ in case["diagnoses"] for case in BANK)


def ids_in_the_source() -> set[str]:
    """The first argument of every `Diagnosis`, and of every pair that becomes one."""
    folder = Path(grader.judge.diagnoses.__file__).parent
    words = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {word for word in words if re.fullmatch("[a-z]+(-[a-z]+)*", word)}


def test_bank_expects_only_what_can_be_said() -> None:
    """A diagnosis that is renamed is renamed in the bank."""
    expected = {id_ for case in BANK for id_ in case["diagnoses"]}
    assert expected <= ids_in_the_source()


# Plays that did not finish


OUTCOMES = {
    "syntax-error": Outcome(
        "syntax-error",
        line=7,
        failure=Failure("SyntaxError", "invalid syntax", 7, "    def broken(:", 16),
    ),
    "import-failed": Outcome(
        "import-failed", line=7, failure=Failure("ModuleNotFoundError", "No module named 'x'", 7)
    ),
    "factory-missing": Outcome("factory-missing", detail=FactoryMissing("exercise_2")),
    "factory-failed": Outcome("factory-failed", line=7, failure=Failure("KeyError", "'x'", 7)),
    "not-an-app": Outcome("not-an-app", line=7, detail=NotAnApp("None")),
    "stuck": Outcome("stuck", waiting=(Waiting("task 1", 7, "Lock.acquire", 0),)),
    "ran-away": Outcome("ran-away", line=7),
    "endless-loop": Outcome("endless-loop", line=7),
    "process-died": Outcome("process-died", detail=Exited(0)),
    "out-of-memory": Outcome("out-of-memory", line=7),
    "output-flood": Outcome("output-flood", line=7),
}


def test_every_outcome_is_explained() -> None:
    """All but the one that needs no explanation, and the one that is the grader's own."""
    assert {*OUTCOMES, "finished", "grader-broke"} == set(get_args(OutcomeKind))


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_explanation_of_an_outcome_has_its_line_and_whole_sentences(outcome: Outcome) -> None:
    [diagnosis] = explain(outcome)
    first = diagnosis.text.splitlines()[0]
    assert diagnosis.line == outcome.line
    assert re.fullmatch(r"[A-Z].*[.?]", first)
    assert "None" not in first or outcome.detail == NotAnApp("None")
    if outcome.line is not None and outcome.kind != "not-an-app":
        assert "ine 7 " in first


@pytest.mark.parametrize("kind", [kind for kind in OUTCOMES if kind != "syntax-error"])
def test_explanation_does_without_what_is_not_known(kind: OutcomeKind) -> None:
    """No line, no exception, nobody waiting: it is still a sentence."""
    [diagnosis] = explain(Outcome(kind, detail=OUTCOMES[kind].detail))
    assert diagnosis.line is None
    assert re.search(r"[a-z)`][.?]$", diagnosis.text)


def test_runaway_and_endless_loop_are_one_diagnosis() -> None:
    """A learner need not know whether it was real or virtual time that ran out."""
    ids = {d.id for kind in ("ran-away", "endless-loop") for d in explain(OUTCOMES[kind])}
    assert ids == {"endless-loop"}


def test_place_where_several_wait_is_told_once() -> None:
    """And how many they are; a task that belongs to no request makes them tasks."""
    at_the_door = tuple(Waiting(f"task {n}", 20, "Event.wait", n) for n in range(3))
    besides = Waiting("task 4", 31, "Queue.get", None)
    [diagnosis] = explain(Outcome("stuck", line=20, waiting=(*at_the_door, besides)))
    assert "3 requests wait at line 20 for Event.wait; line 31 waits for Queue.get." in (
        diagnosis.text
    )
    [diagnosis] = explain(Outcome("stuck", line=31, waiting=(besides, besides)))
    assert "2 tasks wait at line 31 for Queue.get." in diagnosis.text


@pytest.mark.parametrize(
    ("code", "column"), [("    def f(:", 11), ("\tdef f(:", 8), ("def f(:", 7), ("  def f(:", None)]
)
def test_caret_stands_under_the_column(code: str, column: int | None) -> None:
    """Also where the line is indented, and with tabs."""
    failure = Failure("SyntaxError", "invalid syntax", 1, code, column)
    [diagnosis] = explain(Outcome("syntax-error", line=1, failure=failure))
    _, shown, caret = diagnosis.text.splitlines()
    assert shown == "  def f(:"
    assert shown[caret.index("^")] == (":" if column else "d")


# Rules


def traces(what: Scenario, *, learner: str, reference: str) -> tuple[Trace, Trace]:
    """What two apps do, each given as the text that their endpoint answers."""

    async def app_of(text: str, scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    def play(text: str) -> Trace:
        return run_play(
            lambda _: lambda scope, receive, send: app_of(text, scope, receive, send), what
        )

    return play(learner), play(reference)


def case_of(got: Trace, expected: Trace, what: Scenario) -> Case:
    return Case(got, expected, what, None, lambda _: (got, expected))


def test_wrong_body_is_shown() -> None:
    what = scenario(get("/"))
    got, expected = traces(what, learner="bad", reference="good")
    [diagnosis] = diagnose(case_of(got, expected, what))
    assert (diagnosis.id, diagnosis.line) == ("wrong-body", None)
    assert diagnosis.text.endswith("in line 1 stands bad, and not good.")


@pytest.mark.parametrize(
    ("learner", "reference", "words"),
    [
        ("[]", '{"a": 1}', "it is a list, [], and an object is asked for."),
        ("", '{"a": 1}', "there is nothing, and JSON is asked for."),
        ("{'a': 1}", '{"a": 1}', "{'a': 1} is how Python writes it, and JSON is asked for."),
        ("a = 1", '{"a": 1}', "this is no JSON: a = 1"),
        ('"{\\"a\\": 1}"', '{"a": 1}', "there is JSON within a string of JSON."),
        ('{"data": {"a": 1}}', '{"a": 1}', 'what stands under "data" should be all of it.'),
        ("{}", '{"a": 1}', '"a" is missing.'),
        ('{"a": 1, "b": 2}', '{"a": 1}', '"b" is there, and nobody asked for it.'),
        ('{"user": 1}', '{"users": 1}', '"users" is missing; there is "user" instead.'),
        ('{"a": null}', '{"a": {}}', '"a" is null, and an object is asked for.'),
        ('{"a": true}', '{"a": 1}', '"a" is true or false, true, and a number is asked for.'),
        ('{"a": [{"b": 2}]}', '{"a": [{"b": 1}]}', '"a" → [0] → "b" is 2, and 1 is asked for.'),
        ('{"a": [1]}', '{"a": [1, 2]}', '"a" is a list of 1, and one of 2 is asked for.'),
        ('{"a": 2, "b": 1}', '{"a": 1, "b": 2}', 'under "a" stands what belongs under "b".'),
        ('{"a": 3, "b": 4}', '{"a": 1, "b": 2}', "(And 1 more that differs.)"),
        (
            '{"a": {"i": 2, "n": "y"}, "b": {"i": 1, "n": "x"}}',
            '{"a": {"i": 1, "n": "x"}, "b": {"i": 2, "n": "y"}}',
            'under "a" stands what belongs under "b".',
        ),
        ("1\n3\n", "1\n2\n", "in line 2 it is 3, and 2 is asked for."),
        ("1\n", "1\n2\n", "it has 1 line, and 2 are asked for."),
        ("2\n3\n", "1\n2\n3\n", "and 3 are asked for. Line 1 is the first that differs."),
    ],
)
def test_wrong_body_is_told_by_where_it_differs(learner: str, reference: str, words: str) -> None:
    what = scenario(get("/"))
    got, expected = traces(what, learner=learner, reference=reference)
    [diagnosis] = diagnose(case_of(got, expected, what))
    assert diagnosis.id == "wrong-body"
    assert words in diagnosis.text


@pytest.mark.parametrize(
    ("expected", "got", "told"),
    [
        ('200 {"a": 1, "b": 2}', '200 {"a": 1, "b": 3}', ('200 {"b": 2, …}', '200 {"b": 3, …}')),
        ('200 {"a": {}}', '200 {"a": {}}', ("200 …", "200 …")),
        ("200 [1, 2, 3, 4]", "200 [1, 2, 3, 5]", ("200 […, 4]", "200 […, 5]")),
        ('200 {"a": 1}', "200 [1]", ('200 {"a": 1}', "200 [1]")),
        ('200 {"a": 1}', "504", ('200 {"a": 1}', "504")),
        ("2.00 s", "3.00 s", ("2.00 s", "3.00 s")),
    ],
)
def test_what_both_answers_share_is_left_out(
    expected: str, got: str, told: tuple[str, str]
) -> None:
    assert apart(expected, got) == told


def test_right_list_in_the_wrong_order_is_told_from_a_wrong_list() -> None:
    what = scenario(get("/"))
    first, second = '{"id": 1, "name": "lamp"}', '{"id": 2, "name": "desk"}'
    wanted = f"[{first}, {second}]"
    other_way_round = '{"name": "desk", "id": 2}'
    got, expected = traces(what, learner=f"[{other_way_round}, {first}]", reference=wanted)
    [diagnosis] = diagnose(case_of(got, expected, what))
    assert diagnosis.id == "wrong-order"
    assert "2, 1, where 1, 2 is asked for" in diagnosis.text
    for other in (f"[{second}, {second}]", f"[{second}]", "{}"):
        got, expected = traces(what, learner=other, reference=wanted)
        assert [d.id for d in diagnose(case_of(got, expected, what))] == ["wrong-body"]


def test_order_is_no_fault_where_the_check_does_not_look_at_it() -> None:
    what = scenario(get("/"))
    got, expected = traces(what, learner="[2, 1]", reference="[1, 2]")
    case = Case(got, expected, what, statuses, lambda _: (got, expected))
    assert "wrong-order" not in [diagnosis.id for diagnosis in diagnose(case)]


def test_something_is_always_said() -> None:
    """Two traces in which no rule sees a difference still differ, or nobody would ask."""
    what = scenario(get("/"))
    got, expected = traces(what, learner="same", reference="same")
    assert diagnose(case_of(got, expected, what)) == (Diagnosis("different", None, DIFFERENT),)


def test_few_things_are_said_at_once() -> None:
    """A learner mends one thing at a time."""
    assert MOST <= 3
    assert set(GENERAL) <= set(RULES)
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_no_rule_stumbles_over_an_empty_trace(outcome: Outcome) -> None:
    """What ended early has no exchanges, and the reference's has."""
    what = scenario(get("/"))
    _, expected = traces(what, learner="", reference="")
    got = Trace(outcome=outcome)
    assert diagnose(case_of(got, expected, what))[0] == next(iter(explain(outcome)))
