"""The package: what it gives, and which of its parts may know of which."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import grader
from grader.course import catalog
from grader.course.catalog import CARRIED

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "grader"
MODULES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


# What is given


def test_all_is_what_is_visible() -> None:
    """Every name is there; `import *` gives them; each can be found for a type checker."""
    space: dict[str, object] = {}
    exec("from grader import *", space)
    assert {name for name in space if name != "__builtins__"} == set(grader.__all__)
    assert all(getattr(grader, name) is space[name] for name in grader.__all__)
    assert list(grader.__all__) == sorted(grader.__all__)
    assert names_for_type_checkers() == set(grader.__all__)


def names_for_type_checkers() -> set[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    return {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_nothing_else_is_public() -> None:
    """In a fresh process; later, modules that were imported can be seen as well."""
    seen = run_python(
        "import grader\n"
        "from types import ModuleType\n"
        "for name in grader.__all__:\n    getattr(grader, name)\n"
        "own = [n for n, v in vars(grader).items() if not isinstance(v, ModuleType)]\n"
        "print(*(n for n in own if not n.startswith('_')))"
    ).split()
    helpers = {"annotations", "import_module", "TYPE_CHECKING", "Any"}
    assert set(seen) - helpers == set(grader.__all__)


def test_name_that_is_not_given_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'grader' has no attribute 'nope'"):
        _ = grader.nope


@pytest.mark.parametrize(
    "module", ["grader.checks", "grader.clock", "grader.driver", "grader.judge.diagnoses"]
)
def test_subpackages_only_export(module: str) -> None:
    """Their `__init__` holds no logic, and `__all__` is what it imports."""
    file = PACKAGE.joinpath(*module.split(".")[1:], "__init__.py")
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.Expr, ast.ImportFrom, ast.Assign)
    assert [node for node in tree.body if not isinstance(node, kinds)] == []
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert set(importlib.import_module(module).__all__) == imported


# Who knows of whom


def layers() -> dict[str, set[str]]:
    """What each part may import: the table of CONTRIBUTING.md, which stands there alone."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)/` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {part: set(re.findall(r"`(\w+)`", imports)) for part, imports in rows}


LAYERS = layers()


def imports_of(file: Path) -> Iterator[str]:
    """The modules of this package that a file imports, anywhere in it."""
    package = name_of(file) if file.name == "__init__.py" else name_of(file).rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            parts = package.split(".")[: len(package.split(".")) + 1 - node.level]
            if node.module:
                yield ".".join([*parts, node.module])
            else:
                yield from (".".join([*parts, alias.name]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def part_of(module: str) -> str:
    """`grader.clock.loop` is of the part `clock`; `grader` and `grader.__main__` of none."""
    return module.split(".")[1] if module.count(".") and "__" not in module else ""


@pytest.mark.parametrize("file", [f for f in MODULES if part_of(name_of(f))], ids=name_of)
def test_layers_point_one_way(file: Path) -> None:
    own = part_of(name_of(file))
    imported = {part_of(name) for name in imports_of(file) if name.split(".")[0] == "grader"}
    assert imported - {own, ""} <= LAYERS[own]


def test_every_part_has_its_place_in_the_layers() -> None:
    """Each is in the table once, and imports only what stands above it: there are no cycles."""
    folders = {f.name for f in PACKAGE.iterdir() if f.is_dir() and f.name != "__pycache__"}
    assert list(LAYERS) == list(dict.fromkeys(LAYERS))
    assert set(LAYERS) == folders
    above: set[str] = set()
    for part, imports in LAYERS.items():
        assert imports <= above, part
        above.add(part)


def test_no_module_is_loose() -> None:
    """Each has its folder; only what Python itself looks for stands beside them."""
    assert {f.name for f in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_two_classes_have_the_same_name() -> None:
    """One name means one thing, in whatever part one reads it."""
    names = Counter(
        node.name
        for file in MODULES
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_judge_knows_only_how_to_speak_to_the_worker() -> None:
    """What runs foreign code is never imported by what decides."""
    for file in MODULES:
        if part_of(name_of(file)) == "judge":
            known = {name for name in imports_of(file) if part_of(name) == "worker"}
            assert known <= {"grader.worker.messages", "grader.worker.forkserver"}, file


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        ("grader", "grader.driver grader.clock grader.judge fastapi starlette pytest rich"),
        ("grader.processes.spawn", "grader.worker grader.driver msgspec pytest asyncio fastapi"),
        (
            "grader.worker.forkserver",
            "grader.judge grader.render grader.model.report pytest rich click",
        ),
        ("grader.judge.grading", "grader.driver grader.clock fastapi starlette rich"),
        ("grader.render.terminal", "grader.driver grader.clock grader.judge fastapi pytest"),
        ("grader.commands.group", "grader.driver grader.clock grader.judge fastapi pytest rich"),
        ("grader.clock", "grader.driver grader.judge grader.render fastapi starlette pytest"),
    ],
)
def test_import_takes_no_more_than_it_needs(module: str, strangers: str) -> None:
    """A process should not wait for what it does not use, nor hold what it must not know."""
    loaded = run_python(f"import sys, {module}\nprint(*sys.modules)").split()
    assert [name for name in strangers.split() if name in loaded] == []


# What is shipped


def test_command_is_the_one_of_the_module() -> None:
    """`grade` and `python -m grader` are the same."""
    assert PROJECT["project"]["scripts"] == {"grade": "grader.__main__:main"}


def test_wheel_carries_the_content() -> None:
    """Each folder that ties a lesson together is in it, under the name that is looked for."""
    carried = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    folders = catalog.course().folders
    names = {"course.toml", *(getattr(folders, name) for name in folders.__struct_fields__)}
    names -= {folders.checks}  # a part of the package
    assert carried == {name: f"{CARRIED}/{name}" for name in names}
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_everything_imported_is_declared() -> None:
    """A distribution that comes only with another one may go with it. Extras are imported where
    they are needed, and need not be there."""
    extras = PROJECT["project"]["optional-dependencies"]
    declared = {
        re.split(r"[<>=\[ ]", line)[0].replace("-", "_")
        for line in [*PROJECT["project"]["dependencies"], *extras["cluster"], *extras["site"]]
    }
    roots = {name.split(".")[0] for file in MODULES for name in imports_of(file)}
    foreign = roots - set(sys.stdlib_module_names) - {"grader"}
    given_by = packages_distributions()
    assert {given_by.get(root, [root])[0].lower().replace("-", "_") for root in foreign} <= declared


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_module_says_what_it_is(file: Path) -> None:
    """In a docstring; and its annotations are not evaluated."""
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree)
    code = [node for node in tree.body if not isinstance(node, ast.Expr)]
    if code and file.name != "__init__.py":
        assert ast.unparse(code[0]) == "from __future__ import annotations"
