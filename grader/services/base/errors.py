"""What can go wrong with a service. None of it is ever charged to the learner."""

from __future__ import annotations

from ...model.errors import GraderError


class ServiceError(GraderError):
    """A service that a play needs is not available, or went away."""
