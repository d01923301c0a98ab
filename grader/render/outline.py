"""The sections of a lesson: how they are called, and where each begins and ends."""

from __future__ import annotations

from difflib import SequenceMatcher

import msgspec

from ..course.languages import TRANSLATES
from .markdown import anchor, headings


class LessonSection(msgspec.Struct, frozen=True):
    """A section, or a section within one.

    Attributes:
        level: of its heading, 2 for a section.
        text: its own, with its heading and the sections within it.
        original: the anchor of the section that it translates; its own, if it translates none.
    """

    level: int
    title: str
    anchor: str
    text: str
    original: str = ""


def outline(text: str) -> list[LessonSection]:
    """The sections of a lesson and those within them, in order."""
    lines = text.splitlines(keepends=True)
    found = list(headings(text))
    names = _unique([anchor(title) for _, _, title in found])
    parts = []
    for index, (level, start, title) in enumerate(found):
        after = (line for deep, line, _ in found[index + 1 :] if deep <= level)
        body = "".join(lines[start : next(after, len(lines))])
        note = TRANSLATES.search(body)
        original = note["anchor"] if note else names[index]
        parts.append(LessonSection(level, title, names[index], body, original))
    return [part for part in parts if part.level > 1]


def matching(parts: list[LessonSection], asked: str) -> list[LessonSection]:
    """The sections that a name or its beginning may mean: one, if it is clear."""
    name = anchor(asked.strip("# "))
    exact = [part for part in parts if name in (part.anchor, part.original)]
    return exact or [part for part in parts if name and part.anchor.startswith(name)]


def about(parts: list[LessonSection], asked: str) -> LessonSection | None:
    """The section whose title has that word, or these; of several the one that is most like
    them, and so the shortest."""
    words = {*anchor(asked).split("-")} - {""}
    found = [part for part in parts if words and words <= {*part.anchor.split("-")}]
    return nearest(found, asked)[0] if found else None


def nearest(parts: list[LessonSection], asked: str) -> list[LessonSection]:
    """All sections, the one that is most like the name first."""
    name = anchor(asked)
    return sorted(parts, key=lambda part: -SequenceMatcher(None, name, part.anchor).ratio())


def _unique(names: list[str]) -> list[str]:
    """As on GitHub: a name that was there before gets a number."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        unique.append(f"{name}-{count}" if count else name)
    return unique
