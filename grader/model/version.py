"""The version of the kit."""

from __future__ import annotations

VERSION = "0.1.0"
