"""`grade dev mutate`: the wrong answers that are made, and which of them pass."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from toy import run_grade, write_course

from grader.authoring.mutants import changes
from grader.authoring.operators import MUTATIONS

HOW: dict[str, tuple[str, list[str]]] = {
    "call-dropped": ("await close()", ["pass"]),
    "raise-dropped": ("raise Late", ["pass"]),
    "assignment-dropped": ("app.state.pool = pool", ["pass"]),
    "yield-dropped": ("for x in y:\n    yield x", ["for x in y:\n    pass"]),
    "jump-changed": (
        "while x:\n    break",
        ["while x:\n    pass", "while x:\n    continue"],
    ),
    "finally-gone": ("try:\n    a()\nfinally:\n    b()", ["a()\nb()"]),
    "except-dropped": (
        "try:\n    a()\nexcept A:\n    b()\nexcept B:\n    c()",
        ["try:\n    a()\nexcept B:\n    c()", "try:\n    a()\nexcept A:\n    b()"],
    ),
    "except-widened": (
        "try:\n    a()\nexcept A:\n    b()",
        ["try:\n    a()\nexcept Exception:\n    b()"],
    ),
    "except-narrowed": (
        "try:\n    a()\nexcept Exception:\n    b()",
        [
            "try:\n    a()\nexcept RuntimeError:\n    b()",
            "try:\n    a()\nexcept OSError:\n    b()",
        ],
    ),
    "except-silent": (
        "try:\n    a()\nexcept A:\n    b()",
        ["try:\n    a()\nexcept A:\n    pass"],
    ),
    "error-told": (
        "try:\n    a()\nexcept Exception:\n    raise HTTPException(502, 'no')",
        ["try:\n    a()\nexcept Exception as error:\n    raise HTTPException(502, str(error))"],
    ),
    "with-gone": ("async with lock:\n    a()\n    b()", ["a()\nb()"]),
    "with-unrolled": (
        "async with make() as one:\n    a()",
        [
            "manager = make()\none = await manager.__aenter__()\na()\n"
            "await manager.__aexit__(None, None, None)",
            "manager = make()\none = await manager.__aenter__()\na()",
        ],
    ),
    "timeout-doubled": ("wait_for(a(), 3)", ["wait_for(a(), 2 * 3)"]),
    "timeout-gone": ("await wait_for(a(), 3)", ["await a()"]),
    "await-dropped": ("x = await a()", ["x = a()"]),
    "blocks": ("await asyncio.sleep(2)", ["__import__('time').sleep(2)"]),
    "in-turn": ("x, y = await asyncio.gather(a(), b())", ["x, y = (await a(), await b())"]),
    "background-awaited": (
        "tasks.add_task(work, data)",
        ["await work(data)", "asyncio.create_task(work(data))"],
    ),
    "collected-first": (
        "async for row in rows():\n    a()",
        ["for row in [one async for one in rows()]:\n    a()"],
    ),
    "on-the-loop": ("@app.get('/')\ndef f():\n    a()", ["@app.get('/')\nasync def f():\n    a()"]),
    "in-a-thread": ("@app.get('/')\nasync def f():\n    a()", ["@app.get('/')\ndef f():\n    a()"]),
    "status-changed": ("a(404)", ["a(400)"]),
    "constant-changed": ("a(5, True)", ["a(6, True)", "a(5, False)"]),
    "clause-dropped": ("q = 'select a from b order by id'", ["q = 'select a from b '"]),
    "return-changed": ("def f():\n    return x", ["def f():\n    return None"]),
    "member-dropped": ("x = {'a': 1, 'b': 2}", ["x = {'b': 2}", "x = {'a': 1}"]),
    "argument-swapped": ("a(b, c)", ["a(c, b)"]),
    "keyword-dropped": ("a(b=1)", ["a()"]),
    "bound-changed": ("Field(ge=0)", ["Field(gt=0)"]),
    "log-changed": ("log.exception('no')", ["log.info('no')"]),
    "operator-changed": ("x = a < b or c", ["x = a < b and c", "x = a <= b or c"]),
    "condition-turned": ("x = a if not b else c", ["x = a if b else c"]),
    "condition-gone": ("if a:\n    b()\nelse:\n    c()", ["b()", "c()"]),
    "filter-dropped": ("x = [a for a in b if c]", ["x = [a for a in b]"]),
}


def made(name: str, text: str) -> list[str]:
    """What an operator makes of a statement."""
    [node] = ast.parse(text).body
    return [ast.unparse(ast.fix_missing_locations(c.tree)) for c in changes(node) if c.name == name]


@pytest.mark.parametrize("name", sorted({mutation.name for mutation in MUTATIONS}))
def test_operator_changes_one_thing(name: str) -> None:
    before, after = HOW[name]
    assert made(name, before) == after


def test_only_one_of_two_equal_operators_is_changed() -> None:
    """The parser uses one object for all `<` of a program."""
    assert made("operator-changed", "x = f(a < b, a < b)") == [
        "x = f(a <= b, a < b)",
        "x = f(a < b, a <= b)",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "async with group:\n    a = group.create_task(f())\n    b = group.create_task(g())",
            "async with group:\n    a = group.create_task(f())\n    await a\n"
            "    b = group.create_task(g())",
        ),
        ("x = await asyncio.gather(*(f(y) for y in z))", "x = [await f(y) for y in z]"),
        ("x = await asyncio.gather(*many)", "x = [await one for one in many]"),
    ],
)
def test_what_ran_at_once_runs_in_turn(before: str, after: str) -> None:
    assert made("in-turn", before) == [after]


def test_annotations_and_the_factorys_parameters_stay() -> None:
    assert made("constant-changed", "def exercise_1(size=5) -> 3:\n    x: 7 = a") == []


def test_bounds_of_an_endpoints_parameters_are_changed() -> None:
    text = "def exercise_1():\n\n    def endpoint(page: Annotated[int, Query({})]):\n        pass"
    assert made("bound-changed", text.format("ge=1")) == [text.format("gt=1")]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one lesson, whose checks look at the time of a nap only."""
    return write_course(tmp_path)


