"""The bank in the Python of a browser, by Node: does a case get the verdict that it gets natively?

`python -m benchmarks.bank_in_browser FOLDER NODE [LESSON ...] [--every N]` grades the cases of
these lessons, or of all, with the kernel that was built in FOLDER. It prints each case that
differs, and a table by lesson.
"""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from grader.authoring.bank import expectation

ROOT = Path(__file__).parents[1]
BANK = ROOT / "tests" / "mistakes"
ASK = ROOT / "tests" / "wasm" / "ask.mjs"
EXCEPTIONS = ROOT / "tests" / "wasm" / "exceptions.toml"
"""Cases that can't get the native verdict in a browser, as `lesson/case`, each with the reason."""
DIED = "the whole kernel died"
COLUMNS = ("same", "excepted", "differ", "not there")


def asked(case: Path) -> dict[str, Any]:
    """What the kernel is asked for a case."""
    source, number = case.read_text("utf-8"), expectation(case)["exercise"]
    return {"grade": {"lesson": case.parent.name, "exercise": number, "source": source, "seed": 1}}


def answers(
    node: str, folder: Path, requests: Iterable[dict[str, Any]], patience: float = 60
) -> Iterator[dict[str, Any]]:
    """What a kernel of its own says to each request, after what it says of itself."""
    process = subprocess.Popen(
        [node, str(ASK), str(folder), str(patience)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield json.loads(process.stdout.readline())
            for request in requests:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.kill()


def graded(node: str, folder: Path, cases: list[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each case with its answer. A kernel that dies is replaced, and said to have died."""
    left = list(cases)
    while left:
        said = answers(node, folder, map(asked, list(left)))
        try:
            next(said)
            for answer in said:
                yield left.pop(0), answer
        except json.JSONDecodeError:
            yield left.pop(0), {"report": None, "sentence": DIED}


def difference(case: Path, answer: dict[str, Any]) -> str:
    """In what an answer differs from what is to be said of a case; empty if in nothing."""
    wanted = expectation(case)
    if answer["report"] is None:
        return str(answer["sentence"])
    [exercise] = answer["report"]["exercises"]
    failed = [check for check in exercise["checks"] if check["status"] == "failed"]
    first = failed[0]["diagnoses"][:1] if failed else []
    said = exercise["status"], [one["id"] for one in first]
    if said != (wanted["status"], wanted["diagnoses"][:1]):
        return f"{said} {' '.join(answer['problems'])[-300:]}"
    lines = [one["line"] for one in first]
    return f"line {lines}" if "line" in wanted and lines != [wanted["line"]] else ""


def outcome(
    case: Path, answer: dict[str, Any], needs: dict[str, str], excepted: dict[str, str]
) -> tuple[str, str]:
    """In which column of the table a case is counted, and what there is to say of it.

    Args:
        needs: the exercises of the lesson that the page can't have, each with what it is told.
        excepted: the cases that must differ, each with the reason.
    """
    if str(expectation(case)["exercise"]) in needs:
        is_told = answer["report"] is None and answer["sentence"] in needs.values()
        return ("not there", "") if is_told else ("differ", "it isn't said what is missing")
    differs = difference(case, answer)
    name = f"{case.parent.name}/{case.stem}"
    if not differs:
        return "same", "but it is excepted" if name in excepted else ""
    return ("excepted", excepted[name]) if name in excepted else ("differ", differs)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("node")
@click.argument("lessons", nargs=-1)
@click.option("--every", default=1, help="Only every so many cases.")
def main(folder: Path, node: str, lessons: tuple[str, ...], every: int) -> None:
    needs = json.loads((folder / "manifest.json").read_text("utf-8"))["needs"]
    excepted = tomllib.loads(EXCEPTIONS.read_text("utf-8"))
    found: dict[str, Counter[str]] = {lesson: Counter() for lesson in lessons or sorted(needs)}
    cases = [case for lesson in found for case in sorted((BANK / lesson).glob("*.py"))[::every]]
    for case, answer in graded(node, folder, cases):
        column, says = outcome(case, answer, needs[case.parent.name], excepted)
        found[case.parent.name][column] += 1
        if says:
            click.echo(f"{case.parent.name}/{case.stem}: {column}: {says}")
    Console(width=100).print(_table(found))


def _table(found: dict[str, Counter[str]]) -> Table:
    table = Table("lesson", "cases", *COLUMNS)
    for lesson, counts in found.items():
        row = (counts.total(), *(counts[column] for column in COLUMNS))
        table.add_row(lesson, *map(str, row))
    return table


if __name__ == "__main__":
    main()
