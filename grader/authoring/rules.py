"""What can be wrong with the rules that a lesson brings itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..judge.aspects.aspect import Tag
from ..judge.diagnoses import IDS, INSTEAD
from ..judge.diagnoses.case import OUTCOME
from ..judge.diagnoses.own import rules_beside, rules_file
from ..judge.diagnoses.registry import NoFinding, Rule
from ..model.problems import Problem
from .problems import line_in

TAGS = (*get_args(Tag), OUTCOME)
"""What a rule can be about."""


def broken_rules(lesson: Lesson) -> Iterator[Problem]:
    """That the file with the rules can't be imported."""
    try:
        rules_beside(course().checks(lesson))
    except Exception as error:
        yield _failure(rules_file(course().checks(lesson)), error)


def problems_of_rules(lesson: Lesson) -> Iterator[Problem]:
    """Rules that say nothing, look at nothing, or that no answer needs."""
    file = rules_file(course().checks(lesson))
    told = _told(lesson)
    for rule in rules_beside(course().checks(lesson)):
        line = inspect.getsourcelines(rule.look)[1]
        for what, remedy in _complaints(rule, told):
            yield Problem(shown(file), line, what, remedy)


def _complaints(rule: Rule, told: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule, each with what to do."""
    if rule.id not in IDS and INSTEAD not in rule.documentation:
        remedy = f"what happens, why it is bad, and, after {INSTEAD!r}, what to do"
        yield f"the docstring of {rule.id} doesn't explain it", remedy
    for tag in sorted(rule.about - {*TAGS}):
        remedy = f"the tags are {', '.join(sorted(TAGS))}"
        yield f"{rule.id} looks at {tag!r}, and no aspect does", remedy
    if rule.id not in told:
        remedy = "add the answer that it is for to the bank, or drop it"
        yield f"no answer of the bank gets {rule.id}", remedy


def failed_rules(lesson: Lesson, errors: Iterable[Exception]) -> Iterator[Problem]:
    """What rules have raised when an answer was graded."""
    for error in errors:
        yield _failure(rules_file(course().checks(lesson)), error)


def known_ids(lesson: Lesson) -> set[str]:
    """The ids that an answer to a lesson can be told; without those of rules that are broken."""
    try:
        own = rules_beside(course().checks(lesson))
    except Exception:  # `broken_rules` says why
        return {*IDS}
    return {*IDS, *(rule.id for rule in own)}


def _failure(file: Path, error: Exception) -> Problem:
    line = (error.lineno or 0) if isinstance(error, SyntaxError | NoFinding) else 0
    what = f"raises {_name_of(error)}: {error}"
    return Problem(shown(file), line or line_in(str(file), error) or 1, what)


def _name_of(error: Exception) -> str:
    """Its class, or the class of Python's own that it stands for."""
    return "TypeError" if isinstance(error, NoFinding) else type(error).__name__


def _told(lesson: Lesson) -> set[str]:
    """The ids that the bank expects; those of a file that can't be read are not missed here."""
    texts = [file.read_text("utf-8") for file in course().mistakes(lesson).glob("*.toml")]
    return {id_ for text in texts for id_ in re.findall(r'"([\w-]+)"', text)}
