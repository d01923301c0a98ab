"""How the state of an exercise or a check is shown: as a sign, as a style, as words."""

from __future__ import annotations

SIGNS = {"passed": "✔", "failed": "✘", "todo": "·", "broken": "?"}
STYLES = {"passed": "green", "failed": "red", "todo": "dim", "broken": "yellow"}
WORDS = {"passed": "passed", "failed": "not yet", "todo": "to do", "broken": "the grader broke"}
