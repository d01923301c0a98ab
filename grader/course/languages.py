"""Texts in other languages: `lessons/dayNN.de.md` stands beside `lessons/dayNN.md`.

A section of a translation says below its heading which section of the original it translates, and
how that was then: `<!-- translates: why-async 1a2b3c4d -->`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

LANGUAGE = "GRADER_LANGUAGE"
"""The variable that names the language of texts, such as `de`. Without it, it is the locale's."""

TRANSLATES = re.compile(r"<!-- translates: (?P<anchor>[\w-]+)(?: (?P<digest>[0-9a-f]{8}))? -->")

_CODE = re.compile(r"[a-z]{2,3}")


def is_language(word: str) -> bool:
    """Whether a word is the code of a language, as in the names of files."""
    return _CODE.fullmatch(word) is not None


def language() -> str:
    """The language that the user reads, such as `de`; empty if it isn't known."""
    names = (LANGUAGE, "LC_ALL", "LC_MESSAGES", "LANG")
    asked = next((os.environ[name] for name in names if os.environ.get(name)), "")
    code = re.split(r"[_.@]", asked)[0].lower()
    return code if is_language(code) else ""


def translated(file: Path) -> Path:
    """The file in the user's language if there is one, else the file itself."""
    found = in_language(file, language())
    return found if language() and found.is_file() else file


def in_language(file: Path, code: str) -> Path:
    """What a file is called in another language, whether it is there or not."""
    return file.with_suffix(f".{code}{file.suffix}")


def translations(file: Path) -> list[Path]:
    """The files beside one that hold it in other languages; a folder has none."""
    found = sorted(file.parent.glob(f"{file.stem}.*{file.suffix}")) if file.suffix else []
    return [one for one in found if is_language(one.stem.rpartition(".")[2])]
