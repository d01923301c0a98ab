"""The name and the version of the kit."""

from __future__ import annotations

VERSION = "0.1.0"

APPLICATION = "fastapi-async-course"
"""What it is installed as, and what its folders are called among a user's states and caches: on
Linux, in `$XDG_STATE_HOME`."""
