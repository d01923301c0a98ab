"""The commands of `grade site`, one module each; see `grader.commands.group`."""

from __future__ import annotations

SITE_COMMANDS = ("build", "serve")
"""In the order in which one needs them."""
