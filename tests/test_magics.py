"""`%%grade` and `%grade`, in a shell of this process and in a kernel of its own."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel
from test_html import BESIDE, REPORT, Page, hostile_report
from traitlets.config import Config

from grader.course import catalog
from grader.course.progress import ExerciseProgress, ProgressFile
from grader.judge.grading import Grading
from grader.notebook import magics
from grader.notebook.source import program
from grader.notebook.warm import Warm
from grader.render.fragment import to_fragment

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages

ROOT = Path(__file__).parents[1]
DAY53 = catalog.lesson("day53")

IMPORTS = """\
import asyncio
from fastapi import FastAPI, HTTPException
from grader import get, play, takes, timeline
"""
RIGHT = """\
%%grade day53 2

def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as group:
                user = group.create_task(fetch_user())
                orders = group.create_task(fetch_orders())
                stats = group.create_task(fetch_stats())
        except* Exception:
            raise HTTPException(502, "no data") from None
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
"""
WRONG = """\
%%grade day53 2

def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user = await fetch_user()
        orders = await fetch_orders()
        return {"user": user, "orders": orders, "stats": await fetch_stats()}

    return app
"""
LOOP = """\
%%grade day53 2

def exercise_2(fetch_user, fetch_orders, fetch_stats):
    while True:
        pass
"""
SEVEN = """\
def exercise_7(read_rows):
    return lines(read_rows)
"""


class Notebook:
    """A shell whose cells are run one after the other."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        quiet = Config({"HistoryManager": {"enabled": False}})
        module = ModuleType("notebook")  # else it would be __main__
        self.shell = InteractiveShell(config=quiet, user_module=module)
        self.shell.run_line_magic("colors", "nocolor")
        self.shown = self.shell.display_pub = CapturingDisplayPublisher(parent=self.shell)
        self.said = ""
        self._capsys = capsys
        assert self.run("%load_ext grader")

    def run(self, cell: str) -> bool:
        """Run a cell; whether it went well. `said` is what it wrote in place of showing it."""
        self.shown.outputs.clear()
        self._capsys.readouterr()
        result = self.shell.run_cell(cell, store_history=True)
        self.said = "".join(self._capsys.readouterr())
        return bool(result.success)

    def verdict(self, cell: str) -> str:
        """The one verdict on a cell, as text."""
        assert self.run(cell), self.said
        verdicts = [output["data"] for output in self.shown.outputs]
        assert [set(data) for data in verdicts] == [{"text/plain", "text/html"}]
        return str(verdicts[0]["text/plain"])

    def html(self, cell: str) -> str:
        self.verdict(cell)
        return str(self.shown.outputs[0]["data"]["text/html"])


@pytest.fixture(scope="module", autouse=True)
def no_worker_left() -> Iterator[None]:
    yield
    magics.unload_ipython_extension(None)  # type: ignore[arg-type]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, which holds the exercises; the current one is `notebooks` in it."""
    folder = tmp_path / "course"
    shutil.copytree(ROOT / "exercises", folder / "exercises")
    shutil.copy(ROOT / "course.toml", folder)
    (folder / "notebooks").mkdir()
    monkeypatch.chdir(folder / "notebooks")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(catalog, "carried_root", lambda: ROOT)
    return folder