def mutate(course: Path, *words: object) -> tuple[int, str]:
    done = run_grade(course, "dev", "mutate", "toy", *words, "--jobs", 1)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_what_no_check_notices_is_shown_with_its_change(course: Path) -> None:
    """The check of exercise 1 looks at the time; a longer nap is found out, and a status is not."""
    solution = course / "solutions/toy/solution.py"
    text = solution.read_text("utf-8").replace('"/nap")', '"/nap", status_code=201)', 1)
    solution.write_text(text, "utf-8")
    code, shown = mutate(course, 1)
    passing = re.findall(r"exercise 1, line (\d+) · ([a-z-]+)-\w{6} · passes", shown)
    assert code == 1
    assert passing == [("14", "keyword-dropped"), ("14", "status-changed"), ("16", "blocks")]
    assert "  -    @app.get('/nap', status_code=201)\n  +    @app.get('/nap')\n" in shown


def test_what_is_marked_is_not_shown_and_does_not_count(course: Path) -> None:
    solution = course / "solutions/toy/solution.py"
    text = solution.read_text("utf-8").replace('"/nap")', '"/nap", deprecated=True)', 1)
    solution.write_text(text, "utf-8")
    code, shown = mutate(course, 1)
    ids = re.findall(r"· ([\w-]+) · passes", shown)
    assert (code, len(ids)) == (1, 3)
    lines = [f'{id_} = "the schema is not looked at"\n' for id_ in [*ids, "call-dropped-000000"]]
    (course / "checks/same_toy.toml").write_text("".join(lines), "utf-8")
    code, shown = mutate(course, 1)
    assert (code, "· passes" in shown) == (0, False)
    assert re.search(r"^ +1 +\d+ +\d+ +0 +3 +2$", shown, re.MULTILINE), shown
    assert "No change has these marks any more: call-dropped-000000" in mutate(course)[1]


def test_one_for_each_check_goes_into_the_bank_where_there_is_none(course: Path) -> None:
    folder = course / "tests/mistakes/toy"
    _, shown = mutate(course, 1, "--bank")
    answers = sorted(file.name for file in folder.glob("*.py"))
    assert answers
    assert sorted(re.findall(r"^wrote .*/(.+)$", shown, re.MULTILINE)) == answers
    assert not any("exercise_2" in file.read_text("utf-8") for file in folder.glob("*.py"))
    assert all("  # TO WRITE: " in file.read_text("utf-8") for file in folder.glob("*.toml"))
    assert run_grade(course, "dev", "check", "toy", 1).stdout == "Nothing is wrong.\n"
    assert "wrote" not in mutate(course, 1, "--bank")[1]


@pytest.mark.parametrize("text", ["this is no TOML", "call-dropped-1a2b3c = ''"])
def test_file_of_marks_that_is_wrong_is_named(course: Path, text: str) -> None:
    (course / "checks/same_toy.toml").write_text(text, "utf-8")
    done = run_grade(course, "dev", "mutate", "toy")
    assert done.returncode == 2
    assert "checks/same_toy.toml" in done.stderr
    assert "write each line like this" in done.stderr
