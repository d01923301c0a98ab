"""Diagnoses: each that is promised is in the bank, and each is said in a newcomer's words."""

from __future__ import annotations

import asyncio
import re
import time
import tomllib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI, HTTPException, Query, Response

import grader.judge.diagnoses
from grader import play
from grader.driver import run_play
from grader.judge.aspects.answers import answers, elapsed, statuses
from grader.judge.aspects.aspect import Aspect, Tag
from grader.judge.aspects.calls import arguments
from grader.judge.diagnoses import DIFFERENT, IDS, INSTEAD, RULES, Case, diagnose, documentation
from grader.judge.diagnoses.case import OUTCOME
from grader.judge.diagnoses.outcomes import explain
from grader.judge.diagnoses.own import own_documentation
from grader.judge.diagnoses.registry import Finding, rule
from grader.judge.diagnoses.rules import MOST
from grader.judge.differences import apart, from_first_difference
from grader.model.details import Exited, FactoryMissing, NotAnApp
from grader.model.report import Diagnosis
from grader.model.requests import Request
from grader.model.scenarios import Scenario, get, in_turn, post, scenario, takes
from grader.model.trace import Failure, Outcome, OutcomeKind, Trace, Waiting

ROOT = Path(__file__).parents[1]
BANK = [tomllib.loads(file.read_text("utf-8")) for file in ROOT.glob("tests/mistakes/*/*.toml")]

Fetch = Callable[[], Awaitable[object]]

FALLBACKS = {"different", "stored-otherwise", "wrong-body", "wrong-time"}
"""What is said if no rule knows why."""

NOT_OF_THIS_LESSON = {
    "cleanup-at-wrong-time",
    "client-not-closed",
    "client-per-request",
    "dependencies-out-of-order",
    "dependency-missing",
    "dependency-solved-again",
    "different",
    "handled-elsewhere",
    "queries-in-turn",
    "retry-without-limit",
    "session-state-lost",
    "validated-otherwise",
}
"""Ids that no exercise of the courses that are here can bring about; the examples do."""


def test_bank_expects_only_what_can_be_said() -> None:
    """A diagnosis that is renamed is renamed in the bank."""
    assert {id_ for case in BANK for id_ in case["diagnoses"]} <= {*IDS, *own_documentation()}


def test_every_id_has_a_mistake_of_the_bank() -> None:
    expected = {id_ for case in BANK for id_ in case["diagnoses"]}
    assert set(IDS) - expected == NOT_OF_THIS_LESSON


def test_no_more_than_one_in_fifty_mistakes_is_told_without_its_reason() -> None:
    first = [case["diagnoses"][0] for case in BANK if case["diagnoses"]]
    assert 50 * sum(id_ in FALLBACKS for id_ in first) <= len(first)


def test_every_id_has_a_name_and_is_documented_once() -> None:
    for id_ in IDS:
        assert re.fullmatch("[a-z]+(-[a-z]+)*", id_)
        assert sum(rule.id == id_ and INSTEAD in rule.documentation for rule in RULES) == 1, id_


@pytest.mark.parametrize("id_", IDS)
def test_documentation_says_what_happens_why_it_is_bad_and_what_to_do(id_: str) -> None:
    summary, *reasons, remedy = documentation(id_).split("\n\n")
    assert summary.endswith(".")
    assert "\n" not in summary
    assert reasons
    assert remedy.startswith(INSTEAD)


def test_rules_are_about_tags_that_aspects_have() -> None:
    about = {tag for rule in RULES for tag in rule.about}
    assert about <= {*get_args(Tag), OUTCOME}


def test_rules_know_no_course() -> None:
    """What an exercise or its collaborators are called is not for a rule to know."""
    folder = Path(grader.judge.diagnoses.__file__).parent
    for file in folder.rglob("*.py"):
        assert not re.search(
            r"day\d|\bdsn\b|exercise_\d|/dashboard|/external", file.read_text("utf-8")
        )


