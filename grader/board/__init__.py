"""A live board: learners report to it, and a page shows the room where everyone is."""

from __future__ import annotations
