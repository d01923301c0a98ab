"""A scratch folder for each player."""

from __future__ import annotations

import os
import subprocess
import tempfile


def make_scratch() -> str:
    """A new folder that only this user can read."""
    return tempfile.mkdtemp(prefix="grader-")


def remove_scratch(folder: str) -> None:
    """Remove a scratch folder with all that is in it, whatever its owner has done to it."""
    try:
        os.rmdir(folder)  # as a rule it is empty
    except FileNotFoundError:
        return
    except OSError:  # not `shutil`: its folders may be nested too deeply for Python, or shut
        for command in (["chmod", "-R", "u+rwx", folder], ["rm", "-rf", folder]):
            subprocess.run(command, check=False, capture_output=True)
