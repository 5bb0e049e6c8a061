"""Optional packages: imported in the function that needs them, refused with the line that installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from sequela.errors import MissingExtra


def need(module: str, extra: str) -> ModuleType:
    """The module, imported now.

    Raises MissingExtra, with the install line, where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name.partition(".")[0]):
            raise
        raise MissingExtra(
            f"this needs the package {module.partition('.')[0]!r}, which is not installed",
            hint=f"pip install 'sequela[{extra}]'",
        ) from error
