"""What can go wrong with a service. None of it is charged to the learner, but for what they did."""

from __future__ import annotations

from ...model.errors import GraderError


class ServiceError(GraderError):
    """A service that a play needs is not available, or went away."""


class BrokerLost(ServiceError):
    """A player and the broker can't speak to each other any more.

    The broker hangs up when the player is to end, and on nonsense. So where the player lives to
    see it, its play has closed the socket between them, or read from it, or written to it.
    """

    def __init__(self) -> None:
        super().__init__("The grader could not be asked for a database any more.", "Run it again.")
