"""A cell is graded in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Navigated, chromium
from test_browser import FAINT, UNFOLD
from test_html import BESIDE, REPORT
from test_magics import IMPORTS, WRONG
from workspaces import read, workspace_in, write

from grader.render.fragment import to_fragment

PROGRAM = chromium()

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

TOKEN = "5e9c0ffee"
NO_NEWS = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
KERNEL = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"

PARAGRAPH = """
(style => [style.font, style.margin, style.color].join())
    (getComputedStyle(document.querySelector('.jp-MarkdownOutput p')))
"""
"""What a paragraph looks like that is not ours."""

SQUEEZED = """
[...document.querySelectorAll('.grade-verdict')].flatMap(verdict => {
    const edge = verdict.parentElement.getBoundingClientRect().right + 1;
    const lines = e => (r => (r.selectNodeContents(e), r.getClientRects().length))(new Range());
    const narrow = [...verdict.querySelectorAll('dt')].filter(e => lines(e) > 1);
    return [...narrow, ...[...verdict.querySelectorAll('*')].filter(e => !e.closest('svg'))
        .filter(e => e.getBoundingClientRect().right > edge)].map(e => e.outerHTML.slice(0, 80));
})
"""
"""What is too narrow in a verdict, or sticks out of it."""

PATIENCE = 60.0
"""Real seconds for JupyterLab to start, and for a cell to be run."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """With a notebook in it that is short."""
    workspace = workspace_in(tmp_path)
    file = workspace / "notebooks" / "day53.ipynb"
    notebook = read(file)
    by_id = {cell["id"]: cell for cell in notebook["cells"]}
    by_id["cell-02"]["source"] = IMPORTS
    by_id["exercise-2"]["source"] = WRONG
    wanted = ("load", "cell-02", "cell-03", "cell-04", "exercise-2", "exercise-4")
    notebook["cells"] = [by_id[name] for name in wanted]
    write(file, notebook)
    return workspace


@pytest.fixture
def lab(workspace: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that serves the workspace, and keeps its own files apart."""
    pytest.importorskip("jupyterlab")
    runtime = tmp_path / "runtime"
    homes = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA")}
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0",
            "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser",
            "--LabApp.extension_manager=readonly", f"--LabApp.check_for_updates_class={NO_NEWS}",
        ],
        cwd=workspace,
        env=os.environ | homes | {"JUPYTER_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert server.stderr is not None
    said: list[str] = []
    while "/lab?token=" not in "".join(said[-1:]):
        said.append(server.stderr.readline())
        assert said[-1], "".join(said)
    rest = threading.Thread(target=server.stderr.read)  # else it would wait for a reader
    rest.start()
    yield f"http://{said[-1].partition('http://')[2].partition('/lab')[0]}"
    server.terminate()
    server.wait(PATIENCE)
    rest.join()
    server.stderr.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def awaited(browser: Browser, expression: str) -> None:
    """Wait until an expression is true in the page."""
    waiting = f"""
        new Promise((resolve, reject) => {{
            const began = Date.now();
            const look = () => {{
                const found = Boolean({expression});
                if (found) resolve();
                else if (Date.now() - began > {PATIENCE * 1000}) reject('{{}}');
                else requestAnimationFrame(look);
            }};
            look();
        }})
    """
    while True:
        with suppress(Navigated):  # JupyterLab loads itself anew when it has reset its layout
            answer = browser.send(
                "Runtime.evaluate", expression=waiting, awaitPromise=True, returnByValue=True
            )
            break
    assert "exceptionDetails" not in answer, f"this was never so: {expression}"


def in_verdict(number: int, what: str) -> str:
    """An expression: how something in a verdict looks, by its computed style."""
    return f"getComputedStyle(document.querySelectorAll('.grade-verdict')[{number}]).{what}"


def run_command(browser: Browser, name: str, **arguments: Any) -> None:
    command = f"jupyterapp.commands.execute({json.dumps(name)}, {json.dumps(arguments)})"
    browser.send("Runtime.evaluate", expression=command, awaitPromise=True)


def test_notebook_is_graded_in_jupyterlab(lab: str, browser: Browser) -> None:
    """Verdicts and their pictures are there, in the colours of the theme, and nothing of the
    page around them is spoiled. With GRADER_SCREENSHOTS, the pages are kept to be looked at."""
    browser.resize(1300, 2600)
    browser.open(f"{lab}/lab/tree/notebooks/day53.ipynb?token={TOKEN}&reset")
    awaited(browser, "window.jupyterapp && document.querySelectorAll('.jp-CodeCell').length == 5")
    awaited(browser, f"{KERNEL} == 'idle' && document.querySelector('.jp-MarkdownOutput p')")
    before = browser.evaluate(PARAGRAPH)
    browser.events.clear()
    run_command(browser, "notebook:run-all-cells")
    awaited(browser, "document.querySelectorAll('.grade-verdict').length == 2")
    awaited(browser, "document.querySelector('.grade-verdict svg')")
    said = browser.evaluate("document.querySelector('.grade-verdict').innerText")
    assert "Lines 8, 9 and 10 wait for one call to end" in said
    assert "5 · " not in said
    assert browser.evaluate("document.querySelectorAll('.jp-OutputArea-output svg').length") >= 2
    assert browser.evaluate(PARAGRAPH) == before
    browser.evaluate(UNFOLD)
    assert browser.evaluate(SQUEEZED) == []
    for theme, colour in (("Light", "rgb(31, 35, 40)"), ("Dark", "rgb(230, 237, 243)")):
        run_command(browser, "apputils:change-theme", theme=f"JupyterLab {theme}")
        is_light = str(theme == "Light").lower()
        awaited(browser, f"document.body.dataset.jpThemeLight == '{is_light}'")
        awaited(browser, f"{in_verdict(0, 'color')} == '{colour}'")
        assert browser.evaluate(FAINT.replace("body *", ".grade-verdict *")) == []
        keep(browser, theme)
    assert complaints(browser) == []


@pytest.mark.parametrize(
    ("mark", "is_dark"),
    [
        ('<html><body data-vscode-theme-kind="vscode-dark">', True),
        ('<html><body data-vscode-theme-kind="vscode-high-contrast">', True),
        ('<html><body data-vscode-theme-kind="vscode-high-contrast-light">', False),
        ('<html theme="dark"><body>', True),
        ('<html><body data-jp-theme-light="true">', False),
    ],
)
def test_verdict_has_the_colours_of_the_theme_around_it(
    browser: Browser, tmp_path: Path, mark: str, is_dark: bool
) -> None:
    """That of VS Code, of Colab, of a page made by nbconvert; whatever the system prefers."""
    colour = "#1e1e1e" if is_dark else "#ffffff"
    file = tmp_path / "page.html"
    style = f"<style>body {{ background: {colour}; }}</style>"
    file.write_text(f"<!doctype html>{mark}{style}{to_fragment(REPORT, BESIDE)}", "utf-8")
    browser.prefer("light" if is_dark else "dark")
    browser.open(file.as_uri())
    browser.evaluate(UNFOLD)
    assert browser.evaluate(FAINT.replace("body *", ".grade-verdict *")) == []


def keep(browser: Browser, name: str) -> None:
    folder = os.environ.get("GRADER_SCREENSHOTS")
    if folder:
        Path(folder, f"{name.lower()}.png").write_bytes(browser.screenshot())


def complaints(browser: Browser) -> list[str]:
    """What was thrown, or said to be an error, and is about what we put into the page."""
    thrown = [told["exceptionDetails"] for told in browser.told("Runtime.exceptionThrown")]
    errors = [told for told in browser.told("Runtime.consoleAPICalled") if told["type"] == "error"]
    return [str(one) for one in [*thrown, *errors] if "grade" in str(one) or "svg" in str(one)]
