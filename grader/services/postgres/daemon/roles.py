"""The role of a lease: it owns the lease's database, and may do nothing elsewhere.

It is named as its database is, and the server lets a role into the database of its name only.
"""

from __future__ import annotations

import secrets

CONNECTIONS = 100
"""Connections that one play may open, as many as PostgreSQL itself allows by default."""
STATEMENT = "30s"
"""Real time that a statement of a play may take, unless it says otherwise. It may have to wait for
a lock meanwhile; what is at work ends long before (`overuse.py`)."""

FROM_ALL_ROLES = (
    "UPDATE pg_authid SET rolsuper = false, rolcanlogin = false WHERE oid > 16383",
    "DELETE FROM pg_db_role_setting",
)
"""Statements that take from all roles but the first what earlier starts of the server left them."""


def new_password() -> str:
    """A password that can't be guessed, so that a single round of hashing is enough for it."""
    return secrets.token_hex(16)


def creating(name: str, password: str) -> str:
    """What makes the role of a database that has none, in one transaction."""
    return f"""
        CREATE ROLE "{name}" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
            LOGIN PASSWORD '{password}' CONNECTION LIMIT {CONNECTIONS + 1};
        ALTER ROLE "{name}" SET statement_timeout = '{STATEMENT}';
        ALTER DATABASE "{name}" OWNER TO "{name}";
        REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
        GRANT ALL ON DATABASE "{name}" TO "{name}"
    """


def replacing(name: str, password: str) -> str:
    """What puts a new role in the place of one that owns nothing but its database."""
    return f"""
        ALTER DATABASE "{name}" OWNER TO CURRENT_USER;
        DROP ROLE "{name}";
        {creating(name, password)}
    """
