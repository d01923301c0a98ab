"""Hints and lessons as HTML. Their links lead to what the same page holds, or outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"^[ ]{0,3}<!--.*?-->[ ]*\n", re.MULTILINE | re.DOTALL)
"""What an author notes for the kit, such as which diagnoses a section explains."""

Link = Callable[[str], str | None]
"""Where the target of a link is found from the page; None if it is not."""

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


class Section(msgspec.Struct, frozen=True):
    """A second-level section of a lesson.

    Attributes:
        anchors: of its own heading, the first, and of those in it.
    """

    title: str
    text: str
    anchors: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """The sections of a lesson, in order."""
    heads = list(headings(text))
    starts = [line for level, line, _ in heads if level == 2]
    lines = text.splitlines()
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        titles = [title for level, line, title in heads if start <= line < end]
        body = "\n".join(lines[start + 1 : end])
        found.append(Section(titles[0], body, tuple(anchor(title) for title in titles)))
    return found


def anchor(title: str) -> str:
    """The anchor of a heading, as on GitHub."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def to_html(text: str, link: Link, prefix: str = "") -> str:
    """A markdown text as HTML, without its comments.

    Args:
        prefix: of the anchors of its headings.
    """
    tokens = _PARSER.parse(_COMMENT.sub("", f"{text}\n"))
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", prefix + anchor(_words(inline)))
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, link))
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Level, line and title of each heading."""
    tokens = _PARSER.parse(text)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map:
            yield int(token.tag[1]), token.map[0], _words(inline)


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _linked(children: Sequence[Token], link: Link) -> Iterator[Token]:
    """The parts of a paragraph; a link that leads nowhere is only its words."""
    leads = True
    for child in children:
        if child.type == "link_open":
            target = link(str(child.attrGet("href")))
            leads = target is not None
            child.attrSet("href", target or "")
        if leads or child.type not in ("link_open", "link_close"):
            yield child
