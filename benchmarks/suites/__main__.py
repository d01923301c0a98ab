"""`python -m benchmarks.suites`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .comparing import Comparison, compare, meant_in
from .fetching import SUITES, Fetched, fetch
from .running import run


def main() -> int:
    options = _options()
    is_whole = options.k is None
    comparisons = [
        _compare(fetch(SUITES[name], options.cache), options.k) for name in options.suites
    ]
    for comparison in comparisons:
        print(comparison.text(is_whole), end="\n\n")
    return int(not all(comparison.holds(is_whole) for comparison in comparisons))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suites")
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help=", ".join(SUITES))
    parser.add_argument("-k", help="only tests that match this expression of pytest's")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "fastapi-async-course" / "suites",
        help="where to keep what is downloaded",
    )
    options = parser.parse_args()
    options.suites = options.suites or list(SUITES)
    return options


def _compare(fetched: Fetched, expression: str | None) -> Comparison:
    name = fetched.suite.name
    print(f"{name}: asyncio's loop ...", file=sys.stderr)
    stock = run(fetched, expression, on_clock=False)
    print(f"{name}: the virtual one ...", file=sys.stderr)
    return compare(name, stock, run(fetched, expression, on_clock=True), meant_in(name))


if __name__ == "__main__":
    sys.exit(main())