@pytest.fixture
def notebook(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Notebook:
    notebook = Notebook(capsys)
    assert notebook.run(IMPORTS)
    return notebook


def kept(workspace: Path, number: int = 2) -> ExerciseProgress:
    file = ProgressFile(workspace, lambda words: pytest.fail(words))
    return file.read().exercise(DAY53, DAY53.exercise(number))


# Verdicts


def test_right_answer_passes_and_is_kept(notebook: Notebook, workspace: Path) -> None:
    """Its names exist afterwards, as after any cell."""
    assert "✔ 2 · Concurrent operations" in notebook.verdict(RIGHT)
    assert (kept(workspace).status, kept(workspace).attempts) == ("passed", 1)
    assert notebook.run("trace = play(exercise_2, get('/dashboard'), fetch_user=takes(1),"
                        "fetch_orders=takes(1), fetch_stats=takes(1))"), notebook.said  # fmt: skip
    assert notebook.shell.user_ns["trace"].exchanges[0].elapsed == 1


def test_second_grading_has_the_worker_of_the_first(notebook: Notebook) -> None:
    notebook.verdict(RIGHT)
    first = worker()
    notebook.verdict(RIGHT)
    assert worker() is first


def worker() -> Any:
    """The process that the warm grading speaks to."""
    assert magics._warm._grading is not None
    return magics._warm._grading.worker._parent._process


def test_wrong_answer_is_explained_by_the_lines_of_the_cell(
    notebook: Notebook, workspace: Path
) -> None:
    """The line of the magic is the first one, as Jupyter counts."""
    text = notebook.verdict(WRONG)
    assert re.search(r"2 · Concurrent operations +cell \[3\]:8\n", text)
    assert "Lines 8, 9 and 10 wait for one call to end" in text
    assert "fetch_orders ██" in text
    assert (kept(workspace).status, kept(workspace).attempts) == ("failed", 1)


def test_html_shows_what_the_page_shows(notebook: Notebook) -> None:
    """Checks, both sides, the picture, the line among its neighbours, and folded hints."""
    page = Page(notebook.html(WRONG))
    for words in ("✘", "✔", "expected", "got", "Lines 8, 9 and 10 wait", "More: hints"):
        assert words in page.text
    assert "8    user = await fetch_user()" in page.text
    assert page.all("mark")
    assert page.all("svg")
    folds = [fold for fold in page.all("details") if fold.get("class") == "fold"]
    assert folds
    assert not any("open" in fold for fold in folds)


def test_hints_lead_to_the_lesson_of_the_workspace(notebook: Notebook, workspace: Path) -> None:
    assert "day53.md" not in notebook.html(WRONG)
    shutil.copytree(ROOT / "lessons", workspace / "lessons")
    links = [link["href"] for link in Page(notebook.html(WRONG)).all("a")]
    assert "../lessons/day53.md#concurrent-operations" in links


def test_syntax_error_is_told_once(notebook: Notebook) -> None:
    """By the verdict, with its line; the cell is not run."""
    text = notebook.verdict("%%grade day53 2\n\ndef exercise_2(:\n    pass\n")
    assert "Line 3 is not valid Python" in text
    assert notebook.said == ""
    assert "cell [4]" in notebook.verdict("%%grade day53\ndef exercise_2(:\n    pass\n")


def test_cell_that_raises_is_not_graded(notebook: Notebook, workspace: Path) -> None:
    """Its error is shown once, with the lines of the cell, and the kernel goes no further."""
    assert not notebook.run(f"{RIGHT}\n1 / 0\n")
    assert notebook.said.count("ZeroDivisionError: division by zero") == 1
    assert re.search(r"(In\[3\]|<ipython-input-3-\w+>)(, line |:)19", notebook.said)
    assert "---> 19 1 / 0" in notebook.said
    assert notebook.said.endswith("Nothing was graded: the cell did not run to its end.\n")
    assert notebook.shown.outputs == []
    assert kept(workspace).attempts == 0


@pytest.mark.parametrize("number", [1, 2])
def test_stub_is_to_do_and_takes_nothing_back(
    notebook: Notebook, workspace: Path, number: int
) -> None:
    """Both the one that raises NotImplementedError and the one that works."""
    notebook.verdict(RIGHT)
    stub = (workspace / "exercises" / "day53" / "exercise.py").read_text("utf-8")
    html = notebook.html(f"%%grade day53 {number}\n{stub}")
    assert "There is nothing to grade yet." in html
    assert kept(workspace).status == "passed"
    assert kept(workspace, 1).attempts == 0


def test_lesson_alone_grades_what_the_cell_defines(notebook: Notebook) -> None:
    four = "def exercise_4(fetch):\n    raise NotImplementedError\n"
    text = notebook.verdict(f"{RIGHT.replace('day53 2', 'day53')}\n{four}")
    assert "✔ 2 · Concurrent operations" in text
    assert "· 4 · Error handling" in text
    assert "0 of 2" not in text
    assert "1 of 2 exercises pass" in text


def test_endless_loop_is_told_with_its_line(notebook: Notebook) -> None:
    assert "Line 4 is in a loop that doesn't end." in notebook.verdict(LOOP)
    assert "✔ 2" in notebook.verdict(RIGHT)


def test_dead_worker_is_replaced(notebook: Notebook) -> None:
    notebook.verdict(RIGHT)
    worker().kill()
    assert "✔ 2" in notebook.verdict(RIGHT)


def test_interrupted_grading_says_so_and_the_next_one_works(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Grading, "grade", interrupted)
        assert not notebook.run(RIGHT)
    assert notebook.said == "Interrupted: nothing was graded.\n"
    assert "✔ 2" in notebook.verdict(RIGHT)


def test_line_magic_grades_the_file(notebook: Notebook, workspace: Path) -> None:
    assert "· 2 · Concurrent operations" in notebook.verdict("%grade day53 2")
    file = workspace / "exercises" / "day53" / "exercise.py"
    file.write_text(IMPORTS + RIGHT.partition("\n")[2], "utf-8")
    assert "✔ 2 · Concurrent operations" in notebook.verdict("%grade day53 2")
    assert kept(workspace).passes == 1
    file.unlink()
    assert not notebook.run("%grade day53 2")
    assert "exercise.py cannot be read" in notebook.said


@pytest.mark.parametrize(
    ("cell", "problem", "remedy"),
    [
        ("%%grade\nx = 1", "%%grade needs a lesson", "for example: %%grade day53 1"),
        ("%grade", "%grade needs a lesson", "for example: %grade day53 1"),
        ("%grade nope", "there is no lesson 'nope'", "the lessons are: day53"),
        ("%%grade day53 9\nx = 1", "day53 has no exercise 9", "its exercises are 1, 2, 3"),
        ("%%grade day53 two\nx = 1", "day53 has no exercise two", "its exercises are 1, 2, 3"),
        ("%%grade day53 --all\nx = 1", "%%grade takes no option --all", "in a terminal"),
        ("%%grade day53 2\nx = 1", "this cell does not define exercise_2", "write: def exer"),
        ("%%grade day53\nx = 1", "this cell defines no exercise of day53", "its functions are"),
        (f"{RIGHT}\nawait x", "line 19 waits at the top level", "a cell of its own"),
    ],
)
def test_wrong_usage_is_told_in_two_lines(
    notebook: Notebook, cell: str, problem: str, remedy: str
) -> None:
    """What is wrong, and what to do; nothing is run."""
    assert not notebook.run(cell)
    first, second = notebook.said.splitlines()
    assert first.startswith(problem)
    assert second.startswith(remedy) or remedy in second
    assert "x" not in notebook.shell.user_ns


# What is graded


LINES_EARLIER = [
    "from fastapi.responses import StreamingResponse\nimport json",
    "MEDIA = {kind: f'application/x-{kind}' for kind in ('ndjson',)}",
    "class Base(StreamingResponse):\n    media_type = MEDIA['ndjson']",
    "class Lines(Base):\n    pass",
    "def encoded(row):\n    return json.dumps(row) + '\\n'",
    """\
%%time
def lines(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def body():
            async for row in read_rows():
                yield encoded(row)
        return Lines(body())

    return app
""",
]


def test_cell_uses_what_earlier_cells_define(notebook: Notebook) -> None:
    """Functions of functions, classes of classes, constants; also from under a magic."""
    for cell in [*LINES_EARLIER, LINES_EARLIER[2]]:  # the last one again, after its subclass
        assert notebook.run(cell), notebook.said
    assert "✔ 7 · Streaming" in notebook.verdict(f"%%grade day53 7\n{SEVEN}")


def test_cell_uses_what_an_earlier_graded_cell_defines(notebook: Notebook) -> None:
    for cell in LINES_EARLIER[:-1]:
        notebook.run(cell)
    helper = LINES_EARLIER[-1].removeprefix("%%time")
    assert "✔ 7" in notebook.verdict(f"%%grade day53 7\n{helper}\n{SEVEN}")
    assert "✔ 7" in notebook.verdict(f"%%grade day53 7\n{SEVEN}")


def test_module_beside_the_notebook_can_be_imported(
    notebook: Notebook, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "notebooks" / "retold.py").write_text("def told(answer):\n    return answer\n")
    monkeypatch.syspath_prepend(workspace / "notebooks")
    assert notebook.run("from retold import told")
    monkeypatch.delitem(sys.modules, "retold")
    assert "✔ 2" in notebook.verdict(RIGHT.replace("return {", "return told({").replace("}", "})"))


def test_newest_definition_counts(notebook: Notebook) -> None:
    notebook.run("def told(answer):\n    return None")
    notebook.run("def told(answer):\n    return answer")
    assert "✔ 2" in notebook.verdict(RIGHT.replace("return {", "return told({").replace("}", "})"))


def test_nothing_is_run_twice_for_its_effects(notebook: Notebook, workspace: Path) -> None:
    """Neither in earlier cells nor in the graded one, where the function needs it not."""
    note = workspace / "notes"
    body = f"with open({str(note)!r}, 'a') as notes:\n        notes.write(what)"
    notebook.run(f"def note(what):\n    {body}")
    notebook.run("note('a')\nkept = note('b')\ndashboard = note('c')")
    after = "trace = play(exercise_2, get('/'), fetch_user=takes(1))\nnote('d')\ntimeline(trace)\n"
    with_more = f"{RIGHT}\n%time note('e')\n{after}".replace(
        "get('/'), fetch_user=takes(1)",
        "get('/'), fetch_user=takes(1), fetch_orders=takes(1), fetch_stats=takes(1)",
    )
    assert notebook.run(with_more)
    assert "✔ 2" in notebook.shown.outputs[-1]["data"]["text/plain"]
    assert note.read_text() == "abced"


def test_name_that_cannot_be_taken_along_is_told(notebook: Notebook) -> None:
    """The notebook knows it, and the answer would work there."""
    notebook.run("for late in range(3):\n    pass")
    text = notebook.verdict(RIGHT.replace("user.result()", "late"))
    assert "The grader does not know late." in " ".join(text.split())
    assert "define late in this cell" in " ".join(text.split())
    assert "NameError: name 'late' is not defined" in text


def graded(cell: str, *earlier: str, names: tuple[str, ...] = ("f",)) -> dict[str, Any]:
    """What there is after the program was run that is graded as `f` of a cell."""
    made = program(f"# %%grade\n{cell}", earlier, names)
    assert made.text.count("\n") == cell.count("\n") + 1
    space: dict[str, Any] = {}
    exec(compile(made.text, "cell", "exec", dont_inherit=True), space)
    return space


def test_lines_keep_their_numbers() -> None:
    space = graded("\n\nx = 1\n\n@str\ndef f():\n    return y\n", "y = 2")
    assert "x" not in space
    assert space["y"] == 2
    code = graded("\n\ndef f():\n    return y\n", "y = 2")["f"].__code__
    assert code.co_firstlineno == 4


@pytest.mark.parametrize(
    ("cell", "earlier", "value"),
    [
        ("def f(): return x", ["x = 1", "x = 2"], 2),
        ("def f(): return x", ["x = 1\nx += 1"], 2),
        ("x = x + 1\ndef f(): return x", ["x = 1"], 2),
        ("def f(): return x", ["x: int = 2"], 2),
        ("def f(): return x", ["(x, y), z = (2, 1), 0"], 2),
        ("def f(): return x", ["try:\n    import nope as x\nexcept ImportError:\n    x = 2"], 2),
        ("def f(): return pi > 3", ["from math import *"], True),
        ("def f(): return [x for x in (2,)][0]", ["x = 1 / 0"], 2),
        ("def f():\n    x = 2\n    return x", ["x = 1 / 0"], 2),
        ("def f(a=x): return a", ["def x_of(): return y\nx = x_of()", "y = 2"], 2),
        ("def f(): return g(0)", ["def g(n): return h(n)", "def h(n): return n or g(2)"], 2),
        ("class C:\n    x = [y for _ in 'a']\ndef f(): return C.x", ["y = 2"], [2]),
        ("f = lambda: x", ["x = 2"], 2),
        ("def f(): return x", ["x = (", "x = 2", "x = await y"], 2),
        ("def f() -> nope: return x", ["from __future__ import annotations", "x = 2"], 2),
        (
            "from __future__ import annotations  # first\ndef f() -> nope: return x",
            ["from __future__ import annotations", "x = 2"],
            2,
        ),
        (
            '"""About it."""\nfrom __future__ import annotations\ndef f() -> nope: return x',
            ["x = 2"],
            2,
        ),
    ],
)
def test_what_is_needed_is_taken_along(cell: str, earlier: list[str], value: object) -> None:
    assert graded(cell, *earlier)["f"]() == value


def test_what_is_missing_is_named() -> None:
    made = program("# %%grade\ndef f(): return len(x), y", ["for x in 'a': pass"], ["f"])
    assert made.missing == {"x", "y"}


def test_cell_that_is_no_python_is_graded_as_it_is() -> None:
    cell = "# %%grade\ndef f(:\n"
    assert program(cell, ["x = 1"], ["f"]).text == cell


# How it is shown


def test_nothing_of_the_learners_is_obeyed() -> None:
    page = Page(to_fragment(hostile_report(), BESIDE))
    assert not page.all("script")
    assert not page.all("img")
    assert not any(name.startswith("on") for _, found in page.elements for name in found)


def test_style_reaches_nothing_but_the_verdict() -> None:
    html = to_fragment(REPORT, BESIDE)
    style = html[html.index(".grade-verdict {") : html.index("</style>")]
    selectors = [rule.rpartition("}")[2].strip() for rule in style.split("{")[:-1]]
    assert len(selectors) > 40
    assert [s for s in selectors if not all(".grade-verdict" in part for part in parts(s))] == []
    assert not re.search(r' id="(?!title-|desc-)(?!\w+-[0-9a-f]{8}")', html)


def parts(selectors: str) -> list[str]:
    """Selectors that a rule is for; those within brackets are one."""
    return re.split(r", (?![^(]*\))", selectors)


# The worker


def test_fork_of_the_kernel_leaves_its_worker_alone() -> None:
    """It would end the kernel's own; it starts another one, when it needs one."""
    warm = Warm()
    with warm.lent() as ours:
        pass
    warm._owner += 1  # as seen from a fork
    with warm.lent() as other:
        assert other is not ours
    warm.close()
    assert ours.worker._parent._process.poll() is None
    ours.__exit__()


# In a kernel


@pytest.fixture
def kernel(workspace: Path) -> Iterator[Any]:
    manager, client = start_new_kernel(cwd=str(workspace / "notebooks"))
    manager.client = client
    yield manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)


