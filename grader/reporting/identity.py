"""The number that a board knows a learner by: drawn at random, kept in the workspace."""

from __future__ import annotations

import uuid
from pathlib import Path

from ..course.files import read_regular, write_whole

FILE = Path(".course", "learner")
MOST_BYTES = 100


def learner_id(workspace: Path) -> str:
    """The learner's number, which is made if there is none.

    Raises:
        OSError: it can't be kept.
    """
    file = workspace / FILE
    try:
        return str(uuid.UUID(read_regular(file, MOST_BYTES).decode().strip()))
    except (FileNotFoundError, ValueError):
        file.parent.mkdir(exist_ok=True)
        write_whole(file, f"{uuid.uuid4()}\n")
    return str(uuid.UUID(file.read_text("utf-8").strip()))
