"""A small wrong program and the right one beside it: what an id means, to be played."""

from __future__ import annotations

import re
import textwrap

import msgspec

from ....model.scenarios import Scenario
from ...aspects.answers import answers
from ...aspects.aspect import Aspect

FACTORY = "make_app"
"""The name of the function in each program that makes its app."""

_OF_PYTHON = {
    r"\basyncio(?=\.)": "import {}",
    r"\bjson(?=\.)": "import {}",
    r"\blogging(?=\.)": "import {}",
    r"\bos(?=\.)": "import {}",
    r"\btime(?=\.sleep)": "import {}",
    r"\baclosing\b|\basynccontextmanager\b": "from contextlib import {}",
}
_OF_OTHERS = {
    r"\basyncpg(?=\.)": "import {}",
    r"\bhttpx(?=\.)": "import {}",
    r"\b(?:FastAPI|BackgroundTasks|Body|Depends|Header|HTTPException)\b|"
    r"\b(?:Request|Response|WebSocket)\b": "from fastapi import {}",
    r"\bRequestValidationError\b": "from fastapi.exceptions import {}",
    r"\bPlainTextResponse\b|\bStreamingResponse\b": "from fastapi.responses import {}",
    r"\bEventSourceResponse\b|\bServerSentEvent\b": "from fastapi.sse import {}",
    r"\bAsyncConnectionPool\b": "from psycopg_pool import {}",
    r"\bBaseModel\b": "from pydantic import {}",
}
"""How names are imported that a program uses, by a pattern that finds them."""


class Example(msgspec.Struct, frozen=True):
    """Two programs that differ in one misconception.

    Attributes:
        id: of the misconception.
        scenario: what both are played with.
        aspect: what the two differ in.
        wrong: the text of the one, whose factory is called `make_app`; `right` of the other.
    """

    id: str
    scenario: Scenario
    aspect: Aspect
    wrong: str
    right: str


def example(
    id_: str, scenario: Scenario, wrong: str, right: str, aspect: Aspect = answers
) -> Example:
    """An example whose programs are given by what stands in their factories.

    Args:
        wrong: the lines between `app = FastAPI()` and `return app`. If they make the app
            themselves, the former is left out; a whole program is taken as it is.
        right: likewise.
    """
    given = ", ".join(scenario.collaborators)
    return Example(id_, scenario, aspect, _program(wrong, given), _program(right, given))


def _program(text: str, given: str) -> str:
    text = textwrap.dedent(text).strip("\n")
    if text.startswith("# the whole file\n"):
        return text.partition("\n")[2] + "\n"
    making = "" if "app = FastAPI(" in text else "app = FastAPI()\n\n"
    body = textwrap.indent(f"{making}{text}\n\nreturn app", "    ")
    whole = f"def {FACTORY}({given}):\n{body}\n"
    groups = (_imports(whole, _OF_PYTHON), _imports(whole, _OF_OTHERS))
    return "\n\n".join(filter(None, groups)) + f"\n\n\n{whole}"


def _imports(program: str, patterns: dict[str, str]) -> str:
    found = ((line, sorted({*re.findall(names, program)})) for names, line in patterns.items())
    return "\n".join(line.format(", ".join(names)) for line, names in found if names)