Hook = Callable[[dict[str, Any]], None]


def run(kernel: Any, cell: str, hook: Hook = lambda message: None) -> dict[str, Any]:
    """Run a cell in a kernel; the content of its reply."""
    reply = kernel.client.execute_interactive(cell, timeout=120, output_hook=hook)
    return dict(reply["content"])


def test_play_works_beside_the_loop_of_jupyter(kernel: Any) -> None:
    """And what is awaited at the top level afterwards."""
    lines = [
        "async def app(scope, receive, send):",
        "    if scope['type'] == 'http':",
        "        await asyncio.sleep(3)",
        "        await send({'type': 'http.response.start', 'status': 204, 'headers': []})",
        "        await send({'type': 'http.response.body'})",
        "loop = asyncio.get_running_loop()",
        "assert play(app, get('/')).exchanges[0].elapsed == 3",
        "assert await asyncio.sleep(0, 'awake') == 'awake'",
        "assert asyncio.get_running_loop() is loop",
    ]
    assert run(kernel, IMPORTS)["status"] == "ok"
    assert run(kernel, "\n".join(lines))["status"] == "ok"
    messages: list[Any] = []
    run(kernel, "timeline(play(app, get('/')))", messages.append)
    assert any("<svg" in str(m["content"].get("data", "")) for m in messages)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there is no such call on this system")
