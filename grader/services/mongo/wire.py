"""MongoDB's wire protocol, as far as a relay has to read it.

From the MongoDB documentation, "Wire Protocol": a message is four numbers (its length, its
id, the id of the request that it answers, an operation code) and a body. PyMongo since 4.18
sends OP_MSG and nothing else: flags, a section of kind 0 with the command, and sections of
kind 1 with the documents that the command is about, if they are many.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import bson
from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

Document = Mapping[str, Any]

MORE_TO_COME, EXHAUST_ALLOWED = 1 << 1, 1 << 16
"""Flags of a request: that it wants no answer, and that it would take many."""

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")
_START = 5
"""Where the command begins: after the flags and the kind of the first section."""

# What is nested in a document stays the bytes that it was, whatever is done to the outer one.
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True)
class Message:
    """A request or an answer.

    Args:
        answers: the id of the request that it answers.
    """

    id: int
    answers: int
    body: bytes

    @property
    def packed(self) -> bytes:
        size = _HEADER.size + len(self.body)
        return _HEADER.pack(size, self.id, self.answers, _OP_MSG) + self.body

    @cached_property
    def document(self) -> Document:
        """The command, or what the server says. Nothing in it is decoded before it is used."""
        return bson.decode(self.body[_START : self._end], _RAW)

    @property
    def wants_answer(self) -> bool:
        return not _number(self.body) & MORE_TO_COME

    def documents(self) -> int:
        """How many documents there are in sections of kind 1."""
        count, at = 0, self._end
        while at < len(self.body):
            end = at + 1 + _number(self.body, at + 1)
            count += _count(self.body[self.body.index(b"\0", at + 5) + 1 : end])
            at = end
        return count

    def with_document(self, document: Document) -> Message:
        """The same message with another document."""
        head, tail = self.body[:_START], self.body[self._end :]
        return replace(self, body=head + bson.encode(document) + tail)

    def answered_once(self) -> Message:
        """The same request; it wants one answer, neither none nor many."""
        flags = _number(self.body) & ~(MORE_TO_COME | EXHAUST_ALLOWED)
        return replace(self, body=struct.pack("<I", flags) + self.body[4:])

    @property
    def _end(self) -> int:
        return _START + _number(self.body, _START)


def request(command: Document) -> Message:
    """A request of the grader's own."""
    return Message(0, 0, bytes(_START) + bson.encode(command))


def answer(to: Message, document: Document) -> Message:
    """An answer of the relay's own."""
    return Message(0, to.id, bytes(_START) + bson.encode(document))


class MessageParser:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            size, number, answers, _ = _HEADER.unpack_from(self._buffer)
            if len(self._buffer) < size:
                return
            body = bytes(self._buffer[_HEADER.size : size])
            del self._buffer[:size]
            yield Message(number, answers, body)


def _number(data: bytes, at: int = 0) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _count(documents: bytes) -> int:
    """How many documents there are, one right after another."""
    count = at = 0
    while at < len(documents):
        count, at = count + 1, at + _number(documents, at)
    return count


def with_id(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of a seed with its `_id`: `{"$oid": "..."}` is an ObjectId, as is a new one."""
    own = document.get("_id", {"$oid": None})
    is_object_id = isinstance(own, Mapping) and own.keys() == {"$oid"}
    rest = {key: value for key, value in document.items() if key != "_id"}
    return {"_id": ObjectId(own["$oid"]) if is_object_id else own, **rest}
