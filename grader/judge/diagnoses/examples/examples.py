"""All examples, by id."""

from __future__ import annotations

from . import (
    bodies,
    closing,
    databases,
    depending,
    failing,
    listening,
    lives,
    making,
    refusing,
    retrying,
    sockets,
    statements,
    streams,
    upstreams,
    values,
    waiting,
    working,
)
from .example import Example

EXAMPLES: dict[str, Example] = {
    one.id: one
    for module in (
        waiting,
        making,
        failing,
        refusing,
        bodies,
        working,
        closing,
        lives,
        databases,
        statements,
        upstreams,
        retrying,
        streams,
        sockets,
        listening,
        values,
        depending,
    )
    for one in module.EXAMPLES
}
