"""What the relay changes, so that every server looks like one and the same MongoDB.

That is a stand-alone one, as `mongod` without arguments is: it has no transactions and no
change streams. The embedded server has something by these names, but its transactions are not
isolated; and with a replica set of the user's a lesson must not go another way.
"""

from __future__ import annotations

from .wire import Document, Message

DRIVERS_OWN = frozenset(
    [
        *("hello", "ismaster", "isMaster", "buildInfo", "saslStart", "saslContinue"),
        *("killCursors", "endSessions", "commitTransaction", "abortTransaction"),
    ]
)
"""Commands that drivers send by themselves, or that frame a transaction. A `getMore`
is not one of them: the learner's loop asks for more. Nor is a `ping`, which drivers don't send."""

_HELLO = ("hello", "ismaster", "isMaster")
_HELLO_SAYS = frozenset(
    [
        *("ok", "isWritablePrimary", "ismaster", "helloOk", "readOnly", "connectionId"),
        *("maxBsonObjectSize", "maxMessageSizeBytes", "maxWriteBatchSize", "minWireVersion"),
        *("maxWireVersion", "logicalSessionTimeoutMinutes"),
        *("saslSupportedMechs", "speculativeAuthenticate"),
    ]
)
"""Nothing of other members, which the driver would go to without the relay; no compression;
and no version of the topology, without which the driver polls every ten seconds instead of
leaving a request at the server."""


def name_of(command: Document) -> str:
    """The command's name, which is its first key."""
    return next(iter(command), "")


def refusal(command: Document) -> Document | None:
    """How a stand-alone MongoDB refuses a command, or None if it does not."""
    if command.get("autocommit") is False:
        text = "Transaction numbers are only allowed on a replica set member or mongos"
        return failure(20, text, "IllegalOperation")
    if name_of(command) == "aggregate" and any("$changeStream" in s for s in command["pipeline"]):
        return failure(40573, "The $changeStream context is only supported on replica sets")
    return None


def failure(code: int, text: str, name: str = "") -> Document:
    """An answer that makes the driver raise."""
    return {"ok": 0, "errmsg": text, "code": code, "codeName": name or f"Location{code}"}


def as_of_stand_alone(command: Document, answer: Message) -> Message:
    """An answer without what a stand-alone MongoDB does not say of itself."""
    if name_of(command) not in _HELLO:
        return answer
    said = {key: value for key, value in answer.document.items() if key in _HELLO_SAYS}
    return answer.with_document(said)
