"""The commands of `grade class`, one module each; see `grader.commands.group`."""

from __future__ import annotations

CLASS_COMMANDS = ("grade", "report", "feedback", "export")
"""In the order in which an instructor needs them."""
