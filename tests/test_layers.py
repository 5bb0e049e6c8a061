"""Imports go down only, and units of one layer do not import each other: read from the source, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sequela"
LAYERS = [
    {"errors"},
    {"types", "registry", "extras", "units", "seed", "threads"},
    {"config"},
    {"contracts", "batch"},
    {"store", "nn", "metrics", "codes", "signals", "text", "residues"},
    {"readers", "study", "prep"},
    {"modalities", "encoders", "tasks", "baselines"},
    {"model"},
    {"train", "explain"},
    {"evaluate"},
    {"bundle", "export", "simulate"},
    {"monitoring"},
    {"pipeline"},
    {"cli"},
]
HEIGHT = {unit: height for height, layer in enumerate(LAYERS) for unit in layer}
CORE = {"errors", "types", "registry", "seed", "config", "contracts"}
HEAVY = {"torch", "lightning", "sklearn", "scipy", "polars", "pyarrow", "wfdb", "PIL"}


def unit_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path, *, typing_too: bool = False) -> Iterator[str]:
    """Modules that a file imports when it runs, wherever in it; those for type checkers alone are left out."""
    tree = ast.parse(path.read_text())
    skipped = set() if typing_too else {id(node) for node in typing_only(tree)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def typing_only(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from ast.walk(node)


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem not in ("__init__", "__main__"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_only(path: Path) -> None:
    unit = unit_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "sequela" or len(parts) < 2:
            continue
        other = parts[1]
        if other in ("__version__", unit):
            continue
        assert other in HEIGHT, f"{path.name} imports sequela.{other}, which has no layer"
        assert HEIGHT[other] < HEIGHT[unit], f"{path.name} ({unit}) imports {name}, which is not below it"


def test_every_unit_has_a_layer() -> None:
    assert {unit_of(path) for path in FILES} <= set(HEIGHT)


@pytest.mark.parametrize(
    "path", [path for path in FILES if unit_of(path) in CORE], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_the_core_imports_nothing_heavy(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & HEAVY
