"""`python -m grader` is the command `grade`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python has put the current folder first in the path. A `json.py` of the learner's
    # there must not be what the grader imports.
    here = Path(__file__).resolve().parents[1]
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path.cwd() or Path.cwd() == here]
    from grader.cli import main

    main(prog_name="grade")
