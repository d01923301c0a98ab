"""The embedded server's answers: those of `nx-27017`, with what it gets wrong put right.

- It does not know that a condition on nothing, on a whole document or on a compiled regular
  expression is one: these are written out.
- An ObjectId in a pipeline or a count is equal to nothing, and so is one that is not the
  `_id` of a document to be changed: they are converted, and changes name documents by `_id`.
- What it translates to SQL loses the type of `_id` in an aggregation, and in a replacement
  for good. Its interpreter keeps it, but loses an `$inc` of a nested field.
- It does not know the distinct values of `_id`, and gives others in the order of a set.
- A replacement that inserts forgets the `_id` of its filter; no answer has `_id` first.
- A `getMore` brings 101 documents, as a `find` does, instead of all that are left.
- Of a duplicate key it says what SQLite says.
- A text that reads like an ObjectId is equal to the ObjectId: here it is of its own type.
- A `findAndModify` that fails is one that finds nothing, and leaves half of an upsert behind:
  it is carried out as a `find` and an `update` or a `delete`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson import ObjectId
from bson.regex import Regex
from neosqlite.collection.query_helper import set_force_fallback  # type: ignore[import-untyped]
from nx_27017.handler import NeoSQLiteHandler  # type: ignore[import-untyped]
from nx_27017.utils import convert_bson_to_neo_objectids  # type: ignore[import-untyped]
from nx_27017.wire_protocol import OP_MSG, ResponseBuilder  # type: ignore[import-untyped]

Document = dict[str, Any]

BAD_VALUE, DUPLICATE_KEY = 2, 11000
UNBOUNDED = 2**31 - 1

_FILTERS = ("filter", "query", "q", "$match")
_SWITCHES = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}


class Handler(NeoSQLiteHandler):  # type: ignore[misc]
    """A server with nothing in it."""

    def __init__(self) -> None:
        super().__init__(data_dir="memory")

    def answer(self, packed: bytes) -> bytes:
        """The answer to a message, both as they go over the wire."""
        message = OP_MSG.parse(packed)
        command = message["sections"][0][1]
        about = f"{command['$db']}.{next(iter(command.values()))}"  # it is taken to pieces below
        try:
            said = self._carry_out(message, command)
        except Exception as error:  # of the learner's making: a filter that is none
            said = {"ok": 0, "errmsg": str(error), "code": BAD_VALUE, "codeName": "BadValue"}
        for each in (said, *said.get("writeErrors", ())):
            _name_duplicate(each, about)
        _put_ids_first(said)
        reply: bytes = ResponseBuilder.build_op_msg_reply(0, message["request_id"], said)
        return reply

    def _carry_out(self, message: Document, command: Document) -> Document:
        if "insert" in command:
            inserted: Document = self.handle_insert(message)[1]
            return inserted
        if "findAndModify" in command:
            return self._find_and_modify(message, command)
        parts = [(kind, prepared(part)) for kind, part in message["sections"]]
        command, changes = parts[0][1], list(_changes([part for _, part in parts]))
        if "distinct" in command:
            return self._distinct(command)
        if "getMore" in command:
            command.setdefault("batchSize", UNBOUNDED)
        for change in changes:
            self._name_documents(command, change)
        with _interpreting(not any(map(_changes_in_place, changes))):
            said: Document = self.handle_command({**message, "sections": parts})[1]
        return said

    def _find_and_modify(self, message: Document, command: Document) -> Document:
        query, name = command.get("query", {}), command["findAndModify"]
        id_only = {"sort": command.get("sort", {}), "projection": {"_id": 1}}
        found = self._first(message, name, query, **id_only)
        if found is None and not command.get("upsert"):
            return {"ok": 1, "value": None}
        shown = {"projection": command.get("fields", {})}
        before = found and self._first(message, name, found, **shown)
        said = self._ask(message, _change_of(command, {**query, **(found or {})}))
        if "writeErrors" in said:
            return {"ok": 0, **said["writeErrors"][0]}
        for upserted in said.get("upserted", ()):
            found = {"_id": upserted["_id"]}
        if found is None or not command.get("new"):
            return {"ok": 1, "value": before}
        return {"ok": 1, "value": self._first(message, name, found, **shown)}

    def _first(
        self, message: Document, name: str, filter: Document, **options: Document
    ) -> Document | None:
        """The first document that a `find` brings."""
        find = {"find": name, "filter": filter, "limit": 1}
        given = {key: value for key, value in options.items() if value}
        batch = self._ask(message, find | given)["cursor"]["firstBatch"]
        return next(iter(batch), None)

    def _ask(self, message: Document, command: Document) -> Document:
        """What is answered to another command in place of this one."""
        whole = {**command, "$db": message["sections"][0][1]["$db"]}
        return self._carry_out({**message, "sections": [("body", whole)]}, whole)

    def _distinct(self, command: Document) -> Document:
        collection = self.get_database(command["$db"])[command["distinct"]]
        values: list[Any] = []
        with _interpreting(True):
            documents = list(collection.find(command.get("query", {})))
        for document in documents:
            value = collection._get_val(document, command["key"])
            found = value if isinstance(value, list) else [value]
            values += [each for each in found if each is not None and each not in values]
        return {"ok": 1, "values": values}

    def _name_documents(self, command: Document, change: Document) -> None:
        """Let a change be about certain documents, by their `_id`, if there are any for it."""
        wanted = change.get("q", {})
        database, name = self.get_database(command["$db"]), next(iter(command.values()))
        found: list[Any] = []
        if name in database.list_collection_names():
            with _interpreting(True):
                found = [document["_id"] for document in database[name].find(wanted)]
        if found and wanted and ".$" not in repr(change.get("u")):  # `items.$` needs its filter
            change["q"] = {"_id": {"$in": found}}
        elif not found and "_id" in wanted and "u" in change:
            if _is_condition(wanted["_id"]) and "$eq" in wanted["_id"]:
                wanted["_id"] = wanted["_id"]["$eq"]  # what is inserted has it
            if not _changes_in_place(change):
                change["u"] = {"_id": wanted["_id"], **change["u"]}


@contextmanager
def _interpreting(always: bool) -> Iterator[None]:
    set_force_fallback(always)
    try:
        yield
    finally:
        set_force_fallback(False)


def _change_of(command: Document, query: Document) -> Document:
    """The change of a `findAndModify`, as a command that says what is wrong with it."""
    name = command["findAndModify"]
    if command.get("remove"):
        return {"delete": name, "deletes": [{"q": query, "limit": 1}]}
    change = {"q": query, "u": command["update"], "upsert": bool(command.get("upsert"))}
    if "arrayFilters" in command:
        change["arrayFilters"] = command["arrayFilters"]
    return {"update": name, "updates": [change]}


def _changes(parts: list[Document]) -> Iterator[Document]:
    """The single changes that a command makes; its document has them, or a section."""
    for part in parts:
        yield from part.get("updates", ())
        yield from part.get("deletes", ())


def _changes_in_place(change: Document) -> bool:
    """Whether it is made of operators such as `$inc`."""
    update = change.get("u")
    return isinstance(update, dict) and any(key.startswith("$") for key in update)


def prepared(part: Document) -> Document:
    """A command, or a section of one, in which every condition is written out."""
    converted: Document = convert_bson_to_neo_objectids(part)
    return {key: _written_out(key, value) for key, value in converted.items()}


def _written_out(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_written_out("", item) for item in value]
    if not isinstance(value, dict):
        return value
    if key in _FILTERS:
        return _conditions(value)
    return {name: _written_out(name, item) for name, item in value.items()}


def _conditions(filter: Document) -> Document:
    return {key: _condition(key, value) for key, value in filter.items()}


def _condition(key: str, value: Any) -> Any:
    if key == "_id" and isinstance(value, str) and ObjectId.is_valid(value):
        return {"$eq": value, "$type": "string"}
    if key in ("$and", "$or", "$nor"):
        return [_conditions(each) for each in value]
    if isinstance(value, Regex):
        switches = "".join(letter for flag, letter in _SWITCHES.items() if value.flags & flag)
        return {"$regex": value.pattern, "$options": switches}
    is_whole = isinstance(value, dict) and not _is_condition(value)
    return {"$eq": value} if value is None or is_whole else value


def _is_condition(value: Any) -> bool:
    return isinstance(value, dict) and any(name.startswith("$") for name in value)


def _name_duplicate(error: Document, about: str) -> None:
    said = str(error.get("errmsg", ""))
    if said.startswith("UNIQUE constraint failed"):
        text = f"E11000 duplicate key error collection: {about} ({said})"
        error |= {"code": DUPLICATE_KEY, "codeName": "DuplicateKey", "errmsg": text}


def _put_ids_first(answer: Document) -> None:
    cursor = answer.get("cursor") or {}
    for name in cursor.keys() & {"firstBatch", "nextBatch"}:
        cursor[name] = [_with_id_first(document) for document in cursor[name]]
    if isinstance(answer.get("value"), dict):
        answer["value"] = _with_id_first(answer["value"])


def _with_id_first(document: Document) -> Document:
    return {"_id": document["_id"], **document} if "_id" in document else document
