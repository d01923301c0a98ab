"""The parts of a lesson's texts: blocks of code, sections, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("python", "text", "console", "mermaid")
"""What a block can hold: a program, what it prints, commands, a diagram. Programs are run."""

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block, the line on which its content begins, and the one on which it ends."""

    language: str
    text: str
    line: int
    end: int


class HeadedText(NamedTuple):
    """What stands below a heading, and the heading's line."""

    title: str
    text: str
    line: int


class Link(NamedTuple):
    """Where a link leads, and its line."""

    target: str
    line: int


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a markdown text, in order."""
    return [
        Block(
            match["language"],
            match["text"],
            _line(text, match.start("text")),
            _line(text, match.end()),
        )
        for match in FENCE.finditer(text)
    ]


def sections(text: str, heading: str) -> Iterator[HeadedText]:
    """The sections under each heading of one depth, such as `##`."""
    starts = list(re.finditer(rf"^{heading} (?P<title>.+)$", without_code(text), re.MULTILINE))
    for match, after in zip_longest(starts, starts[1:]):
        end = after.start() if after else len(text)
        yield HeadedText(match["title"], text[match.end() : end], _line(text, match.start()))


def links_of(text: str) -> list[Link]:
    """The links of a text, but for those in blocks of code."""
    hidden = without_code(text)
    return [Link(match["target"], _line(text, match.start())) for match in _LINK.finditer(hidden)]


def resolves(page: Path, link: str) -> bool:
    """Whether a link of a page leads to a file and a heading that are there."""
    if link.startswith("https://"):
        return True
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.is_file() and (not anchor or anchor in anchors_of(target.read_text("utf-8")))


def anchors_of(text: str) -> set[str]:
    """The anchors of a text's headings, as GitHub makes them."""
    anchors: dict[str, None] = {}
    for title in re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE):
        slug = anchor_of(title)
        again = (f"{slug}-{number}" for number in range(1, 100))
        anchors[slug if slug not in anchors else next(a for a in again if a not in anchors)] = None
    return set(anchors)


def anchor_of(title: str) -> str:
    """The anchor of a heading, if no other one in the text is called the same."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def without_code(text: str) -> str:
    """The text with blanks in the place of its blocks; every line stays where it is."""
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
