"""Who may do what: learners report and look, the instructor sees more. Each has a token."""

from __future__ import annotations

import json
import os
import secrets
from enum import Enum
from hmac import compare_digest
from pathlib import Path
from typing import NamedTuple

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Only characters that can't be mistaken for each other when read off a projector."""


class Role(Enum):
    """Whose token it is."""

    LEARNER = "learner"
    INSTRUCTOR = "instructor"


class Tokens(NamedTuple):
    """The tokens of a board: that of all learners, and the instructor's."""

    join: str
    instructor: str

    def role_of(self, token: str) -> Role | None:
        """Whose token it is. How long this takes tells nothing of how near a guess is."""
        known = {Role.LEARNER: self.join, Role.INSTRUCTOR: self.instructor}
        found = [r for r, own in known.items() if compare_digest(own.encode(), token.encode())]
        return found[0] if found else None


def new_tokens() -> Tokens:
    """Tokens that can't be guessed. The learners' is short, as it may have to be typed."""
    words = ("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(2))
    return Tokens("-".join(words), secrets.token_urlsafe(24))


def kept_tokens(folder: Path) -> Tokens:
    """Those in a folder, which are made if there are none: a board that starts again has the
    same ones.

    Raises:
        OSError: the file can't be read or written.
        ValueError: it doesn't hold tokens.
    """
    file = folder / "tokens.json"
    try:
        return Tokens(**json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        tokens = new_tokens()
    except TypeError as error:
        raise ValueError(str(error)) from error
    with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as new:
        json.dump(tokens._asdict(), new)
    return tokens
