"""The board's page: one document. Only its own style and script run in it, and load nothing."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import Template

HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


STYLE, SCRIPT = _read("page.css"), _read("page.js")
POLICY = (
    f"default-src 'none'; style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy, which the browser enforces."""


@cache
def page() -> str:
    """The document."""
    return Template(_read("page.html")).substitute(style=STYLE, script=SCRIPT)
