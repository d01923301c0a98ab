"""The bank in the Python of a browser, by Node: each case, and whether it gets the same verdict.

`python -m benchmarks.browser FOLDER NODE [EVERY]` grades every so many cases of those that the
page can grade, with a kernel that was built in FOLDER, and prints those that differ.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BANK = ROOT / "tests" / "mistakes"
ASK = ROOT / "tests" / "wasm" / "ask.mjs"

EXCEPTIONS: dict[str, str] = {}
"""Cases that can't get the native verdict in a browser, each with the reason."""


def cases(folder: Path, every: int = 1) -> list[Path]:
    """Every so many cases of the bank, of those that the page can grade."""
    needs = json.loads((folder / "manifest.json").read_text("utf-8"))["needs"]
    found = [
        case
        for case in sorted(BANK.glob("*/*.py"))
        if str(expected(case)["exercise"]) not in needs[case.parent.name]
    ]
    return found[::every]


def expected(case: Path) -> dict[str, Any]:
    """What is to be said of a case."""
    return tomllib.loads(case.with_suffix(".toml").read_text("utf-8"))


def asked(case: Path) -> dict[str, Any]:
    """What the kernel is asked for a case."""
    source, number = case.read_text("utf-8"), expected(case)["exercise"]
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


def difference(case: Path, answer: dict[str, Any]) -> str:
    """In what an answer differs from what is to be said of a case; empty if in nothing."""
    wanted = expected(case)
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


def main(folder: Path, node: str, every: int = 1) -> None:
    chosen = cases(folder, every)
    said = answers(node, folder, map(asked, chosen))
    print(next(said))
    differs, seconds = 0, 0.0
    for case, answer in zip(chosen, said, strict=True):
        seconds += answer["seconds"]
        if found := difference(case, answer):
            differs += 1
            print(f"{case.parent.name}/{case.stem}: {found}", flush=True)
    print(f"{len(chosen)} cases, {differs} differ, {seconds / len(chosen) * 1000:.0f} ms each")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
