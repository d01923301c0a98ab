"""What is known of why a play did not finish: a type for each kind of reason."""

from __future__ import annotations

import msgspec


class OutcomeDetail(msgspec.Struct, frozen=True, tag=True):
    """What an outcome may carry besides its kind."""


class FactoryMissing(OutcomeDetail, frozen=True):
    """No function has that name. `meant` is one whose name is like it, or that stands too deep."""

    factory: str
    meant: str | None = None


class WrongParameters(OutcomeDetail, frozen=True):
    """The factory can't be called with the parameters that the scenario hands it."""

    wanted: tuple[str, ...]


class NotAFunction(OutcomeDetail, frozen=True):
    """The factory's name is that of something else; `what` says what, as in `an int`."""

    factory: str
    what: str


class NotAnApp(OutcomeDetail, frozen=True):
    """The factory returned something else than an app, such as `None` or `a coroutine`."""

    what: str


class ServerAtImport(OutcomeDetail, frozen=True):
    """The import doesn't end, because it runs a server."""


class CutShort(OutcomeDetail, frozen=True):
    """The play was ended from outside: nothing went on in real time, or it never came back."""


class Printing(OutcomeDetail, frozen=True):
    """The play was ended, because it went on and on, when it had printed so many characters."""

    characters: int


class OutOfTime(OutcomeDetail, frozen=True):
    """The plays of the file have taken more than so many real seconds, so there was no more."""

    seconds: int


class LoopBlocked(OutcomeDetail, frozen=True):
    """The loop's own thread waits, in `call`, for what only code on that loop could bring."""

    call: str = ""


class Exited(OutcomeDetail, frozen=True):
    """The process ended by itself with this exit status."""

    status: int


class Killed(OutcomeDetail, frozen=True):
    """A signal ended the process; `signal` is its name, such as `SIGSEGV`."""

    signal: str


class RaisedExit(OutcomeDetail, frozen=True):
    """The app let an exception out that ends the server, such as `SystemExit`."""

    exception: str


class LoopStopped(OutcomeDetail, frozen=True):
    """The app stopped the event loop it runs in."""


class TooManyProcesses(OutcomeDetail, frozen=True):
    """The app started more processes than a play may."""


class Patched(OutcomeDetail, frozen=True):
    """The app replaced what the whole process shares.

    Attributes:
        what: the name of one such thing, if it is known.
    """

    what: str = ""


class Reached(OutcomeDetail, frozen=True):
    """The app reached for what the grader holds in its process.

    Attributes:
        how: in words.
    """

    how: str


class ChannelLost(OutcomeDetail, frozen=True):
    """The app closed a file or socket that wasn't its own: the grader's."""


class Forged(OutcomeDetail, frozen=True):
    """The process said something that it wasn't asked for."""


class ForkserverKilled(OutcomeDetail, frozen=True):
    """The play took down the process that players are forked from."""


class GraderProblem(OutcomeDetail, frozen=True):
    """What broke in the grader itself, in words."""

    text: str


Detail = (
    FactoryMissing
    | WrongParameters
    | NotAFunction
    | NotAnApp
    | ServerAtImport
    | CutShort
    | Printing
    | OutOfTime
    | LoopBlocked
    | Exited
    | Killed
    | RaisedExit
    | LoopStopped
    | TooManyProcesses
    | Patched
    | Reached
    | ChannelLost
    | Forged
    | ForkserverKilled
    | GraderProblem
)
