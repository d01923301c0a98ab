"""Server-sent events, read from the body of a response as a browser reads them."""

from __future__ import annotations

import pytest

from grader.model.event_stream import events_in
from grader.model.trace import Chunk, Moment


def read(*bodies: bytes) -> list[tuple[int, str, str, str]]:
    chunks = [Chunk(Moment(number, number), body) for number, body in enumerate(bodies)]
    return [
        (event.at.tick, event.data, event.event, "comment" if event.is_comment else event.id)
        for event in events_in(chunks)
    ]


def test_each_event_has_its_data_its_type_and_its_id() -> None:
    body = b'event: price\nid: 7\ndata: {"a":1}\n\ndata: two\n\n'
    assert read(body) == [(0, '{"a":1}', "price", "7"), (0, "two", "", "7")]


def test_moment_is_that_of_the_last_byte() -> None:
    assert read(b"data: a", b"\n", b"\ndata: b\n\n") == [(2, "a", "", ""), (2, "b", "", "")]


def test_comments_are_told_apart() -> None:
    assert read(b": ping\n\ndata: a\n\n") == [(0, "ping", "", "comment"), (0, "a", "", "")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_all_line_ends_are_known_also_across_chunks(end: bytes) -> None:
    whole = b"data: a" + end + b"data: b" + end + end + b"data: c" + end + end + b"x"
    pieces = [whole[at : at + 1] for at in range(len(whole))]
    assert [event[1] for event in read(*pieces)] == ["a\nb", "c"]


def test_event_that_is_cut_off_is_dropped() -> None:
    assert read(b"data: a\n\ndata: b\n") == [(0, "a", "", "")]


def test_event_without_data_is_none_and_keeps_the_id() -> None:
    assert read(b"id: 3\n\ndata: a\n\n") == [(0, "a", "", "3")]


def test_field_without_a_colon_and_one_blank_after_it() -> None:
    assert read(b"data\ndata:  a\nnonsense: b\n\n") == [(0, "\n a", "", "")]
