"""What can be wrong with translations: sections that are missing, or older than the original."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from ..course.files import shown
from ..course.languages import TRANSLATES
from ..model.problems import Problem
from .markdown import HeadedText, anchor_of, sections


def problems_of_translation(original: Path, file: Path) -> Iterator[Problem]:
    """Sections of a text that its translation lacks, or has as they once were, and those of which
    nothing says what they translate."""
    originals = _sections(original)
    found: set[str] = set()
    for section in sections(file.read_text("utf-8"), "##"):
        note = TRANSLATES.search(section.text)
        anchor = note["anchor"] if note else ""
        found.add(anchor)
        yield from _problems_of_section(original, file, section, originals.get(anchor))
    for anchor, missing in originals.items():
        if anchor not in found:
            remedy = f"below its heading: <!-- translates: {anchor} -->"
            yield Problem(shown(file), 1, f"there is no {missing.title!r}", remedy)


def _problems_of_section(
    original: Path, file: Path, section: HeadedText, translates: HeadedText | None
) -> Iterator[Problem]:
    note = TRANSLATES.search(section.text)
    if note is None or translates is None:
        anchors = ", ".join(_sections(original))
        what = f"{section.title!r} doesn't say which section of {shown(original)} it translates"
        remedy = f"below its heading: <!-- translates: one of {anchors} -->"
        yield Problem(shown(file), section.line, what, remedy)
    elif note["digest"] is None:
        what = f"nothing says how {translates.title!r} was when it was translated"
        yield Problem(shown(file), section.line, what, "grade dev fill writes it down")
    elif note["digest"] != digest(translates):
        what = f"{translates.title!r} has changed since it was translated"
        remedy = f"see {shown(original)}:{translates.line}, then remove {note['digest']} here, and:"
        yield Problem(shown(file), section.line, what, f"{remedy} grade dev fill")


def noted(original: Path, text: str) -> str:
    """A translation in which each section says how the original is now, if it said nothing yet."""
    originals = _sections(original)

    def with_digest(note: re.Match[str]) -> str:
        translates = originals.get(note["anchor"])
        if note["digest"] or translates is None:
            return note[0]
        return f"<!-- translates: {note['anchor']} {digest(translates)} -->"

    return TRANSLATES.sub(with_digest, text)


def digest(section: HeadedText) -> str:
    """What identifies the text of a section."""
    return hashlib.sha256(section.text.strip().encode()).hexdigest()[:8]


def _sections(file: Path) -> dict[str, HeadedText]:
    return {anchor_of(one.title): one for one in sections(file.read_text("utf-8"), "##")}