def test_kernel_that_is_shut_down_leaves_no_worker(kernel: Any) -> None:
    run(kernel, f"%load_ext grader\n{IMPORTS}")
    messages: list[Any] = []
    assert run(kernel, RIGHT, messages.append)["status"] == "ok"
    assert any("✔ 2" in str(m["content"]) for m in messages)
    cell = (
        "from grader.notebook import magics\n"
        "pid = magics._warm._grading.worker._parent._process.pid"
    )
    reply = kernel.client.execute_interactive(cell, user_expressions={"pid": "pid"}, timeout=120)
    found = reply["content"]["user_expressions"]["pid"]["data"]["text/plain"]
    worker = os.pidfd_open(int(found))
    kernel.shutdown_kernel()
    assert select.select([worker], [], [], 60)[0]
    os.close(worker)


def test_interrupted_kernel_stops_grading(kernel: Any) -> None:
    """In the midst of a play that does not end. The next grading works."""
    run(kernel, f"%load_ext grader\n{IMPORTS}")
    assert run(kernel, RIGHT)["status"] == "ok"
    with socket.create_server(("127.0.0.1", 0)) as server:
        sign = f"import socket; socket.create_connection({server.getsockname()!r})"
        endless = LOOP.replace("    while", f"    {sign}\n    while")
        kernel.client.execute(endless, stop_on_error=False)  # else it may drop the next one, too
        server.accept()[0].close()  # when the play has begun
    kernel.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=120)["content"]
    assert (reply["status"], reply["traceback"]) == ("error", ["Interrupted: nothing was graded."])
    messages: list[Any] = []
    assert run(kernel, RIGHT, messages.append)["status"] == "ok"
    assert any("✔ 2" in str(m["content"]) for m in messages)
