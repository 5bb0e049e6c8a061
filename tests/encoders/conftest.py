"""The equations of the papers, for the golden tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The module tests/golden/recurrences.py."""
    path = Path(__file__).parents[1] / "golden" / "recurrences.py"
    found = importlib.util.spec_from_file_location("golden_recurrences", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
