"""The commands of `grade dev`, one module each; `grader.commands.dev` finds them by their names."""

from __future__ import annotations

AUTHORS_COMMANDS = ("course", "new", "fill", "check", "facts", "mutate", "reference")
"""In the order of the help."""
