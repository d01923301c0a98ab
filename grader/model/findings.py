"""What `grade doctor` finds: plain data, which a renderer shows."""

from __future__ import annotations

import msgspec


class ExaminationResult(msgspec.Struct, frozen=True):
    """What one examination found.

    Attributes:
        remedy: what to do about it, if it is not in order.
        optional: whether most of the course can do without it.
    """

    what: str
    found: str
    ok: bool = True
    remedy: str = ""
    optional: bool = False
