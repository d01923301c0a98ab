"""The reference for authors, made from the docstrings of what checks import."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .. import checks
from ..course import catalog
from ..course.catalog import Course
from ..judge import differences, forms
from ..judge.aspects import answers, connections
from ..judge.aspects import aspect as aspects
from ..judge.aspects.aspect import Aspect
from ..judge.diagnoses import case
from ..judge.diagnoses.own import rules_file
from ..judge.diagnoses.registry import rule
from ..judge.explaining import summaries
from .marks import marks_file

_HEAD = """# Reference for authors

`grade dev reference` makes this page from the docstrings of the installed kit. All names come from
`grader.checks`.
"""
_PIECES = "grader.model."
_FILES: tuple[Callable[..., Any], ...] = (
    Course.lesson_text,
    Course.answers,
    Course.stub,
    Course.hints,
    Course.solution,
    Course.checks,
    rules_file,
    marks_file,
    Course.mistakes,
    Course.quiz,
    Course.notebook,
)
_HELPERS = (answers, aspects, connections, case, differences, catalog)
_PART = re.compile(r"^(Args|Attributes|Returns|Raises):\n", re.MULTILINE)


def reference() -> str:
    """The whole page, as markdown."""
    parts = [
        _HEAD,
        _section("Files", map(_file, _FILES), ""),
        _section("Scenario pieces", _pieces()),
        _section("Sample data", _methods(checks.SampleData)),
        _section("Checks", (_function(one) for one in (checks.exercise, checks.assert_same))),
        _section("Aspects", _aspects()),
        _section("Aspects of your own", [_function(checks.aspect)]),
        _section("Forms", _functions_of(forms)),
        _section("What aspects and rules are written with", _functions_of(*_HELPERS)),
        _section(
            "Rules of your own", [_function(rule), _class(checks.Finding), _class(checks.Case)]
        ),
        _section("Verdicts", (f"- `{id_}`: {says}" for id_, says in summaries().items()), ""),
    ]
    return "\n".join(parts)


def _section(title: str, entries: Any, gap: str = "\n") -> str:
    return f"## {title}\n\n" + f"\n{gap}".join(entries) + "\n"


def _file(place: Callable[..., Any]) -> str:
    says, *_ = _words(place).split("\n\n")
    return "- " + says.replace("\n", "\n  ")


def _pieces() -> Iterator[str]:
    for name in checks.__all__:
        one = getattr(checks, name)
        if one.__doc__ and getattr(one, "__module__", "").startswith(_PIECES):
            yield _function(one) if inspect.isfunction(one) else f"### `{name}`\n\n{_words(one)}"


def _aspects() -> Iterator[str]:
    for name in checks.__all__:
        one = getattr(checks, name)
        if isinstance(one, Aspect):
            yield f"### `{name}`\n\n{_words(one.compute)}\n\n{_tags(one)}"
        elif inspect.isfunction(one) and _makes_aspect(one):
            yield _function(one)


def _tags(one: Aspect) -> str:
    return f"Tags: {', '.join(f'`{tag}`' for tag in sorted(one.tags))}."


def _functions_of(*modules: ModuleType) -> Iterator[str]:
    """The functions of some modules that checks import, but for those that make an aspect."""
    names = {module.__name__ for module in modules}
    for one in (getattr(checks, name) for name in checks.__all__):
        is_there = inspect.isfunction(one) and one.__module__ in names
        if is_there and one is not checks.aspect and not _makes_aspect(one):
            yield _function(one)


def _makes_aspect(one: Callable[..., Any]) -> bool:
    return bool(one.__annotations__.get("return") == "Aspect")


def _methods(kind: type) -> Iterator[str]:
    for name, one in vars(kind).items():
        if inspect.isfunction(one) and name[0] != "_":
            yield _function(one)


def _class(kind: type) -> str:
    public = [one for name, one in vars(kind).items() if name[0] != "_"]
    methods = [one for one in public if inspect.isfunction(one) and one.__doc__]
    return "\n\n".join([f"### `{kind.__name__}`\n\n{_words(kind)}", *map(_function, methods)])


def _function(one: Callable[..., Any]) -> str:
    signature = inspect.signature(one)
    known = [_plain(parameter) for parameter in signature.parameters.values()]
    shown = inspect.Signature(known[known[:1] != [] and known[0].name == "self" :])
    text = _words(one)
    return f"### `{one.__name__}{shown}`" + (f"\n\n{text}" if text else "")


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    is_named = inspect.isclass(default) or inspect.isfunction(default)
    if is_named and default is not inspect.Parameter.empty:
        default = _Plain(default.__name__)
    return parameter.replace(annotation=_Plain(parameter.annotation), default=default)


class _Plain:
    """What is shown as it is, without quotation marks."""

    def __init__(self, text: object) -> None:
        self.text = str(text).strip("\"'")

    def __repr__(self) -> str:
        return self.text


def _words(one: Any) -> str:
    """A docstring as markdown: what stands below `Args:` is a list."""
    first, *parts = _PART.split(inspect.getdoc(one) or "")
    named = zip(parts[::2], parts[1::2], strict=True)
    lists = (f"\n\n{title}:\n\n{_list(body)}" for title, body in named)
    return first.strip() + "".join(lists)


def _list(body: str) -> str:
    lines = textwrap.dedent(body).splitlines()
    return "\n".join(line if line[:1] in (" ", "") else f"- {line}" for line in lines).strip()
