"""Who may connect to the embedded server. It is put right before each start, while no one can.

Only the keeper knows the administrator's password, and nothing on the disk does.
"""

from __future__ import annotations

import os
from pathlib import Path

from .roles import FROM_ALL_ROLES
from .unprivileged import own

ADMINISTRATOR = "postgres"
_RULES = f"""\
local all {ADMINISTRATOR} scram-sha-256
local sameuser all scram-sha-256
"""
"""All others get in only to a database that is named as they are."""


def write_rules(data: Path) -> None:
    """Replace what a data directory says about who may connect, and what was set in SQL."""
    _replace(data / "pg_hba.conf", _RULES)
    _replace(data / "postgresql.auto.conf", "")


def _replace(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)  # whatever it is: a link is not followed
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "w") as new:
        new.write(text)
    own(file)


def with_password(password: str) -> str:
    """What a server without clients runs, a statement a line: the rights of all roles."""
    administrator = (
        f"ALTER ROLE {ADMINISTRATOR} SUPERUSER LOGIN CONNECTION LIMIT -1 "
        f"VALID UNTIL 'infinity' PASSWORD '{password}'"
    )
    closed = "REVOKE ALL ON DATABASE postgres, template0, template1 FROM PUBLIC"
    return "\n".join([*FROM_ALL_ROLES, administrator, closed, ""])
