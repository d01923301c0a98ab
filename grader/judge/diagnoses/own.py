"""Rules that a lesson brings itself: those in `rules_<lesson>.py` beside its checks.

They are asked before the kit's, in the order of their file: their author knows the lesson.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ...course.catalog import Lesson, course
from .registry import Rule


def rules_file(checks: Path) -> Path:
    """`checks/rules_dayNN.py`: rules that a lesson brings itself. They are asked before the kit's.

    Args:
        checks: the file with its checks.
    """
    return checks.with_name(f"rules_{checks.stem.removeprefix('test_')}.py")


def rules_beside(checks: Path) -> tuple[Rule, ...]:
    """The rules in the file beside some checks; none without such a file.

    Raises:
        Exception: whatever the file raises when it is imported.
    """
    file = rules_file(checks)
    if not file.is_file():
        return ()
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(one for one in vars(module).values() if isinstance(one, Rule))


def own_documentation() -> dict[str, str]:
    """What the lessons of the course say of the ids that only they know.

    A lesson whose rules can't be imported is left out: `grade dev check` says why.
    """
    from .rules import IDS, INSTEAD

    found: dict[str, str] = {}
    for rule in (rule for lesson in course().lessons for rule in _importable(lesson)):
        if rule.id not in IDS and INSTEAD in rule.documentation:
            found.setdefault(rule.id, rule.documentation)
    return found


def _importable(lesson: Lesson) -> tuple[Rule, ...]:
    try:
        return rules_beside(course().checks(lesson))
    except Exception:
        return ()
