"""Those who watch, and how they hear what is new. A slow one holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

MOST_READERS = 500


class News(NamedTuple):
    """An overview as JSON, one for each kind of reader.

    Attributes:
        room: for everyone.
        instructor: with examples, and how to join.
        names: for an instructor who wants names.
    """

    room: str
    instructor: str
    names: str


class NoSeat(Exception):
    """There are too many readers, or the board is about to stop."""


Mailbox = asyncio.Queue[News | None]
"""The newest news that a reader has not taken; None is the end. Its size is 1."""


class Audience:
    """The readers, each with a mailbox of one place: what is newer replaces what isn't read, as
    every overview is whole."""

    def __init__(self) -> None:
        self._mailboxes: set[Mailbox] = set()
        self._latest: News | None = None
        self._is_over = False

    @contextmanager
    def seat(self) -> Iterator[Mailbox]:
        """A mailbox for as long as the block lasts; the latest news lie in it.

        Raises:
            NoSeat: this reader has to come again.
        """
        if self._is_over or len(self._mailboxes) >= MOST_READERS:
            raise NoSeat
        mailbox: Mailbox = asyncio.Queue(1)
        self._mailboxes.add(mailbox)
        if self._latest is not None:
            mailbox.put_nowait(self._latest)
        try:
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)

    def tell(self, news: News) -> None:
        """Give everyone the news, unless nothing has changed."""
        if news != self._latest:
            self._latest = news
            self._put_all(news)

    def end(self) -> None:
        """Send everyone home: the server is about to stop, and waits for nobody who reads on."""
        self._is_over = True
        self._put_all(None)

    def _put_all(self, news: News | None) -> None:
        for mailbox in self._mailboxes:
            if mailbox.full():
                mailbox.get_nowait()
            mailbox.put_nowait(news)
