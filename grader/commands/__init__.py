"""The commands of `grade`, one module each; `grader.commands.group` finds them by their names.

A module is imported when its command is called, or listed. It imports what it needs in its
functions, so that to list the commands nothing but click is loaded.
"""

from __future__ import annotations

COMMANDS = (
    "tour",
    "check",
    "list",
    "next",
    "hint",
    "explain",
    "lesson",
    "quiz",
    "solution",
    "reset",
    "notebook",
    "serve",
    "doctor",
    "init",
    "class",
    "board",
    "site",
    "completion",
    "dev",
)
"""In the order of the help: as a learner meets them, and last what authors use."""
