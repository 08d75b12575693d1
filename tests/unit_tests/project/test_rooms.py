"""The package is a tower of rooms: an import points down, and nothing goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import PACKAGE, ROOT, TOWER

ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
MOST_MODULES_BESIDE_THE_ROOMS = 9
MOST_LINES = 400


def modules(folder: Path) -> dict[str, Path]:
    """Return the modules below a folder, by their full names."""
    named = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imported_by(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a module imports, inside functions and for type checkers, too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= whole & known.keys() or {str(node.module)}
    return names & known.keys()


def room_of(module: str) -> str:
    """Return the room of a module, or the module itself where it stands beside the rooms."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_the_tower_is_all_there_is() -> None:
    assert sorted(TOWER) == sorted({room_of(name) for name in modules(PACKAGE)})


@pytest.mark.parametrize("room", TOWER)
def test_no_import_points_up(room: str) -> None:
    known = modules(PACKAGE)
    reachable = set(TOWER[TOWER.index(room) :])
    for name, path in known.items():
        if room_of(name) == room:
            imported = {room_of(module) for module in imported_by(path, known)}
            assert imported <= reachable, name


@pytest.mark.parametrize("folder", ["langchain_onlysq", "benchmarks", "tests"])
def test_no_imports_form_a_circle(folder: str) -> None:
    known = modules(ROOT / folder)
    graph = {name: imported_by(path, known) - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def loaded_in_calls(tree: ast.AST) -> Iterator[str]:
    """Yield what functions import, other than under the lock for loading."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.With) and ast.unparse(child.items[0]) == "loading":
            continue
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            imports = (node for node in ast.walk(child) if isinstance(node, ast.ImportFrom))
            under_lock = {
                node
                for block in ast.walk(child)
                if isinstance(block, ast.With) and ast.unparse(block.items[0]) == "loading"
                for node in block.body
            }
            yield from (ast.unparse(node) for node in imports if node not in under_lock)
        else:
            yield from loaded_in_calls(child)


@pytest.mark.parametrize(
    "room", ["completion", "transport", "request", "prompted_tools", "outputs", "response"]
)
def test_what_a_call_loads_it_loads_under_the_lock(room: str) -> None:
    found = {
        name: list(loaded_in_calls(ast.parse(path.read_text(encoding="utf-8"))))
        for name, path in modules(PACKAGE).items()
        if room_of(name) == room
    }
    assert {name: imports for name, imports in found.items() if imports} == {}


def test_tests_share_through_support_and_do_not_import_each_other() -> None:
    known = modules(ROOT / "tests")
    tests = {name for name in known if name.rpartition(".")[2].startswith("test_")}
    imported = {name: imported_by(path, known) & tests for name, path in known.items()}
    assert {name: found for name, found in imported.items() if found} == {}


def test_few_modules_stand_beside_the_rooms() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_MODULES_BESIDE_THE_ROOMS


def test_no_module_is_long() -> None:
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules(PACKAGE).items()}
    assert [name for name, text in texts.items() if text.count("\n") > MOST_LINES] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_says_what_it_is_for(room: Path) -> None:
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring
    assert "mports " in docstring