def test_rule_is_asked_only_if_the_check_looks_at_what_it_explains() -> None:
    """A rule of time is silent where a status differs."""
    asked = []

    @rule("of-time", "elapsed")
    def of_time(case: Case) -> Finding | None:
        asked.append(case)
        return Finding(1, "Line 1 is late.")

    what = scenario(get("/"))
    got, expected = traces(what, learner="same", reference="same")
    assert of_time(case_of(got, expected, what, statuses)) is None
    assert of_time(case_of(got, expected, what, None)) is None
    assert asked == []
    assert of_time(case_of(got, expected, what, elapsed)) == Diagnosis(
        "of-time", 1, "Line 1 is late."
    )


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
    "startup-failed": Outcome("startup-failed", line=7, failure=Failure("KeyError", "'x'", 7)),
    "stuck": Outcome("stuck", waiting=(Waiting("task 1", 7, "Lock.acquire", 0),)),
    "ran-away": Outcome("ran-away", line=7),
    "endless-loop": Outcome("endless-loop", line=7),
    "process-died": Outcome("process-died", detail=Exited(0)),
    "out-of-memory": Outcome("out-of-memory", line=7),
    "output-flood": Outcome("output-flood", line=7),
    "too-much": Outcome("too-much"),
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


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("def page():\n    await nap()", "has to begin with `async def`"),
        ("def page():\n    async with lock:\n        pass", "has to begin with `async def`"),
        ("if 1:\n        a = 1\n\tb = 2", "use spaces alone"),
        ("if 1:\n    a = 1\n  b = 2", "the same column as the block"),
        ("a = 1\n    b = 2", "the code before it, which opens no block"),
        ("return 1", "within a `def`"),
        ("await nap()", "within an `async def`"),
        ("print(\u201chello\u201d)", "type \" or ' in its place"),
        ("if 1\n    a = 1", "expected ':'."),
        ("a = (1,\nb = 2\n", "'(' was never closed"),
    ],
)
def test_syntax_error_is_told_with_what_to_do(program: str, told: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile(program, "exercise.py", "exec")
    failure = Failure("SyntaxError", caught.value.msg)
    [said] = explain(Outcome("syntax-error", failure=failure, line=caught.value.lineno))
    assert told in said.text


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


def case_of(got: Trace, expected: Trace, what: Scenario, aspect: Aspect | None = answers) -> Case:
    return Case(got, expected, what, aspect, lambda _: (got, expected))


@pytest.mark.parametrize(
    ("learner", "reference", "id_", "words"),
    [
        ("bad", "good", "wrong-body", "is bad, and it should be good."),
        ("[]", '{"a": 1}', "wrong-type", "is a list ([]), and it should be an object."),
        ("[1]", '{"a": [1]}', "bare", 'an object that has this under "a".'),
        ("[1, 2]", '{"a": 1, "b": 2}', "bare", "with a name for each value: a, b."),
        ("", '{"a": 1}', "nothing-returned", "is empty, and should be an object."),
        ("null", '{"a": 1}', "nothing-returned", "is null, and should be an object."),
        ("{'a': 1}", '{"a": 1}', "not-json", "{'a': 1}, which is how Python writes a value."),
        ("a = 1", '{"a": 1}', "not-json", "isn't JSON: a = 1"),
        ('"{\\"a\\": 1}"', '{"a": 1}', "encoded-twice", "turned into JSON twice."),
        ('{"data": {"a": 1}}', '{"a": 1}', "wrapped", 'what it has under "data" should'),
        ("{}", '{"a": 1}', "missing-member", 'lacks "a".'),
        ("{}", '{"a": 0}', "missing-member", "It is 0, which counts as false"),
        ('{"a": 1, "b": 2}', '{"a": 1}', "extra-member", 'has "b" in it'),
        ('{"user": 1}', '{"users": 1}', "renamed-member", 'has "user" instead of "users".'),
        ('{"user": 2}', '{"users": 1}', "missing-member", 'lacks "users".'),
        ('{"a": null}', '{"a": {}}', "wrong-type", 'null under "a", and it should be an object.'),
        ('{"a": true}', '{"a": 1}', "wrong-type", 'has true under "a", and'),
        ('{"a": [{"b": 2}]}', '{"a": [{"b": 1}]}', "wrong-body", '2 under "a" → [0] → "b", and'),
        ('{"a": [1]}', '{"a": [1, 2]}', "wrong-length", 'a list of 1 under "a", and it'),
        ('{"a": [1]}', '{"a": [1, 2]}', "wrong-length", "should be one of 2. Missing: 2."),
        ("[1, 2]", "[]", "wrong-length", "is a list of 2, and it should be empty."),
        ('[{"id": 1}, {"id": 2}]', '[{"id": 2}]', "wrong-length", "Too many: id 1."),
        ("[3]", "[1, 2]", "wrong-length", "and it should be one of 2."),
        ('{"a": "12.5"}', '{"a": "12.50"}', "digits-lost", "does the number lose digits?"),
        ('{"a": "12"}', '{"a": "12.50"}', "digits-lost", "does the number lose digits?"),
        ('{"a": "0.30000000000000004"}', '{"a": "0.3"}', "digits-lost", "lose digits?"),
        ('{"a": "12.40"}', '{"a": "12.50"}', "wrong-body", '"12.40" under "a", and it should be'),
        ('{"a": "NaN"}', '{"a": "12.50"}', "wrong-body", '"NaN" under "a", and it should be'),
        (
            '{"a": 2, "b": 1}',
            '{"a": 1, "b": 2}',
            "swapped-values",
            'under "a" what belongs under "b"',
        ),
        ('{"a": 3, "b": 4}', '{"a": 1, "b": 2}', "wrong-body", "(1 more place differs.)"),
        (
            '{"a": {"i": 2, "n": "y"}, "b": {"i": 1, "n": "x"}}',
            '{"a": {"i": 1, "n": "x"}, "b": {"i": 2, "n": "y"}}',
            "swapped-values",
            'under "a" what belongs under "b".',
        ),
        ("[2, 1]", "[1, 2]", "wrong-order", "2, 1 instead of 1, 2."),
        (
            '[{"lines": [{"n": "1.5", "sku": "b"}, {"n": "0", "sku": "a"}]}]',
            '[{"lines": [{"n": "0", "sku": "a"}, {"n": "1.5", "sku": "b"}]}]',
            "wrong-order",
            'list under [0] → "lines" in the wrong order: "b", "a" instead of "a", "b".',
        ),
        ("1\n3\n", "1\n2\n", "wrong-body", "line 2 of its body, is 3, and it should be 2."),
        ("1\n", "1\n2\n", "wrong-length", "has 1 line, and should have 2."),
        ("2\n3\n", "1\n2\n3\n", "wrong-length", "Line 1 is the first that differs."),
        ('{"a": 1}{"a": 2}', '{"a": 1}\n{"a": 2}', "not-json", "a newline at its end."),
    ],
)
def test_wrong_body_is_told_by_where_it_differs(
    learner: str, reference: str, id_: str, words: str
) -> None:
    what = scenario(get("/"))
    got, expected = traces(what, learner=learner, reference=reference)
    [diagnosis] = diagnose(case_of(got, expected, what))
    assert diagnosis.id == id_
    assert words in diagnosis.text


@pytest.mark.parametrize(
    ("expected", "got", "told"),
    [
        ('200 {"a": 1, "b": 2}', '200 {"a": 1, "b": 3}', ('200 {"b": 2, …}', '200 {"b": 3, …}')),
        ('200 {"a": {}}', '200 {"a": {}}', ("200 …", "200 …")),
        ("200 [1, 2, 3, 4]", "200 [1, 2, 3, 5]", ("200 […, 4]", "200 […, 5]")),
        ('200 {"a": 1}', "200 [1]", ('200 {"a": 1}', "200 [1]")),
        ('200 {"a": 1}', "504", ("200 {…}", "504")),
        ("201 [1]", '200 {"detail": 1}', ("201 […]", '200 {"detail": 1}')),
        ("200 [1, 2, 3, 4]", "200 [1, 3, 4]", ("200 […, 2, …]", "200 […]")),
        ("200 []", "200 [1]", ("200 []", "200 [1]")),
        ("2.00 s", "3.00 s", ("2.00 s", "3.00 s")),
    ],
)
def test_what_both_answers_share_is_left_out(
    expected: str, got: str, told: tuple[str, str]
) -> None:
    assert apart(expected, got) == told


def shop(look: str) -> Callable[[Callable[[], Awaitable[str]]], FastAPI]:
    """An app that begins a payment, in a task of its own, and answers 201 with what it gives.

    Args:
        look: when there is a payment already: `never`, `first`, or `for nothing`.
    """

    def factory(charge: Callable[[], Awaitable[str]]) -> FastAPI:
        app = FastAPI()
        tasks: list[asyncio.Task[str]] = []

        @app.post("/pay", status_code=201)
        async def pay() -> str:
            if look == "for nothing":
                return "paid"
            if look == "never" or not tasks:
                tasks.append(asyncio.ensure_future(charge()))
            return await asyncio.shield(tasks[-1])

        return app

    return factory


@pytest.mark.parametrize(
    ("look", "id_", "words"),
    [
        ("never", "asked-again", "calls charge twice in all, and once is right."),
        ("for nothing", "not-called", "calls charge"),
    ],
)
def test_calls_of_an_apps_own_tasks_are_counted_where_arguments_are_compared(
    look: str, id_: str, words: str
) -> None:
    what = scenario(post("/pay"), post("/pay", at=5), charge=takes(1, "paid"))
    got, expected = play(shop(look), what), play(shop("first"), what)
    [diagnosis] = diagnose(case_of(got, expected, what, arguments))
    assert diagnosis.id == id_
    assert words in diagnosis.text


def test_what_two_lists_share_at_the_beginning_is_left_out() -> None:
    assert from_first_difference(("a", "b", "c"), ("a",)) == (
        ("…", "b", "c"),
        ("…", "nothing more"),
    )
    assert from_first_difference(("a", "b"), ("a", "c", "d")) == (("…", "b"), ("…", "c", "d"))
    assert from_first_difference(("a", "b"), ("b",)) == (("a", "b"), ("b",))


def test_order_is_no_fault_where_the_check_does_not_look_at_it() -> None:
    what = scenario(get("/"))
    got, expected = traces(what, learner="[2, 1]", reference="[1, 2]")
    case = Case(got, expected, what, statuses, lambda _: (got, expected))
    assert "wrong-order" not in [diagnosis.id for diagnosis in diagnose(case)]


def numbers_from(least: int) -> FastAPI:
    app = FastAPI()

    @app.get("/numbers")
    async def numbers(first: int = Query(ge=least)) -> int:
        return first

    return app


@pytest.mark.parametrize("stricter", ["learner", "reference"])
def test_request_is_told_with_its_query(stricter: str) -> None:
    """Of many requests for one path it is the query that tells them apart."""
    what = scenario(get("/numbers", query={"first": 7}), get("/numbers?first=0"))
    got, expected = (
        play(numbers_from(side == stricter), what) for side in ("learner", "reference")
    )
    [diagnosis] = diagnose(case_of(got, expected, what, statuses))
    assert diagnosis.text.startswith("GET /numbers?first=0 is answered with status ")


def refusing(most: int) -> Callable[[Fetch], FastAPI]:
    """A factory whose app refuses as many requests, the first ones."""

    def factory(fetch: Fetch) -> FastAPI:
        app = FastAPI()
        left = [409] * most

        @app.get("/")
        async def root(response: Response) -> None:
            await fetch()
            response.status_code = left.pop() if left else 200

        return app

    return factory


@pytest.mark.parametrize(("second", "is_told"), [("same", True), ("other", False)])
def test_request_before_is_blamed_only_where_what_is_fetched_is_the_same(
    second: str, is_told: bool
) -> None:
    fetch = in_turn(takes(0, "same"), takes(0, second))
    what = scenario(get("/"), get("/", at=1), fetch=fetch)
    got, expected = (play(refusing(most), what) for most in (1, 2))
    [diagnosis] = diagnose(case_of(got, expected, what, statuses))
    assert ("What has changed since?" in diagnosis.text) == is_told


def asking(*names: str) -> Callable[[Callable[[str], Awaitable[object]]], FastAPI]:
    """A factory whose app asks for these in turn."""

    def factory(fetch: Callable[[str], Awaitable[object]]) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def root() -> None:
            for name in names:
                await fetch(name)

        return app

    return factory


def test_wrong_argument_is_told_with_the_one_that_no_call_has() -> None:
    """Of several calls to one function, not with the last."""
    what = scenario(get("/"), fetch=takes(1, parameters=("name",)))
    got, expected = (play(asking(*names), what) for names in (("a", "x", "c"), ("a", "b", "c")))
    [diagnosis, *_] = diagnose(case_of(got, expected, what, arguments))
    assert 'with "x", but it should be "b".' in diagnosis.text


def limiting(
    most: int = 2, *, late: bool = False, together: bool = False
) -> Callable[[Fetch], FastAPI]:
    """A factory whose app lets each client ask so often in ten seconds.

    Args:
        late: whether what is asked is counted when it is answered.
        together: whether there is one count for all clients.
    """

    def factory(fetch: Fetch) -> FastAPI:
        app = FastAPI()
        asked = defaultdict[str, list[float]](list)

        @app.post("/{client}")
        async def root(client: str) -> None:
            mine, now = asked["all" if together else client], time.monotonic()
            if sum(at > now - 10 for at in mine) >= most:
                raise HTTPException(429)
            if late:
                await fetch()
            mine.append(now)
            if not late:
                await fetch()

        return app

    return factory


def told_of(factory: Callable[[Fetch], FastAPI], *requests: Request) -> list[Diagnosis]:
    """What is said of an app, where the right one lets each client ask twice in ten seconds."""
    what = scenario(*requests, fetch=takes(1))

    def replay(other: Scenario) -> tuple[Trace, Trace]:
        return play(factory, other), play(limiting(), other)

    got, expected = replay(what)
    return list(diagnose(Case(got, expected, what, statuses, replay)))


def test_request_let_in_because_of_its_moment_is_no_race() -> None:
    """Far apart all may be let in; what counts is who was let in before."""
    burst = [post("/ada", body=b"{\n  1\n}")] * 3
    assert [one.id for one in told_of(limiting(late=True), *burst)] == ["race"]
    [lenient] = told_of(limiting(3), *burst)
    assert lenient.id != "race"
    assert "the body { 1 }" in lenient.text


def test_request_that_is_refused_keeps_no_other_waiting() -> None:
    everyone = [post(f"/{client}") for client in ("ada", "ada", "bob", "bob")]
    assert [one.id for one in told_of(limiting(together=True), *everyone)] == ["refused-needlessly"]


def test_something_is_always_said() -> None:
    """Two traces in which no rule sees a difference still differ, or nobody would ask."""
    what = scenario(get("/"))
    got, expected = traces(what, learner="same", reference="same")
    assert diagnose(case_of(got, expected, what)) == (Diagnosis("different", None, DIFFERENT),)


def test_few_things_are_said_at_once() -> None:
    """A learner mends one thing at a time."""
    assert MOST <= 3
    assert len(set(RULES)) == len(RULES)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_no_rule_stumbles_over_an_empty_trace(outcome: Outcome) -> None:
    """What ended early has no exchanges, and the reference's has."""
    what = scenario(get("/"))
    _, expected = traces(what, learner="", reference="")
    got = Trace(outcome=outcome)
    assert diagnose(case_of(got, expected, what, None)) == explain(outcome)


def starting(wait: Callable[[], Awaitable[object]]) -> FastAPI:
    """An app whose start waits for something."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await wait()
        yield

    return FastAPI(lifespan=lifespan)


async def sleep_then_wait_for_ever() -> None:
    await asyncio.sleep(10)
    await asyncio.Event().wait()  # stuck


async def spin() -> None:
    while True:
        await asyncio.sleep(0)  # spins


@pytest.mark.parametrize(
    ("wait", "id_", "mark"),
    [
        (sleep_then_wait_for_ever, "startup-waits", "# stuck"),
        (spin, "endless-loop", "# spins"),
    ],
)
def test_start_that_never_ends_is_told_by_the_line_that_holds_it_up(
    wait: Callable[[], Awaitable[object]], id_: str, mark: str
) -> None:
    """Not by an earlier wait that is over; and a loop that never waits is an endless one."""
    what = scenario(get("/"))
    got, expected = (play(starting(each), what) for each in (wait, no_wait))
    [diagnosis] = diagnose(case_of(got, expected, what, None))
    lines = Path(__file__).read_text("utf-8").splitlines()
    assert (diagnosis.id, lines[(diagnosis.line or 0) - 1].endswith(mark)) == (id_, True)


async def yields_an_object(_: FastAPI) -> AsyncIterator[object]:
    yield object()


async def takes_nothing() -> AsyncIterator[None]:
    yield


async def without_a_yield(_: FastAPI) -> None:
    pass


@pytest.mark.parametrize(
    ("lifespan", "words"),
    [
        (asynccontextmanager(yields_an_object), "it has to be a dict, for `request.state`."),
        (asynccontextmanager(takes_nothing), "called with the app: `async def lifespan(app)`."),
        (without_a_yield, "`@asynccontextmanager` above it, and a `yield` in it."),
    ],
)
def test_lifespan_of_another_form_is_told_which_one_it_should_have(
    lifespan: Any, words: str
) -> None:
    what = scenario(get("/"))
    got, expected = play(FastAPI(lifespan=lifespan), what), play(starting(no_wait), what)
    [diagnosis] = diagnose(case_of(got, expected, what, None))
    assert diagnosis.text.endswith(words)


async def no_wait() -> None:
    """A start that is over at once."""
